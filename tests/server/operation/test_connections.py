"""Limits on what one connection may hold, and closing without losing a response."""

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import psutil
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.operation.connections import Connections
from server.operation.protocols import lingering
from server.operation.protocols.http import GuardedHttpProtocol
from server.operation.settings import Settings
from tests.faults.programs import wait_until
from tests.gateway import Gateway, bearer, make_key, running_gateway
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.wire import connected, exchanged, read_to_end, statuses, taken_places

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
LARGE = 20_000_000
MOST_GROWTH = 40_000_000
"""Bytes; what is sent is several times as much, and was held several times over."""


@pytest.fixture(scope="module")
def gateway(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    with running_gateway(new_place()) as running:
        running.insert(SAMPLE)
        yield running


def _memory() -> int:
    resident: int = psutil.Process().memory_info().rss
    return resident


def _send_without_reading(client: socket.socket, data: bytes, most: int) -> int:
    """Send the same again and again until nothing more is taken; says how many bytes were."""
    client.settimeout(1)
    sent = 0
    with contextlib.suppress(TimeoutError, ConnectionError):
        while sent < most:
            sent += client.send(data)
    return sent


# What is held


def test_requests_behind_each_other_are_not_read_before_they_are_answered(
    gateway: Gateway,
) -> None:
    before = _memory()
    with connected(gateway) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        _send_without_reading(client, GET * 2_000, 100_000_000)
        assert gateway.http.get("/healthz").status_code == 200
        assert _memory() - before < MOST_GROWTH


@pytest.mark.sqlite
def test_requests_behind_each_other_are_all_answered_in_bounded_memory(gateway: Gateway) -> None:
    count = 50_000
    before = _memory()
    with connected(gateway) as client:
        # A client that reads while it sends, as one that has many requests does.
        client.setblocking(False)
        unsent, answers, rest = memoryview(GET * count + LAST), 0, b""
        deadline = time.monotonic() + 120
        while answers <= count and time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                unsent = unsent[client.send(unsent[:65_536]) :] if unsent else unsent
            with contextlib.suppress(BlockingIOError):
                received = rest + client.recv(1_000_000)
                answers += received.count(b"HTTP/1.1 200 ")
                # A status line may come in two parts.
                rest = received[-12:]
        assert answers == count + 1
    assert _memory() - before < MOST_GROWTH


def test_trailers_are_bounded_and_never_headers(place: Place) -> None:
    key = bearer(make_key(place, "read"))["authorization"]
    body = b'{"query": "{ executions { totalCount } }"}'
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += b"Connection: close\r\nTransfer-Encoding: chunked\r\n"
    trailer = f"Authorization: {key}\r\n".encode()
    chunks = b"%x\r\n%b\r\n0\r\n" % (len(body), body)
    with running_gateway(place) as gateway:
        for end in (trailer + b"\r\n", trailer * 10 + b"\r\n"):
            announced = head + b"Trailer: Authorization\r\n\r\n"
            assert statuses(exchanged(gateway, announced + chunks + end)) == [401]
            assert statuses(exchanged(gateway, announced, chunks + end)) == [401]
        shown = head + trailer + b"\r\n" + chunks
        assert statuses(exchanged(gateway, shown + b"X-Request-Id: b\r\n\r\n")) == [200]
        assert statuses(exchanged(gateway, shown + b"X: y\r\n" * 100_000 + b"\r\n")) == [400]


# How long a connection is kept


@pytest.fixture
def impatient(gateway_with: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """A gateway that waits for half a second where it would wait for some."""
    monkeypatch.setattr(GuardedHttpProtocol, "head_timeout", 0.5)
    monkeypatch.setattr(lingering, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(lingering, "LONGEST_SECONDS", 1.0)
    original = HttpToolsProtocol.__init__

    def hasty(self: HttpToolsProtocol, *arguments: object, **options: object) -> None:
        original(self, *arguments, **options)  # type: ignore[arg-type]
        self.timeout_keep_alive = 0.5  # type: ignore[assignment]

    monkeypatch.setattr(HttpToolsProtocol, "__init__", hasty)
    return gateway_with()


def _drip(client: socket.socket, drop: bytes) -> bytes:
    """Send a drop again and again until the gateway ends the connection; what it said last."""
    client.settimeout(0.1)
    said = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            client.sendall(drop)
            received = client.recv(65_536)
        except TimeoutError:
            continue
        except ConnectionError:
            return said
        if not received:
            return said
        said += received
    raise AssertionError("the connection is held for ever")


@pytest.mark.parametrize("drop", [b"\r\n", b"\r", b"x", b"G", b""])
def test_an_answered_connection_is_ended_whatever_drips_in(impatient: Gateway, drop: bytes) -> None:
    with connected(impatient) as client:
        client.sendall(GET)
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")
        _drip(client, drop)


def test_an_answered_connection_is_ended_while_the_body_drips_in(impatient: Gateway) -> None:
    with connected(impatient) as client:
        client.sendall(
            b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n"
        )
        assert client.recv(65_536).startswith(b"HTTP/1.1 404 ")
        _drip(client, b"x")


@pytest.mark.parametrize(
    "head", [b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", b"{"]
)
def test_a_connection_that_lingers_is_ended_while_something_drips_in(
    impatient: Gateway, head: bytes
) -> None:
    with connected(impatient) as client:
        client.sendall(head.replace(b"9", b"90000000"))
        said = client.recv(65_536)
        assert b"connection: close" in said
        _drip(client, b"x")


def test_a_head_that_drips_in_behind_an_answer_is_408(impatient: Gateway) -> None:
    with connected(impatient) as client:
        client.sendall(GET)
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
        assert statuses(_drip(client, b"x")) == [408]


def test_a_head_that_comes_late_is_never_answered_within_another_answer(
    impatient: Gateway,
) -> None:
    impatient.insert(SAMPLE)
    body = b'{"state": "TIMEOUT"}'
    put = b"PUT /executions/%b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n" + body
    with connected(impatient) as client:
        with impatient.place.held(), connected(impatient) as silent:
            client.sendall(put % SAMPLE[1].guid.encode() + b"GET / HTTP/1.1\r\nHo")
            # By then the other head would be late, too.
            assert statuses(read_to_end(silent)) == [408]
            client.setblocking(False)
            with pytest.raises(BlockingIOError):
                client.recv(1)
        client.settimeout(30)
        # It has its time from the moment at which it can be read.
        assert statuses(read_to_end(client)) == [200, 408]


def test_too_many_connections_make_room_by_those_that_wait(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_open_connections=20)
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connected(gateway)) for _ in range(60)]
        for client in idle[-5:]:
            client.sendall(GET)
            assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")
        assert idle[0].recv(1) == b""
        metrics = gateway.http.get("/metrics").text
        assert 'limit_refusals_total{limit="max_open_connections"}' in metrics
        [held] = [
            float(line.split()[1])
            for line in metrics.splitlines()
            if line.startswith("gateway_open_connections ")
        ]
        assert held <= 20


def test_a_connection_for_which_there_is_no_room_is_503(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_open_connections=1, receive_timeout=60.0)
    with connected(gateway) as busy:
        head = b"PUT /executions/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        busy.sendall(head)

        def refused() -> bool:
            return statuses(exchanged(gateway, LAST)) == [503]

        wait_until(refused)
        assert b"max_open_connections" in exchanged(gateway, LAST)


def _unread(stack: contextlib.ExitStack, gateway: Gateway, request: bytes) -> None:
    """Ask for more than the system takes for a client that reads nothing."""
    client = stack.enter_context(connected(gateway))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    _send_without_reading(client, request * 200, 1_000_000)


def test_who_does_not_read_what_needs_no_key_keeps_nobody_out(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_open_connections=2)
    request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            _unread(stack, gateway, request)
        assert gateway.http.get("/executions?limit=1").status_code == 200


@pytest.mark.sqlite
def test_a_change_under_way_is_never_dropped_to_make_room(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_open_connections=2, busy_timeout=60.0)
    gateway.insert(SAMPLE)
    put = (
        f"PUT /executions/{SAMPLE[1].guid} HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Length: 2\r\n\r\n{}"
    ).encode()
    with contextlib.ExitStack() as stack:
        with gateway.place.held():
            client = stack.enter_context(connected(gateway))
            # A request that needs no key comes first, so that it has answered already.
            client.sendall(GET)
            assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")
            client.sendall(put)
            wait_until(lambda: taken_places(gateway, "max_concurrent_requests") == 1)
            gateway.http.close()
            for _ in range(5):
                exchanged(gateway, LAST)
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")


# An answer to a client that is still sending


@pytest.fixture(scope="module")
def locked(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    with running_gateway(new_place(), auth="keys") as running:
        yield running


REFUSALS = {
    "no key": ("locked", "POST", "/graphql", {}, 401),
    "too large": ("gateway", "POST", "/graphql", {}, 413),
    "too large for REST": ("gateway", "PUT", "/executions/x", {}, 413),
    "another type": ("gateway", "POST", "/graphql", {"Content-Type": "text/plain"}, 415),
    "nothing there": ("gateway", "POST", "/nowhere", {}, 404),
    "another method": ("gateway", "PUT", "/graphql", {}, 405),
    "another host": ("gateway", "PUT", "/executions/x", {"Host": "attacker.example"}, 421),
    "a page": ("gateway", "PUT", "/executions/x", {"Origin": "http://attacker.example"}, 403),
    "a head that is none": ("gateway", "PUT", "/executions/x", {"Host": "a b"}, 400),
    "a head that is too large": ("gateway", "PUT", "/executions/x", {"X": "x" * 64_000}, 413),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("chunked", [False, True])
def test_pythons_client_reads_the_answer_that_refuses_what_it_is_sending(
    request: pytest.FixtureRequest,
    refusal: tuple[str, str, str, dict[str, str], int],
    *,
    chunked: bool,
) -> None:
    name, method, path, headers, status = refusal
    target: Gateway = request.getfixturevalue(name)
    connection = http.client.HTTPConnection(target.http.base_url.netloc.decode(), timeout=60)
    try:
        pieces = (b"x" * 100_000 for _ in range(LARGE // 100_000))
        sent = {"Content-Type": "application/json", **headers}
        if not chunked:
            sent["Content-Length"] = str(LARGE)
        connection.request(method, path, pieces, sent, encode_chunked=chunked)
        answer = connection.getresponse()
        assert answer.status == status
        assert answer.headers["Connection"] == "close"
        assert json.loads(answer.read())
    finally:
        connection.close()


def test_urllib_reads_the_answer_that_refuses_what_it_is_sending(gateway: Gateway) -> None:
    request = urllib.request.Request(f"{gateway.url}/executions", b"x" * LARGE, method="DELETE")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=60)
    assert refused.value.code == 413
    refused.value.close()


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize("size", [2_000_000, LARGE])
def test_nodes_fetch_reads_the_answer_that_refuses_what_it_is_sending(
    gateway: Gateway, size: int
) -> None:
    program = """
        const [url, size] = process.argv.slice(1)
        const headers = {"content-type": "application/json"}
        const body = new Uint8Array(Number(size))
        fetch(url, {method: "POST", body, headers}).then(
            async (answer) => console.log(answer.status, (await answer.json()).errors.length),
            (error) => console.log(error, error.cause))
    """
    command = ["node", "-e", program, f"{gateway.url}/graphql", str(size)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout == "413 1\n"


def test_what_is_sent_after_the_last_answer_loses_nothing(gateway: Gateway) -> None:
    with connected(gateway) as client:
        client.sendall(b"GET /executions?page=1&limit=20 HTTP/1.1\r\nHost: localhost\r\n")
        client.sendall(b"Connection: close\r\n\r\n" + GET * 100)
        assert statuses(read_to_end(client)) == [200]


def test_what_is_thrown_away_is_bounded(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "MOST_BYTES", 1_000_000)
    with connected(gateway) as client:
        client.sendall(
            b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000000\r\n\r\n"
        )
        with pytest.raises(ConnectionError):
            client.sendall(b"x" * 900_000_000)


def test_the_defaults_are_those_of_the_settings() -> None:
    connections, settings = Connections(), Settings(_env_file=None)
    assert connections.maximum == settings.max_open_connections
    assert connections.send_timeout == settings.send_timeout
    assert connections.max_unread_bytes == settings.max_unread_bytes
