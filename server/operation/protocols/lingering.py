"""Close a connection on which data still arrives, without losing the response.

A system resets a connection that is closed with unread data, and a client that is still sending
then never sees the response. So read and discard what still arrives, for a while (RFC 9112, section
9.6).
"""

import asyncio
from collections.abc import Callable, Iterable

LONGEST_SECONDS = 30.0
"""How long data is discarded, in seconds."""
SILENT_SECONDS = 5.0
"""How long a client may send nothing before the connection is closed, in seconds."""
MOST_BYTES = 256 * 1024 * 1024
"""How many bytes are discarded at most."""


class Lingering:
    """How long data is still discarded, from ``now`` in the loop's time."""

    __slots__ = ("_bytes", "_until", "deadline")

    def __init__(self, now: float) -> None:
        self._until = now + LONGEST_SECONDS
        self._bytes = 0
        self.deadline = now + SILENT_SECONDS

    def take(self, size: int, now: float) -> bool:
        """Count discarded bytes; return False if it has been enough."""
        self._bytes += size
        self.deadline = min(self._until, now + SILENT_SECONDS)
        return self._bytes <= MOST_BYTES


class LingeringTransport:
    """The transport that uvicorn's request cycle needs; ``close`` begins to linger."""

    __slots__ = ("_transport", "close", "is_closing", "write")

    def __init__(self, transport: asyncio.Transport, linger: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = linger
        self._transport = transport

    def writelines(self, parts: Iterable[bytes]) -> None:
        """Write several parts at once."""
        self._transport.writelines(parts)


def end_output(transport: asyncio.Transport) -> None:
    """Signal the end of the response once all of it was sent."""
    if transport.can_write_eof():
        transport.write_eof()
