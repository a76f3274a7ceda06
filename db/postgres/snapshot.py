"""A state of a PostgreSQL database, which several statements read."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from db.database import Rows
from db.postgres.connection_pool import Pool
from db.postgres.errors import DISCONNECTED, translated_errors
from db.postgres.texts import storable
from db.snapshots import ReadSnapshot, Turns

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"


class PostgresSnapshot(ReadSnapshot):
    """A read transaction on a connection of a pool; ``limits`` are statements that begin it."""

    def __init__(self, database: object, turns: Turns, pool: Pool, limits: Sequence[str]) -> None:
        super().__init__(database, turns)
        self._pool = pool
        self._limits = limits
        self._acquired = pool.acquire()
        self._connection: Any = None
        self._error: BaseException | None = None

    async def _begin(self) -> None:
        with translated_errors():
            try:
                await self._begin_once()
            except DISCONNECTED:
                # The server restarted, or a firewall or proxy dropped the connection.
                await self._begin_once()

    async def _begin_once(self) -> None:
        connection = await self._acquired.__aenter__()
        try:
            await connection.execute("; ".join([_BEGIN, *self._limits]))
        except BaseException as error:
            await self._acquired.__aexit__(type(error), error, None)
            raise
        self._connection = connection

    async def _read(self, statement: str, parameters: tuple[Any, ...]) -> Rows:
        with translated_errors():
            try:
                rows: Rows = await self._connection.fetch(statement, *storable(parameters))
            except BaseException as error:
                self._error = error
                raise
            return rows

    async def _close(self) -> None:
        error = self._error
        if error is None or isinstance(error, asyncpg.PostgresError):
            try:
                await self._connection.execute("ROLLBACK")
            except Exception as failure:  # noqa: BLE001 - the pool closes the connection
                error = failure
        kind = None if error is None else type(error)
        await self._acquired.__aexit__(kind, error, None)
