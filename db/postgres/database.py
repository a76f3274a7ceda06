"""A PostgreSQL database."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.engine import URL, Dialect, Row
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.util import await_only, greenlet_spawn

from db.database import Database, Execute, Metric, Rows, connection_metrics, statements
from db.postgres.commit_watch import watching_commits
from db.postgres.compaction import Compaction
from db.postgres.errors import DISCONNECTED, translated_errors, uncertain_writes
from db.postgres.opening import Options, open_engine, open_pool
from db.postgres.snapshot import PostgresSnapshot
from db.postgres.texts import storable
from db.snapshots import ReadSnapshot, Turns

_T = TypeVar("_T")

_ATTEMPTS = 5
_LONGEST_PAUSE = 0.05


class PostgresDatabase(Database):
    """A database of executions: as many readers and writers as there are connections.

    Opens at most ``connections`` connections for reads and changes, two for rare tasks, and one for
    each watch of commits. Waiting
    longer than ``busy_timeout`` seconds for a connection or a lock raises ServiceUnavailable, and
    so does a statement that takes longer than ``statement_timeout`` seconds. A read whose
    connection turns out to be dead is repeated once on another one.
    """

    def __init__(
        self,
        url: URL,
        *,
        connections: int = 10,
        busy_timeout: float = 5.0,
        statement_timeout: float | None = None,
        server: str = "primary",
    ) -> None:
        super().__init__(url)
        self._server = server
        self._options = Options(url, busy_timeout, statement_timeout)
        self._engine = open_engine(self._options)
        self._pool = open_pool(self._options, connections)
        self._snapshots = Turns(max(1, connections // 2), busy_timeout)
        # The primary compacts the counts of its replicas.
        self._compaction = None if server == "replica" else Compaction(self._compact)

    @property
    def dialect(self) -> Dialect:
        """What SQLAlchemy knows of PostgreSQL through asyncpg."""
        return self._engine.dialect

    async def fetch(self, statement: Executable) -> Sequence[Row[Any]]:
        """Run one SELECT on a connection of its own and return all of its rows."""
        return await self._finish(self._fetch(statement))

    async def _fetch(self, statement: Executable) -> Sequence[Row[Any]]:
        with translated_errors():
            async with self._engine.connect() as connection:
                await self._limit(connection)
                return (await connection.execute(statement)).all()

    async def _read(
        self,
        statement: str,
        parameters: tuple[Any, ...],
        *,
        is_short: bool,  # noqa: ARG002 - every read has its own connection here
    ) -> Rows:
        with translated_errors():
            sent = storable(parameters)
            try:
                return await self._read_once(statement, sent)
            except DISCONNECTED:
                # The server restarted, or a firewall or proxy dropped the connection.
                return await self._read_once(statement, sent)

    async def _read_once(self, statement: str, parameters: Sequence[Any]) -> Rows:
        async with self._pool.acquire() as connection:
            rows: Rows = await connection.fetch(statement, *parameters)
        self._start_compaction()
        return rows

    def _begin_snapshot(self) -> ReadSnapshot:
        limits = self._options.limits if self._options.sessions_are_shared else ()
        return PostgresSnapshot(self, self._snapshots, self._pool, limits)

    async def change(self, change: Callable[[Execute], _T]) -> _T:
        """Run a change in a transaction of its own.

        After a conflict with another transaction, or if it could not have a lock at once, it is
        rolled back and runs again.
        """
        return await self._finish(self._retry_on_conflict(lambda: self._change_once(change)))

    async def change_at_once(self, statement: str, parameters: Sequence[Any]) -> Rows:
        """Run a change that is a single statement, which the server commits by itself."""
        if self._options.sessions_are_shared:
            # Its timeouts can be set within a transaction only.
            return await super().change_at_once(statement, parameters)
        statements.debug("%s", statement)
        sent = storable(parameters)
        return await self._finish(
            self._retry_on_conflict(lambda: self._change_at_once(statement, sent))
        )

    async def catch_up(self) -> None:
        """Compact count deltas, unless another process is doing so."""
        await self._compact()

    async def _retry_on_conflict(self, change: Callable[[], Awaitable[_T]]) -> _T:
        conflicts = 0
        gives_up = time.monotonic() + self._options.busy_timeout
        with translated_errors(is_write=True):
            while True:
                try:
                    return await change()
                except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
                    conflicts += 1
                    if conflicts == _ATTEMPTS:
                        raise
                except asyncpg.LockNotAvailableError:
                    # Triggers and statements of the gateway may wait for less than busy_timeout.
                    if time.monotonic() >= gives_up:
                        raise
                # Random, so that the same transactions don't collide again.
                await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311 - no secret

    async def _change_at_once(self, statement: str, parameters: Sequence[Any]) -> Rows:
        with uncertain_writes() as write:
            async with self._pool.acquire() as connection:
                write.is_sent = True
                rows: Rows = await connection.fetch(statement, *parameters)
        self._start_compaction()
        return rows

    async def _change_once(self, change: Callable[[Execute], _T]) -> _T:
        async with self._transaction() as connection:

            def execute(statement: str, parameters: Sequence[Any]) -> Rows:
                statements.debug("%s", statement)
                rows: Rows = await_only(connection.fetch(statement, *storable(parameters)))
                return rows

            changed: _T = await greenlet_spawn(change, execute)
        self._start_compaction()
        return changed

    def watch_commits(
        self, on_commit: Callable[[], object]
    ) -> contextlib.AbstractAsyncContextManager[None]:
        """Listen for notifications on a connection of its own, and look every 100 ms."""
        # In a shared session, notifications reach whichever client uses it at the time.
        connect = None if self._options.sessions_are_shared else self._options.connect
        return watching_commits(connect, on_commit)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Run a write transaction: commit at the end of the block, roll back on an exception."""
        with translated_errors(is_write=True), uncertain_writes() as write:
            async with self._engine.connect() as connection, connection.begin() as transaction:
                await self._limit(connection)
                yield connection
                write.is_sent = True
                await transaction.commit()
        self._start_compaction()

    async def _limit(self, connection: AsyncConnection) -> None:
        if self._options.sessions_are_shared:
            for limit in self._options.limits:
                await connection.exec_driver_sql(limit)

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Any]:
        """Provide a driver connection in a transaction with the usual timeouts."""
        limits = self._options.limits if self._options.sessions_are_shared else ()
        with uncertain_writes() as write:
            async with self._pool.acquire() as connection:
                await connection.execute("; ".join(["BEGIN", *limits]))
                try:
                    yield connection
                except BaseException:
                    # If this fails, the pool closes the connection.
                    with contextlib.suppress(Exception):
                        await connection.execute("ROLLBACK")
                    raise
                write.is_sent = True
                await connection.execute("COMMIT")

    def _start_compaction(self) -> None:
        if self._compaction is not None:
            self._compaction.start()

    async def _compact(self) -> int:
        with translated_errors():
            try:
                async with self._transaction() as connection:
                    compacted: int = await connection.fetchval("SELECT gateway_fold_counts()")
                    return compacted
            except asyncpg.UndefinedFunctionError:
                async with self._transaction() as connection:
                    # Another process, or this one, may have removed all that is the gateway's.
                    if await connection.fetchval("SELECT to_regclass('executions') IS NOT NULL"):
                        raise
                    return 0

    async def explain(self, statement: str, parameters: tuple[Any, ...]) -> list[str]:
        """Return the lines of PostgreSQL's plan."""
        with translated_errors():
            async with self._transaction() as connection:
                lines = await connection.fetch(f"EXPLAIN {statement}", *storable(parameters))
        return [line[0] for line in lines]

    def metrics(self) -> Sequence[Metric]:
        """Return the use of the connections for reads and changes."""
        pool = self._pool
        return connection_metrics(
            self._server, lambda: pool.in_use, lambda: pool.idle, lambda: pool.waiting
        )

    async def close(self) -> None:
        """Close every connection once running work has finished."""
        if self._compaction is not None:
            await self._compaction.close()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._pool.close()
        await self._engine.dispose()
