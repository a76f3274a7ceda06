"""The field for the API key: where the key is sent, where it never is, and what errors say."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.graphiql import GraphiQL
from tests.gateway import Gateway

pytestmark = pytest.mark.sqlite


@pytest.fixture
def visitor(browser: Browser, gateway: Gateway) -> Iterator[GraphiQL]:
    with GraphiQL.begin(browser, gateway.url) as visiting:
        yield visiting


def _use(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Use key").click()


def _open_with(visitor: GraphiQL, key: str) -> Page:
    page = visitor.page
    page.goto(f"{visitor.url}/graphql")
    expect(visitor.refusal).to_be_visible()
    _use(page, key)
    expect(visitor.editor("Operation Editor")).to_be_visible()
    return page


def test_a_gateway_with_keys_asks_for_one(visitor: GraphiQL, new_key: Callable[..., str]) -> None:
    new_key("read")
    visitor.page.goto(f"{visitor.url}/graphql")
    expect(visitor.refusal).to_contain_text("This gateway needs a key.")
    expect(visitor.page.get_by_label("API key")).to_be_focused()


def test_with_a_key_the_schema_loads_and_queries_run(
    visitor: GraphiQL, new_key: Callable[..., str]
) -> None:
    key = new_key("read")
    page = visitor.page
    page.goto(f"{visitor.url}/graphql")
    expect(visitor.refusal).to_be_visible()
    page.get_by_label("API key").press_sequentially(key)
    page.keyboard.press("Enter")
    visitor.run()
    visitor.expect_result("totalCount")
    expect(visitor.refusal).to_be_hidden()
    page.get_by_label("Show Documentation Explorer").click()
    expect(page.get_by_label("Documentation Explorer", exact=True)).to_contain_text("Query")


def test_a_key_that_is_unknown_is_said_to_be(
    visitor: GraphiQL, new_key: Callable[..., str]
) -> None:
    new_key("read")
    page = visitor.page
    page.goto(f"{visitor.url}/graphql")
    _use(page, "egw_unknown")
    alert = visitor.refusal
    expect(alert).to_contain_text("The gateway does not take this key.")
    expect(alert).to_contain_text("The key is not known here; check that it is whole")


def test_the_field_says_that_an_unknown_key_is_not_in_use(
    visitor: GraphiQL, new_key: Callable[..., str]
) -> None:
    new_key("read")
    page = visitor.page
    page.goto(f"{visitor.url}/graphql")
    field = page.get_by_label("API key")
    expect(field).to_have_attribute("placeholder", "egw_…")
    _use(page, "egw_unknown")
    expect(field).to_have_attribute("placeholder", "not taken; enter another one")
    _use(page, new_key("read"))
    expect(field).to_have_attribute("placeholder", "in use until this tab is closed")


def test_the_field_says_when_no_key_is_needed(visitor: GraphiQL) -> None:
    page = visitor.open()
    expect(page.get_by_label("API key")).to_have_attribute(
        "placeholder", "not needed by this gateway"
    )


def test_a_refusal_moves_nothing_on_the_page_and_can_be_closed(
    visitor: GraphiQL, new_key: Callable[..., str]
) -> None:
    page = _open_with(visitor, new_key("read"))
    visitor.tab("StopExecution").click()
    run = page.get_by_label("Execute query (Ctrl-Enter)")
    expect(run).to_be_visible()
    before = run.bounding_box()
    visitor.press_execute()
    expect(visitor.refusal).to_contain_text("Your key may not do this.")
    assert run.bounding_box() == before
    run.click(trial=True)
    visitor.refusal.get_by_role("button", name="Close").click()
    expect(visitor.refusal).to_be_hidden()
    assert run.bounding_box() == before


def test_a_read_key_may_change_nothing_and_the_page_says_what_it_lacks(
    visitor: GraphiQL, gateway: Gateway, new_key: Callable[..., str]
) -> None:
    page = _open_with(visitor, new_key("read"))
    before = gateway.sql("SELECT guid, state FROM executions ORDER BY id")
    visitor.tab("StopExecution").click()
    visitor.run()
    alert = visitor.refusal
    expect(alert).to_contain_text("Your key may not do this.")
    expect(alert).to_contain_text("This needs a key with the scope update; yours has read.")
    visitor.expect_result("FORBIDDEN")
    assert gateway.sql("SELECT guid, state FROM executions ORDER BY id") == before
    _use(page, new_key("read", "update"))
    visitor.run()
    visitor.expect_result('"state": "STOPPED"')
    expect(alert).to_be_hidden()


def test_a_key_that_is_revoked_meanwhile_is_asked_for_again(
    visitor: GraphiQL, gateway: Gateway, new_key: Callable[..., str]
) -> None:
    _open_with(visitor, new_key("read"))
    gateway.sql("UPDATE api_keys SET revoked_on = 1700000000000")
    visitor.run_until_refused()
    expect(visitor.refusal).to_contain_text("The key was revoked; ask for a new one")


def _everything_kept(page: Page) -> dict[str, Any]:
    kept: dict[str, Any] = page.evaluate(
        """async () => ({
            local: {...localStorage}, cookies: document.cookie, url: location.href,
            databases: await indexedDB.databases(), caches: await caches.keys(),
        })"""
    )
    return kept


def test_a_key_is_kept_in_this_tabs_session_and_nowhere_else(
    browser: Browser, gateway: Gateway, new_key: Callable[..., str]
) -> None:
    key = new_key("read")
    options = {"permissions": ["clipboard-read", "clipboard-write"]}
    with GraphiQL.begin(browser, gateway.url, **options) as visitor:
        page = _open_with(visitor, key)
        page.get_by_role("button", name="Headers").click()
        page.locator(".graphiql-editor-tool .graphiql-editor:not(.hidden)").click()
        page.keyboard.type(json.dumps({"Authorization": f"Bearer {key}"}))
        visitor.run()
        visitor.expect_result("totalCount")
        page.get_by_label("Copy a link to this query").click()
        expect(page.get_by_text("Link copied")).to_be_visible()
        assert key not in page.evaluate("navigator.clipboard.readText()")
        visitor.wait_for_storage("queries", "NewestFailures")
        visitor.wait_for_storage("tabState", "NewestFailures")
        assert key not in json.dumps(_everything_kept(page))
        assert [url for url in visitor.requested if key in url] == []
        page.reload()
        visitor.run()
        visitor.expect_result("totalCount")
        other = visitor.context.new_page()
        other.goto(f"{gateway.url}/graphql")
        expect(other.locator("#console > [role=alert]")).to_contain_text(
            "This gateway needs a key."
        )


def test_a_key_that_is_forgotten_is_gone(visitor: GraphiQL, new_key: Callable[..., str]) -> None:
    key = new_key("read")
    page = _open_with(visitor, key)
    page.get_by_role("button", name="Forget key").click()
    expect(visitor.refusal).to_contain_text("This gateway needs a key.")
    assert key not in json.dumps(page.evaluate("({...sessionStorage})"))


def test_a_websocket_shows_the_key_in_its_first_message(
    visitor: GraphiQL, new_key: Callable[..., str]
) -> None:
    key = new_key("read")
    page = _open_with(visitor, key)
    with page.expect_websocket() as opened:
        visitor.write("subscription { __typename }")
        visitor.run()
    visitor.expect_result("message")
    assert visitor.messages[0] == {
        "type": "connection_init",
        "payload": {"Authorization": f"Bearer {key}"},
    }
    assert key not in opened.value.url
