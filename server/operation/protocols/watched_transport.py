"""A transport that is aborted when its client stops reading.

A connection that is closed politely waits until everything was sent on it, so that a client that
reads nothing could hold what was written for ever.
"""

import asyncio
from typing import Any

from server.operation.protocols.sending import unacknowledged

_LEAST_PROGRESS = 4096
"""How many bytes a client must read in each period, so that one byte at a time is not enough."""
_LOOKS = 4


class WatchedTransport(asyncio.Transport):
    """Passes on to a transport and watches what is written.

    ``timeout`` is how long the client may read nothing of it, and how long the rest may take once
    the connection is closed, in seconds.
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, timeout: float
    ) -> None:
        super().__init__()
        self.timeout = timeout
        self._transport = transport
        self._loop = loop
        self._written = 0
        self._read = 0
        self._until = float("inf")
        self._is_closed = False
        self._timer: asyncio.TimerHandle | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write, and watch what the client reads of it."""
        self._written += len(data)
        self._transport.write(data)
        if self._timer is None and self._transport.get_write_buffer_size():
            self._watch()

    def close(self) -> None:
        """Close the connection when everything was sent, or when it takes too long."""
        self._transport.close()
        if not self._is_closed:
            self._is_closed = True
            self._watch()

    def write_eof(self) -> None:
        """End what is sent; the client may go on sending."""
        if not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()

    def abort(self) -> None:
        """Close the connection at once and drop what was not sent."""
        self._transport.abort()

    def stop(self) -> None:
        """Watch no more: the connection is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def read(self) -> int:
        """How many bytes have left for good, as far as the system tells."""
        return (
            self._written
            - self._transport.get_write_buffer_size()
            - unacknowledged(self._transport)
        )

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Read nothing from the client."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def get_write_buffer_size(self) -> int:
        """How many bytes the process holds that are written and not sent."""
        return self._transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the connection."""
        return self._transport.get_extra_info(name, default)

    def _watch(self) -> None:
        self.stop()
        self._read = self.read
        self._until = self._loop.time() + self.timeout
        self._timer = self._loop.call_later(self.timeout / _LOOKS, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._transport.get_write_buffer_size() and not self._is_closed:
            return
        now, read = self._loop.time(), self.read
        if not self._is_closed and read >= self._read + _LEAST_PROGRESS:
            self._read, self._until = read, now + self.timeout
        elif now >= self._until:
            self._transport.abort()
            return
        self._timer = self._loop.call_later(self.timeout / _LOOKS, self._look)
