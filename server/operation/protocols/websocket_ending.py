"""The end of a WebSocket: closing handshakes and clients that disappear."""

import asyncio
import math
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from server.http.lifeline import LIFELINE, Lifeline
from server.operation.connections import CONNECTIONS, Connections
from server.operation.protocols.watched_transport import WatchedTransport


class WebSocketEnding(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket connection, which closes within a time limit.

    While it is closing, it counts towards the open ``Connections``.
    """

    transport: WatchedTransport
    close_seconds = 5.0
    """How long a client may take to close its side, in seconds."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._lifeline = Lifeline()
        super().__init__(config, server_state, app_state | {LIFELINE: self._lifeline}, _loop)
        self.close_timeout = self.close_seconds
        self.deadline = math.inf
        self._open: Connections = app_state.get(CONNECTIONS) or Connections()
        self._read_at_ping = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Watch whether the client reads."""
        super().connection_made(transport)
        self.transport = WatchedTransport(self.transport, self.loop, self._lifeline.send_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        self.transport.stop()
        self._open.discard(self)
        super().connection_lost(exc)

    # While it is being closed

    def _wait_for_close(self) -> None:
        if self.close_timer is not None:
            return
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)
        self.deadline = self.loop.time() + self.close_timeout
        if not self._open.add(self, self.loop):
            self.transport.abort()

    @property
    def is_waiting(self) -> bool:
        """Whether it may be dropped to make room for others."""
        return self.close_sent

    @property
    def is_dispensable(self) -> bool:
        """Whether it may be dropped while it is not closing."""
        return False

    def expire(self) -> None:
        """Drop the connection of a client that does not close it."""
        self.transport.abort()

    def has_stalled(self, now: float, seconds: float) -> bool:  # noqa: ARG002 - see Connection
        """Whether a message is stuck: the transport checks that by itself."""
        return False

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""
        self.transport.abort()

    def drop(self) -> None:
        """Close the connection, which is closing anyway."""
        self.transport.abort()

    # Whether the client is still there

    def send_keepalive_ping(self) -> None:
        """Ask the client for a sign of life."""
        self._read_at_ping = self.transport.read
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Drop a client that has not answered the ping, unless it is still reading older data."""
        if self.transport.get_write_buffer_size() and self.transport.read > self._read_at_ping:
            self._read_at_ping = self.transport.read
            self.pong_timer = self.loop.call_later(self.ping_timeout or 0, self.keepalive_timeout)
            return
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size():
            self.transport.abort()
