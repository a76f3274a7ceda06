"""A transport that aborts the connection when its client stops reading.

A polite close waits until everything is sent, so a client that reads nothing could hold unsent data
forever.
"""

import asyncio
from typing import Any

from server.operation.protocols.sending import unacknowledged

_LEAST_PROGRESS = 4096
"""How many bytes a client must read in each period: reading byte by byte is not enough."""
_CHECKS = 4


class WatchedTransport(asyncio.Transport):
    """Wraps a transport and watches whether the client reads.

    ``timeout`` is how long the client may read nothing, and how long the rest may take after
    closing, in seconds.
    """

    __slots__ = (
        "_is_closed",
        "_loop",
        "_read",
        "_timer",
        "_transport",
        "_until",
        "_written",
        "timeout",
    )

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, timeout: float
    ) -> None:
        self.timeout = timeout
        self._transport = transport
        self._loop = loop
        self._written = 0
        self._read = 0
        self._until = float("inf")
        self._is_closed = False
        self._timer: asyncio.TimerHandle | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write, and watch whether the client reads it."""
        self._written += len(data)
        self._transport.write(data)
        if self._timer is None and self._transport.get_write_buffer_size():
            self._watch()

    def close(self) -> None:
        """Close the connection once everything is sent, or after the timeout."""
        self._transport.close()
        if not self._is_closed:
            self._is_closed = True
            self._watch()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let another protocol take over."""
        self._transport.set_protocol(protocol)

    def write_eof(self) -> None:
        """End the output; the client may go on sending."""
        if not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""
        self._transport.abort()

    def stop(self) -> None:
        """Stop watching: the connection is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def read(self) -> int:
        """How many bytes the client has acknowledged, as far as the system tells."""
        return (
            self._written
            - self._transport.get_write_buffer_size()
            - unacknowledged(self._transport)
        )

    def is_closing(self) -> bool:
        """Whether the connection is closed or closing."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Stop reading from the client."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Resume reading from the client."""
        self._transport.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that are written but not sent."""
        return self._transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return information about the connection."""
        return self._transport.get_extra_info(name, default)

    def _watch(self) -> None:
        self.stop()
        self._read = self.read
        self._until = self._loop.time() + self.timeout
        self._timer = self._loop.call_later(self.timeout / _CHECKS, self._check)

    def _check(self) -> None:
        self._timer = None
        if not self._transport.get_write_buffer_size() and not self._is_closed:
            return
        now, read = self._loop.time(), self.read
        if not self._is_closed and read >= self._read + _LEAST_PROGRESS:
            self._read, self._until = read, now + self.timeout
        elif now >= self._until:
            self._transport.abort()
            return
        self._timer = self._loop.call_later(self.timeout / _CHECKS, self._check)
