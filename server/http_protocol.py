"""uvicorn's HTTP, with a bound on the head of a request, which uvicorn leaves without one."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TOO_LARGE = b"The head of a request must have at most %d bytes"


class GuardedHttpProtocol(HttpToolsProtocol):
    """Refuses a head that is larger than 64 KiB, and one that takes more than 20 seconds.

    The first is answered with 431 (RFC 6585, section 5), the second with 408 (RFC 9110,
    section 15.5.9).
    """

    max_head_bytes = 65_536
    head_timeout = 20.0

    _head_bytes = 0
    _in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head has become too large; wait only for one that is broken off."""
        super().data_received(data)
        if not self._in_head:
            self._head_bytes = 0
            self._stop_timer()
            return
        self._head_bytes += len(data)
        if self._head_bytes > self.max_head_bytes:
            self._refuse(b"431 Request Header Fields Too Large", _TOO_LARGE % self.max_head_bytes)
        elif self._timer is None:
            self._start_timer()

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Stop counting."""
        self._in_head = False
        super().on_headers_complete()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(self.head_timeout, self._too_late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        self._timer = None
        self._refuse(b"408 Request Timeout", b"The head of a request must arrive sooner")

    def _refuse(self, status: bytes, message: bytes) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(
            b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (status, len(message), message)
        )
        self.transport.close()
