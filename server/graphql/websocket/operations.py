"""The operations of one WebSocket: their turns, their places and their answers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from db.errors import GatewayError, ServiceUnavailable
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
    """A WebSocket has as many operations under way as it may."""

    code = ServiceUnavailable.code


@dataclass(frozen=True, slots=True)
class Services:
    """What operations run with, the same for all connections."""

    runner: OperationRunner
    authenticator: Authenticator
    places: ConcurrencyLimit
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
    authorization: str | None
    is_changing: bool = False
    name: str | None = None
    began: float = field(default_factory=time.perf_counter)


class Operations:
    """Runs the operations of a client, four at once, and sends their answers with ``send``.

    Each keeps its turn until its answer was taken, so that a client that reads nothing makes the
    gateway hold four answers and no more. ``on_fault`` is called when one can't be answered.
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

    def __contains__(self, operation_id: str) -> bool:
        return operation_id in self._by_id

    def expect_room(self) -> None:
        """Raise TooManyOperations when as many are under way as may be."""
        if len(self._tasks) >= self._maximum:
            raise TooManyOperations(
                f"This connection has {self._maximum} operations under way "
                "already (max_subscriptions_per_connection)",
                limit="max_subscriptions_per_connection",
            )

    def begin(
        self, operation_id: str, asked: GraphQLRequest, size: int, authorization: str | None
    ) -> None:
        """Run an operation that was asked for in a message of ``size`` characters."""
        operation = _Operation(operation_id, asked, size, authorization)
        self._by_id[operation_id] = operation
        task = asyncio.create_task(self._run(operation))
        self._tasks[task] = operation
        task.add_done_callback(self._tasks.pop)

    def complete(self, operation_id: str) -> None:
        """End an operation whose answer its client no longer wants, if it is under way."""
        operation = self._by_id.pop(operation_id, None)
        for task, other in self._tasks.items():
            if other is operation:
                _cancel(task, other)

    async def wait_for_room(self) -> None:
        """Wait while the messages of those that are under way are large."""
        while sum(operation.size for operation in self._tasks.values()) > _MOST_WAITING_BYTES:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def wait(self, seconds: float) -> None:
        """Wait for the end of all of them, for so long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def end(self) -> None:
        """End all of them, and wait for changes that were begun."""
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
                operation.is_changing = await self._services.runner.is_mutation(operation.asked)
                await self._deliver(operation, *await self._answer_to(operation))
        except OSError:
            return  # the client has gone
        except Exception as error:  # noqa: BLE001 - the last line of defence
            log_unexpected(error, "An operation of a WebSocket")
            await self._on_fault()
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
            principal = await services.authenticator.authenticate(operation.authorization)
            services.places.enter()
        except GatewayError as error:
            if not isinstance(error, Overloaded):
                services.on_limit(error.limit)
            return refused(error)
        # An answer that waits for a client that is slow to read takes no place.
        try:
            return await services.runner.result(
                operation.asked, principal, not_taken={}, on_name=note
            )
        finally:
            services.places.leave()

    async def _deliver(self, operation: _Operation, message: str, completes: bool) -> None:  # noqa: FBT001 - with its message
        if not self._is_awaited(operation):
            return
        # The client may use the id again as soon as it reads the last message.
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
    """End an operation that nobody waits for, unless it is about to change something.

    Whether a change that is cut off was made would be known to nobody, so it is let go on.
    """
    if not operation.is_changing:
        task.cancel()
