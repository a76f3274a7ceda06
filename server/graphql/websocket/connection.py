"""A connection of the graphql-transport-ws protocol, from its acceptance to its end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from db.errors import GatewayError, ServiceUnavailable
from server.graphql.request import GraphQLRequest, read_members
from server.graphql.websocket.close_codes import CloseCode
from server.graphql.websocket.messages import (
    PROTOCOL,
    InvalidMessage,
    Message,
    acknowledgement,
    pong_message,
    read_message,
    refusal_message,
)
from server.graphql.websocket.operations import Operations, Services
from server.http.lifeline import LIFELINE, Lifeline

_SHUTTING_DOWN = "The gateway is shutting down; connect again"


class ShuttingDown(GatewayError):
    """The gateway accepts no more operations."""

    code = ServiceUnavailable.code


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of a connection; times are in seconds.

    ``timeout`` is how long its operations may take to finish when the server stops.
    """

    max_operations: int
    init_timeout: float
    send_timeout: float
    timeout: float


class GraphQLConnection:
    """Serves a client until it or the gateway closes the connection.

    Calls ``on_acknowledged`` once the client is authenticated, which raises a GatewayError to
    refuse it.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        services: Services,
        limits: ConnectionLimits,
        on_acknowledged: Callable[[], None],
    ) -> None:
        self._subprotocols: list[str] = scope["subprotocols"]
        self._authorization = Headers(scope=scope).get("authorization")
        self._lifeline: Lifeline = scope.get("state", {}).get(LIFELINE) or Lifeline()
        self._lifeline.send_timeout = limits.send_timeout
        self._receive = receive
        self._send = send
        self._services = services
        self._limits = limits
        self._on_acknowledged = on_acknowledged
        self._init_timeout = asyncio.timeout(limits.init_timeout)
        self._too_late = (CloseCode.INITIALISATION_TIMEOUT, "Connection initialisation timeout")
        self._is_initialised = self._is_acknowledged = self._is_stopping = False
        self._operations = Operations(
            services, limits.max_operations, self._send_text, self._close_after_fault
        )

    async def serve(self) -> None:
        """Accept the connection and answer its messages until it is closed."""
        stopping = asyncio.create_task(self._close_at_shutdown())
        try:
            await self._answer_messages()
        finally:
            stopping.cancel()
            await self._operations.end()

    def make_room(self, reason: str) -> None:
        """Close the connection, whose client has not authenticated yet."""
        self._too_late = (CloseCode.TRY_AGAIN_LATER, reason)
        # The connection may be closing already.
        with contextlib.suppress(RuntimeError):
            self._init_timeout.reschedule(asyncio.get_running_loop().time())

    async def _answer_messages(self) -> None:
        try:
            async with self._init_timeout:
                await self._accept()
                async for text in self._texts():
                    await self._answer_message(read_message(text), len(text))
        except InvalidMessage as error:
            await self._close(CloseCode.INVALID_MESSAGE, str(error))
        except TimeoutError:
            if not self._init_timeout.expired():
                raise
            await self._close(*self._too_late)
        except OSError:
            return  # the client has gone

    async def _accept(self) -> None:
        await self._receive()
        is_offered = PROTOCOL in self._subprotocols
        chosen = PROTOCOL if is_offered else None
        await self._send({"type": "websocket.accept", "subprotocol": chosen})
        if not is_offered:
            await self._close(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")

    async def _texts(self) -> AsyncIterator[str]:
        while (event := await self._receive())["type"] == "websocket.receive":
            text = event.get("text")
            if text is None:
                raise InvalidMessage("A message must be text")
            yield text

    async def _answer_message(self, message: Message, size: int) -> None:
        if message.kind == "connection_init":
            await self._initialise(message)
        elif message.kind == "ping":
            await self._send_text(pong_message(message.payload))
        elif message.kind == "complete":
            self._operations.complete(message.id)
        elif message.kind == "subscribe":
            await self._subscribe(message, size)

    # Who asks

    async def _initialise(self, message: Message) -> None:
        if self._is_initialised:
            await self._close(
                CloseCode.TOO_MANY_INITIALISATIONS, "Too many initialisation requests"
            )
            return
        self._is_initialised = True
        self._init_timeout.reschedule(None)
        # Browsers can't set the headers of a WebSocket, so the key is in the payload.
        for name, value in (message.payload or {}).items():
            if name.lower() == "authorization" and isinstance(value, str):
                self._authorization = value
                break
        try:
            await self._services.authenticator.authenticate(self._authorization)
            self._on_acknowledged()
        except ServiceUnavailable as error:
            self._services.on_limit(error.limit)
            await self._close(CloseCode.TRY_AGAIN_LATER, error.message)
            return
        except GatewayError as error:
            await self._close(CloseCode.FORBIDDEN, f"Forbidden: {error.message}")
            return
        self._is_acknowledged = self._lifeline.is_admitted = True
        await self._send_text(acknowledgement())

    # Operations

    async def _subscribe(self, message: Message, size: int) -> None:
        if not self._is_acknowledged:
            await self._close(CloseCode.UNAUTHORIZED, "Unauthorized")
            return
        if message.id in self._operations:
            reason = f"Subscriber for {message.id} already exists"
            await self._close(CloseCode.SUBSCRIBER_EXISTS, reason)
            return
        try:
            asked = self._read(message)
        except GatewayError as error:
            self._services.on_limit(error.limit)
            await self._send_text(refusal_message(message.id, error))
            return
        self._operations.begin(message.id, asked, size, self._authorization)
        await self._operations.wait_for_room()

    def _read(self, message: Message) -> GraphQLRequest:
        if self._is_stopping:
            raise ShuttingDown(_SHUTTING_DOWN)
        asked = read_members(message.payload)
        self._operations.expect_room()
        return asked

    # The end

    async def _close_at_shutdown(self) -> None:
        await self._lifeline.stopping.wait()
        self._is_stopping = True
        await self._operations.wait(self._limits.timeout)
        await self._close(CloseCode.SERVICE_RESTART, _SHUTTING_DOWN)

    async def _send_text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(OSError):
            await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def _close_after_fault(self) -> None:
        await self._close(CloseCode.INTERNAL_ERROR, "Internal server error")
