"""A gateway that ends tells those who subscribe over a WebSocket where to go on, and leaves."""

import contextlib

from tests.faults.programs import Program, program, wait_until
from tests.faults.writes import UPDATE, fill
from tests.gateway import run_sql
from tests.places import Place
from tests.plain_http import get, post
from tests.server.graphql.subscriptions.watchers import SHUTTING_DOWN, Watcher, value_in

# Nobody could wait that long.
_PATIENT = {"shutdown_timeout": "600", "busy_timeout": "50"}


def _now(running: Program) -> str:
    answer = post(f"{running.url}/graphql", json={"query": "{ eventCursor }"}, timeout=60)
    cursor: str = answer.json()["data"]["eventCursor"]
    return cursor


def _value(running: Program, metric: str) -> float:
    return value_in(get(f"{running.url}/metrics", timeout=60).text, metric)


def _change(place: Place, state: str) -> None:
    run_sql(place, "UPDATE executions SET state = ?", state)


def _begin_change(running: Program, client: Watcher) -> None:
    """Ask for a change that has to wait."""
    client.subscribe("change", UPDATE, guid="g-0", state="STOPPED")
    taken = 'gateway_places_taken{limit="max_concurrent_requests"}'
    wait_until(lambda: _value(running, taken) == 1)


def test_each_subscription_gets_its_cursor_and_keeps_nobody_waiting(place: Place) -> None:
    fill(place, 1)
    with program(place, **_PATIENT) as running, Watcher(running.url) as client:
        for name in ("1", "2"):
            client.subscribe(name, after=_now(running))
        _change(place, "FINISHED")
        assert {client.read()["type"] for _ in range(2)} == {"next"}
        running.terminate()
        told = client.read()
        assert told["type"] == "ping"
        assert set(told["payload"]["cursors"]) == {"1", "2"}
        assert client.socket.read_close() == (1012, SHUTTING_DOWN)
        assert running.wait() == 0
    _change(place, "ERROR")
    with program(place) as running, Watcher(running.url) as client:
        client.subscribe("1", after=told["payload"]["cursors"]["1"])
        assert client.event()["execution"]["state"] == "ERROR"


def test_more_clients_than_connections_may_be_closing_are_all_told(place: Place) -> None:
    with (
        program(place, max_open_connections="5", **_PATIENT) as running,
        contextlib.ExitStack() as stack,
    ):
        clients = [stack.enter_context(Watcher(running.url)) for _ in range(50)]
        for client in clients:
            client.subscribe("1")
        wait_until(lambda: _value(running, 'gateway_subscribers{phase="live"}') == 50)
        running.terminate()
        for client in clients:
            assert set(client.read()["payload"]["cursors"]) == {"1"}
            assert client.socket.read_close() == (1012, SHUTTING_DOWN)
        assert running.wait() == 0


def test_a_client_that_reads_nothing_keeps_nobody_waiting(place: Place) -> None:
    with program(place, **_PATIENT) as running, Watcher(running.url, buffer=4096) as client:
        client.subscribe("1", after=_now(running))
        wait_until(lambda: _value(running, 'gateway_subscribers{phase="live"}') == 1)
        fill(place, 5_000)
        wait_until(lambda: _value(running, 'gateway_subscribers{phase="paused"}') == 1)
        running.terminate()
        assert running.wait() == 0


def test_other_operations_are_answered_before_the_connection_is_closed(place: Place) -> None:
    fill(place, 1)
    with program(place, **_PATIENT) as running, Watcher(running.url) as client:
        client.subscribe("events", after=_now(running))
        wait_until(lambda: _value(running, 'gateway_subscribers{phase="live"}') == 1)
        with place.held():
            _begin_change(running, client)
            running.terminate()
            assert client.read()["type"] == "ping"
            client.subscribe("more")
            told = client.error("more")
            assert told["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        answer = client.read()
        assert (answer["id"], answer["type"]) == ("change", "next")
        assert client.read() == {"id": "change", "type": "complete"}
        assert client.socket.read_close() == (1012, SHUTTING_DOWN)
        assert running.wait() == 0
    assert run_sql(place, "SELECT state FROM executions") == [("STOPPED",)]
