"""A gateway that is told to end answers what is under way, tells its clients, and ends."""

import contextlib
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests import plain_http
from tests.faults.programs import Clients, Program, program, requests_under_way, wait_until
from tests.faults.writes import UPDATE, Writers, fill
from tests.gateway import run_sql
from tests.places import Place
from tests.raw_websocket import PING, RawSocket, frame, handshake

CHANGE = {"query": UPDATE, "variables": {"guid": "g-0", "state": "STOPPED"}}
CHANGED = {"updateExecution": {"__typename": "UpdateExecutionSuccess"}}
PATIENT = {"busy_timeout": "50"}
WORKERS = pytest.mark.parametrize("workers", ["1", "2"])


def _post(running: Program, **headers: str) -> httpx.Response:
    return plain_http.post(f"{running.url}/graphql", json=CHANGE, headers=headers, timeout=60)


def _is_refused(url: str) -> bool:
    try:
        plain_http.get(f"{url}/healthz", timeout=60)
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        return False
    return False


@contextlib.contextmanager
def _told_to_end_amid(
    place: Place, running: Program, ask: Callable[[], Any]
) -> Iterator["Future[Any]"]:
    """Ask for a write that has to wait, and tell the gateway to end, which it does after both."""
    with ThreadPoolExecutor(1) as thread:
        with place.held():
            answer = thread.submit(ask)
            wait_until(lambda: requests_under_way(running.url) > 0)
            running.terminate()
            wait_until(lambda: _is_refused(running.url))
            assert not answer.done()
        yield answer


@WORKERS
def test_a_request_that_is_under_way_is_answered_and_new_ones_are_refused(
    place: Place, workers: str
) -> None:
    fill(place, 1)
    with program(place, "--workers", workers, **PATIENT) as running:
        running.wait_for_workers(int(workers))
        with _told_to_end_amid(place, running, lambda: _post(running)) as answer:
            assert answer.result().json() == {"data": CHANGED}
            assert answer.result().headers["connection"] == "close"
        assert running.wait() == 0
    assert run_sql(place, "SELECT state FROM executions") == [("STOPPED",)]


def test_events_go_on_to_their_end(place: Place) -> None:
    fill(place, 1)
    with program(place, **PATIENT) as running:

        def ask() -> str:
            return _post(running, accept="text/event-stream").text

        with _told_to_end_amid(place, running, ask) as answer:
            assert answer.result().endswith("event: complete\ndata:\n\n")
            assert json.dumps(CHANGED, separators=(",", ":")) in answer.result()
        assert running.wait() == 0


def test_a_connection_that_waits_for_its_next_request_is_closed(place: Place) -> None:
    with program(place) as running:
        address = urlsplit(running.url)
        with socket.create_connection((address.hostname, address.port), timeout=30) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b'{"status":"ok"}'):
                answer += client.recv(10_000)
            running.terminate()
            assert client.recv(10_000) == b""
        assert running.wait() == 0


@contextlib.contextmanager
def _websocket(running: Program) -> Iterator[ClientConnection]:
    protocol = Subprotocol("graphql-transport-ws")
    url = f"ws{running.url.removeprefix('http')}/graphql"
    # The URL is printed before its workers answer.
    with connect(url, subprotocols=[protocol], open_timeout=120) as opened:
        opened.send('{"type": "connection_init"}')
        assert _receive(opened) == {"type": "connection_ack"}
        yield opened


def _receive(opened: ClientConnection) -> Any:
    return json.loads(opened.recv(timeout=30))


def _subscribe(opened: ClientConnection, name: str, payload: dict[str, Any]) -> None:
    opened.send(json.dumps({"type": "subscribe", "id": name, "payload": payload}))


def _assert_told(opened: ClientConnection) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        opened.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert closed.value.rcvd.reason == "The gateway is shutting down; connect again"


@WORKERS
def test_a_websocket_is_told(place: Place, workers: str) -> None:
    with program(place, "--workers", workers) as running, _websocket(running) as opened:
        running.terminate()
        _assert_told(opened)
        assert running.wait() == 0


def test_an_operation_of_a_websocket_is_answered_before_it_is_told(place: Place) -> None:
    fill(place, 1)
    with program(place, **PATIENT) as running, _websocket(running) as opened:
        with place.held():
            _subscribe(opened, "1", CHANGE)
            # What was sent before is read before.
            opened.send('{"type": "ping"}')
            assert _receive(opened) == {"type": "pong"}
            running.terminate()
            wait_until(lambda: _is_refused(running.url))
            _subscribe(opened, "2", {"query": "{ __typename }"})
            refused = _receive(opened)
        assert (refused["id"], refused["type"]) == ("2", "error")
        assert refused["payload"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        assert _receive(opened) == {"id": "1", "type": "next", "payload": {"data": CHANGED}}
        assert _receive(opened) == {"id": "1", "type": "complete"}
        _assert_told(opened)
        assert running.wait() == 0


@contextlib.contextmanager
def _held(running: Program, place: Place, workers: int) -> Iterator[None]:
    running.wait_for_workers(workers)
    with place.held():
        yield


@WORKERS
def test_what_takes_too_long_is_told_so_and_the_gateway_ends(place: Place, workers: str) -> None:
    fill(place, 1)
    limits = PATIENT | {"shutdown_timeout": "1"}
    with (
        program(place, "--workers", workers, **limits) as running,
        _websocket(running) as opened,
        ThreadPoolExecutor(1) as thread,
        _held(running, place, int(workers)),
    ):
        _subscribe(opened, "1", CHANGE)
        answer = thread.submit(_post, running)
        wait_until(lambda: requests_under_way(running.url) > 0)
        running.terminate()
        assert answer.result().status_code == 503
        [error] = answer.result().json()["errors"]
        assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        assert "shutdown_timeout" in error["message"]
        _assert_told(opened)
        assert running.wait() == 0
    assert run_sql(place, "SELECT state FROM executions") == [("INPROGRESS",)]


@WORKERS
def test_told_to_end_under_load_it_loses_nothing_acknowledged(place: Place, workers: str) -> None:
    fill(place, 20_000)
    urls = [""]
    writers = Writers(lambda: urls[0], 20_000)
    for _ in range(2):
        before = writers.acknowledged
        with program(place, "--workers", workers) as running:
            running.wait_for_workers(int(workers))
            urls[0] = running.url
            clients = Clients(8, writers.ask)
            least = before + 50
            wait_until(lambda least=least: writers.acknowledged > least, 120)  # type: ignore[misc]
            running.terminate()
            assert running.wait() == 0
            clients.stop()
        writers.check(place)


def test_workers_end_when_the_process_that_started_them_is_killed(place: Place) -> None:
    with program(place, "--workers", "2") as running:
        parent = psutil.Process(running.pid)
        running.wait_for_workers(2)
        workers = parent.children(recursive=True)
        assert len(workers) >= 2
        os.kill(running.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(workers, timeout=30)
        assert alive == []
        assert _is_refused(running.url)


def test_sockets_that_hold_on_hold_up_neither_a_mutation_nor_the_end(place: Place) -> None:
    fill(place, 1)
    refused = handshake(b"Cookie: " + b"a" * 9000)
    flood = frame(PING, b"x" * 125) * 100_000
    with (
        program(place, **PATIENT) as running,
        contextlib.ExitStack() as held,
    ):
        opened = [held.enter_context(RawSocket(running.url)) for _ in range(4)]
        opened[0].send(refused)
        opened[1].open()
        opened[2].acknowledged()
        opened[3].acknowledged().socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            opened[3].socket.sendall(flood)
        with _told_to_end_amid(place, running, lambda: _post(running)) as answer:
            assert answer.result().json() == {"data": CHANGED}
        assert running.wait() == 0
