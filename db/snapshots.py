"""Read one state of the database by several statements."""

import abc
import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextvars import ContextVar
from typing import Any

from db.errors import ServiceUnavailable

Keep = Callable[[Coroutine[Any, Any, None]], object]
"""Runs a coroutine to its end although nobody waits for it."""


class Turns:
    """How many snapshots may be open at a time, so that enough connections are left for others.

    Who waits longer than ``timeout`` seconds gets ServiceUnavailable.
    """

    def __init__(self, count: int, timeout: float) -> None:
        self._free = asyncio.Semaphore(count)
        self._timeout = timeout

    async def take(self) -> None:
        """Wait for a turn."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._free.acquire()
        except TimeoutError:
            raise ServiceUnavailable("The database is busy; try again in a moment") from None

    def give_back(self) -> None:
        """Let the next one have the turn."""
        self._free.release()


class ReadSnapshot(abc.ABC):
    """A state of the database, which reads see one after the other on one connection.

    It is the state at the first read. Once a read has failed or was cancelled, later ones fail.
    """

    def __init__(self, database: object, turns: Turns) -> None:
        self.database = database
        self.has_ended = False
        self._turns = turns
        self._reading = asyncio.Lock()
        self._has_begun = False
        self._has_failed = False

    async def read(self, statement: str, parameters: tuple[Any, ...]) -> Sequence[Any]:
        """Run the text of one SELECT and return its rows."""
        async with self._reading:
            if self._has_failed or self.has_ended:
                raise ServiceUnavailable(
                    "Another part of the same operation could not be read; try again"
                )
            try:
                if not self._has_begun:
                    await self._take_connection()
                return await self._read(statement, parameters)
            except BaseException:
                self._has_failed = True
                raise

    async def _take_connection(self) -> None:
        await self._turns.take()
        try:
            await self._begin()
        except BaseException:
            self._turns.give_back()
            raise
        self._has_begun = True

    def end(self, keep: Keep) -> None:
        """Give the connection back once the read that is under way, if any, has ended."""
        self.has_ended = True
        if self._has_begun or self._reading.locked():
            keep(self._end_after_reading())

    async def _end_after_reading(self) -> None:
        async with self._reading:
            if self._has_begun:
                try:
                    await self._close()
                finally:
                    self._turns.give_back()

    @abc.abstractmethod
    async def _begin(self) -> None:
        """Take a connection and begin a transaction."""

    @abc.abstractmethod
    async def _read(self, statement: str, parameters: tuple[Any, ...]) -> Sequence[Any]:
        """Run a SELECT in the transaction."""

    @abc.abstractmethod
    async def _close(self) -> None:
        """End the transaction and give the connection back."""


_current: ContextVar[ReadSnapshot | None] = ContextVar("snapshot", default=None)


def current_snapshot(database: object) -> ReadSnapshot | None:
    """Return the snapshot of a database that this task reads, if there is one."""
    snapshot = _current.get()
    if snapshot is None or snapshot.database is not database or snapshot.has_ended:
        return None
    return snapshot


@contextlib.asynccontextmanager
async def reading_snapshot(
    database: object, begin: Callable[[], ReadSnapshot], keep: Keep
) -> AsyncIterator[None]:
    """Let the reads of the block see one state of a database, which ``begin`` begins to read."""
    if current_snapshot(database) is not None:
        yield
        return
    snapshot = begin()
    token = _current.set(snapshot)
    try:
        yield
    finally:
        _current.reset(token)
        snapshot.end(keep)
