"""A connection whose response stays open: little more than a transport, since there are many."""

import asyncio
import functools
import math
import socket
from typing import cast

from uvicorn.server import ServerState

from server.http.open_stream import StreamListener
from server.operation.connections import Connections
from server.operation.protocols.sending import Progress

_HIGH_WATER = 65_536
"""How many unsent bytes the process holds before the listener is told to wait."""
_SYSTEM_BUFFER = 65_536
"""How many bytes the system holds; Linux doubles it. By itself it takes up to 4 MiB."""
_MOST_UNWANTED_BYTES = 1_048_576


class StreamConnection(asyncio.Protocol):
    """Writes an open response, and tells its ``listener`` what becomes of the client.

    Whatever the client still sends is discarded: this is its connection's last response. It does
    not count towards the open ``Connections`` before it ends; who opens it limits how many there
    are.
    """

    __slots__ = (
        "_connections",
        "_is_chunked",
        "_is_paused",
        "_listener",
        "_progress",
        "_server_state",
        "_transport",
        "_unwanted",
    )

    deadline = math.inf

    def __init__(
        self,
        transport: asyncio.Transport,
        listener: StreamListener,
        connections: Connections,
        server_state: ServerState,
        *,
        is_chunked: bool,
        is_paused: bool,
    ) -> None:
        self._transport = transport
        self._listener: StreamListener | None = listener
        self._connections = connections
        self._server_state = server_state
        self._is_chunked = is_chunked
        self._is_paused = is_paused
        self._progress: Progress | None = None
        self._unwanted = 0

    def begin(self, head: bytes) -> None:
        """Take the connection over, and write the head of the response."""
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        coding = b"transfer-encoding: chunked\r\n" if self._is_chunked else b""
        self._transport.write(b"%b%bconnection: close\r\n\r\n" % (head, coding))
        self._transport.set_protocol(self)
        # Told only once everything was sent, so that a slow client is written to rarely, in bulk.
        self._transport.set_write_buffer_limits(high=_HIGH_WATER, low=0)
        found = cast("socket.socket", self._transport.get_extra_info("socket"))
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SYSTEM_BUFFER)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # A client that lost its network sends no sign of it.
            milliseconds = math.ceil(self._connections.send_timeout * 1000)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        if self._is_paused:
            self._connections.watch(self)

    # The response

    def write(self, data: bytes) -> bool:
        """Write without waiting; return whether the client takes more now."""
        if self._listener is not None:
            self._transport.write(_chunk(data) if self._is_chunked else data)
        return not self._is_paused

    def end(self, data: bytes = b"") -> None:
        """End the response, with some last data, and close the connection once all is sent."""
        if self._listener is None:
            return
        if data:
            self.write(data)
        if self._is_chunked:
            self._transport.write(b"0\r\n\r\n")
        self._listener = None
        self._transport.close()
        if not self._connections.add(self, asyncio.get_running_loop()):
            self._transport.abort()

    # What the transport tells

    def data_received(self, data: bytes) -> None:
        """Discard what nobody asked for."""
        self._unwanted += len(data)
        if self._unwanted > _MOST_UNWANTED_BYTES:
            self._transport.abort()

    def pause_writing(self) -> None:
        """Let the listener wait, and watch whether the client goes on reading."""
        self._is_paused = True
        self._connections.watch(self)

    def resume_writing(self) -> None:
        """Tell the listener that everything was sent."""
        self._is_paused, self._progress = False, None
        self._connections.watch_no_more(self)
        if self._listener is not None:
            self._listener.on_writable()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - see asyncio
        """Release everything, and tell the listener."""
        self._server_state.connections.discard(self)
        self._connections.discard(self)
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.on_gone()

    # What the server asks for

    def shutdown(self) -> None:
        """Let the listener end the response, and don't keep the server waiting."""
        self._server_state.connections.discard(self)
        if self._listener is not None:
            self._listener.on_stopping()
        if self._is_paused:
            self._transport.abort()

    @property
    def is_waiting(self) -> bool:
        """Whether it may be dropped to make room for others."""
        return False

    @property
    def is_dispensable(self) -> bool:
        """Whether it may be dropped although it is not waiting."""
        return self._listener is None

    def expire(self) -> None:
        """Do nothing: it has no deadline."""

    @property
    def unsent(self) -> int:
        """How many bytes of responses wait for the client, besides those that the system holds."""
        return self._transport.get_write_buffer_size()

    def has_stalled(self, now: float, seconds: float) -> bool:
        """Whether the client has read nothing of the unsent data for so many seconds."""
        if self._progress is None:
            self._progress = Progress()
        return self._progress.has_stalled(self._transport, now, seconds)

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""
        self._transport.abort()

    def drop(self) -> None:
        """Close the connection, which has ended anyway."""
        self._transport.abort()


@functools.lru_cache(4)
def _chunk(data: bytes) -> bytes:
    # The same object is written to many connections, and Python keeps its hash.
    return b"%x\r\n%b\r\n" % (len(data), data)
