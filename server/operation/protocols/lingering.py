"""Closing a connection on which something still arrives, so that the answer is not lost.

A system that closes a connection with bytes unread resets it, and a client that is still sending
then sees the reset and never the answer. What still comes is therefore read and thrown away, for a
while (RFC 9112, section 9.6).
"""

import asyncio
from collections.abc import Callable, Iterable

LONGEST_SECONDS = 30.0
"""How long what comes is thrown away."""
SILENT_SECONDS = 5.0
"""How long a client may send nothing before the connection is closed."""
MOST_BYTES = 256 * 1024 * 1024
"""How much is thrown away."""


class Lingering:
    """How long a connection is still read from, from ``now`` in the loop's time."""

    __slots__ = ("_bytes", "_until", "deadline")

    def __init__(self, now: float) -> None:
        self._until = now + LONGEST_SECONDS
        self._bytes = 0
        self.deadline = now + SILENT_SECONDS

    def take(self, size: int, now: float) -> bool:
        """Throw away what came; False when that is enough."""
        self._bytes += size
        self.deadline = min(self._until, now + SILENT_SECONDS)
        return self._bytes <= MOST_BYTES


class LingeringTransport:
    """What uvicorn's cycle of a request needs of a transport; ``close`` begins to linger."""

    __slots__ = ("_transport", "close", "is_closing", "write")

    def __init__(self, transport: asyncio.Transport, linger: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = linger
        self._transport = transport

    def writelines(self, parts: Iterable[bytes]) -> None:
        """Write several parts in one step."""
        self._transport.writelines(parts)


def end_output(transport: asyncio.Transport) -> None:
    """Let the client see the end of the answer once all of it was sent."""
    if transport.can_write_eof():
        transport.write_eof()
