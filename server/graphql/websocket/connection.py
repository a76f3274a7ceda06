"""A connection of the graphql-transport-ws protocol, from its acceptance to its end."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from db.errors import GatewayError, ServiceUnavailable
from server.graphql.request import GraphQLRequest, read_members
from server.graphql.subscriptions.sink import SHUTTING_DOWN
from server.graphql.websocket.close_codes import CloseCode
from server.graphql.websocket.messages import (
    InvalidMessage,
    Message,
    acknowledgement,
    pong_message,
    read_message,
    refusal_message,
)
from server.graphql.websocket.operations import Operations, Services
from server.graphql.websocket.wire import Wire


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
    """The conversation with a client, which closes the connection if it is ``refused``.

    Calls ``on_acknowledged`` once the client is authenticated, which raises a GatewayError to
    refuse it, and ``on_end`` in the end. Tasks run in the context in which it is made.
    """

    __slots__ = (
        "_authorization",
        "_context",
        "_init_timer",
        "_is_acknowledged",
        "_is_authenticating",
        "_is_initialised",
        "_is_stopping",
        "_limits",
        "_on_acknowledged",
        "_on_end",
        "_operations",
        "_room",
        "_services",
        "_wire",
    )

    _wire: Wire

    def __init__(
        self,
        authorization: str | None,
        services: Services,
        limits: ConnectionLimits,
        on_acknowledged: Callable[["GraphQLConnection"], None],
        on_end: Callable[["GraphQLConnection"], None],
    ) -> None:
        self._authorization = authorization
        self._services = services
        self._limits = limits
        self._on_acknowledged = on_acknowledged
        self._on_end = on_end
        self._context = contextvars.copy_context()
        self._init_timer: asyncio.TimerHandle | None = None
        self._is_initialised = self._is_authenticating = False
        self._is_acknowledged = self._is_stopping = False
        self._room: asyncio.Future[None] | None = None
        self._operations = Operations(services, limits.max_operations, self)

    # As the wire's conversation

    def begin(self, wire: Wire) -> None:
        """Wait for the client to initialise the connection, but not forever."""
        self._wire = wire
        self._init_timer = asyncio.get_running_loop().call_later(
            self._limits.init_timeout,
            wire.close,
            CloseCode.INITIALISATION_TIMEOUT,
            "Connection initialisation timeout",
        )

    @property
    def is_busy(self) -> bool:
        """Whether the client is being authenticated, or has asked for much."""
        return self._is_authenticating or self._operations.is_crowded

    def take(self, message: str | bytes) -> None:
        """Answer a message."""
        try:
            if not isinstance(message, str):
                raise InvalidMessage("A message must be text")  # noqa: TRY301 - like any other
            self._answer(read_message(message), len(message))
        except InvalidMessage as error:
            self.close(CloseCode.INVALID_MESSAGE, str(error))

    def resume_writing(self) -> None:
        """Go on with what waits for the client to read."""
        if self._room is not None:
            if not self._room.done():
                self._room.set_result(None)
            self._room = None
        self._operations.resume_writing()

    def beat(self) -> None:
        """Send the cursors of subscriptions, from which they can be resumed."""
        self._operations.write_cursors()

    def stop(self) -> None:
        """Close the connection once its operations have finished; subscriptions end at once."""
        if self._is_stopping:
            return
        self._is_stopping = True
        self._operations.stop()
        if self._operations.are_running:
            self.start(self._close_after_operations())
        else:
            self.close(CloseCode.SERVICE_RESTART, SHUTTING_DOWN)

    def end(self) -> None:
        """Release everything, and cancel operations that change nothing."""
        self._stop_init_timer()
        self._operations.end()
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._on_end(self)

    # For operations

    def start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a task in the connection's context; the server's shutdown waits for it."""
        task = asyncio.get_running_loop().create_task(coroutine, context=self._context.copy())
        self._wire.track(task)
        return task

    async def send(self, text: bytes) -> None:
        """Send a message once the client has read those before it.

        Raises ConnectionError if the connection is closed.
        """
        while not (self._wire.is_writable or self._wire.is_over):
            if self._room is None:
                self._room = asyncio.get_running_loop().create_future()
            await self._room
        if self._wire.is_over:
            raise ConnectionAbortedError
        self._wire.write(text)

    @property
    def wire(self) -> Wire:
        """The connection as a wire."""
        return self._wire

    def close(self, code: int, reason: str) -> None:
        """Close the connection."""
        self._wire.close(code, reason)

    # Messages

    def _answer(self, message: Message, size: int) -> None:
        if message.kind == "connection_init":
            self._initialise(message)
        elif message.kind == "ping":
            self._wire.write(pong_message(message.payload))
        elif message.kind == "complete":
            self._operations.complete(message.id)
        elif message.kind == "subscribe":
            self._subscribe(message, size)

    def _initialise(self, message: Message) -> None:
        if self._is_initialised:
            self.close(CloseCode.TOO_MANY_INITIALISATIONS, "Too many initialisation requests")
            return
        self._is_initialised = self._is_authenticating = True
        self._stop_init_timer()
        # Browsers can't set the headers of a WebSocket, so the key is in the payload.
        for name, value in (message.payload or {}).items():
            if name.lower() == "authorization" and isinstance(value, str):
                self._authorization = value
                break
        self.start(self._authenticate())

    def _stop_init_timer(self) -> None:
        if self._init_timer is not None:
            self._init_timer.cancel()
            self._init_timer = None

    async def _authenticate(self) -> None:
        try:
            await self._services.authenticator.authenticate(self._authorization)
            if self._wire.is_over:
                return
            self._on_acknowledged(self)
        except ServiceUnavailable as error:
            self._services.on_limit(error.limit)
            self.close(CloseCode.TRY_AGAIN_LATER, error.message)
            return
        except GatewayError as error:
            self.close(CloseCode.FORBIDDEN, f"Forbidden: {error.message}")
            return
        except Exception as error:  # noqa: BLE001 - the last line of defence
            self._operations.close_after_fault(error, "The start of a WebSocket")
            return
        self._is_acknowledged = True
        self._is_authenticating = False
        self._wire.admit(self._limits.send_timeout)
        self._wire.write(acknowledgement())
        self._wire.read_on()

    def _subscribe(self, message: Message, size: int) -> None:
        if not self._is_acknowledged:
            self.close(CloseCode.UNAUTHORIZED, "Unauthorized")
            return
        if message.id in self._operations:
            reason = f"Subscriber for {message.id} already exists"
            self.close(CloseCode.SUBSCRIBER_EXISTS, reason)
            return
        try:
            asked = self._read(message)
        except GatewayError as error:
            self._services.on_limit(error.limit)
            self._wire.write(refusal_message(message.id, error))
            return
        self._operations.begin(message.id, asked, size, self._authorization)

    def _read(self, message: Message) -> GraphQLRequest:
        if self._is_stopping:
            raise ShuttingDown(SHUTTING_DOWN)
        asked = read_members(message.payload)
        self._operations.expect_room()
        return asked

    async def _close_after_operations(self) -> None:
        await self._operations.wait(self._limits.timeout)
        self.close(CloseCode.SERVICE_RESTART, SHUTTING_DOWN)
