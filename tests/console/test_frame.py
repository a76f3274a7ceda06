"""The frame of the console: what is around every view."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.axe import violations_in_every_scheme
from tests.console.console_page import PHONE, ConsolePage
from tests.gateway import Gateway

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

_BOXES = """() => [...document.querySelectorAll("#console a")].map((link) => {
  const { x, y, width, height } = link.getBoundingClientRect();
  return [link.textContent.trim(), x, y, width, height];
})"""


_TOO_LONG = "document.documentElement.scrollHeight - innerHeight"
_WIDER_THAN_THE_LIST = """[...document.querySelectorAll("[role=row]")]
  .filter((row) => row.scrollWidth > row.clientWidth).length"""


# Before the scripts are there


@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
def test_the_frame_is_there_before_the_scripts_and_does_not_move_when_they_come(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway, options: dict[str, Any]
) -> None:
    early = open_console(demo_gateway, **options)
    early.page.route(
        "**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript")
    )
    early.page.goto(early.url)
    expect(early.page.get_by_text("Executions Gateway").locator("visible=true")).to_be_visible()
    before = early.page.evaluate(_BOXES)

    after = open_console(demo_gateway, **options).open().evaluate(_BOXES)
    assert before == [box for box in after if box in before]


def test_views_scroll_and_the_page_does_not(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    low = {"viewport": {"width": 1280, "height": 500}}
    console = open_console(demo_gateway, **low)
    page = console.open()
    assert page.evaluate(_TOO_LONG) <= 0
    newest = demo_gateway.graphql("{ executions(first: 1) { nodes { guid } } }")
    guid = newest["executions"]["nodes"][0]["guid"]
    console.open(f"/?view=executions&execution={guid}")
    page.get_by_role("link", name="All of this agentflow").scroll_into_view_if_needed()
    assert page.evaluate(_TOO_LONG) <= 0
    assert page.evaluate(_WIDER_THAN_THE_LIST) == 0


# Finding one's way


def test_keys_lead_from_view_to_view_and_back_leads_back(console_page: ConsolePage) -> None:
    page = console_page.open()
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page.get_by_role("heading", name="Executions", level=1)).to_be_visible()
    expect(page.get_by_role("main")).to_be_focused()
    assert page.url.endswith("/?view=executions")
    page.go_back()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()


def test_all_keys_are_listed_and_can_be_turned_off(console_page: ConsolePage) -> None:
    page = console_page.open("/?view=executions")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    for name in ("Go to the executions", "Filter the executions", "Undo what was done last"):
        expect(keys.get_by_text(name)).to_be_visible()
    keys.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    page.keyboard.press("?")
    page.reload()
    page.keyboard.press("?")
    console_page.settle()
    expect(keys).to_have_count(0)


def test_a_phone_has_the_rail_behind_a_button(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    page = open_console(demo_gateway, **PHONE).open()
    page.get_by_role("button", name="Menu").tap()
    page.get_by_role("dialog", name="Menu").get_by_role("link", name="Executions", exact=True).tap()
    expect(page.get_by_role("heading", name="Executions", level=1)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_times_are_in_the_zone_of_the_reader_and_a_click_away_in_utc(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    page = open_console(demo_gateway, timezone_id="Asia/Kolkata").open("/?view=executions&x=1")
    zone = page.get_by_role("button", name="Times in")
    expect(zone).to_contain_text("UTC+05:30")
    zone.click()
    expect(zone).to_have_text("Times in UTC")
    assert page.url.endswith("/?view=executions&zone=UTC&x=1")


# Keys of the API


def test_a_gateway_that_needs_a_key_asks_for_it_and_keeps_it_in_the_tab(
    open_console: Callable[..., ConsolePage], gateway: Gateway, new_key: Callable[..., str]
) -> None:
    key = new_key("read")
    console = open_console(gateway)
    page = console.open()
    _enter(page, "egw_wrong")
    expect(page.get_by_text("does not take this key")).to_be_visible()
    _enter(page, key)
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    assert key not in page.url
    assert page.evaluate("localStorage.length") == 0
    gateway.sql("UPDATE api_keys SET revoked_on = 1700000000000")
    # The page follows changes, and learns of it without asking.
    expect(page.get_by_text("The key was revoked; ask for a new one.", exact=True)).to_be_visible()


def _enter(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")


def test_a_key_says_what_it_allows_and_can_be_forgotten(
    open_console: Callable[..., ConsolePage], gateway: Gateway, new_key: Callable[..., str]
) -> None:
    console = open_console(gateway)
    console.use_key(new_key("read", "delete"))
    page = console.open()
    page.get_by_role("button", name="Key").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("May read and delete")).to_be_visible()
    page.get_by_role("menuitem", name="Forget this key").click()
    expect(page.get_by_text("This gateway needs a key.")).to_be_visible()


def test_nothing_that_one_key_sees_is_shown_with_another(
    open_console: Callable[..., ConsolePage], gateway: Gateway, new_key: Callable[..., str]
) -> None:
    first = new_key("read", "update")
    other = new_key("update")
    [[guid, name]] = gateway.sql(
        "SELECT guid, name FROM executions JOIN agentflows ON agentflows.id = agentflow_id LIMIT 1"
    )
    gateway.sql("UPDATE executions SET session_id = NULL")
    console = open_console(gateway)
    console.use_key(first)
    page = console.open(f"/?execution={guid}&filter=guid:{guid}")
    drawer = page.get_by_role("complementary", name="Execution")
    expect(drawer.get_by_role("heading", name=name)).to_be_visible()
    page.get_by_role("button", name="Key").click()
    page.get_by_role("menuitem", name="Use another key").click()
    _enter(page, other)
    expect(drawer).to_contain_text("This needs a key with the scope read; yours has update.")
    expect(page.get_by_text(name)).to_have_count(0)
    addresses = {request for request in console.requested if first in request or other in request}
    assert addresses == set()


# For everybody


@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_wrong_with_the_frame(
    open_console: Callable[..., ConsolePage],
    demo_gateway: Gateway,
    options: dict[str, Any],
) -> None:
    page = open_console(demo_gateway, **options).open()
    assert violations_in_every_scheme(page) == []
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys).to_be_visible()
    # The page has one, which axe sees or not, as far as the dialog covers it.
    expect(keys.get_by_role("banner")).to_have_count(0)
    assert violations_in_every_scheme(page) == []


def test_the_frame_is_mirrored_from_right_to_left(console_page: ConsolePage) -> None:
    page = console_page.open()
    page.evaluate("document.documentElement.dir = 'rtl'")
    rail = page.get_by_role("navigation", name="Views").bounding_box()
    view = page.get_by_role("main").bounding_box()
    assert rail
    assert view
    assert rail["x"] > view["x"]
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
