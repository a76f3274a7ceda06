"""The operations of a WebSocket: run a few at a time, and send their responses."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from graphql import OperationType

from db.errors import GatewayError, ServiceUnavailable
from resolvers.context import watch_end
from server.access.authentication import Authenticator, Principal
from server.graphql.request import GraphQLRequest
from server.graphql.runner import OperationResult, OperationRunner, refused
from server.graphql.subscriptions.admission import Admission
from server.graphql.subscriptions.sink import Subscription
from server.graphql.websocket.close_codes import CloseCode
from server.graphql.websocket.messages import (
    complete_message,
    cursors_message,
    error_message,
    next_message,
)
from server.graphql.websocket.streams import Stream
from server.graphql.websocket.wire import Wire
from server.http.concurrency import ConcurrencyLimit, Overloaded
from server.http.errors import OnLimit, log_unexpected
from server.observability.metrics import Metrics

_AT_ONCE = 4
_MOST_WAITING_BYTES = 262_144
_Done = TypeVar("_Done")


class TooManyOperations(GatewayError):
    """A WebSocket has as many running operations as it may."""

    code = ServiceUnavailable.code


@dataclass(frozen=True, slots=True)
class Services:
    """What operations need, the same for all connections."""

    runner: OperationRunner
    authenticator: Authenticator
    concurrency: ConcurrencyLimit
    admission: Admission
    metrics: Metrics
    on_limit: OnLimit


class Connection(Protocol):
    """What operations need of their connection."""

    @property
    def wire(self) -> Wire:
        """The connection as a wire."""

    def start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a task."""

    async def send(self, text: bytes) -> None:
        """Send a message once the client has read those before it."""


@dataclass(eq=False, slots=True)
class _Operation:
    """A running operation; ``size`` is the length of the message that asked for it.

    ``is_changing`` says that it may have changed something.
    """

    id: str
    asked: GraphQLRequest
    size: int
    authorization: str | None = field(repr=False)
    is_changing: bool = False
    name: str | None = None
    began: float = field(default_factory=time.perf_counter)

    def note_name(self, name: str | None) -> None:
        """Note the operation's name in metrics."""
        self.name = name


class _Running:
    """The operations of a connection that have a task; an idle connection has none of this."""

    __slots__ = ("is_crowded", "tasks", "turns")

    def __init__(self) -> None:
        self.tasks: dict[asyncio.Task[None], _Operation] = {}
        self.turns = asyncio.Semaphore(_AT_ONCE)
        self.is_crowded = False

    def update(self) -> None:
        """Note whether the messages of running operations are large."""
        waiting = sum(operation.size for operation in self.tasks.values())
        self.is_crowded = waiting > _MOST_WAITING_BYTES


class Operations:
    """Runs a client's operations, four at a time, and sends their responses.

    Each keeps its turn until its response was sent, so the gateway holds at most four responses for
    a client that reads nothing. Subscriptions keep a turn only until they have begun.
    """

    __slots__ = (
        "_by_id",
        "_connection",
        "_is_stopping",
        "_maximum",
        "_paused",
        "_running",
        "_services",
    )

    def __init__(self, services: Services, maximum: int, connection: Connection) -> None:
        self._services = services
        self._maximum = maximum
        self._connection = connection
        self._by_id: dict[str, _Operation | Stream] = {}
        self._running: _Running | None = None
        self._paused: dict[Stream, None] | None = None
        self._is_stopping = False

    def __contains__(self, operation_id: str) -> bool:
        return operation_id in self._by_id

    @property
    def wire(self) -> Wire:
        """The connection as a wire."""
        return self._connection.wire

    @property
    def is_crowded(self) -> bool:
        """Whether the messages of running operations are so large that no more should be read."""
        return self._running is not None and self._running.is_crowded

    @property
    def are_running(self) -> bool:
        """Whether any operation runs that comes to an end."""
        return self._running is not None

    def expect_room(self) -> None:
        """Raise TooManyOperations if as many operations are running as may."""
        count = sum(isinstance(each, Stream) for each in self._by_id.values())
        if self._running is not None:
            count += len(self._running.tasks)
        if count >= self._maximum:
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
        if self._running is None:
            self._running = _Running()
        running = self._running
        task = self._connection.start(self._run(operation, running.turns))
        running.tasks[task] = operation
        running.update()
        task.add_done_callback(self._forget_task)

    def complete(self, operation_id: str) -> None:
        """End an operation whose response the client no longer wants, if it is running."""
        operation = self._by_id.pop(operation_id, None)
        if isinstance(operation, Stream):
            operation.close()
        elif operation is not None and self._running is not None:
            for task, other in self._running.tasks.items():
                if other is operation:
                    _cancel(task, other)

    async def wait(self, seconds: float) -> None:
        """Wait for all operations to finish, at most for this time."""
        if self._running is not None:
            await asyncio.wait(self._running.tasks, timeout=seconds)

    def stop(self) -> None:
        """End subscriptions, with their cursors, and operations that can end early."""
        self._is_stopping = True
        self.write_cursors()
        self._close_streams()

    def end(self) -> None:
        """Cancel all operations but changes that have begun."""
        self._close_streams()
        self._by_id.clear()
        if self._running is not None:
            for task, operation in self._running.tasks.items():
                _cancel(task, operation)

    def close_after_fault(self, error: Exception, what: str) -> None:
        """Log a bug, and close the connection."""
        log_unexpected(error, what)
        self.wire.close(CloseCode.INTERNAL_ERROR, "Internal server error")

    def _forget_task(self, task: asyncio.Task[None]) -> None:
        """Count a task no more among those that run. Idempotent."""
        running = self._running
        if running is None or running.tasks.pop(task, None) is None:
            return
        was_crowded = running.is_crowded
        running.update()
        if not running.tasks:
            self._running = None
        if was_crowded and not running.is_crowded:
            self.wire.read_on()

    async def _run(self, operation: _Operation, turns: asyncio.Semaphore) -> None:
        try:
            async with turns:
                kind = await self._services.runner.kind_of(operation.asked)
                operation.is_changing = kind is OperationType.MUTATION
                if kind is OperationType.SUBSCRIPTION:
                    await self._follow(operation)
                else:
                    await self._deliver(operation, *await self._answer_to(operation))
        except OSError:
            return  # the client has gone
        except Exception as error:  # noqa: BLE001 - the last line of defence
            self.close_after_fault(error, "An operation of a WebSocket")
        finally:
            self._forget(operation)

    async def _answer_to(self, operation: _Operation) -> tuple[bytes, bool]:
        """Run an operation; return its message, and whether a complete message must follow.

        Nothing else is kept while the client reads.
        """
        result = await self._run_admitted(operation)
        self._observe(operation, is_valid=result.is_valid)
        if result.is_valid:
            return next_message(operation.id, result.body), True
        return error_message(operation.id, result.body["errors"]), False

    def _observe(self, operation: _Operation, *, is_valid: bool) -> None:
        status = "next" if is_valid else "error"
        seconds = time.perf_counter() - operation.began
        self._services.metrics.observe_operation(status, seconds, operation.name)

    async def _run_admitted(self, operation: _Operation) -> OperationResult:
        watch_end(lambda: self._is_stopping or not self._is_awaited(operation))

        async def run(principal: Principal) -> OperationResult:
            return await self._services.runner.result(
                operation.asked, principal, unsupported={}, on_name=operation.note_name
            )

        return await self._with_slot(operation, run)

    async def _with_slot(
        self, operation: _Operation, run: Callable[[Principal], Coroutine[Any, Any, _Done]]
    ) -> _Done | OperationResult:
        """Do something for an operation while it has a slot; return why if it may not run."""
        services = self._services
        try:
            # The key may have been revoked since the last operation.
            principal = await services.authenticator.authenticate(operation.authorization)
            services.concurrency.acquire()
        except GatewayError as error:
            if not isinstance(error, Overloaded):
                services.on_limit(error.limit)
            return refused(error)
        # A response that waits for a slow client holds no slot.
        try:
            return await run(principal)
        finally:
            services.concurrency.release()

    async def _deliver(self, operation: _Operation, message: bytes, completes: bool) -> None:  # noqa: FBT001 - with its message
        if not self._is_awaited(operation):
            return
        # The client may reuse the id as soon as it has read the last message.
        if not completes:
            self._forget(operation)
        await self._connection.send(message)
        if completes and self._is_awaited(operation):
            self._forget(operation)
            await self._connection.send(complete_message(operation.id))

    def _is_awaited(self, operation: _Operation) -> bool:
        return self._by_id.get(operation.id) is operation

    def _forget(self, operation: _Operation) -> None:
        if self._is_awaited(operation):
            del self._by_id[operation.id]

    # Subscriptions

    async def _follow(self, operation: _Operation) -> None:
        """Begin a subscription, which goes on without a task."""
        stream = Stream(operation.id, self)
        try:
            begun = await self._subscribe(operation, stream)
        except BaseException:
            stream.close()
            raise
        is_refused = isinstance(begun, OperationResult)
        self._observe(operation, is_valid=not is_refused)
        if isinstance(begun, OperationResult):
            stream.close()
            message = error_message(operation.id, begun.body["errors"])
            await self._deliver(operation, message, completes=False)
        elif stream.is_over or self._is_stopping or not self._is_awaited(operation):
            begun.close()
            stream.close()
        else:
            self.wire.limit_unread()
            stream.subscription = begun
            self._by_id[operation.id] = stream
            # From now on the stream is what counts, and not this task as well until its callback.
            if (task := asyncio.current_task()) is not None:
                self._forget_task(task)

    async def _subscribe(
        self, operation: _Operation, stream: Stream
    ) -> Subscription | OperationResult:
        services = self._services

        async def begin(principal: Principal) -> Subscription | OperationResult:
            try:
                stream.place = services.admission.enter(operation.authorization, principal, stream)
            except GatewayError as error:
                services.on_limit(error.limit)
                return refused(error)
            return await services.runner.subscribe(
                operation.asked, principal, stream, on_name=operation.note_name
            )

        return await self._with_slot(operation, begin)

    def write_cursors(self) -> None:
        """Tell the client from where its subscriptions can be resumed, if it has any."""
        cursors = {
            each.id: each.subscription.cursor
            for each in self._by_id.values()
            if isinstance(each, Stream) and each.subscription is not None
        }
        if cursors:
            self.wire.write(cursors_message(cursors))

    def pause(self, stream: Stream) -> None:
        """Resume a stream once the client has read enough."""
        if self._paused is None:
            self._paused = {}
        self._paused[stream] = None

    def resume_writing(self) -> None:
        """Resume streams as far as the client reads, those first that have waited longest."""
        while self._paused and self.wire.is_writable:
            stream = next(iter(self._paused))
            del self._paused[stream]
            stream.resume()
        if not self._paused:
            self._paused = None

    def forget(self, stream: Stream) -> None:
        """Let a stream's id be used again."""
        if self._by_id.get(stream.id) is stream:
            del self._by_id[stream.id]

    def _close_streams(self) -> None:
        for each in list(self._by_id.values()):
            if isinstance(each, Stream):
                self.forget(each)
                each.close()
        self._paused = None


def _cancel(task: asyncio.Task[None], operation: _Operation) -> None:
    """Cancel an operation that nobody waits for, unless it may be changing something.

    If a change were cancelled, its outcome would be unknown, so it continues.
    """
    if not operation.is_changing:
        task.cancel()
