"""The handshake of a WebSocket by uvicorn's protocol, which ``OpenWebSocket`` then replaces.

uvicorn leaves invalid handshakes unanswered. Its protocol also serves open connections, but parses
whatever arrives at once, answers pings of clients that read nothing, closes only connections whose
clients cooperate, and holds thirty kilobytes for each that is idle.
"""

import asyncio
from http import HTTPStatus
from typing import Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Request

from server.graphql.websocket.close_codes import shortened
from server.graphql.websocket.wire import UPGRADE, Conversation
from server.http.heartbeats import Heartbeats
from server.operation.connections import CONNECTIONS, Connections
from server.operation.protocols.open_websocket import OpenWebSocket
from server.operation.protocols.watched_transport import WatchedTransport
from server.operation.protocols.websocket_ending import EndingWebSocket, Surroundings
from server.operation.protocols.websocket_frames import close_frame
from server.operation.protocols.websocket_handshake import error_response, handshake_error

_SEND_SECONDS = 30.0
_SURROUNDINGS = "gateway.surroundings"
_VERSION = "13"


class GracefulWebSocketProtocol(WebSocketsSansIOProtocol):
    """Answers a handshake: the application refuses it, or begins a conversation on the connection.

    A conversation is closed by the application when the server stops; uvicorn's own protocol closes
    it at once, whatever is running on it.
    """

    transport: WatchedTransport

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._surroundings = self._shared(server_state)
        self.app_state = app_state | {UPGRADE: self._upgrade}
        self._received = b""
        self._is_over = False

    def _shared(self, server_state: ServerState) -> Surroundings:
        """Return what all WebSockets of the server share, which its state holds."""
        shared = self.app_state.get(_SURROUNDINGS)
        if not isinstance(shared, Surroundings):
            config = self.config
            shared = self.app_state[_SURROUNDINGS] = Surroundings(
                self.loop,
                server_state.connections,
                server_state.tasks,
                self.app_state.get(CONNECTIONS) or Connections(),
                Heartbeats(config.ws_ping_interval or _SEND_SECONDS),
                config.ws_max_size,
                config.ws_ping_timeout or _SEND_SECONDS,
            )
        return shared

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Watch whether the client reads."""
        super().connection_made(transport)
        self.transport = WatchedTransport(self.transport, self.loop, _SEND_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything."""
        self._received = b""
        self.transport.stop()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close a refused connection, or refuse it."""
        if self.close_sent or self.transport.is_closing():
            if self.transport.get_write_buffer_size():
                self.transport.abort()
            self.transport.close()
        else:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "The gateway is shutting down")

    def data_received(self, data: bytes) -> None:
        """Read the handshake; what comes after it waits until that is answered."""
        if self._is_over:
            return
        if self.handshake_initiated:
            self._received += data
            self.transport.pause_reading()
            return
        self.conn.receive_data(data)
        events = self.conn.events_received()
        if not events:
            self._refuse(*handshake_error(self.conn.handshake_exc))
            return
        request = cast("Request", events[0])
        versions = request.headers.get_all("Sec-WebSocket-Version")
        if request.method == "GET" and versions != [_VERSION]:
            message = f"Sec-WebSocket-Version must be {_VERSION}"
            headers = (("sec-websocket-version", _VERSION), ("upgrade", "websocket"))
            self._refuse(HTTPStatus.UPGRADE_REQUIRED, message, *headers)
            return
        self.handle_connect(request)

    # The answer

    def _refuse(self, status: HTTPStatus, message: str, *headers: tuple[str, str]) -> None:
        self.handshake_complete = self.close_sent = True
        self.transport.write(error_response(status, message, *headers))
        EndingWebSocket(self._leave(), self._surroundings)

    def send_500_response(self) -> None:
        """Report that the application has failed."""
        if not self.handshake_complete and self.initial_response is None:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error")

    async def send(self, message: ASGISendEvent) -> None:
        """Accept or refuse the handshake. Raises ClientDisconnected if the connection is closed."""
        await self.writable.wait()
        if self.close_sent or self.transport.is_closing():
            raise ClientDisconnected
        if message["type"] == "websocket.close" and self.handshake_complete:
            reason = shortened(message.get("reason") or "")
            self.transport.write(close_frame(message.get("code", 1000), reason))
            self.close_sent = True
            EndingWebSocket(self._leave(), self._surroundings)
            return
        await super().send(message)
        if self.close_sent:
            # A refused handshake is complete.
            self.handshake_complete = True

    def start_keepalive(self) -> None:
        """Leave that to the open connection."""

    def _upgrade(self, conversation: Conversation) -> None:
        """Begin a conversation on the accepted connection."""
        if not self.handshake_complete or self.close_sent or self.transport.is_closing():
            raise ClientDisconnected
        OpenWebSocket(self._leave(), conversation, self._surroundings, self._received)

    def _leave(self) -> WatchedTransport:
        """Return the transport, which another protocol takes over."""
        transport, self.transport = self.transport, _HandedOver()
        self._is_over = True
        self.connections.discard(self)
        # Nothing must keep this object: it is large.
        self.app_state = {}
        if self.handshake_initiated:
            self.scope["state"] = {}
        return transport


class _HandedOver(WatchedTransport):
    """What uvicorn's code closes after its connection was handed over."""

    __slots__ = ()

    def __init__(self) -> None:
        """There is no transport."""

    def close(self) -> None:
        """Close nothing."""

    def is_closing(self) -> bool:
        """Whether nothing can be written."""
        return True
