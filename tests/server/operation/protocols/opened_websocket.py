"""A WebSocket without a socket, in which nothing is said."""

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from server.graphql.websocket.wire import UPGRADE
from server.operation.protocols.open_websocket import OpenWebSocket
from server.operation.protocols.websocket import GracefulWebSocketProtocol
from tests.raw_websocket import handshake
from tests.waiting import until


class Transport(asyncio.Transport):
    """Takes what is written, and says whether it would read."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.reads = True
        self.unsent = 0
        self.closed = False
        self.protocol: Any = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: Any) -> None:
        self.written += data

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


class _Quiet:
    """A conversation in which nothing is said."""

    is_busy = False

    def begin(self, wire: Any) -> None:
        pass

    def take(self, message: str | bytes) -> None:
        pass

    def resume_writing(self) -> None:
        pass

    def beat(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def end(self) -> None:
        pass


async def _accept(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    scope["state"][UPGRADE](_Quiet())


async def open_websocket(**options: Any) -> tuple[OpenWebSocket, Transport]:
    """A WebSocket whose handshake was accepted, and what it writes to."""
    config = Config(_accept, ws=GracefulWebSocketProtocol, log_config=None, **options)
    config.load()
    protocol = GracefulWebSocketProtocol(config, ServerState(), {})
    transport = Transport()
    protocol.connection_made(transport)
    protocol.data_received(handshake())
    await until(lambda: transport.protocol is not None)
    assert b"101" in transport.written
    transport.written = b""
    opened = transport.protocol
    assert isinstance(opened, OpenWebSocket)
    return opened, transport
