"""Driver connections for reads, lent one at a time.

SQLAlchemy's asynchronous connections cross to the database's thread four times or more for a
statement; the driver's own ``execute_fetchall`` crosses once.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.errors import ServiceUnavailable

_interruptions: set[asyncio.Future[None]] = set()


class DriverPool:
    """At most ``size`` connections of an engine, opened when they are first needed.

    Whoever waits longer than ``patience`` seconds for one gets ServiceUnavailable. What runs
    longer than ``statement_timeout`` seconds is interrupted in the database itself.
    """

    def __init__(
        self, engine: AsyncEngine, size: int, patience: float, statement_timeout: float | None
    ) -> None:
        self._engine = engine
        self._size = size
        self._patience = patience
        self._statement_timeout = statement_timeout
        self._opened: list[AsyncConnection] = []
        self._free: deque[Any] = deque()
        self._openings: set[asyncio.Future[None]] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()

    @contextlib.asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Any]:
        """A driver connection that nobody else has while the block runs."""
        driver = self._free.pop() if self._free else await self._wait()
        timer = None
        if self._statement_timeout is not None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self._statement_timeout, interrupt, driver)
        try:
            yield driver
        except asyncio.CancelledError:
            # The statement runs on, and whoever is lent the connection next waits for it: it
            # is still to be interrupted.
            timer = None
            raise
        finally:
            if timer is not None:
                timer.cancel()
            self._free.append(driver)
            if self._waiting:
                self._wake()

    async def _wait(self) -> Any:
        try:
            async with asyncio.timeout(self._patience):
                while not self._free:
                    if len(self._opened) + len(self._openings) < self._size:
                        await self._begin_opening()
                        continue
                    waiter = asyncio.get_running_loop().create_future()
                    self._waiting.append(waiter)
                    await waiter
        except TimeoutError:
            raise ServiceUnavailable("The database is busy; try again in a moment") from None
        return self._free.pop()

    async def _begin_opening(self) -> None:
        # It goes on when whoever asked for it goes away: a connection that is given up while
        # it is being opened is left in an unknown state.
        opening = asyncio.ensure_future(self._open())
        self._openings.add(opening)
        opening.add_done_callback(self._end_opening)
        await asyncio.shield(opening)

    async def _open(self) -> None:
        connection = await self._engine.connect()
        raw = await connection.get_raw_connection()
        self._opened.append(connection)
        self._free.append(raw.driver_connection)

    def _end_opening(self, opening: asyncio.Future[None]) -> None:
        self._openings.discard(opening)
        if not opening.cancelled():
            # Told to whoever asked for it, if they are still there.
            opening.exception()
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def close(self) -> None:
        """Give every connection back to the engine."""
        await asyncio.gather(*self._openings, return_exceptions=True)
        while self._opened:
            await self._opened.pop().close()
        self._free.clear()


def interrupt(driver: Any) -> None:
    """Interrupt what runs on a driver connection, from the loop that it belongs to."""
    # SQLite allows this from another thread; the driver's own coroutine only calls it.
    task = asyncio.ensure_future(driver.interrupt())
    _interruptions.add(task)
    task.add_done_callback(_interruptions.discard)
