"""A bounded number of connections, each lent to one caller at a time."""

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
"""After so many seconds something between may have forgotten a connection."""
_LONGEST_LIFE = 3600.0
"""What a server keeps for a connection grows with the statements that it has seen."""


class _Lendable:
    """A connection, when it was opened and since when nobody has it."""

    __slots__ = ("connection", "idle_since", "opened_at")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.opened_at = self.idle_since = time.monotonic()

    def is_fit(self, now: float) -> bool:
        """Whether it may be lent once more."""
        return (
            not self.connection.is_closed()
            and not self.connection.is_in_transaction()
            and now - self.opened_at < _LONGEST_LIFE
        )


class Pool:
    """At most ``size`` connections, which ``connect`` opens when they are first needed.

    The one that came back last is lent first, so that no more are kept busy than there is work for.
    One that broke, was left in a transaction or whose answer nobody waited for is closed and never
    lent again. It belongs to the loop that uses it.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Any]], size: int, longest_wait: float
    ) -> None:
        self.size = size
        self._connect = connect
        self._longest_wait = longest_wait
        self._open = 0
        self._idle: deque[_Lendable] = deque()
        self._waiting: deque[asyncio.Future[_Lendable | None]] = deque()
        self._endings: set[asyncio.Task[None]] = set()
        self._emptied: asyncio.Future[None] | None = None

    @property
    def in_use(self) -> int:
        """How many connections are lent, being opened or being closed."""
        return self._open - len(self._idle)

    @property
    def idle(self) -> int:
        """How many connections nobody has."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """How many callers wait for a connection that others have."""
        return len(self._waiting)

    def lend(self) -> "_Loan":
        """A connection that nobody else has, within ``async with``.

        Raises ServiceUnavailable for whoever would wait longer than ``longest_wait`` seconds.
        """
        return _Loan(self)

    async def close(self) -> None:
        """Lend no more, and close every connection when it is back."""
        if self._emptied is None:
            self._emptied = asyncio.get_running_loop().create_future()
            self._discard_idle()
            self._tell_when_emptied()
        await self._emptied

    def take_idle(self) -> _Lendable | None:
        """A connection that can be lent at once, if there is one."""
        now = time.monotonic()
        while self._idle:
            lendable = self._idle.pop()
            if lendable.is_fit(now) and now - lendable.idle_since < _LONGEST_IDLE:
                return lendable
            self._discard(lendable)
        return None

    async def wait(self) -> _Lendable:
        """A connection that is opened now or that others give back."""
        if self._emptied is not None:
            raise ServiceUnavailable("The database is being closed")
        try:
            async with asyncio.timeout(self._longest_wait):
                if self._open < self.size:
                    self._open += 1
                elif lendable := await self._queue():
                    return lendable
                return await self._open_one()
        except TimeoutError:
            raise ServiceUnavailable("The database is busy; try again in a moment") from None

    async def _queue(self) -> _Lendable | None:
        """Wait for a connection, or for the place of one that is gone."""
        turn: asyncio.Future[_Lendable | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with contextlib.suppress(ValueError):
                    self._waiting.remove(turn)
            elif (lendable := turn.result()) is not None:
                self.take_back(lendable)
            else:
                self._leave_place()
            raise

    async def _open_one(self) -> _Lendable:
        try:
            return _Lendable(await self._connect())
        except BaseException:
            self._leave_place()
            raise

    def take_back(self, lendable: _Lendable) -> None:
        """Have a connection back whose last answer was read to its end."""
        now = time.monotonic()
        if not lendable.is_fit(now):
            self._discard(lendable)
            return
        if self._pass_on(lendable):
            return
        lendable.idle_since = now
        if self._emptied is not None:
            self._discard(lendable)
            return
        self._idle.append(lendable)
        if now - self._idle[0].idle_since > _LONGEST_IDLE:
            self._discard(self._idle.popleft())

    def take_back_uncertain(self, lendable: _Lendable, error: BaseException) -> None:
        """Have a connection back on which something went wrong."""
        if isinstance(error, DISCONNECTED):
            # Whatever ended this one is likely to have ended the others.
            self._discard(lendable)
            self._discard_idle()
        elif isinstance(error, asyncpg.PostgresError):
            self.take_back(lendable)
        else:
            self._discard(lendable)

    def _discard_idle(self) -> None:
        while self._idle:
            self._discard(self._idle.pop())

    def _discard(self, lendable: _Lendable) -> None:
        ending = asyncio.get_running_loop().create_task(self._end(lendable.connection))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def _end(self, connection: Any) -> None:
        try:
            # What still runs on it is cancelled in the server first.
            await connection.close(timeout=self._longest_wait)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001 - it is gone, however it went
            connection.terminate()
        finally:
            self._leave_place()

    def _leave_place(self) -> None:
        """A connection is no more: whoever waits first may open another one."""
        if not self._pass_on(None):
            self._open -= 1
            self._tell_when_emptied()

    def _pass_on(self, lendable: _Lendable | None) -> bool:
        """Give whoever waits first a connection, or None for a place to open one in."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(lendable)
                return True
        return False

    def _tell_when_emptied(self) -> None:
        if self._emptied is not None and not self._emptied.done() and not self._open:
            self._emptied.set_result(None)


class _Loan:
    """One connection, from the beginning of a block to its end."""

    __slots__ = ("_lendable", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Any:
        self._lendable = self._pool.take_idle() or await self._pool.wait()
        return self._lendable.connection

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._pool.take_back(self._lendable)
        else:
            self._pool.take_back_uncertain(self._lendable, error)
