"""Whether what is sent on a connection gets anywhere."""

import asyncio
import fcntl
import struct
import termios

_COUNT = struct.Struct("i")


class Progress:
    """Watches how much of what was written the client has not taken yet."""

    __slots__ = ("_seen", "_since")

    def __init__(self) -> None:
        self._seen = (0, 0)
        self._since = 0.0

    def stands_still(self, transport: asyncio.Transport, now: float, seconds: float) -> bool:
        """Whether something was to be sent for so long, and nothing of it was.

        To be called again and again; ``now`` is the loop's time.
        """
        waiting = transport.get_write_buffer_size()
        seen = (waiting, unacknowledged(transport)) if waiting else (0, 0)
        if not waiting or seen != self._seen:
            self._seen, self._since = seen, now
            return False
        return now - self._since >= seconds


def unacknowledged(transport: asyncio.Transport) -> int:
    """How many bytes the system holds that the client's has not taken; 0 where it does not say."""
    # The system takes more from a process only once a good part of its own buffer is empty, which
    # for a slow reader takes minutes; what the client's system has taken shows sooner.
    sock = transport.get_extra_info("socket")
    try:
        taken: tuple[int] = _COUNT.unpack(
            fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(_COUNT.size))
        )
    except (AttributeError, OSError, ValueError):
        return 0
    return taken[0]
