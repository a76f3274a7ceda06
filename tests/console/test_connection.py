"""A list whose connection is lost, and whose changes are no longer kept when it comes back."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.axe import violations_in_every_scheme
from tests.console.console_page import LIST, ConsolePage
from tests.console.test_list import point_at, row_of, running
from tests.gateway import Gateway, insert, running_gateway
from tests.places import Place
from tests.protocols.table import free_port
from tests.server.graphql.subscriptions.event_source import forget_events

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

_TOP = "(guid) => document.querySelector(`[data-guid='${guid}']`).getBoundingClientRect().top"


@pytest.fixture
def serve(copy_of_demo: Place) -> Callable[[], Any]:
    """Serves a database of the test's own until a block ends, each time at the same address."""
    port = free_port()
    return lambda: running_gateway(copy_of_demo, port=port)


@pytest.fixture
def visit(open_console: Callable[..., ConsolePage]) -> Iterator[Callable[[Gateway], ConsolePage]]:
    """Begins visits that may be left without a gateway."""
    visits: list[ConsolePage] = []

    def begin(gateway: Gateway) -> ConsolePage:
        visits.append(open_console(gateway))
        return visits[-1]

    yield begin
    for each in visits:
        each.page.close()
        # The browser complains of what was asked while nobody was there.
        each.complaints.clear()


def _pause(page: Page) -> None:
    """Stop the page's clock, so that nothing is tried again by itself."""
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 60"))


def test_a_lost_connection_is_tried_at_once_by_whoever_asks_for_it(
    visit: Callable[[Gateway], ConsolePage], serve: Callable[[], Any]
) -> None:
    with serve() as gateway:
        page = visit(gateway).page
        page.clock.install()
        page.goto(f"{gateway.url}{LIST}")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
    lost = page.get_by_text("The connection is lost.")
    expect(lost).to_be_visible()
    assert violations_in_every_scheme(page) == []
    _pause(page)
    with serve() as gateway:
        gateway.insert([running("meanwhile")])
        expect(lost).to_be_visible()
        page.get_by_role("button", name="Try now").click()
        expect(lost).to_have_count(0)
        page.clock.resume()
        expect(row_of(page, "meanwhile")).to_be_visible()


def test_what_is_pointed_at_stays_when_changes_are_no_longer_kept(
    visit: Callable[[Gateway], ConsolePage], serve: Callable[[], Any], copy_of_demo: Place
) -> None:
    with serve() as gateway:
        console = visit(gateway)
        page = console.open(LIST)
        guid = _newest(gateway)
        point_at(page, row_of(page, guid))
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
    top = page.evaluate(_TOP, guid)
    insert(copy_of_demo, [running(f"new-{number}", number) for number in range(40)])
    forget_events(copy_of_demo)
    console.asked.clear()
    with serve() as gateway:
        expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "2041")
        console.settle()
        assert page.evaluate(_TOP, guid) == pytest.approx(top, abs=1)
        assert "ListStart" in [name for name, _ in console.asked]
        # It is told of changes again, in its place.
        gateway.sql("UPDATE executions SET state = 'TIMEOUT' WHERE guid = ?", guid)
        expect(row_of(page, guid)).to_contain_text("Timeout")
        page.keyboard.press("Home")
        expect(row_of(page, "new-39")).to_be_visible()


def _newest(gateway: Gateway) -> str:
    query = "{ executions(first: 1) { nodes { guid } } }"
    guid: str = gateway.graphql(query)["executions"]["nodes"][0]["guid"]
    return guid
