"""One connection of the graphql-transport-ws protocol: its client, and the client's operations."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from db.errors import GatewayError, ServiceUnavailable
from server.access import Gatekeeper
from server.errors import OnLimit, log_unexpected
from server.graphql_request import GraphQLRequest, read_members
from server.metrics import Metrics
from server.operation_runner import OperationResult, OperationRunner, refused
from server.places import Overloaded, Places
from server.websocket_messages import (
    PROTOCOL,
    CloseCode,
    InvalidMessage,
    Message,
    acknowledgement,
    complete_message,
    error_message,
    next_message,
    pong_message,
    read_message,
    refusal_message,
)
from server.websocket_protocol import LIFELINE, Lifeline

_SHUTTING_DOWN = "The gateway is shutting down; connect again"
_AT_ONCE = 4
_MOST_WAITING_BYTES = 262_144


class TooManyOperations(GatewayError):
    """A WebSocket has as many operations under way as it may."""

    code = "SERVICE_UNAVAILABLE"


class ShuttingDown(GatewayError):
    """The gateway takes no more operations."""

    code = "SERVICE_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one connection may have and take; times are in seconds.

    ``patience`` is how long its operations may take to come to their end when the server stops.
    """

    max_operations: int
    init_timeout: float
    send_timeout: float
    patience: float


@dataclass(frozen=True, slots=True)
class Services:
    """What operations run with, the same for all connections."""

    runner: OperationRunner
    gatekeeper: Gatekeeper
    places: Places
    metrics: Metrics
    on_limit: OnLimit


@dataclass(eq=False, slots=True)
class _Operation:
    """One that is under way; ``size`` is the number of characters that asked for it.

    ``is_changing`` says that it has begun and may have changed something.
    """

    id: str
    asked: GraphQLRequest
    size: int
    is_changing: bool = False
    name: str | None = None
    began: float = field(default_factory=time.perf_counter)


class GraphQLConnection:
    """Answers one client until it or the gateway closes the connection.

    Four operations run at once; each keeps its turn until its answer was taken, so that a client
    that reads nothing makes the gateway hold four answers and no more. ``on_acknowledged`` is
    called once the client is known, and raises a GatewayError to refuse it.
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
        self._operations: dict[str, _Operation] = {}
        self._tasks: dict[asyncio.Task[None], _Operation] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def serve(self) -> None:
        """Accept the connection and answer what comes until it is closed."""
        stopping = asyncio.create_task(self._close_at_shutdown())
        try:
            await self._answer_messages()
        finally:
            stopping.cancel()
            await self._end_operations()

    def make_room(self, reason: str) -> None:
        """Close the connection, whose client has not said who it is."""
        self._too_late = (CloseCode.TRY_AGAIN_LATER, reason)
        # One that is being closed already can't be closed any sooner.
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
            self._complete(message.id)
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
            await self._services.gatekeeper.admit(self._authorization)
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
        operation = _Operation(message.id, asked, size)
        self._operations[message.id] = operation
        task = asyncio.create_task(self._run(operation))
        self._tasks[task] = operation
        task.add_done_callback(self._tasks.pop)
        await self._wait_for_room()

    def _read(self, message: Message) -> GraphQLRequest:
        if self._is_stopping:
            raise ShuttingDown(_SHUTTING_DOWN)
        asked = read_members(message.payload)
        if len(self._tasks) >= self._limits.max_operations:
            raise TooManyOperations(
                f"This connection has {self._limits.max_operations} operations under way "
                "already (max_subscriptions_per_connection)",
                limit="max_subscriptions_per_connection",
            )
        return asked

    async def _wait_for_room(self) -> None:
        """Read no more messages while those that wait for their turn are large."""
        while sum(operation.size for operation in self._tasks.values()) > _MOST_WAITING_BYTES:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def _run(self, operation: _Operation) -> None:
        try:
            async with self._turns:
                operation.is_changing = await self._services.runner.is_mutation(operation.asked)
                await self._deliver(operation, *await self._answer_to(operation))
        except OSError:
            return  # the client has gone
        except Exception as error:  # noqa: BLE001 - the last line of defence
            log_unexpected(error, "An operation of a WebSocket")
            await self._close(CloseCode.INTERNAL_ERROR, "Internal server error")
        finally:
            self._forget(operation)

    async def _answer_to(self, operation: _Operation) -> tuple[str, bool]:
        """Run an operation; return a message, and whether another says that it is complete.

        Nothing else is kept while the client takes its time.
        """
        result = await self._run_in_place(operation)
        status = "next" if result.is_valid else "error"
        seconds = time.perf_counter() - operation.began
        self._services.metrics.observe_operation(status, seconds, operation.name)
        if result.is_valid:
            return next_message(operation.id, result.body), True
        return error_message(operation.id, result.body["errors"]), False

    async def _run_in_place(self, operation: _Operation) -> OperationResult:
        def note(name: str | None) -> None:
            operation.name = name

        services = self._services
        try:
            # A key can be revoked from one operation to the next.
            access = await services.gatekeeper.admit(self._authorization)
            services.places.enter()
        except GatewayError as error:
            if not isinstance(error, Overloaded):
                services.on_limit(error.limit)
            return refused(error)
        # An answer that waits for a client that is slow to read takes no place.
        try:
            return await services.runner.result(operation.asked, access, not_taken={}, on_name=note)
        finally:
            services.places.leave()

    async def _deliver(self, operation: _Operation, message: str, completes: bool) -> None:  # noqa: FBT001 - with its message
        if not self._is_awaited(operation):
            return
        # The client may use the id again as soon as it reads the last message.
        if not completes:
            self._forget(operation)
        await self._send_text(message)
        if completes and self._is_awaited(operation):
            self._forget(operation)
            await self._send_text(complete_message(operation.id))

    def _is_awaited(self, operation: _Operation) -> bool:
        return self._operations.get(operation.id) is operation

    def _forget(self, operation: _Operation) -> None:
        if self._is_awaited(operation):
            del self._operations[operation.id]

    def _complete(self, operation_id: str) -> None:
        operation = self._operations.pop(operation_id, None)
        for task, other in self._tasks.items():
            if other is operation:
                _cancel(task, other)

    # The end

    async def _end_operations(self) -> None:
        self._operations.clear()
        for task, operation in self._tasks.items():
            _cancel(task, operation)
        while self._tasks:
            try:
                await asyncio.wait(self._tasks)
            except asyncio.CancelledError:
                for task in self._tasks:
                    task.cancel()
                raise

    async def _close_at_shutdown(self) -> None:
        await self._lifeline.stopping.wait()
        self._is_stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._limits.patience)
        await self._close(CloseCode.SERVICE_RESTART, _SHUTTING_DOWN)

    async def _send_text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(OSError):
            await self._send({"type": "websocket.close", "code": code, "reason": reason})


def _cancel(task: asyncio.Task[None], operation: _Operation) -> None:
    """End an operation that nobody waits for, unless it is about to change something.

    Whether a change that is cut off was made would be known to nobody, so it is let go on.
    """
    if not operation.is_changing:
        task.cancel()
