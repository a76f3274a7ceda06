"""A pool of driver connections for reads.

SQLAlchemy's asynchronous connections hand over to the database's thread at least four times for a
statement; the driver's own ``execute_fetchall`` does it once.

Each long read borrows a connection. Short reads, which an index bounds, share one: on threads of
their own they would only wait for each other to release the interpreter.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.database import Rows
from db.deadlines import Deadlines
from db.errors import ServiceUnavailable
from db.sqlite.batching import Batcher, RunBatch, resolve, run_reads
from db.sqlite.interruption import Interrupter, Interruptible
from db.sqlite.loop_reader import LoopReader

OnEnd = Callable[[Interruptible], object]
"""Called with the connection of a read once the driver's thread is done with it."""


class _Reading:
    """A read that holds a connection until the driver's thread is done with it.

    The driver's thread treats it as the future of the result; ``answer`` is the caller's future,
    and the caller may be cancelled before.
    """

    __slots__ = (
        "_connection",
        "_deadline",
        "_deadlines",
        "_has_ended",
        "_interrupter",
        "_on_end",
        "answer",
    )

    def __init__(
        self,
        connection: Interruptible,
        deadlines: Deadlines | None,
        on_end: OnEnd | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._connection = connection
        self._deadlines = deadlines
        self._on_end = on_end
        self.answer: asyncio.Future[Rows] = loop.create_future()
        self._interrupter = Interrupter(
            connection.interrupt, deadlines.seconds if deadlines else 0.0
        )
        self._deadline = deadlines.start(self._interrupter) if deadlines else None
        self._has_ended = False

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self.answer.get_loop()

    def done(self) -> bool:
        return False

    def set_result(self, rows: Rows) -> None:
        self._end()
        resolve(self.answer, rows)

    def set_exception(self, error: BaseException) -> None:
        self._end()
        resolve(self.answer, error)

    def interrupt(self) -> None:
        """Interrupt the statement, unless it has ended."""
        # The connection may have another user by then.
        if not self._has_ended:
            self._interrupter.interrupt_now()

    def _end(self) -> None:
        self._has_ended = True
        self._interrupter.stop()
        if self._deadlines is not None and self._deadline is not None:
            self._deadlines.end(self._deadline)
        if self._on_end is not None:
            self._on_end(self._connection)


class ConnectionPool:
    """At most ``size`` connections of an engine, opened when first needed.

    One of them can be shared by batches of work, which ``loop_reader`` or else ``run`` executes.
    Callers that wait longer than ``timeout`` seconds for a connection get ServiceUnavailable.
    Statements that run longer than ``statement_timeout`` seconds are interrupted.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        size: int,
        timeout: float,
        statement_timeout: float | None,
        run: RunBatch = run_reads,
        loop_reader: LoopReader | None = None,
    ) -> None:
        self._engine = engine
        self._run_batch = run
        self._loop_reader = loop_reader
        self._size = size
        self._timeout = timeout
        self._deadlines = Deadlines(statement_timeout) if statement_timeout else None
        self._opened: list[AsyncConnection] = []
        self._free: deque[Interruptible] = deque()
        self._openings: set[asyncio.Future[None]] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._under_way: set[asyncio.Future[Any]] = set()
        self.shared: Batcher | None = None
        self._sharing: asyncio.Future[Interruptible] | None = None

    @property
    def idle(self) -> int:
        """The number of connections that are free."""
        return len(self._free)

    @property
    def in_use(self) -> int:
        """The number of connections that are in use, including the shared one."""
        return len(self._opened) - len(self._free)

    @property
    def waiting(self) -> int:
        """The number of callers that wait for a connection."""
        return sum(not waiter.done() for waiter in self._waiting)

    async def read(self, statement: str, parameters: tuple[Any, ...]) -> Rows:
        """Run a statement on a connection of its own and return its rows."""
        connection = self._free.pop() if self._free else await self._wait()
        return await self.read_on(connection, statement, parameters, self.give_back)

    async def read_on(
        self,
        connection: Interruptible,
        statement: str,
        parameters: tuple[Any, ...],
        on_end: OnEnd | None = None,
    ) -> Rows:
        """Run a statement on a borrowed connection and return its rows."""
        loop = asyncio.get_running_loop()
        reading = _Reading(connection, self._deadlines, on_end, loop)
        connection.send(reading, partial(connection.execute, statement, parameters))
        try:
            return await reading.answer
        except asyncio.CancelledError:
            # The connection returns to the pool only when the statement has ended.
            reading.interrupt()
            raise

    async def borrow(self) -> Interruptible:
        """Take a connection for several statements."""
        return self._free.pop() if self._free else await self._wait()

    def give_back(self, connection: Interruptible) -> None:
        """Return a connection that the driver's thread is done with to the pool."""
        self._free.append(connection)
        self._wake()

    async def share(self) -> Batcher:
        """Return the batcher of the shared connection, opening it when first needed."""
        if self._sharing is None:
            self._sharing = self._keep(self._wait())
        sharing = self._sharing
        try:
            connection = await asyncio.shield(sharing)
            if self.shared is None:
                self.shared = Batcher(
                    connection, self._run_batch, self._deadlines, self._loop_reader
                )
        finally:
            if sharing.done():
                self._sharing = None
        return self.shared

    def _keep(self, work: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
        """Start work that continues when its caller is cancelled."""
        started = asyncio.ensure_future(work)
        self._under_way.add(started)
        started.add_done_callback(self._end)
        return started

    def _end(self, ended: asyncio.Future[Any]) -> None:
        self._under_way.discard(ended)
        if not ended.cancelled():
            # Retrieve the exception, because its caller may be gone.
            ended.exception()

    async def _wait(self) -> Interruptible:
        try:
            async with asyncio.timeout(self._timeout):
                while not self._free:
                    if len(self._opened) + len(self._openings) < self._size:
                        await self._begin_opening()
                        continue
                    waiter = asyncio.get_running_loop().create_future()
                    self._waiting.append(waiter)
                    try:
                        await waiter
                    except asyncio.CancelledError:
                        if not waiter.cancelled():
                            # It was woken but is cancelled: wake the next one instead.
                            self._wake()
                        raise
        except TimeoutError:
            raise ServiceUnavailable("The database is busy; try again in a moment") from None
        return self._free.pop()

    async def _begin_opening(self) -> None:
        # Opening continues when the caller is cancelled: a connection abandoned while it is
        # being opened is left in an unknown state.
        opening = asyncio.ensure_future(self._open())
        self._openings.add(opening)
        opening.add_done_callback(self._end_opening)
        await asyncio.shield(opening)

    async def _open(self) -> None:
        connection = await self._engine.connect()
        try:
            raw = await connection.get_raw_connection()
        except BaseException:
            await connection.close()
            raise
        self._opened.append(connection)
        self._free.append(Interruptible(raw.driver_connection))

    def _end_opening(self, opening: asyncio.Future[None]) -> None:
        self._openings.discard(opening)
        if not opening.cancelled():
            # Retrieve the exception, because its caller may be gone.
            opening.exception()
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def empty_log(self) -> None:
        """Checkpoint the whole write-ahead log into the file, if a connection is open."""
        for connection in self._opened[:1]:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        """Return every connection to the engine."""
        await asyncio.gather(*self._openings, *self._under_way, return_exceptions=True)
        while self._opened:
            await self._opened.pop().close()
        self._free.clear()
        if self._deadlines is not None:
            self._deadlines.close()
        self.shared = self._sharing = None
