"""A browser's own EventSource, without a line of code that reconnects."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.console.browser import Visit
from tests.faults.programs import wait_until
from tests.gateway import insert, running_gateway
from tests.places import Place
from tests.protocols.table import free_port
from tests.sample import SAMPLE
from tests.server.graphql.subscriptions.event_source import forget_events

WATCH = "subscription { executionEvents { type execution { sessionId } } }"
LISTEN = """(query) => {
  window.told = [];
  window.source = new EventSource(`/graphql?query=${encodeURIComponent(query)}`);
  for (const name of ['open', 'next', 'complete', 'error']) {
    source.addEventListener(name, ({ data, lastEventId }) => {
      told.push({ name, data, lastEventId, state: source.readyState });
    });
  }
}"""
CLOSED = 2


def _listen(page: Page, url: str, query: str = WATCH) -> None:
    # A page of the gateway that asks nothing by itself.
    page.goto(f"{url}/healthz")
    page.evaluate(LISTEN, query)
    wait_until(lambda: len(_told(page, "open")) == 1)


def _told(page: Page, name: str) -> list[Any]:
    return [each for each in page.evaluate("told") if each["name"] == name]


def _sessions(page: Page) -> list[str]:
    answers = [json.loads(each["data"])["data"] for each in _told(page, "next")]
    return [answer["executionEvents"]["execution"]["sessionId"] for answer in answers]


def _change(place: Place, mark: str) -> None:
    place.run("UPDATE executions SET session_id = ? WHERE guid = ?", [(mark, SAMPLE[0].guid)])


@pytest.fixture
def page(browser: Browser, place: Place) -> Iterator[Page]:
    """A page of a gateway that may be started again at the same address."""
    insert(place, SAMPLE)
    with Visit.begin(browser, "") as visitor:
        yield visitor.page


def test_it_goes_on_by_itself_after_the_gateway_restarts(page: Page, place: Place) -> None:
    port = free_port()
    with running_gateway(place, port=port) as gateway:
        _listen(page, gateway.url)
        _change(place, "before")
        wait_until(lambda: _sessions(page) == ["before"])
    _change(place, "meanwhile")
    with running_gateway(place, port=port):
        wait_until(lambda: _sessions(page) == ["before", "meanwhile"])
        _change(place, "afterwards")
        wait_until(lambda: _sessions(page) == ["before", "meanwhile", "afterwards"])
    assert len(_told(page, "open")) == 2


def test_it_goes_on_from_where_it_was_although_there_was_no_event_yet(
    page: Page, place: Place
) -> None:
    port = free_port()
    with running_gateway(place, port=port) as gateway:
        _listen(page, gateway.url)
    _change(place, "meanwhile")
    with running_gateway(place, port=port):
        wait_until(lambda: _sessions(page) == ["meanwhile"])


def test_it_is_told_of_events_that_are_not_kept_and_asks_no_more(page: Page, place: Place) -> None:
    port = free_port()
    with running_gateway(place, port=port) as gateway:
        _listen(page, gateway.url)
    for mark in ("first", "second"):
        _change(place, mark)
    forget_events(place)
    with running_gateway(place, port=port):
        wait_until(lambda: page.evaluate("source.readyState") == CLOSED)
    [told] = _told(page, "next")
    assert json.loads(told["data"])["errors"][0]["extensions"]["code"] == "EVENTS_EXPIRED"
    assert len(_told(page, "complete")) == 1


def test_it_does_not_ask_again_and_again_for_what_cannot_run(page: Page, place: Place) -> None:
    with running_gateway(place) as gateway:
        _listen(page, gateway.url, "subscription { nothing }")
        wait_until(lambda: page.evaluate("source.readyState") == CLOSED)
    assert len(_told(page, "open")) == 1
