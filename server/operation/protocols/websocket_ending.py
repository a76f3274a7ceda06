"""The end of a WebSocket: the last frame is on its way, and the client has to close its side."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from server.http.heartbeats import Heartbeats
from server.operation.connections import Connections
from server.operation.protocols.sending import Progress
from server.operation.protocols.watched_transport import WatchedTransport
from server.operation.protocols.websocket_frames import EventFrames


@dataclass(eq=False, slots=True)
class Surroundings:
    """What all WebSockets of a server share.

    ``connections`` and ``tasks`` are uvicorn's: its shutdown waits until they are empty. A client
    that has not answered a ping for ``ping_timeout`` seconds is taken for gone.
    """

    loop: asyncio.AbstractEventLoop
    connections: set[Any]
    tasks: set[asyncio.Task[Any]]
    closing: Connections
    heartbeats: Heartbeats
    max_size: int
    ping_timeout: float
    event_frames: EventFrames = field(default_factory=EventFrames)


class EndingWebSocket(asyncio.Protocol):
    """Ends the output, and discards what the client still sends, until it closes its side.

    Closing with unread data would reset the connection and lose the close frame. Meanwhile the
    connection counts towards the open ``Connections``, unless the server is stopping: then no
    others come, and all end at once.
    """

    __slots__ = ("_progress", "_surroundings", "_timer", "deadline", "transport")

    close_seconds = 5.0
    """How long a client may take to close its side, in seconds."""

    def __init__(
        self,
        transport: WatchedTransport,
        surroundings: Surroundings,
        *,
        is_stopping: bool = False,
    ) -> None:
        self.transport = transport
        self._surroundings = surroundings
        self._progress: Progress | None = None
        loop = surroundings.loop
        self.deadline = loop.time() + self.close_seconds
        self._timer = loop.call_later(self.close_seconds, transport.abort)
        transport.set_protocol(self)
        surroundings.connections.add(self)
        transport.write_eof()
        if not transport.is_closing():
            transport.resume_reading()
        if not (is_stopping or surroundings.closing.add(self, loop)):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it ends either way
        """Release everything."""
        self._timer.cancel()
        self.transport.stop()
        self._surroundings.closing.discard(self)
        self._surroundings.connections.discard(self)

    def shutdown(self) -> None:
        """Wait no longer, because the server is stopping."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        self.transport.close()

    # As a connection among others

    @property
    def is_waiting(self) -> bool:
        """Whether it may be dropped to make room for others."""
        return True

    @property
    def is_dispensable(self) -> bool:
        """Whether it may be dropped while it is not closing."""
        return False

    @property
    def unsent(self) -> int:
        """How many bytes of responses wait for the client, besides those that the system holds."""
        return self.transport.get_write_buffer_size()

    def expire(self) -> None:
        """Drop the connection of a client that does not close it."""
        self.transport.abort()

    def has_stalled(self, now: float, seconds: float) -> bool:
        """Whether the client has read nothing of the unsent data for so many seconds."""
        if self._progress is None:
            self._progress = Progress()
        return self._progress.has_stalled(self.transport, now, seconds)

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""
        self.transport.abort()

    def drop(self) -> None:
        """Close the connection, which is closing anyway."""
        self.transport.abort()
