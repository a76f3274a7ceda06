"""The operations of a WebSocket: run a few at a time, and send their responses."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from graphql import OperationType

from db.errors import GatewayError, ServiceUnavailable
from resolvers.context import watch_end
from server.access.authentication import Authenticator
from server.graphql.request import GraphQLRequest
from server.graphql.runner import OperationResult, OperationRunner, refused
from server.graphql.websocket.messages import complete_message, error_message, next_message
from server.http.concurrency import ConcurrencyLimit, Overloaded
from server.http.errors import OnLimit, log_unexpected
from server.observability.metrics import Metrics

_AT_ONCE = 4
_MOST_WAITING_BYTES = 262_144


class TooManyOperations(GatewayError):
    """A WebSocket has as many running operations as it may."""

    code = ServiceUnavailable.code


@dataclass(frozen=True, slots=True)
class Services:
    """What operations need, the same for all connections."""

    runner: OperationRunner
    authenticator: Authenticator
    concurrency: ConcurrencyLimit
    metrics: Metrics
    on_limit: OnLimit


@dataclass(eq=False, slots=True)
class _Operation:
    """A running operation; ``size`` is the length of the message that asked for it.

    ``is_changing`` says that it may have changed something.
    """

    id: str
    asked: GraphQLRequest
    size: int
    authorization: str | None
    is_changing: bool = False
    name: str | None = None
    began: float = field(default_factory=time.perf_counter)


class Operations:
    """Runs a client's operations, four at a time, and sends their responses with ``send``.

    Each keeps its turn until its response was sent, so the gateway holds at most four responses for
    a client that reads nothing. Calls ``on_fault`` if one can't be answered.
    """

    def __init__(
        self,
        services: Services,
        maximum: int,
        send: Callable[[str], Awaitable[None]],
        on_fault: Callable[[], Awaitable[None]],
    ) -> None:
        self._services = services
        self._maximum = maximum
        self._send = send
        self._on_fault = on_fault
        self._by_id: dict[str, _Operation] = {}
        self._tasks: dict[asyncio.Task[None], _Operation] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._is_stopping = False

    def __contains__(self, operation_id: str) -> bool:
        return operation_id in self._by_id

    def expect_room(self) -> None:
        """Raise TooManyOperations if as many operations are running as may."""
        if len(self._tasks) >= self._maximum:
            raise TooManyOperations(
                f"This connection has {self._maximum} operations under way "
                "already (max_subscriptions_per_connection)",
                limit="max_subscriptions_per_connection",
            )

    def begin(
        self, operation_id: str, asked: GraphQLRequest, size: int, authorization: str | None
    ) -> None:
        """Run an operation from a message of ``size`` characters."""
        operation = _Operation(operation_id, asked, size, authorization)
        self._by_id[operation_id] = operation
        task = asyncio.create_task(self._run(operation))
        self._tasks[task] = operation
        task.add_done_callback(self._tasks.pop)

    def complete(self, operation_id: str) -> None:
        """Cancel an operation whose response the client no longer wants, if it is running."""
        operation = self._by_id.pop(operation_id, None)
        for task, other in self._tasks.items():
            if other is operation:
                _cancel(task, other)

    async def wait_for_room(self) -> None:
        """Wait while the messages of running operations are large."""
        while sum(operation.size for operation in self._tasks.values()) > _MOST_WAITING_BYTES:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def wait(self, seconds: float) -> None:
        """Wait for all operations to finish, those that can end early do; at most for this time."""
        self._is_stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def end(self) -> None:
        """Cancel all operations, and wait for changes that have begun."""
        self._by_id.clear()
        for task, operation in self._tasks.items():
            _cancel(task, operation)
        while self._tasks:
            try:
                await asyncio.wait(self._tasks)
            except asyncio.CancelledError:
                for task in self._tasks:
                    task.cancel()
                raise

    async def _run(self, operation: _Operation) -> None:
        try:
            async with self._turns:
                kind = await self._services.runner.kind_of(operation.asked)
                operation.is_changing = kind is OperationType.MUTATION
                await self._deliver(operation, *await self._answer_to(operation))
        except OSError:
            return  # the client has gone
        except Exception as error:  # noqa: BLE001 - the last line of defence
            log_unexpected(error, "An operation of a WebSocket")
            await self._on_fault()
        finally:
            self._forget(operation)

    async def _answer_to(self, operation: _Operation) -> tuple[str, bool]:
        """Run an operation; return its message, and whether a complete message must follow.

        Nothing else is kept while the client reads.
        """
        result = await self._run_admitted(operation)
        status = "next" if result.is_valid else "error"
        seconds = time.perf_counter() - operation.began
        self._services.metrics.observe_operation(status, seconds, operation.name)
        if result.is_valid:
            return next_message(operation.id, result.body), True
        return error_message(operation.id, result.body["errors"]), False

    async def _run_admitted(self, operation: _Operation) -> OperationResult:
        def note(name: str | None) -> None:
            operation.name = name

        services = self._services
        try:
            # The key may have been revoked since the last operation.
            principal = await services.authenticator.authenticate(operation.authorization)
            services.concurrency.acquire()
        except GatewayError as error:
            if not isinstance(error, Overloaded):
                services.on_limit(error.limit)
            return refused(error)
        watch_end(lambda: self._is_stopping or not self._is_awaited(operation))
        # A response that waits for a slow client holds no slot.
        try:
            return await services.runner.result(
                operation.asked, principal, unsupported={}, on_name=note
            )
        finally:
            services.concurrency.release()

    async def _deliver(self, operation: _Operation, message: str, completes: bool) -> None:  # noqa: FBT001 - with its message
        if not self._is_awaited(operation):
            return
        # The client may reuse the id as soon as it has read the last message.
        if not completes:
            self._forget(operation)
        await self._send(message)
        if completes and self._is_awaited(operation):
            self._forget(operation)
            await self._send(complete_message(operation.id))

    def _is_awaited(self, operation: _Operation) -> bool:
        return self._by_id.get(operation.id) is operation

    def _forget(self, operation: _Operation) -> None:
        if self._is_awaited(operation):
            del self._by_id[operation.id]


def _cancel(task: asyncio.Task[None], operation: _Operation) -> None:
    """Cancel an operation that nobody waits for, unless it may be changing something.

    If a change were cancelled, its outcome would be unknown, so it continues.
    """
    if not operation.is_changing:
        task.cancel()
