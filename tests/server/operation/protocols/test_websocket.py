"""Limits on what one WebSocket may cost, and responses to invalid handshakes."""

import contextlib
from collections.abc import Callable, Iterator

import psutil
import pytest

from server.operation.protocols.websocket_ending import EndingWebSocket
from tests.faults.programs import Program, program, wait_until
from tests.gateway import Gateway
from tests.places import Place
from tests.raw_websocket import (
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    RawSocket,
    frame,
    handshake,
    message,
)
from tests.server.operation.protocols.opened_websocket import open_websocket
from tests.waiting import until

MANY = tuple(b"x-%d: 1" % number for number in range(130))
MEGABYTES = 1_000_000

# Handshakes


@pytest.mark.parametrize(
    ("head", "status", "told"),
    [
        (handshake(b"Cookie: " + b"a" * 9000), 431, b"headers of a handshake are too large"),
        (handshake(target=b"/graphql?" + b"a" * 9000), 414, b"URL of a handshake is too long"),
        (handshake(*MANY), 431, b"headers"),
        (handshake(b"Sec-WebSocket-Version: 8"), 426, b"Sec-WebSocket-Version must be 13"),
        (handshake(b"Sec-WebSocket-Version:"), 426, b"Sec-WebSocket-Version must be 13"),
        (handshake(b"Sec-WebSocket-Key:"), 400, b"missing Sec-WebSocket-Key"),
        (handshake(b"Sec-WebSocket-Key: abc"), 400, b"invalid Sec-WebSocket-Key"),
        (handshake(b"Sec-WebSocket-Key: YWJj"), 400, b"invalid Sec-WebSocket-Key"),
    ],
    ids=[
        "cookie",
        "url",
        "headers",
        "version",
        "no version",
        "no key",
        "no base64",
        "short key",
    ],
)
def test_a_handshake_that_is_none_is_answered_and_the_connection_is_closed(
    sample_gateway: Gateway, head: bytes, status: int, told: bytes
) -> None:
    with RawSocket(sample_gateway.url) as client:
        client.send(head)
        answer = client.read_to_end()
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert told in answer.partition(b"\r\n\r\n")[2]


def _hold(held: contextlib.ExitStack, url: str, sent: bytes, count: int) -> Iterator[RawSocket]:
    for _ in range(count):
        client = held.enter_context(RawSocket(url))
        client.send(sent)
        yield client


@pytest.mark.parametrize(
    "sent",
    [
        handshake(b"Sec-WebSocket-Version: 8"),
        handshake(b"Sec-WebSocket-Protocol: none"),
        handshake(b"Cookie: " + b"a" * 9000),
    ],
    ids=["version", "subprotocol", "cookie"],
)
def test_those_that_are_being_closed_are_connections_like_others(
    gateway_with: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(EndingWebSocket, "close_seconds", 600)
    gateway = gateway_with(max_open_connections=10)
    process = psutil.Process()
    with contextlib.ExitStack() as held:
        before = process.num_fds()
        for client in _hold(held, gateway.url, sent, 60):
            client.read_head()
        # Both ends are this process's.
        wait_until(lambda: process.num_fds() - before <= 60 + 12)
        assert gateway.http.get("/healthz").status_code == 200


def test_a_wrong_version_is_told_the_right_one(sample_gateway: Gateway) -> None:
    with RawSocket(sample_gateway.url) as client:
        client.send(handshake(b"Sec-WebSocket-Version: 8"))
        assert b"\r\nsec-websocket-version: 13\r\n" in client.read_to_end().lower()


@pytest.mark.parametrize(
    "sent",
    [
        handshake(method=b"POST"),
        handshake(b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n",
        handshake(b"Content-Length: 2") + b"{}",
    ],
    ids=["post", "chunked", "length"],
)
def test_an_offer_that_can_be_no_handshake_is_ignored(sample_gateway: Gateway, sent: bytes) -> None:
    with RawSocket(sample_gateway.url) as client:
        client.send(sent)
        assert client.read_head().startswith(b"HTTP/1.1 4")


def test_messages_are_not_compressed(sample_gateway: Gateway) -> None:
    with RawSocket(sample_gateway.url) as client:
        client.send(handshake(b"Sec-WebSocket-Extensions: permessage-deflate"))
        head = client.read_head()
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"extensions" not in head.lower()


# Frames


def test_only_so_much_is_taken_before_the_acknowledgement(sample_gateway: Gateway) -> None:
    with RawSocket(sample_gateway.url).open() as client:
        client.send(frame(TEXT, b"x" * 70_000, fin=False))
        code, reason = client.read_close()
        assert code == 1008
        assert "65536 bytes" in reason


def test_a_message_has_only_so_many_fragments(sample_gateway: Gateway) -> None:
    with RawSocket(sample_gateway.url).acknowledged() as client:
        client.send(frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 1024)
        assert client.read_close() == (1008, "A message must have at most 1024 fragments")


def test_a_message_in_fragments_is_read(sample_gateway: Gateway) -> None:
    with RawSocket(sample_gateway.url).acknowledged() as client:
        client.send(frame(TEXT, b'{"type":', fin=False))
        client.send(frame(PING, b"between") + frame(CONTINUATION, fin=False))
        client.send(frame(CONTINUATION, b'"ping"}'))
        assert client.read_frame() == (10, b"between")
        assert client.read_frame() == (TEXT, b'{"type":"pong"}')


def test_a_message_that_is_too_large_is_closed(sample_gateway: Gateway) -> None:
    with RawSocket(sample_gateway.url).acknowledged() as client:
        client.send(frame(TEXT, b"x" * 600_000, fin=False))
        client.send(frame(CONTINUATION, b"x" * 600_000))
        assert client.read_close()[0] == 1009


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"\xff"), 1007),
        (b"\x81\x02{}", 1002),
        (frame(11), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(CONTINUATION), 1002),
        (frame(CLOSE, b"x"), 1002),
        (frame(CLOSE, b"\x03\xe8\xff"), 1007),
        (frame(CLOSE, b"\x03\xed"), 1002),
        (frame(TEXT, fin=False) + frame(TEXT), 1002),
    ],
    ids=[
        "utf-8",
        "unmasked",
        "opcode",
        "long ping",
        "continuation",
        "short close",
        "close with a reason that is none",
        "close with a status that is none",
        "text amid a message",
    ],
)
def test_a_frame_that_is_none_is_closed(sample_gateway: Gateway, sent: bytes, code: int) -> None:
    with RawSocket(sample_gateway.url).acknowledged() as client:
        client.send(sent)
        assert client.read_close()[0] == code
        assert client.read_to_end() == b""


def test_the_reason_for_closing_outlives_what_is_still_being_sent(sample_gateway: Gateway) -> None:
    with RawSocket(sample_gateway.url).acknowledged() as client:
        client.send(frame(TEXT, b"\xff") + frame(PING, b"x" * 125) * 50_000)
        assert client.read_close()[0] == 1007


# Floods


@pytest.fixture
def running(place: Place) -> Iterator[Program]:
    with program(place, send_timeout="2") as started:
        yield started


def _grown(running: Program, before: int) -> int:
    grown: int = psutil.Process(running.pid).memory_info().rss - before
    return grown


def _flood(client: RawSocket) -> None:
    """Send 100 MB of pings, and wait as long as the gateway takes no more."""
    data = frame(PING, b"x" * 125) * 500
    client.socket.settimeout(None)
    for _ in range(100 * MEGABYTES // len(data)):
        client.send(data)


def test_pings_of_an_unknown_client_that_does_not_read_take_no_memory(running: Program) -> None:
    before = psutil.Process(running.pid).memory_info().rss
    with RawSocket(running.url).open() as client:
        with contextlib.suppress(OSError):
            _flood(client)
        assert _grown(running, before) < 20 * MEGABYTES


def test_a_client_that_sends_pings_and_does_not_read_is_cut_off(running: Program) -> None:
    before = psutil.Process(running.pid).memory_info().rss
    with RawSocket(running.url).acknowledged() as client:
        with pytest.raises(ConnectionError):
            _flood(client)
        assert _grown(running, before) < 20 * MEGABYTES


@pytest.mark.anyio
async def test_frames_are_parsed_in_parts_between_which_others_have_their_turn() -> None:
    opened, transport = await open_websocket()
    opened.data_received(frame(PING) * 5_000)
    pong = 2
    assert 0 < len(transport.written) // pong < 600
    assert not transport.reads
    await until(lambda: transport.reads)
    assert len(transport.written) // pong == 5_000
    opened.connection_lost(None)


def test_what_another_connection_asks_is_answered_amid_a_flood(sample_gateway: Gateway) -> None:
    with RawSocket(sample_gateway.url).acknowledged() as client:
        client.send(frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 1000)
        assert sample_gateway.http.get("/healthz").status_code == 200
        client.send(frame(CONTINUATION, b'{"type":"ping"}') + message("ping"))
        assert client.read_frame() == (TEXT, b'{"type":"pong"}')
