"""A database in an SQLite file."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, event, text
from sqlalchemy.engine import URL, Dialect, Row
from sqlalchemy.ext.asyncio import AsyncConnection

from db.database import Database, Execute, Metric, Rows, connection_metrics, statements
from db.errors import ServiceUnavailable, UncertainWrite
from db.snapshots import ReadSnapshot, Turns
from db.sqlite.batching import RunBatch
from db.sqlite.checkpoints import Checkpoints
from db.sqlite.commit_watch import IsCurrent, watching_commits
from db.sqlite.connection_pool import ConnectionPool
from db.sqlite.driver_errors import translated_errors, uncertain_commit
from db.sqlite.file_watch import CHECK_SECONDS, DatabaseFile
from db.sqlite.flowise_changes import FlowiseChanges
from db.sqlite.group_commit import run_changes
from db.sqlite.interruption import Interrupter, Interruptible
from db.sqlite.loop_reader import LoopReader
from db.sqlite.opening import connect_for_loop, open_engine, refuse_writes
from db.sqlite.snapshot import SQLiteSnapshot
from db.texts import read_text

logger = logging.getLogger("gateway.database")

_T = TypeVar("_T")

_RARE_READERS = 2
_LASTING = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""Errors that persist on a connection after their cause is fixed."""


class SQLiteDatabase(Database):
    """A database of executions: many readers and one writer at a time.

    Readers have connections of their own, which can't write. A write holds the database's write
    lock from its beginning, so what it reads stays true until it commits. Cancelling the caller
    interrupts neither.

    ``url`` names a file. ``busy_timeout`` is how long, in seconds, a write waits for another one
    before it raises ``ServiceUnavailable``. Reads and transactions that take longer than
    ``statement_timeout`` seconds are interrupted and raise ``ServiceUnavailable``; None sets no
    limit.
    """

    def __init__(
        self,
        url: URL,
        *,
        readers: int = 4,
        busy_timeout: float = 5.0,
        statement_timeout: float | None = None,
    ) -> None:
        super().__init__(url)
        self._readers = readers
        self._busy_timeout = busy_timeout
        self._statement_timeout = statement_timeout
        self._reopening: asyncio.Future[None] | None = None
        self._snapshots = Turns(max(1, readers // 2), busy_timeout)
        self._open()

    def _open(self) -> None:
        """Create engines and pools, which open connections when they are first needed."""
        file = self._file = DatabaseFile(self.url.database or "", self._reopen, self._reopening)
        limits = (self._busy_timeout, self._statement_timeout)
        # One more than there are readers, for short reads to share; the rest serve rare tasks.
        size = self._readers + 1
        self._reader = open_engine(self.url, file, size + _RARE_READERS, self._busy_timeout)
        # One connection that changes share, and one for other transactions.
        self._writer = open_engine(self.url, file, 2, self._busy_timeout)
        self.loop_reader = LoopReader(lambda: connect_for_loop(self.url))
        self._read_pool = ConnectionPool(self._reader, size, *limits, loop_reader=self.loop_reader)
        flowise = self._flowise = FlowiseChanges()
        self._write_pool = ConnectionPool(
            self._writer,
            1,
            *limits,
            run=_verifying_file(file, partial(run_changes, flowise=flowise)),
        )
        self._checkpoints = Checkpoints(self._checkpoint)
        event.listen(self._reader.sync_engine, "connect", refuse_writes)
        event.listen(self._writer.sync_engine, "begin", _begin_immediate)
        event.listen(self._writer.sync_engine, "connect", _read_any_text)
        for engine in (self._reader, self._writer):
            event.listen(engine.sync_engine, "before_cursor_execute", _log_statement)

    async def fetch(self, statement: Executable) -> Sequence[Row[Any]]:
        """Run one SELECT on a connection of its own and return all of its rows.

        Raises ServiceUnavailable when the database can't answer.
        """
        return await self._finish(self._fetch(statement))

    async def _fetch(self, statement: Executable) -> Sequence[Row[Any]]:
        with translated_errors():
            async with self._reader.connect() as connection, self._bounded(connection):
                driver: Any = (await connection.get_raw_connection()).driver_connection
                driver.text_factory = read_text
                try:
                    return (await connection.execute(statement)).all()
                finally:
                    driver.text_factory = str

    def _read(
        self, statement: str, parameters: tuple[Any, ...], *, is_short: bool
    ) -> Awaitable[Rows]:
        if is_short and (shared := self._read_pool.shared) is not None:
            return shared.send((statement, parameters))
        return self._read_async(statement, parameters, is_short=is_short)

    async def _read_async(
        self, statement: str, parameters: tuple[Any, ...], *, is_short: bool
    ) -> Rows:
        with translated_errors():
            if not is_short:
                return await self._read_pool.read(statement, parameters)
            rows: Rows = await (await self._read_pool.share()).send((statement, parameters))
            return rows

    def _begin_snapshot(self) -> ReadSnapshot:
        return SQLiteSnapshot(self, self._snapshots, self._read_pool, self._under_way)

    @property
    def dialect(self) -> Dialect:
        """What SQLAlchemy knows of this kind of database."""
        return self._reader.dialect

    @property
    def searched_for(self) -> float:
        """How long, in all, writes have searched Flowise's chat messages, for those to change."""
        return self._flowise.searched_for

    async def change(self, change: Callable[[Execute], _T]) -> _T:
        """Run a change and commit it, together with others that arrive at the same time.

        The change runs in the database's thread, to its end even if the caller is cancelled, and is
        durable when this returns. Raises ServiceUnavailable if the database can't be written.
        """
        with translated_errors():
            changes = self._write_pool.shared or await self._write_pool.share()
        changed: _T = await changes.send(change)
        self._checkpoints.soon()
        return changed

    async def catch_up(self) -> None:
        """Move the write-ahead log into the file; commits start it anew once all of it is there."""
        await self._checkpoint()

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Run a write transaction: commit at the end of the block, roll back on an exception."""
        file, flowise = self._file, self._flowise
        with translated_errors():
            async with self._writer.connect() as connection, connection.begin() as transaction:
                async with self._bounded(connection):
                    before = await connection.run_sync(
                        lambda begun: flowise.begin(_executing(begun))
                    )
                    yield connection
                    await connection.run_sync(
                        lambda ending: flowise.bring(_executing(ending), before)
                    )
                with uncertain_commit():
                    await transaction.commit()
        if not file.is_there():
            raise _file_moved()
        self._checkpoints.soon()

    def watch_commits(
        self, on_commit: Callable[[], object]
    ) -> contextlib.AbstractAsyncContextManager[None]:
        """Look for commits every 20 ms, on a connection of its own; in quiet times every 50 ms."""
        return watching_commits(self._connect_to_watch, on_commit)

    async def _connect_to_watch(self) -> tuple[sqlite3.Connection, IsCurrent]:
        file = self._file
        # While a file is replaced, no connection may be opened.
        await file.path_to_open()
        connection = await asyncio.to_thread(connect_for_loop, self.url)
        file.opened()
        return connection, lambda: file is self._file

    async def _checkpoint(self) -> None:
        await self.fetch(text("PRAGMA wal_checkpoint(PASSIVE)"))

    @contextlib.asynccontextmanager
    async def _bounded(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """Interrupt statements on a connection once the block exceeds the statement timeout."""
        if self._statement_timeout is None:
            yield
            return
        driver: Any = (await connection.get_raw_connection()).driver_connection
        interrupter = Interrupter.for_block(driver, self._statement_timeout)
        try:
            yield
        finally:
            interrupter.stop()

    async def explain(self, statement: str, parameters: tuple[Any, ...]) -> list[str]:
        """Return the steps of SQLite's query plan."""
        explained = f"EXPLAIN QUERY PLAN {statement}"
        steps = await self._read_async(explained, parameters, is_short=False)
        return [step[-1] for step in steps]

    def metrics(self) -> Sequence[Metric]:
        """Return the use of the connections for reads and changes."""

        def pools() -> tuple[ConnectionPool, ...]:
            return self._read_pool, self._write_pool

        return connection_metrics(
            "primary",
            lambda: sum(pool.in_use for pool in pools()),
            lambda: sum(pool.idle for pool in pools()),
            lambda: sum(pool.waiting for pool in pools()),
        )

    def _reopen(self) -> None:
        """Abandon a file that the path no longer leads to, and open the path anew."""
        is_there = self._file.is_there()
        if not is_there:
            logger.error("The database's file was moved, deleted or replaced")
        pools = (self._write_pool, self._read_pool)
        pause = 0 if is_there else 2 * CHECK_SECONDS
        self._reopening = asyncio.ensure_future(_abandon(pools, self._closing(), pause))
        self._open()

    async def close(self) -> None:
        """Close every connection once running work has finished."""
        if self._reopening is not None:
            await self._reopening
        await self._closing()

    def _closing(self) -> Coroutine[Any, Any, None]:
        """Return a coroutine that closes what is open now once work that runs now has finished."""
        under_way = set(self._under_way)
        file, checkpoints, loop_reader = self._file, self._checkpoints, self.loop_reader
        pools, engines = (self._read_pool, self._write_pool), (self._reader, self._writer)

        async def close() -> None:
            file.close()
            await checkpoints.close()
            await asyncio.gather(*under_way, return_exceptions=True)
            await loop_reader.close()
            for pool in pools:
                await pool.close()
            for engine in engines:
                await engine.dispose()

        return close()


async def _abandon(
    pools: Sequence[ConnectionPool], closing: Coroutine[Any, Any, None], pause: float
) -> None:
    for pool in pools:
        # Move acknowledged writes into the file, wherever it is now. The log stays at the old
        # path, and SQLite would apply it to another file that is put there.
        with contextlib.suppress(ServiceUnavailable), translated_errors():
            await pool.empty_log()
    try:
        await closing
    except Exception:
        # Connections to the new file wait until this function returns.
        logger.exception("Connections could not be closed")
    # Connections to two files that share the path of a log index would corrupt each other.
    # Wait until other processes, which check as often, have let go as well.
    await asyncio.sleep(pause)


def _verifying_file(file: DatabaseFile, run: RunBatch) -> RunBatch:
    """Run changes with ``run``, but acknowledge them only if the path still leads to the file."""

    def run_kept(connection: Interruptible, changes: Sequence[Any]) -> list[Any]:
        outcomes = run(connection, changes)
        if any(getattr(each, "sqlite_errorcode", 0) & 0xFF in _LASTING for each in outcomes):
            file.must_reopen = True
        return outcomes if file.is_there() else [_file_moved()] * len(outcomes)

    return run_kept


def _file_moved() -> ServiceUnavailable:
    return UncertainWrite("The database's file was moved, deleted or replaced during the write")


def _executing(connection: Connection) -> Execute:
    """Run statements on a connection, without logging them."""

    def execute(statement: str, parameters: Sequence[Any]) -> Rows:
        cursor = connection.connection.cursor()
        try:
            cursor.execute(statement, tuple(parameters))
            return cursor.fetchall() if cursor.description else ()
        finally:
            cursor.close()

    return execute


def _read_any_text(connection: Any, _record: object) -> None:
    # A change can't be run a second time when the driver fails to decode what it returns, so
    # decode in Python from the start.
    connection.driver_connection.text_factory = read_text


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _log_statement(
    _connection: object,
    _cursor: object,
    statement: str,
    _parameters: object,
    _context: object,
    _many: object,
) -> None:
    if not statement.startswith("BEGIN"):
        statements.debug("%s", statement)
