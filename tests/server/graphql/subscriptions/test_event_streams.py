"""Subscriptions as server-sent events: what a client reads, and how a stream ends."""

import contextlib
import functools
import itertools
from collections.abc import Callable

import pytest

from db.events.feed import EventFeed
from tests.faults.programs import wait_until
from tests.gateway import Gateway, bearer, make_key, running_gateway
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.graphql.subscriptions.event_source import forget_events, subscribed
from tests.server.graphql.subscriptions.watchers import value_of
from tests.server.wire import taken_places

STOP = "UPDATE executions SET state = 'STOPPED' WHERE guid = ?"
CHANGE = "UPDATE executions SET session_id = ? WHERE guid = ?"
RUNNING = [row.guid for row in SAMPLE if row.state == "INPROGRESS"]
_NUMBERS = itertools.count()
STOPPED = {"state": {"eq": "STOPPED"}}


@pytest.fixture
def gateway(gateway: Gateway) -> Gateway:
    gateway.insert(SAMPLE)
    return gateway


def stop(gateway: Gateway, guid: str = RUNNING[0]) -> None:
    """Change an execution as an engine does."""
    gateway.sql(STOP, guid)


def change(gateway: Gateway, count: int) -> None:
    """Make so many changes of one execution, which all differ."""
    for _ in range(count):
        gateway.sql(CHANGE, f"changed {next(_NUMBERS)}", RUNNING[0])


def subscriptions(gateway: Gateway) -> int:
    return taken_places(gateway, "max_subscriptions")


# What comes


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_change_is_an_event_with_its_cursor_as_the_id(gateway: Gateway, method: str) -> None:
    with subscribed(gateway, method=method) as source:
        assert source.next_position()
        stop(gateway)
        block = source.next()
    assert block.name == "next"
    assert block.event == {
        "cursor": block.id,
        "type": "UPDATED",
        "matches": True,
        "guid": RUNNING[0],
        "previousState": "INPROGRESS",
        "execution": {"guid": RUNNING[0], "state": "STOPPED"},
    }


def test_the_stream_begins_before_anything_happens(gateway: Gateway) -> None:
    with subscribed(gateway) as source:
        headers = source.response.headers
        assert source.response.status_code == 200
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        first = next(source.blocks())
        assert (first.name, first.data) == (None, None)
        assert first.id


def test_proxies_are_asked_to_pass_events_on_at_once(gateway: Gateway) -> None:
    with subscribed(gateway) as source:
        headers = source.response.headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in headers


def test_events_come_in_the_order_of_the_changes(gateway: Gateway) -> None:
    with subscribed(gateway) as source:
        source.next_position()
        for guid in RUNNING:
            stop(gateway, guid)
        assert [event["guid"] for event in source.take(len(RUNNING))] == RUNNING


def test_only_what_matches_the_filter_comes(gateway: Gateway) -> None:
    with subscribed(gateway, filter=STOPPED) as source:
        source.next_position()
        change(gateway, 3)
        stop(gateway)
        assert source.next().event["execution"]["state"] == "STOPPED"


def test_a_head_request_subscribes_to_nothing(gateway: Gateway) -> None:
    with subscribed(gateway, method="HEAD") as source:
        assert source.response.status_code == 200
        assert source.response.headers["content-type"].startswith("text/event-stream")
        assert source.to_the_end() == []
    assert subscriptions(gateway) == 0


def test_a_page_of_an_allowed_origin_may_read_the_stream(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(cors_origins=["https://app.example"])
    with subscribed(gateway, headers={"origin": "https://app.example"}) as source:
        assert source.response.headers["access-control-allow-origin"] == "https://app.example"


# From where


def test_a_stream_goes_on_after_the_last_event_id(gateway: Gateway) -> None:
    with subscribed(gateway) as source:
        source.next_position()
        change(gateway, 1)
        source.next()
        last_id = source.last_id
    change(gateway, 2)
    with subscribed(gateway, last_id=last_id) as source:
        assert len({event["cursor"] for event in source.take(2)} - {last_id}) == 2


def test_a_stream_goes_on_after_the_argument(gateway: Gateway) -> None:
    with subscribed(gateway) as source:
        source.next_position()
        after = source.last_id
    stop(gateway)
    with subscribed(gateway, after=after) as source:
        assert source.next().event["guid"] == RUNNING[0]


def test_the_last_event_id_wins_over_the_argument(gateway: Gateway) -> None:
    with subscribed(gateway) as source:
        source.next_position()
        after = source.last_id
        stop(gateway, RUNNING[0])
        source.next()
        last_id = source.last_id
    stop(gateway, RUNNING[1])
    with subscribed(gateway, after=after, last_id=last_id) as source:
        assert source.next().event["guid"] == RUNNING[1]


def test_an_empty_last_event_id_is_none(gateway: Gateway) -> None:
    with subscribed(gateway, last_id="") as source:
        assert source.next_position()


def test_a_stream_goes_on_where_it_was_after_a_restart(
    place: Place, gateway_with: Callable[..., Gateway], gateway: Gateway
) -> None:
    with subscribed(gateway) as source:
        source.next_position()
        stop(gateway, RUNNING[0])
        source.next()
    stop(gateway, RUNNING[1])
    other = gateway_with()
    assert other.place is place
    with subscribed(other, last_id=source.last_id) as again:
        assert again.next().event["guid"] == RUNNING[1]


def test_the_first_id_is_enough_to_miss_nothing(gateway: Gateway) -> None:
    with subscribed(gateway) as source:
        last_id = source.next_position()
    stop(gateway)
    with subscribed(gateway, last_id=last_id) as source:
        assert source.next().event["guid"] == RUNNING[0]


# Signs of life


def test_a_silent_stream_tells_how_far_it_is(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(heartbeat_interval=0.1)
    gateway.insert(SAMPLE)
    with subscribed(gateway, filter=STOPPED) as source:
        first = source.next_position()
        assert source.next_position() == first
        change(gateway, 1)
        blocks = source.blocks()
        moved = next(block for block in blocks if block.id != first)
        assert (moved.name, moved.data) == (None, None)
    stop(gateway)
    assert moved.id
    with subscribed(gateway, filter=STOPPED, last_id=moved.id) as source:
        assert source.next().event["guid"] == RUNNING[0]


# What can't run


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ('subscription { executionEvents(after: "no cursor") { guid } }', "BAD_USER_INPUT"),
        ("subscription ($n: Int!) { executionEvents { guid } }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_what_cannot_run_is_an_event_with_its_code(gateway: Gateway, query: str, code: str) -> None:
    with subscribed(gateway, query) as source:
        assert source.response.status_code == 200
        assert source.next().code == code
        assert source.next().name == "complete"
        assert source.to_the_end() == []
    assert subscriptions(gateway) == 0


def test_a_last_event_id_that_is_no_cursor_is_named(gateway: Gateway) -> None:
    with subscribed(gateway, last_id="no cursor") as source:
        [error] = source.next().payload["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"].startswith("Last-Event-ID must be")


def test_events_that_are_no_longer_kept_are_an_error(gateway: Gateway) -> None:
    with subscribed(gateway) as source:
        source.next_position()
        change(gateway, 3)
        source.take(1)
        last_id = source.last_id
        source.take(2)
    forget_events(gateway.place)
    with subscribed(gateway, last_id=last_id) as source:
        assert source.next().code == "EVENTS_EXPIRED"
        assert source.next().name == "complete"


def test_a_browser_is_told_not_to_ask_again_for_what_is_over(gateway: Gateway) -> None:
    with subscribed(gateway, "subscription { nothing }", method="GET") as source:
        source.to_the_end()
    with subscribed(gateway, method="GET", last_id=source.last_id) as source:
        assert source.response.status_code == 204


# Limits


def test_there_are_only_so_many_subscriptions(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(max_subscriptions=1)
    with subscribed(gateway) as first, subscribed(gateway) as second:
        assert first.next_position()
        assert second.response.status_code == 503
        assert second.response.headers["retry-after"]
    wait_until(lambda: subscriptions(gateway) == 0)
    with subscribed(gateway) as third:
        assert third.next_position()


def test_a_browser_that_finds_no_place_tries_again_later(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_subscriptions=1)
    with subscribed(gateway) as first:
        last_id = first.next_position()
        # At any other status it would give up.
        with subscribed(gateway, last_id=last_id) as second:
            assert second.response.status_code == 200
            [block] = second.to_the_end()
    assert block.retry is not None
    assert 5_000 <= block.retry < 10_000
    assert (block.name, block.id) == (None, None)


def test_subscriptions_take_no_place_of_lists(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(max_streams=1, max_concurrent_requests=1)
    with subscribed(gateway) as first, subscribed(gateway) as second:
        assert first.next_position()
        assert second.next_position()
        assert gateway.http.get("/executions").status_code == 200
        assert subscriptions(gateway) == 2


# Keys


def test_a_key_that_may_not_read_gets_no_stream(
    place: Place, gateway_with: Callable[..., Gateway]
) -> None:
    key = bearer(make_key(place, "update"))
    with subscribed(gateway_with(), headers=key) as source:
        assert source.response.status_code == 403


def test_a_stream_ends_with_its_key(place: Place, gateway_with: Callable[..., Gateway]) -> None:
    key = bearer(make_key(place, "read"))
    gateway = gateway_with(auth="keys")
    with subscribed(gateway, headers=key) as source:
        source.next_position()
        gateway.sql("UPDATE api_keys SET revoked_on = 1")
        assert source.next().code == "UNAUTHENTICATED"
        assert source.next().name == "complete"
        assert source.to_the_end() == []
    assert source.last_id == "complete"


# Clients that go, or don't read


def test_a_client_that_goes_away_leaves_its_place_at_once(gateway: Gateway) -> None:
    with subscribed(gateway) as source:
        source.next_position()
        assert subscriptions(gateway) == 1
    wait_until(lambda: subscriptions(gateway) == 0)


def test_a_gateway_that_stops_tells_where_to_go_on(place: Place) -> None:
    with contextlib.ExitStack() as clients:
        with running_gateway(place) as gateway:
            gateway.insert(SAMPLE)
            source = clients.enter_context(subscribed(gateway))
            source.next_position()
            stop(gateway, RUNNING[0])
            source.next()
        *_, last = source.to_the_end()
    assert last.name is None
    assert last.retry is not None
    assert 1_000 <= last.retry < 2_000
    assert last.comments[0].startswith("SHUTTING_DOWN: ")
    with running_gateway(place) as gateway, subscribed(gateway, last_id=last.id) as source:
        stop(gateway, RUNNING[1])
        assert source.next().event["guid"] == RUNNING[1]


def test_a_client_that_reads_late_gets_everything_once(gateway: Gateway) -> None:
    count = 200
    query = "subscription { executionEvents { execution { sessionId } } }"
    with subscribed(gateway, query, receive_buffer=4_096) as source:
        source.next_position()
        for number in range(count):
            gateway.sql(CHANGE, f"{number:>9000}", RUNNING[0])
        source.widen()
        told = [int(event["execution"]["sessionId"]) for event in source.take(count)]
    assert told == list(range(count))


def test_a_client_that_reads_nothing_is_dropped_after_the_send_timeout(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(send_timeout=0.2)
    gateway.insert(SAMPLE)
    query = "subscription { executionEvents { execution { sessionId } } }"
    with subscribed(gateway, query, receive_buffer=4_096) as source:
        source.next_position()

        def is_dropped() -> bool:
            gateway.sql(CHANGE, f"{next(_NUMBERS):>9000}", RUNNING[0])
            return subscriptions(gateway) == 0

        wait_until(is_dropped)


def test_a_client_that_falls_behind_comes_back_and_misses_nothing(
    gateway_with: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.EventFeed", functools.partial(EventFeed, recent_bytes=50_000))
    gateway = gateway_with()
    gateway.insert(SAMPLE)
    query = "subscription { executionEvents { execution { sessionId } } }"
    made = 0
    with subscribed(gateway, query, receive_buffer=4_096) as source:
        source.next_position()
        while not has_fallen_behind(gateway):
            gateway.sql(CHANGE, f"{made:>9000}", RUNNING[0])
            made += 1
            assert made < 10_000
        source.widen()
        *read, last = source.to_the_end()
    told = [int(block.event["execution"]["sessionId"]) for block in read if block.name]
    assert last.name is None
    assert last.comments[0].startswith("FELL_BEHIND: ")
    assert last.id
    with subscribed(gateway, query, last_id=last.id) as source:
        told += [int(event["execution"]["sessionId"]) for event in source.take(made - len(told))]
    assert told == list(range(made))


def has_fallen_behind(gateway: Gateway) -> bool:
    return value_of(gateway, 'gateway_subscriptions_ended_total{code="FELL_BEHIND"}') > 0
