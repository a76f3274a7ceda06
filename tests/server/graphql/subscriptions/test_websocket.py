"""Subscriptions over graphql-transport-ws, as a client sees them."""

import contextlib
import functools
import json
from collections.abc import Callable
from typing import Any

import pytest

from db.events.feed import EventFeed
from db.instants import now_ms
from tests.faults.programs import wait_until
from tests.gateway import Gateway, make_key, running_gateway
from tests.places import Place
from tests.server.graphql.subscriptions.watchers import EVENTS, Watcher, now, value_of

_INSERT = (
    "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
    " VALUES (?, 'flow', ?, 'INPROGRESS', 1700000000000)"
)
_COUNT = "{ executions { totalCount } }"


def _create(gateway: Gateway, guid: str, session: str = "s") -> None:
    gateway.sql(_INSERT, guid, session)


def _create_many(gateway: Gateway, first: int, count: int) -> None:
    gateway.place.run(_INSERT, [(f"g-{first + number}", "s") for number in range(count)])


# What arrives


def test_each_change_arrives_as_next_in_order(gateway: Gateway) -> None:
    with Watcher(gateway.url) as client:
        client.subscribe("1", after=now(gateway))
        _create(gateway, "a")
        gateway.sql("UPDATE executions SET state = 'FINISHED' WHERE guid = 'a'")
        gateway.sql("DELETE FROM executions WHERE guid = 'a'")
        events = [client.event() for _ in range(3)]
        assert [(event["type"], event["execution"]["state"]) for event in events] == [
            ("CREATED", "INPROGRESS"),
            ("UPDATED", "FINISHED"),
            ("DELETED", "FINISHED"),
        ]


def test_a_filter_lets_through_what_it_names(gateway: Gateway) -> None:
    with Watcher(gateway.url) as client:
        client.subscribe("1", after=now(gateway), filter={"sessionId": {"eq": "mine"}})
        for number in range(5):
            _create(gateway, f"g-{number}", session="mine" if number % 2 else "other")
        assert [client.event()["guid"] for _ in range(2)] == ["g-1", "g-3"]
        assert client.synchronize() == []


def test_two_subscriptions_of_one_connection_get_each_its_own(gateway: Gateway) -> None:
    with Watcher(gateway.url) as client:
        cursor = now(gateway)
        client.subscribe("mine", after=cursor, filter={"sessionId": {"eq": "mine"}})
        client.subscribe("a" * 60, after=cursor, filter={"sessionId": {"eq": "other"}})
        _create(gateway, "a", session="mine")
        assert client.event("mine")["guid"] == "a"
        _create(gateway, "b", session="other")
        assert client.event("a" * 60)["guid"] == "b"


def test_ids_of_any_length_get_every_event_of_many(gateway: Gateway) -> None:
    names = ["x" * length for length in (1, 2, 100, 127, 300, 1000)]
    with Watcher(gateway.url) as client:
        cursor = now(gateway)
        for name in names:
            client.subscribe(name, after=cursor)
        wait_until(lambda: value_of(gateway, 'gateway_subscribers{phase="live"}') == len(names))
        _create_many(gateway, 0, 20)
        got: dict[str, list[str]] = {name: [] for name in names}
        for _ in range(20 * len(names)):
            told = client.read()
            got[told["id"]].append(told["payload"]["data"]["executionEvents"]["guid"])
        assert all(guids == [f"g-{number}" for number in range(20)] for guids in got.values())


def test_subscriptions_leave_the_turns_to_other_operations(gateway: Gateway) -> None:
    with Watcher(gateway.url) as client:
        for number in range(10):
            client.subscribe(str(number))
        client.subscribe("query", _COUNT)
        assert client.read()["id"] == "query"
        assert client.read() == {"id": "query", "type": "complete"}


# Ids


def test_a_completed_subscription_gets_nothing_more_and_its_id_is_free_at_once(
    gateway: Gateway,
) -> None:
    with Watcher(gateway.url) as client:
        client.subscribe("1", after=now(gateway))
        _create(gateway, "a")
        assert client.event()["guid"] == "a"
        client.send("complete", id="1")
        client.subscribe("1", _COUNT)
        assert client.read()["type"] == "next"
        assert client.read() == {"id": "1", "type": "complete"}
        client.subscribe("2", after=now(gateway))
        _create(gateway, "b")
        assert client.event("2")["guid"] == "b"
        wait_until(lambda: value_of(gateway, 'gateway_subscribers{phase="live"}') == 1)


def test_a_subscription_that_is_completed_while_it_begins_ends(gateway: Gateway) -> None:
    with Watcher(gateway.url) as client:
        for _ in range(20):
            client.subscribe("1")
            client.send("complete", id="1")
        assert client.synchronize() == []
        wait_until(lambda: _places(gateway) == 0)


def test_the_id_of_a_subscription_is_taken(gateway: Gateway) -> None:
    with Watcher(gateway.url) as client:
        client.subscribe("same", after=now(gateway))
        _create(gateway, "a")
        client.event("same")
        client.subscribe("same", _COUNT)
        assert client.socket.read_close() == (4409, "Subscriber for same already exists")


def _places(gateway: Gateway) -> float:
    return value_of(gateway, 'gateway_places_taken{limit="max_subscriptions"}')


@pytest.mark.parametrize("how", ["politely", "abruptly"])
def test_a_client_that_leaves_takes_its_subscriptions_with_it(gateway: Gateway, how: str) -> None:
    with Watcher(gateway.url) as client:
        client.subscribe("1")
        client.subscribe("2")
        wait_until(lambda: _places(gateway) == 2)
        if how == "politely":
            client.leave()
    wait_until(lambda: _places(gateway) == 0)
    wait_until(lambda: value_of(gateway, 'gateway_subscribers{phase="live"}') == 0)


# What is refused


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("subscription { nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", {}, "GRAPHQL_PARSE_FAILED"),
        (EVENTS, {"after": "?"}, "BAD_USER_INPUT"),
        (EVENTS, {"filter": {"guid": {"eq": 1.5}}}, "BAD_USER_INPUT"),
    ],
    ids=["field", "syntax", "cursor", "variable"],
)
def test_what_cannot_run_is_an_error_and_leaves_no_place_taken(
    gateway: Gateway, query: str, variables: dict[str, Any], code: str
) -> None:
    with Watcher(gateway.url) as client:
        client.subscribe("1", query, **variables)
        assert client.error()["extensions"]["code"] == code
        assert _places(gateway) == 0
        client.subscribe("1", _COUNT)
        assert client.read()["type"] == "next"


def test_a_cursor_of_another_database_says_that_the_list_must_be_loaded_anew(
    gateway: Gateway, tmp_path: Any
) -> None:
    with running_gateway(tmp_path / "other.db") as other:
        foreign = now(other)
    with Watcher(gateway.url) as client:
        client.subscribe("1", after=foreign)
        assert client.error()["extensions"]["code"] == "EVENTS_EXPIRED"


@pytest.mark.parametrize(
    ("limits", "setting"),
    [
        ({"max_subscriptions": 2}, "max_subscriptions"),
        ({"max_subscriptions_per_key": 2}, "max_subscriptions_per_key"),
        ({"max_subscriptions_per_connection": 2}, "max_subscriptions_per_connection"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_more_than_a_limit_allows_are_refused_and_its_setting_is_named(
    place: Place, limits: dict[str, Any], setting: str
) -> None:
    key = make_key(place, "read")
    with running_gateway(place, **limits) as gateway, Watcher(gateway.url, key=key) as client:
        client.subscribe("1")
        client.subscribe("2")
        wait_until(lambda: _places(gateway) == 2)
        client.subscribe("3")
        error = client.error("3")
        assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        assert f"({setting})" in error["message"]
        assert value_of(gateway, f'gateway_limit_refusals_total{{limit="{setting}"}}') == 1
        client.send("complete", id="1")
        wait_until(lambda: _places(gateway) == 1)
        client.subscribe("3")
        wait_until(lambda: _places(gateway) == 2)


def test_another_key_has_places_of_its_own(place: Place) -> None:
    keys = [make_key(place, "read") for _ in range(2)]
    with (
        running_gateway(place, max_subscriptions_per_key=1) as gateway,
        Watcher(gateway.url, key=keys[0]) as one,
        Watcher(gateway.url, key=keys[1]) as two,
    ):
        one.subscribe("1")
        wait_until(lambda: _places(gateway) == 1)
        two.subscribe("1")
        wait_until(lambda: _places(gateway) == 2)


# Keys


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE api_keys SET revoked_on = 1 WHERE id = 1", "revoked"),
        ("UPDATE api_keys SET expires_on = 1 WHERE id = 1", "expired"),
        ("UPDATE api_keys SET scopes = 'update' WHERE id = 1", "scope read"),
        ("DELETE FROM api_keys WHERE id = 1", "not known"),
    ],
    ids=["revoked", "expired", "read no more", "deleted"],
)
def test_the_end_of_its_key_closes_the_connection_and_leaves_others_open(
    place: Place, change: str, told: str
) -> None:
    keys = [make_key(place, "read") for _ in range(2)]
    with (
        running_gateway(place) as gateway,
        Watcher(gateway.url, key=keys[0]) as ending,
        Watcher(gateway.url, key=keys[1]) as staying,
    ):
        for client in (ending, staying):
            client.subscribe("1", after=None)
        wait_until(lambda: value_of(gateway, 'gateway_subscribers{phase="live"}') == 2)
        gateway.sql(change)
        code, reason = ending.socket.read_close()
        assert code == 4403
        assert reason.startswith("Forbidden: ")
        assert told in reason
        wait_until(lambda: _places(gateway) == 1)
        _create(gateway, "a")
        assert staying.event()["guid"] == "a"


def test_a_key_that_expires_meanwhile_closes_the_connection(place: Place) -> None:
    key = make_key(place, "read", expires_on=now_ms() + 3_600_000)
    with running_gateway(place) as gateway, Watcher(gateway.url, key=key) as client:
        client.subscribe("1")
        gateway.sql("UPDATE api_keys SET expires_on = ?", now_ms())
        assert client.socket.read_close()[0] == 4403


def test_a_key_that_may_not_read_may_not_subscribe(place: Place) -> None:
    key = make_key(place, "update")
    with running_gateway(place) as gateway, Watcher(gateway.url, key=key) as client:
        client.subscribe("1")
        assert client.error()["extensions"]["code"] == "FORBIDDEN"
        assert _places(gateway) == 0


# Cursors and heartbeats


def test_a_client_that_was_away_resumes_without_loss(gateway: Gateway) -> None:
    with Watcher(gateway.url) as client:
        client.subscribe("1", after=now(gateway))
        _create(gateway, "a")
        cursor = client.event()["cursor"]
    _create(gateway, "b")
    with Watcher(gateway.url) as client:
        client.subscribe("1", after=cursor)
        _create(gateway, "c")
        assert [client.event()["guid"] for _ in range(2)] == ["b", "c"]


def test_a_cursor_is_good_at_another_gateway(place: Place, gateway: Gateway) -> None:
    with Watcher(gateway.url) as client:
        client.subscribe("1", after=now(gateway))
        _create(gateway, "a")
        cursor = client.event()["cursor"]
    _create(gateway, "b")
    with running_gateway(place) as other, Watcher(other.url) as client:
        client.subscribe("1", after=cursor)
        assert client.event()["guid"] == "b"


def test_pings_have_the_cursor_of_each_subscription(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(heartbeat_interval=0.2)
    with Watcher(gateway.url) as client:
        cursor = now(gateway)
        client.subscribe("all", after=cursor)
        client.subscribe("none", after=cursor, filter={"guid": {"eq": "nothing"}})
        _create(gateway, "a")
        seen = client.read()
        while seen["type"] == "ping":
            seen = client.read()
        assert seen["id"] == "all"
        told = client.read()
        assert told["type"] == "ping"
        assert set(told["payload"]["cursors"]) == {"all", "none"}
        cursors = told["payload"]["cursors"]
    _create(gateway, "b")
    with Watcher(gateway.url) as client:
        client.subscribe("1", after=cursors["all"])
        assert client.event()["guid"] == "b"


def test_connections_without_subscriptions_get_no_pings_of_the_protocol(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(heartbeat_interval=0.01)
    with Watcher(gateway.url) as client:
        frames = [client.socket.read_frame() for _ in range(3)]
        assert frames == [(9, b"")] * 3


# Clients that do not read


def _fill_until_one_is_closed(gateway: Gateway, others: list[Watcher]) -> None:
    """Make events that others read, until the gateway gives up on the slow one."""
    made = 0
    while value_of(gateway, 'gateway_subscriptions_ended_total{code="FELL_BEHIND"}') == 0:
        _create_many(gateway, made, 500)
        for other in others:
            assert [other.event()["guid"] for _ in range(500)] == [
                f"g-{made + number}" for number in range(500)
            ]
        made += 500
        assert made < 50_000


def test_a_client_that_falls_behind_is_closed_and_others_are_not_and_it_resumes(
    gateway_with: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.EventFeed", functools.partial(EventFeed, recent_bytes=50_000))
    gateway = gateway_with(heartbeat_interval=600)
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(Watcher(gateway.url)) for _ in range(2)]
        slow = stack.enter_context(Watcher(gateway.url, buffer=4096))
        for client in (*others, slow):
            client.subscribe("1", after=now(gateway))
        wait_until(lambda: value_of(gateway, 'gateway_subscribers{phase="live"}') == 3)
        _fill_until_one_is_closed(gateway, others)
        last = None
        guids = []
        while (read := slow.socket.read_frame())[0] == 1:
            last = json.loads(read[1])["payload"]["data"]["executionEvents"]
            guids.append(last["guid"])
        assert read[0] == 8
        assert int.from_bytes(read[1][:2], "big") == 1013
        assert b"Fell behind" in read[1]
        assert last is not None
        assert guids == [f"g-{number}" for number in range(len(guids))]
        again = stack.enter_context(Watcher(gateway.url))
        again.subscribe("1", after=last["cursor"])
        assert again.event()["guid"] == f"g-{len(guids)}"
        _create(gateway, "last")
        assert [other.event()["guid"] for other in others] == ["last", "last"]


def test_a_client_that_reads_late_gets_every_event(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(heartbeat_interval=600)
    with Watcher(gateway.url, buffer=4096) as client:
        client.subscribe("1", after=now(gateway))
        client.subscribe("2", after=now(gateway))
        wait_until(lambda: value_of(gateway, 'gateway_subscribers{phase="live"}') == 2)
        made = 0
        while value_of(gateway, 'gateway_subscribers{phase="paused"}') < 2:
            _create_many(gateway, made, 500)
            made += 500
            assert made < 20_000
        got: dict[str, list[str]] = {"1": [], "2": []}
        for _ in range(2 * made):
            told = client.read()
            got[told["id"]].append(told["payload"]["data"]["executionEvents"]["guid"])
        assert all(guids == [f"g-{number}" for number in range(made)] for guids in got.values())
