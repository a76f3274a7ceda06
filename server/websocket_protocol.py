"""uvicorn's WebSocket, which leaves it to the application to close it when the server stops."""

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

SHUTDOWN = "shutdown"
"""Where an application finds, in the state of its scope, the event that the server stops."""


class GracefulWebSocketProtocol(WebSocketsSansIOProtocol):
    """Sets an event when the server stops, upon which the application is to close the connection.

    uvicorn's own closes it at once, whatever is under way on it.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._shutdown = asyncio.Event()
        super().__init__(config, server_state, app_state | {SHUTDOWN: self._shutdown}, _loop)

    def shutdown(self) -> None:
        """Tell the application that the server stops."""
        if self.handshake_complete and not self.close_sent:
            self._shutdown.set()
        else:
            super().shutdown()
