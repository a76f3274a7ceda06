"""Changes of all executions that match a filter: killed, abandoned, and beside others."""

import functools
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from db.instants import from_ms
from tests import plain_http
from tests.faults.programs import (
    Clients,
    Program,
    graphql,
    program,
    requests_under_way,
    wait_until,
)
from tests.faults.writes import change, fill
from tests.gateway import run_sql
from tests.places import Place

COUNT = 24_000
KILLS = 6
DELETE = """mutation ($filter: ExecutionFilter!) {
  deleteExecutionsMatching(filter: $filter) { affected hasMore }
}"""
STOP = """mutation ($filter: ExecutionFilter!) {
  updateExecutionsMatching(filter: $filter, input: {state: STOPPED}) { affected hasMore }
}"""
PATIENT = {"max_matching_seconds": "600"}
"""So that one call is enough, however busy the machine is."""
RUNNING = {"state": {"eq": "INPROGRESS"}}
NEWEST = "{ executions(first: 5) { nodes { guid state } totalCount } }"


def _ask(url: str, query: str, filter_: Any) -> Any:
    """The payload of a change; None if there was no answer."""
    body = {"query": query, "variables": {"filter": filter_}}
    try:
        answer = plain_http.post(f"{url}/graphql", json=body, timeout=600).json()
    except httpx.TransportError:
        return None
    assert "errors" not in answer, answer
    [payload] = answer["data"].values()
    return payload


def _left(place: Place, state: str = "INPROGRESS") -> int:
    [(count,)] = run_sql(place, "SELECT count(*) FROM executions WHERE state = ?", state)
    return int(count)


def _assert_counts_are_true(url: str, place: Place) -> None:
    """Hold the totals by state, by agentflow and by day, and the statistics, to the rows."""
    rows = run_sql(place, "SELECT agentflow_id, state, created_on / 86400000 FROM executions")
    stats = graphql(
        url,
        """{ executionStats { totalCount byState { state count } timeline { totalCount }
          byAgentflow(first: 100) { agentflow { agentflowId } count } } }""",
    )["executionStats"]
    by_flow = {each["agentflow"]["agentflowId"]: each["count"] for each in stats["byAgentflow"]}
    assert stats["totalCount"] == len(rows)
    assert sum(each["totalCount"] for each in stats["timeline"]) == len(rows)
    assert by_flow == Counter(flow for flow, _, _ in rows)
    by_state = {each["state"]: each["count"] for each in stats["byState"] if each["count"]}
    assert by_state == Counter(state for _, state, _ in rows)
    day = {"first": 1_700_000_000_000 // 86_400_000}
    for name, filter_, expected in [
        *((f"flow {flow}", {"agentflowId": {"eq": flow}}, _count(rows, 0, flow)) for flow in FLOWS),
        *((state, {"state": {"eq": state}}, _count(rows, 1, state)) for state in STATES),
        *(
            (f"day {number}", _on_day(number), _count(rows, 2, number))
            for number in range(day["first"], day["first"] + 18)
        ),
    ]:
        query = """query ($filter: ExecutionFilter) {
          executions(filter: $filter, first: 0) { totalCount }
        }"""
        data = graphql(url, query, filter=filter_)
        assert data["executions"]["totalCount"] == expected, name


FLOWS = [f"flow-{number}" for number in range(7)]
STATES = ["INPROGRESS", "FINISHED", "STOPPED"]


def _count(rows: list[tuple[Any, ...]], place: int, value: object) -> int:
    return sum(row[place] == value for row in rows)


def _on_day(number: int) -> dict[str, Any]:
    began, ended = (_instant(day * 86_400_000) for day in (number, number + 1))
    return {"createdOn": {"gte": began, "lt": ended}}


def _instant(time: int) -> str:
    return from_ms(time).isoformat()


@contextmanager
def _under_way(place: Place, ask: Callable[[], Any]) -> Iterator[Any]:
    """Ask for a long change, and enter the block once some of it is done."""
    before = _left(place)
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(ask)
        wait_until(lambda: answer.done() or _left(place) < before)
        yield answer


def test_killed_in_the_middle_again_and_again_it_leaves_whole_batches(place: Place) -> None:
    fill(place, COUNT)
    run_sql(place, "UPDATE executions SET state = 'FINISHED' WHERE id % 4 = 0")
    matching = [
        row_id
        for (row_id,) in run_sql(place, "SELECT id FROM executions WHERE id % 4 > 0 ORDER BY id")
    ]
    for number in range(KILLS):
        query = DELETE if number % 2 else STOP
        with program(place) as running:
            # As the one before has left them.
            _assert_counts_are_true(running.url, place)
            with _under_way(place, functools.partial(_ask, running.url, query, RUNNING)):
                running.kill()
        left = run_sql(place, "SELECT id FROM executions WHERE state = 'INPROGRESS' ORDER BY id")
        # Batches go by the order of ids, so those that are left are the last ones.
        assert [row_id for (row_id,) in left] == matching[-len(left) :]
        assert left, "it was not killed in the middle"
    with program(place) as running:
        _assert_counts_are_true(running.url, place)
        wait_until(lambda: not _ask(running.url, DELETE, RUNNING)["hasMore"])
        assert _left(place) == 0
        assert _left(place, "FINISHED") == COUNT // 4
        _assert_counts_are_true(running.url, place)


def test_told_to_stop_the_gateway_ends_the_batch_and_answers_what_was_done(place: Place) -> None:
    fill(place, COUNT)
    with program(place) as running:
        with _under_way(place, lambda: _ask(running.url, DELETE, RUNNING)) as answer:
            running.terminate()
        assert running.wait() == 0
        done = answer.result()
    left = _left(place)
    assert done == {"affected": COUNT - left, "hasMore": True}
    assert left > 0


def _body() -> bytes:
    return json.dumps({"query": DELETE, "variables": {"filter": RUNNING}}).encode()


def _gone_from_http(running: Program, place: Place) -> None:
    address = urlsplit(running.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as client:
        client.sendall(
            b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(_body()), _body())
        )
        wait_until(lambda: _left(place) < COUNT)


def _gone_from_events(running: Program, place: Place) -> None:
    headers = {"accept": "text/event-stream", "content-type": "application/json"}
    address = urlsplit(running.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as client:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        client.sendall(
            b"POST /graphql HTTP/1.1\r\nhost: localhost\r\n%bcontent-length: %d\r\n\r\n%b"
            % (lines, len(_body()), _body())
        )
        wait_until(lambda: _left(place) < COUNT)


def _gone_from_socket(running: Program, place: Place, *, completes: bool) -> None:
    url = f"ws{running.url.removeprefix('http')}/graphql"
    with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as opened:
        opened.send('{"type": "connection_init"}')
        assert json.loads(opened.recv(timeout=30)) == {"type": "connection_ack"}
        payload = {"query": DELETE, "variables": {"filter": RUNNING}}
        opened.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        wait_until(lambda: _left(place) < COUNT)
        if completes:
            opened.send('{"type": "complete", "id": "1"}')
            _wait_for_rest(running, place)


def _wait_for_rest(running: Program, place: Place) -> None:
    """Wait until nothing is changed any more: a change that comes later goes on from there."""
    wait_until(lambda: requests_under_way(running.url) == 0)
    seen = [-1, _left(place)]

    def rests() -> bool:
        seen.append(_left(place))
        return len(set(seen[-10:])) == 1

    wait_until(rests)


@pytest.mark.parametrize(
    "go",
    [
        _gone_from_http,
        _gone_from_events,
        lambda running, place: _gone_from_socket(running, place, completes=False),
        lambda running, place: _gone_from_socket(running, place, completes=True),
    ],
    ids=["HTTP", "events", "a closed socket", "a completed operation"],
)
def test_a_client_that_goes_away_ends_the_change_with_its_batch(
    place: Place, go: Callable[[Program, Place], None]
) -> None:
    fill(place, COUNT)
    with program(place) as running:
        go(running, place)
        _wait_for_rest(running, place)
        assert 0 < _left(place) < COUNT
        _assert_counts_are_true(running.url, place)


def test_readers_and_writers_get_their_turn_while_many_are_deleted(place: Place) -> None:
    fill(place, COUNT)
    run_sql(place, "UPDATE executions SET state = 'FINISHED' WHERE id <= 2000")
    answered = {"read": 0, "write": 0, "plain": 0}
    counted = threading.Lock()

    def note(what: str) -> None:
        with counted:
            answered[what] += not deletion.done()

    def ask(client: int) -> None:
        number = answered["write"] % 1000
        if client == 0:
            assert graphql(running.url, NEWEST) is not None
            note("read")
        elif client == 1:
            assert change(running.url, f"g-{number}", "ERROR") == (200, "")
            note("write")
        else:
            sql = "UPDATE executions SET session_id = ? WHERE guid = ?"
            run_sql(place, sql, f"s-{answered['plain']}", f"g-{1000 + number}")
            note("plain")

    with (
        program(place, **PATIENT) as running,
        _under_way(place, lambda: _ask(running.url, DELETE, RUNNING)) as deletion,
    ):
        clients = Clients(3, ask)
        done = deletion.result()
        clients.stop()
    assert done == {"affected": COUNT - 2000, "hasMore": False}
    assert min(answered.values()) >= 5, answered


def test_calls_at_the_same_time_affect_each_execution_once(place: Place) -> None:
    fill(place, COUNT // 2)
    by_flow = {"agentflowId": {"in": FLOWS[:5]}} | RUNNING
    by_time = {"createdOn": {"gte": _instant(1_700_000_000_000)}} | RUNNING
    with program(place) as one, program(place) as another, ThreadPoolExecutor(4) as threads:

        def change_all(number: int) -> int:
            url = (one.url, another.url)[number % 2]
            query, filter_ = (DELETE, STOP)[number // 2], (by_flow, by_time)[number % 2]
            affected = 0

            def is_done() -> bool:
                nonlocal affected
                done = _ask(url, query, filter_)
                affected += done["affected"]
                return not done["hasMore"]

            wait_until(is_done)
            return affected

        deleted, also_deleted, stopped, also_stopped = threads.map(change_all, range(4))
        assert _left(place) == 0
        [(rows,)] = run_sql(place, "SELECT count(*) FROM executions")
        assert deleted + also_deleted == COUNT // 2 - rows
        assert stopped + also_stopped == _left(place, "STOPPED") == rows
        _assert_counts_are_true(one.url, place)


def test_what_plain_sql_writes_meanwhile_is_neither_lost_nor_deleted(place: Place) -> None:
    fill(place, COUNT)
    written = [0]
    insert = (
        "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
        " VALUES (?, 'flow-1', NULL, 'INPROGRESS', ?)"
    )

    def write(_: int) -> None:
        run_sql(place, insert, f"new-{written[0]}", 1_600_000_000_000 + written[0])
        written[0] += 1

    with (
        program(place, **PATIENT) as running,
        _under_way(place, lambda: _ask(running.url, DELETE, RUNNING)) as deletion,
    ):
        clients = Clients(1, write)
        done = deletion.result()
        clients.stop()
        assert done == {"affected": COUNT, "hasMore": False}
        assert _left(place) == written[0] > 0
        _assert_counts_are_true(running.url, place)
