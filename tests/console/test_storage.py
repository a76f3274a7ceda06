"""What the browser keeps for the page: nothing, too little, or what others have written there."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.console.console_page import ConsolePage
from tests.gateway import Gateway

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

LIST = "/?view=executions"
VIEWS = "executions-gateway.console:views"
KEY = "executions-gateway:key"
_FORBIDDEN = """
for (const name of ["localStorage", "sessionStorage"]) {
  const get = () => { throw new DOMException("The storage is off", "SecurityError"); };
  Object.defineProperty(window, name, { get });
}
"""


def _save_view(page: Page, name: str) -> None:
    page.get_by_role("button", name="Save this view").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Save", exact=True).click()


def test_the_page_works_where_the_browser_keeps_nothing(
    open_console: Callable[[Gateway], ConsolePage], gateway: Gateway, new_key: Callable[..., str]
) -> None:
    key = new_key("read")
    console = open_console(gateway)
    console.page.add_init_script(_FORBIDDEN)
    page = console.open(f"{LIST}&filter=state:ERROR")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Use key").click()
    expect(page.locator("[data-guid]").first).to_be_visible()
    _save_view(page, "Mine")
    expect(page.get_by_role("alert").filter(has_text="the browser keeps no more")).to_be_attached()
    expect(page.get_by_role("link", name="Mine")).to_be_visible()


def test_what_others_have_left_in_the_storage_does_no_harm(console_page: ConsolePage) -> None:
    view = {"filter": "state:ERROR", "order": "", "range": ""}
    views = [
        {**view, "name": "<img src=x onerror=document.title=1>"},
        {**view, "name": "Half", "filter": "\ud800"},
        {"name": "No view"},
        *({**view, "name": f"{number}"} for number in range(1_000)),
    ]
    kept = json.dumps([VIEWS, json.dumps(views)])
    console_page.page.add_init_script(f"localStorage.setItem(...{kept})")
    page = console_page.open(LIST)
    expect(page.get_by_role("link", name="<img src=x")).to_have_attribute(
        "href", "?view=executions&filter=state:ERROR"
    )
    expect(page.get_by_role("link", name="Half")).to_be_visible()
    assert console_page.elements() < 3_000
    expect(page.get_by_role("button", name="Save this view")).to_have_attribute(
        "aria-disabled", "true"
    )


@pytest.mark.parametrize("key", ["egw_copied…", "egw_two\nlines"])
def test_a_key_that_can_not_be_one_is_never_sent_and_asked_for_again(
    console_page: ConsolePage, key: str
) -> None:
    console_page.use_key(key)
    page = console_page.open(LIST)
    expect(page.get_by_role("heading", name="The gateway does not take this key.")).to_be_visible()
    expect(page.get_by_text("It has characters that no key has; copy it again.")).to_be_visible()
    # This gateway needs none.
    page.get_by_role("button", name="Key of this tab").click()
    page.get_by_role("menuitem", name="Forget this key").click()
    expect(page.locator("[data-guid]").first).to_be_visible()
    assert page.evaluate("name => sessionStorage.getItem(name)", KEY) is None
