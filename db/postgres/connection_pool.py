"""A bounded pool of connections, each used by one caller at a time."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

import asyncpg

from db.errors import ServiceUnavailable
from db.postgres.errors import DISCONNECTED

_LONGEST_IDLE = 300.0
"""In seconds. A firewall or proxy may drop connections that are idle for longer."""
_LONGEST_LIFE = 3600.0
"""In seconds. The memory of a server process grows with the statements it has run."""


class _PooledConnection:
    """A connection, when it was opened and since when it is idle."""

    __slots__ = ("connection", "idle_since", "opened_at")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.opened_at = self.idle_since = time.monotonic()

    def is_reusable(self, now: float) -> bool:
        """Whether the connection may be used again."""
        return (
            not self.connection.is_closed()
            and not self.connection.is_in_transaction()
            and now - self.opened_at < _LONGEST_LIFE
        )


class Pool:
    """At most ``size`` connections, which ``connect`` opens when first needed.

    The most recently used connection is handed out first, so no more are kept busy than necessary.
    A connection is closed instead of reused if it broke, was left in a transaction, or has a
    response that was not read to its end. A pool belongs to the event loop that uses it.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int, timeout: float) -> None:
        self.size = size
        self._connect = connect
        self._timeout = timeout
        self._open = 0
        self._idle: deque[_PooledConnection] = deque()
        self._waiting: deque[asyncio.Future[_PooledConnection | None]] = deque()
        self._closings: set[asyncio.Task[None]] = set()
        self._closed: asyncio.Future[None] | None = None

    @property
    def in_use(self) -> int:
        """The number of connections that are acquired, being opened or being closed."""
        return self._open - len(self._idle)

    @property
    def idle(self) -> int:
        """The number of free connections."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """The number of callers that wait for a connection."""
        return len(self._waiting)

    def acquire(self) -> "_Acquisition":
        """Return a context manager that provides a connection.

        Entering it raises ServiceUnavailable after a wait of ``timeout`` seconds.
        """
        return _Acquisition(self)

    async def close(self) -> None:
        """Hand out no more connections, and close each one once it is released."""
        if self._closed is None:
            self._closed = asyncio.get_running_loop().create_future()
            self._discard_idle()
            self._resolve_when_empty()
        await self._closed

    def pop_idle(self) -> _PooledConnection | None:
        """Return an idle connection, if there is one."""
        now = time.monotonic()
        while self._idle:
            pooled = self._idle.pop()
            if pooled.is_reusable(now) and now - pooled.idle_since < _LONGEST_IDLE:
                return pooled
            self._discard(pooled)
        return None

    async def wait(self) -> _PooledConnection:
        """Open a connection, or wait for one that is released."""
        if self._closed is not None:
            raise ServiceUnavailable("The database is being closed")
        try:
            async with asyncio.timeout(self._timeout):
                if self._open < self.size:
                    self._open += 1
                elif pooled := await self._queue():
                    return pooled
                return await self._open_one()
        except TimeoutError:
            raise ServiceUnavailable("The database is busy; try again in a moment") from None

    async def _queue(self) -> _PooledConnection | None:
        """Wait for a released connection; None means that a new one may be opened."""
        turn: asyncio.Future[_PooledConnection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with contextlib.suppress(ValueError):
                    self._waiting.remove(turn)
            elif (pooled := turn.result()) is not None:
                self.release(pooled)
            else:
                self._free_slot()
            raise

    async def _open_one(self) -> _PooledConnection:
        try:
            return _PooledConnection(await self._connect())
        except BaseException:
            self._free_slot()
            raise

    def release(self, pooled: _PooledConnection) -> None:
        """Take back a connection whose last response was read to its end."""
        now = time.monotonic()
        if not pooled.is_reusable(now):
            self._discard(pooled)
            return
        if self._hand_to_waiter(pooled):
            return
        pooled.idle_since = now
        if self._closed is not None:
            self._discard(pooled)
            return
        self._idle.append(pooled)
        if now - self._idle[0].idle_since > _LONGEST_IDLE:
            self._discard(self._idle.popleft())

    def release_after_error(self, pooled: _PooledConnection, error: BaseException) -> None:
        """Take back a connection after an exception in its block."""
        if isinstance(error, DISCONNECTED):
            # What ended this connection has probably ended the others too.
            self._discard(pooled)
            self._discard_idle()
        elif isinstance(error, asyncpg.PostgresError):
            self.release(pooled)
        else:
            self._discard(pooled)

    def _discard_idle(self) -> None:
        while self._idle:
            self._discard(self._idle.pop())

    def _discard(self, pooled: _PooledConnection) -> None:
        ending = asyncio.get_running_loop().create_task(self._end(pooled.connection))
        self._closings.add(ending)
        ending.add_done_callback(self._closings.discard)

    async def _end(self, connection: Any) -> None:
        try:
            # Cancels in the server what is still running on it.
            await connection.close(timeout=self._timeout)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001 - terminate whatever happens
            connection.terminate()
        finally:
            self._free_slot()

    def _free_slot(self) -> None:
        """Let the first waiter open a connection in place of one that is gone."""
        if not self._hand_to_waiter(None):
            self._open -= 1
            self._resolve_when_empty()

    def _hand_to_waiter(self, pooled: _PooledConnection | None) -> bool:
        """Give the first waiter a connection, or None to let it open one."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(pooled)
                return True
        return False

    def _resolve_when_empty(self) -> None:
        if self._closed is not None and not self._closed.done() and not self._open:
            self._closed.set_result(None)


class _Acquisition:
    """Acquires a connection for the length of a block."""

    __slots__ = ("_pool", "_pooled")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Any:
        self._pooled = self._pool.pop_idle() or await self._pool.wait()
        return self._pooled.connection

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._pool.release(self._pooled)
        else:
            self._pool.release_after_error(self._pooled, error)
