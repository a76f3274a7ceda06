"""Clients that do not read what they asked for fill no memory."""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

import app
from server.operation.connections import Connections
from tests.faults.programs import wait_until
from tests.gateway import Gateway
from tests.raw_websocket import RawSocket, message
from tests.sample import SAMPLE
from tests.server.wire import read_to_end

pytestmark = pytest.mark.sqlite

ROW, SMALLER_ROW = SAMPLE[1], SAMPLE[2]
SIZE, SMALLER_SIZE = 9_000_000, 5_500_000
"""Bytes of responses; the system holds up to four million for a client that reads nothing."""
ROOM = 11_000_000
"""For what the system leaves of two responses at most, as it takes two million at least."""
LESS_ROOM = 7_500_000
"""For what the system leaves of two smaller responses, or of a large one, but not of all three."""
REQUEST, SMALLER_REQUEST = (
    f"GET /executions/{row.guid}?include=data HTTP/1.1\r\nHost: localhost\r\n".encode()
    for row in (ROW, SMALLER_ROW)
)
QUERY = f'{{ execution(guid: "{ROW.guid}") {{ data }} }}'


def filled(gateway_with: Callable[..., Gateway], room: int) -> Gateway:
    """A gateway with large responses, which never takes a silent client for gone."""
    gateway = gateway_with(max_unread_bytes=room, send_timeout=600.0, shutdown_timeout=1)
    gateway.insert([ROW, SMALLER_ROW])
    for row, size in ((ROW, SIZE), (SMALLER_ROW, SMALLER_SIZE)):
        gateway.sql(
            "INSERT INTO execution_data (execution_id, data) VALUES (?, ?)",
            row.id,
            json.dumps(["x" * size]),
        )
    return gateway


@pytest.fixture
def gateway(gateway_with: Callable[..., Gateway]) -> Gateway:
    return filled(gateway_with, ROOM)


class Observed(Connections):
    """Connections that say what waits for clients, and how often that was looked at."""

    waiting: tuple[int, ...] = ()
    looks = 0

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        super()._check(loop)
        self.waiting = tuple(each.unsent for each in self._open)
        self.looks += 1


@contextlib.contextmanager
def connected(gateway: Gateway) -> Iterator[socket.socket]:
    """A connection for which the client's system takes little."""
    address = urlsplit(gateway.url)
    with socket.socket() as client:
        client.settimeout(60)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect((address.hostname, address.port))
        yield client


def disconnected(gateway: Gateway) -> int:
    """How many connections were closed to make room."""
    pattern = r'gateway_limit_refusals_total\{limit="max_unread_bytes"\} (\S+)'
    found = re.search(pattern, gateway.http.get("/metrics").text)
    return int(float(found[1])) if found else 0


def rest_of(client: socket.socket) -> int:
    """How many bytes still come before the connection ends; a reset loses some."""
    with contextlib.suppress(ConnectionError):
        return len(read_to_end(client))
    return 0


def test_who_reads_nothing_is_disconnected_before_there_is_too_much(gateway: Gateway) -> None:
    request = REQUEST + b"Connection: close\r\n\r\n"
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(gateway)) for _ in range(4)]
        for client in clients:
            client.sendall(request)
        wait_until(lambda: disconnected(gateway) > 0)
        read = [rest_of(client) for client in clients]
    complete = [each for each in read if each > SIZE]
    assert 1 <= len(complete) <= 3
    assert len(complete) + disconnected(gateway) == 4


def test_what_waits_behind_another_answer_counts_too(gateway: Gateway) -> None:
    # Less than the room without the second answer.
    with connected(gateway) as client:
        client.sendall((REQUEST + b"\r\n") * 2)
        wait_until(lambda: disconnected(gateway) == 1)
        assert rest_of(client) < SIZE


def test_a_websocket_counts_too(gateway: Gateway) -> None:
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(RawSocket(gateway.url, buffer=4_096)).acknowledged()
            for _ in range(4)
        ]
        for client in clients:
            client.send(message("subscribe", id="1", payload={"query": QUERY}))
        wait_until(lambda: disconnected(gateway) > 0)


def test_who_reads_is_kept_although_silent_clients_leave_less(
    gateway_with: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Observed] = []

    def observed(*arguments: Any) -> Observed:
        made.append(Observed(*arguments))
        return made[-1]

    monkeypatch.setattr(app, "Connections", observed)
    gateway = filled(gateway_with, LESS_ROOM)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(gateway)) for _ in range(2)]
        for client in silent:
            client.sendall(SMALLER_REQUEST + b"Connection: close\r\n\r\n")
        wait_until(lambda: sum(map(bool, made[0].waiting)) == 2)
        # The second look shows that they have read nothing since the first.
        seen = made[0].looks
        wait_until(lambda: made[0].looks > seen)
        reader = stack.enter_context(connected(gateway))
        reader.sendall(REQUEST + b"Connection: close\r\n\r\n")
        wait_until(lambda: disconnected(gateway) > 0)
        assert rest_of(reader) > SIZE
        cut = [client for client in silent if rest_of(client) < SMALLER_SIZE]
        assert len(cut) == disconnected(gateway)
