"""Requests end, whatever the server goes on sending, and as soon as their caller is cancelled."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from server.cli.rest_import.answers import TooLarge, TryAgain
from server.cli.rest_import.connection import Bounds, Connection
from server.cli.rest_import.source import Source

pytestmark = pytest.mark.anyio

_HEAD = b"HTTP/1.1 200 OK\r\n"
_CLOSING = _HEAD + b"Connection: close\r\n\r\n["
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_EMPTY = _HEAD + b"Content-Length: 2\r\n\r\n[]"


class _Raw:
    """A server that reads requests and sends bytes; ``ended`` is set when it is to stop."""

    def __init__(self, listener: socket.socket) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        self.ended = threading.Event()
        self.asked = threading.Semaphore(0)
        """Is released with each request."""
        self.requests = 0


Speak = Callable[[_Raw, socket.socket], None]


@contextlib.contextmanager
def _speaking(speak: Speak) -> Iterator[_Raw]:
    """Run ``speak`` with each connection that is made, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        raw = _Raw(listener)
        threads: list[threading.Thread] = []

        def serve(accepted: socket.socket) -> None:
            with accepted, contextlib.suppress(OSError):
                while accepted.recv(65_536):
                    raw.requests += 1
                    raw.asked.release()
                    speak(raw, accepted)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while not raw.ended.is_set():
                    threads.append(threading.Thread(target=serve, args=(listener.accept()[0],)))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield raw
        finally:
            raw.ended.set()
            # Or it waits for one more connection.
            socket.create_connection(listener.getsockname()).close()
            for thread in (accepting, *threads):
                thread.join()


def _repeated(beginning: bytes, part: bytes, pause: float) -> Speak:
    def speak(raw: _Raw, accepted: socket.socket) -> None:
        accepted.sendall(beginning)
        while not raw.ended.wait(pause):
            accepted.sendall(part)

    return speak


@pytest.mark.parametrize(
    ("beginning", "part"),
    [
        (b"", b"H"),
        (_HEAD, b"X"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (_CLOSING, b" "),
        (_CHUNKED, b"1\r\n \r\n"),
        (_HEAD + b"Content-Length: 1000000\r\n\r\n[", b" "),
    ],
)
async def test_a_server_that_sends_a_byte_now_and_then_is_given_up(
    beginning: bytes, part: bytes
) -> None:
    with _speaking(_repeated(beginning, part, 0.005)) as raw:
        connection = Connection(Source.of(raw.url), Bounds(response=0.1))
        with pytest.raises(TryAgain, match=r"took longer than 0.1 seconds"):
            await connection.get("page=1")
        connection.close()


@pytest.mark.parametrize("beginning", [_CLOSING, _CHUNKED + b"1\r\n[\r\n"])
async def test_a_body_without_an_end_is_read_up_to_a_bound(beginning: bytes) -> None:
    part = b"1000\r\n" + b" " * 4096 + b"\r\n" if b"chunked" in beginning else b" " * 4096
    with _speaking(_repeated(beginning, part, 0.0)) as raw:
        connection = Connection(Source.of(raw.url), Bounds(bytes=100_000))
        with pytest.raises(TooLarge):
            await connection.get("page=1")


async def test_a_cancelled_request_is_not_sent_again_on_another_connection() -> None:
    def speak(raw: _Raw, accepted: socket.socket) -> None:
        if raw.requests == 1:
            accepted.sendall(_EMPTY)
        else:
            raw.ended.wait()

    with _speaking(speak) as raw:
        connection = Connection(Source.of(raw.url), Bounds())
        await connection.get("page=1")
        asking = asyncio.ensure_future(connection.get("page=2"))
        for _ in range(2):
            await asyncio.to_thread(raw.asked.acquire)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert raw.requests == 2
        connection.close()
