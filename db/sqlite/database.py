"""A database in a file of SQLite."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable, event, text
from sqlalchemy.engine import URL, Dialect, Row
from sqlalchemy.ext.asyncio import AsyncConnection

from db.database import Database, Execute, Metric, Rows, connection_metrics, statements
from db.errors import ServiceUnavailable, UncertainWrite
from db.sqlite.batching import RunGroup
from db.sqlite.checkpoints import Checkpoints
from db.sqlite.connection_pool import ConnectionPool
from db.sqlite.driver_errors import translated_errors, uncertain_commit
from db.sqlite.file_watch import LOOK_EVERY, DatabaseFile
from db.sqlite.group_commit import run_changes
from db.sqlite.interruption import Ending, Interruptible
from db.sqlite.loop_reader import LoopReader
from db.sqlite.opening import connect_for_loop, open_engine, refuse_writes
from db.texts import read_text

logger = logging.getLogger("gateway.database")

_T = TypeVar("_T")

_RARE_READERS = 2
_LASTING = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""Errors that a connection goes on to have when what led to them was mended."""


class SQLiteDatabase(Database):
    """A database of executions: many readers and one writer at a time.

    Readers have connections of their own that can't write. A write holds the database's
    write lock from its beginning, so what it has read stays true until it commits. Neither
    is interrupted half-way when the caller is cancelled.

    ``url`` names a file; ``busy_timeout`` is how long, in seconds,
    a write waits for another one before it raises ``ServiceUnavailable``. A read, and a
    transaction, that takes longer than ``statement_timeout`` seconds is interrupted in the
    database itself and raises ``ServiceUnavailable``; None lets it take as long as it takes.
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
        self._losing: asyncio.Future[None] | None = None
        self._open()

    def _open(self) -> None:
        """Set up what connections are opened by when they are needed."""
        file = self._file = DatabaseFile(self.url.database or "", self._lose, self._losing)
        limits = (self._busy_timeout, self._statement_timeout)
        # The pool of drivers keeps one more than there are readers; the rest is for what is rare.
        size = self._readers + 1
        self._reader = open_engine(self.url, file, size + _RARE_READERS, self._busy_timeout)
        # One for changes, which share it, and one for transactions of other kinds.
        self._writer = open_engine(self.url, file, 2, self._busy_timeout)
        self.loop_reader = LoopReader(lambda: connect_for_loop(self.url))
        self._drivers = ConnectionPool(self._reader, size, *limits, loop_reader=self.loop_reader)
        self._changes = ConnectionPool(self._writer, 1, *limits, run=_kept_in(file, run_changes))
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
        if is_short and (shared := self._drivers.shared) is not None:
            return shared.send((statement, parameters))
        return self._read_apart(statement, parameters, is_short=is_short)

    async def _read_apart(
        self, statement: str, parameters: tuple[Any, ...], *, is_short: bool
    ) -> Rows:
        with translated_errors():
            if not is_short:
                return await self._drivers.read(statement, parameters)
            rows: Rows = await (await self._drivers.share()).send((statement, parameters))
            return rows

    @property
    def dialect(self) -> Dialect:
        """What SQLAlchemy knows of this kind of database."""
        return self._reader.dialect

    async def change(self, change: Callable[[Execute], _T]) -> _T:
        """Run a change, which is committed together with those that arrive with it.

        It runs in the database's thread, to its end even if the caller is cancelled, and is
        durable when this returns. Raises ServiceUnavailable when the database can't be written.
        """
        with translated_errors():
            changes = self._changes.shared or await self._changes.share()
        changed: _T = await changes.send(change)
        self._checkpoints.soon()
        return changed

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One write transaction, committed at the end and rolled back by an exception."""
        file = self._file
        with translated_errors():
            async with self._writer.connect() as connection, connection.begin() as transaction:
                async with self._bounded(connection):
                    yield connection
                with uncertain_commit():
                    await transaction.commit()
        if not file.is_there():
            raise _lost()
        self._checkpoints.soon()

    async def _checkpoint(self) -> None:
        await self.fetch(text("PRAGMA wal_checkpoint(PASSIVE)"))

    @contextlib.asynccontextmanager
    async def _bounded(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """Interrupt what runs on a connection when it takes too long."""
        if self._statement_timeout is None:
            yield
            return
        driver: Any = (await connection.get_raw_connection()).driver_connection
        ending = Ending.of_block(driver, self._statement_timeout)
        try:
            yield
        finally:
            ending.stop()

    async def explain(self, statement: str, parameters: tuple[Any, ...]) -> list[str]:
        """The steps of SQLite's query plan."""
        explained = f"EXPLAIN QUERY PLAN {statement}"
        steps = await self._read_apart(explained, parameters, is_short=False)
        return [step[-1] for step in steps]

    def metrics(self) -> Sequence[Metric]:
        """How the connections of reads and of changes are used."""

        def pools() -> tuple[ConnectionPool, ...]:
            return self._drivers, self._changes

        return connection_metrics(
            "primary",
            lambda: sum(pool.in_use for pool in pools()),
            lambda: sum(pool.idle for pool in pools()),
            lambda: sum(pool.waiting for pool in pools()),
        )

    def _lose(self) -> None:
        """Let go of a file that the path does not lead to any more, and begin anew."""
        is_there = self._file.is_there()
        if not is_there:
            logger.error("The database's file was moved, deleted or replaced")
        pools = (self._changes, self._drivers)
        pause = 0 if is_there else 2 * LOOK_EVERY
        self._losing = asyncio.ensure_future(_abandon(pools, self._closing(), pause))
        self._open()

    async def close(self) -> None:
        """Close every connection, after what is under way has come to its end."""
        if self._losing is not None:
            await self._losing
        await self._closing()

    def _closing(self) -> Coroutine[Any, Any, None]:
        """Close what is open now, after what is under way now has come to its end."""
        under_way = set(self._under_way)
        file, checkpoints, loop_reader = self._file, self._checkpoints, self.loop_reader
        pools, engines = (self._drivers, self._changes), (self._reader, self._writer)

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
        # What was acknowledged goes to where the file is now. The log stays in its place, and
        # another file that is put there would take what is in it for its own.
        with contextlib.suppress(ServiceUnavailable), translated_errors():
            await pool.empty_log()
    try:
        await closing
    except Exception:
        # New connections wait for this end, however it comes.
        logger.exception("Connections could not be closed")
    # Two files whose connections map a log's index of one name would break each other's. Other
    # processes look as often, and let go too.
    await asyncio.sleep(pause)


def _kept_in(file: DatabaseFile, run: RunGroup) -> RunGroup:
    """Acknowledge changes only if they are in the file that others find."""

    def run_kept(connection: Interruptible, changes: Sequence[Any]) -> list[Any]:
        outcomes = run(connection, changes)
        if any(getattr(each, "sqlite_errorcode", 0) & 0xFF in _LASTING for each in outcomes):
            file.is_doubtful = True
        return outcomes if file.is_there() else [_lost()] * len(outcomes)

    return run_kept


def _lost() -> ServiceUnavailable:
    return UncertainWrite("The database's file was moved, deleted or replaced during the write")


def _read_any_text(connection: Any, _record: object) -> None:
    # A change that has been made can't be made again for what it returns, so that it is not tried
    # with the driver's own way of decoding first.
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
