"""Responses that stay open: what their clients read, and what their application is told."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive, Scope, Send

from server.http.open_stream import OpenStream, open_stream
from server.http.presence import end_of
from server.operation.connections import CONNECTIONS, Connections
from server.operation.settings import Settings
from tests.faults.programs import wait_until
from tests.gateway import serving
from tests.server.wire import read_to_end

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = b"x" * 1_000_000


@dataclass
class Listener:
    """What an application does with a response that stays open."""

    last_words: bytes = b"stopping"
    told: list[str] = field(default_factory=list)
    stream: OpenStream | None = None

    def on_writable(self) -> None:
        self.told.append("writable")

    def on_stopping(self) -> None:
        self.told.append("stopping")
        assert self.stream is not None
        self.stream.end(self.last_words)

    def on_gone(self) -> None:
        self.told.append("gone")


class App:
    """Opens a response for each request, and answers requests for other paths with a write.

    The response to ``/late`` is opened once the server stops.
    """

    def __init__(self, **limits: float) -> None:
        self.listeners: list[Listener] = []
        self.takes_more: list[bool] = []
        self.is_asked_late = False
        self.connections = Connections(send_timeout=limits.get("send_timeout", 30.0))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            scope["state"][CONNECTIONS] = self.connections
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["path"] in ("/", "/late"):
            is_over, self.is_asked_late = end_of(receive), scope["path"] == "/late"
            while self.is_asked_late and not is_over():  # noqa: ASYNC110 - nothing else tells
                await asyncio.sleep(0.01)
            listener = Listener()
            listener.stream = open_stream(send, b"content-type: text/plain\r\n", listener)
            self.listeners.append(listener)
        else:
            self._act(scope["path"], scope["query_string"])
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})

    def _act(self, path: str, data: bytes) -> None:
        data = LARGE if data == b"large" else data
        for listener in self.listeners:
            assert listener.stream is not None
            if path == "/write":
                self.takes_more.append(listener.stream.write(data))
            else:
                listener.stream.end(data)


@dataclass
class Served:
    """A running server, and what a test asks of its application."""

    app: App
    address: tuple[str, int]

    def connect(self, receive_buffer: int | None = None) -> socket.socket:
        client = socket.socket()
        client.settimeout(30)
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.connect(self.address)
        return client

    def opened(self, request: bytes = GET, receive_buffer: int | None = None) -> socket.socket:
        """A client whose response is open."""
        count = len(self.app.listeners)
        client = self.connect(receive_buffer)
        client.sendall(request)
        wait_until(lambda: len(self.app.listeners) > count)
        return client

    def act(self, action: str, data: str) -> None:
        with self.connect() as client:
            request = (
                f"GET /{action}?{data} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            client.sendall(request.encode())
            assert read_to_end(client).startswith(b"HTTP/1.1 204 ")

    def fill(self) -> None:
        """Write until a client that reads nothing takes no more."""
        while self.app.takes_more[-1:] != [False]:
            self.act("write", "large")
            assert len(self.app.takes_more) < 100


@contextlib.contextmanager
def served(**limits: float) -> Iterator[Served]:
    app = App(**limits)
    with serving(app, Settings(_env_file=None, port=0)) as url:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        yield Served(app, (parts.hostname, parts.port))


@pytest.fixture
def opener() -> Iterator[Served]:
    with served() as running:
        yield running


def head_and_body(received: bytes) -> tuple[bytes, bytes]:
    head, _, body = received.partition(b"\r\n\r\n")
    return head.lower(), body


def is_complete(client: socket.socket) -> bool:
    """Whether a client that goes on reading finds the end of its response."""
    try:
        return read_to_end(client).endswith(b"0\r\n\r\n")
    except ConnectionError:
        return False


def test_each_write_is_a_chunk(opener: Served) -> None:
    with opener.opened() as client:
        opener.act("write", "first")
        opener.act("write", "second")
        opener.act("end", "")
        head, body = head_and_body(read_to_end(client))
    assert b"\r\ntransfer-encoding: chunked" in head
    assert b"\r\ncontent-type: text/plain" in head
    assert body == b"5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n"


def test_a_client_of_http_1_0_reads_until_the_connection_is_closed(opener: Served) -> None:
    with opener.opened(b"GET / HTTP/1.0\r\n\r\n") as client:
        opener.act("write", "first")
        opener.act("end", "last")
        head, body = head_and_body(read_to_end(client))
    assert b"transfer-encoding" not in head
    assert body == b"firstlast"


def test_the_head_is_sent_before_anything_is_written(opener: Served) -> None:
    with opener.opened() as client:
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_connection_ends_with_the_response(opener: Served) -> None:
    with opener.opened() as client:
        opener.act("end", "last")
        head, body = head_and_body(read_to_end(client))
    assert b"\r\nconnection: close" in head
    assert body == b"4\r\nlast\r\n0\r\n\r\n"


@pytest.mark.parametrize("later", [False, True])
def test_nothing_else_is_answered_on_the_connection(opener: Served, *, later: bool) -> None:
    with opener.opened(GET if later else GET * 3) as client:
        if later:
            client.sendall(GET * 3)
        opener.act("end", "last")
        assert read_to_end(client).count(b"HTTP/1.1 ") == 1
    assert len(opener.app.listeners) == 1


def test_who_goes_on_sending_without_end_is_cut_off(opener: Served) -> None:
    with opener.opened() as client, contextlib.suppress(ConnectionError):
        for _ in range(1_000):
            client.sendall(LARGE)
    wait_until(lambda: opener.app.listeners[0].told == ["gone"])


def test_a_client_that_goes_away_is_noticed_while_nothing_is_written(opener: Served) -> None:
    client = opener.opened()
    assert opener.app.listeners[0].told == []
    client.close()
    wait_until(lambda: opener.app.listeners[0].told == ["gone"])


def test_a_client_that_goes_away_behind_other_requests_is_noticed_too(opener: Served) -> None:
    opener.opened(GET * 1_000).close()
    wait_until(lambda: opener.app.listeners[0].told == ["gone"])


def test_nothing_is_told_after_the_end(opener: Served) -> None:
    with opener.opened() as client:
        opener.act("end", "")
        read_to_end(client)
    opener.act("write", "more")
    assert opener.app.listeners[0].told == []


def test_who_reads_nothing_takes_no_more_and_is_told_of_once_it_has_read_all(
    opener: Served,
) -> None:
    app = opener.app
    with opener.opened(receive_buffer=4_096) as client:
        opener.fill()
        assert app.listeners[0].told == []
        # Chunks of a million bytes have eleven more.
        left = len(app.takes_more) * (len(LARGE) + 9)
        while left > 0:
            received = client.recv(65_536)
            assert received, f"it ended {left} bytes too early"
            left -= len(received)
        wait_until(lambda: app.listeners[0].told == ["writable"])
        app.takes_more.clear()
        opener.act("write", "more")
        assert app.takes_more == [True]


def test_a_client_that_reads_nothing_is_dropped_after_the_send_timeout() -> None:
    with served(send_timeout=0.2) as server, server.opened(receive_buffer=4_096):
        server.fill()
        wait_until(lambda: server.app.listeners[0].told == ["gone"])


def test_an_ended_response_that_nobody_reads_is_dropped_too() -> None:
    with served(send_timeout=0.2) as server, server.opened(receive_buffer=4_096) as client:
        server.act("write", "large")
        server.act("end", "large")
        [counted] = server.app.connections.metrics()
        # The request that asks for the end is over as well.
        wait_until(lambda: counted.value() == 0)
        assert not is_complete(client)


def test_open_responses_do_not_count_as_open_connections(opener: Served) -> None:
    [counted] = opener.app.connections.metrics()
    with opener.opened():
        wait_until(lambda: counted.value() == 0)


def test_a_server_that_stops_lets_the_application_say_so() -> None:
    with served() as server:
        client = server.opened()
    with client:
        assert read_to_end(client).endswith(b"8\r\nstopping\r\n0\r\n\r\n")
    assert server.app.listeners[0].told == ["stopping"]


def test_a_response_that_opens_while_the_server_stops_is_told_so_too() -> None:
    with served() as server:
        client = server.connect()
        client.sendall(GET.replace(b"/ ", b"/late "))
        wait_until(lambda: server.app.is_asked_late)
    with client:
        assert read_to_end(client).endswith(b"8\r\nstopping\r\n0\r\n\r\n")


def test_a_server_that_stops_waits_for_nobody_who_reads_nothing() -> None:
    # Stopping would otherwise take the shutdown timeout, and longer than a test may.
    with served(send_timeout=600.0) as server:
        client = server.opened(receive_buffer=4_096)
        server.fill()
    with client:
        assert not is_complete(client)
