"""Detect clients that have stopped reading."""

import asyncio
import fcntl
import struct
import termios

_COUNT = struct.Struct("i")


class Progress:
    """Tracks how much of what was written the client has not acknowledged."""

    __slots__ = ("_seen", "_since")

    def __init__(self) -> None:
        self._seen = (0, 0)
        self._since = 0.0

    def has_stalled(self, transport: asyncio.Transport, now: float, seconds: float) -> bool:
        """Whether nothing of the unsent data has been acknowledged for so many seconds.

        Call it regularly; ``now`` is the loop's time.
        """
        waiting = transport.get_write_buffer_size()
        seen = (waiting, unacknowledged(transport)) if waiting else (0, 0)
        if not waiting or seen != self._seen:
            self._seen, self._since = seen, now
            return False
        return now - self._since >= seconds


def unacknowledged(transport: asyncio.Transport) -> int:
    """Return how many bytes the system holds that the client has not acknowledged, 0 if unknown."""
    # The system takes more from a process only once a good part of its own buffer is empty, which
    # takes minutes with a slow reader; acknowledgements show progress sooner.
    sock = transport.get_extra_info("socket")
    try:
        taken: tuple[int] = _COUNT.unpack(
            fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(_COUNT.size))
        )
    except (AttributeError, OSError, ValueError):
        return 0
    return taken[0]
