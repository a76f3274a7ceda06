"""A state of an SQLite file, which several statements read."""

import asyncio
from functools import partial
from typing import Any

from db.database import Rows
from db.snapshots import ReadSnapshot, Turns
from db.sqlite.connection_pool import ConnectionPool
from db.sqlite.driver_errors import translated_errors
from db.sqlite.interruption import Interruptible


class SQLiteSnapshot(ReadSnapshot):
    """A read transaction on a connection of a pool.

    It is among ``under_way`` while it has a connection.
    """

    def __init__(
        self,
        database: object,
        turns: Turns,
        pool: ConnectionPool,
        under_way: set[asyncio.Future[Any]],
    ) -> None:
        super().__init__(database, turns)
        self._pool = pool
        self._under_way = under_way
        self._connection: Interruptible
        self._closed: asyncio.Future[None]

    async def _begin(self) -> None:
        with translated_errors():
            connection = await self._pool.borrow()
        self._connection = connection
        self._closed = asyncio.get_running_loop().create_future()
        self._under_way.add(self._closed)
        self._closed.add_done_callback(self._under_way.discard)
        # The thread runs it before the first read, and reports no error: it can't fail.
        connection.send(None, partial(connection.connection.execute, "BEGIN"))

    async def _read(self, statement: str, parameters: tuple[Any, ...]) -> Rows:
        with translated_errors():
            return await self._pool.read_on(self._connection, statement, parameters)

    async def _close(self) -> None:
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            # After a read that was cancelled and is being interrupted.
            self._connection.send(ended, self._connection.connection.rollback)
            await ended
        finally:
            self._pool.give_back(self._connection)
            self._closed.set_result(None)
