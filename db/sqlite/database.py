"""A database in a file of SQLite."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable, event, text
from sqlalchemy.engine import URL, Dialect, Row
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database, Execute, Measure, Rows, connection_measures, statements
from db.sqlite.changes import run_changes
from db.sqlite.checkpoints import Checkpoints
from db.sqlite.driver_errors import translated_errors
from db.sqlite.drivers import DriverPool
from db.sqlite.in_place import InPlace
from db.sqlite.interruption import interrupt
from db.sqlite.opening import connect_for_loop, open_engine, refuse_writes

_T = TypeVar("_T")

_RARE_READERS = 2


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
        self._statement_timeout = statement_timeout
        # The pool of drivers keeps one more than there are readers; the rest is for what is rare.
        self._reader = open_engine(self.url, readers + 1 + _RARE_READERS, busy_timeout)
        # One for changes, which share it, and one for transactions of other kinds.
        self._writer = open_engine(self.url, 2, busy_timeout)
        self.in_place = InPlace(lambda: connect_for_loop(self.url))
        self._drivers = DriverPool(
            self._reader, readers + 1, busy_timeout, statement_timeout, in_place=self.in_place
        )
        self._changes = DriverPool(
            self._writer, 1, busy_timeout, statement_timeout, run=run_changes
        )
        self._checkpoints = Checkpoints(self._checkpoint)
        event.listen(self._reader.sync_engine, "connect", refuse_writes)
        event.listen(self._writer.sync_engine, "begin", _begin_immediate)
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
                return (await connection.execute(statement)).all()

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
        with translated_errors():
            async with self._writer.begin() as connection, self._bounded(connection):
                yield connection
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
        timer = asyncio.get_running_loop().call_later(self._statement_timeout, interrupt, driver)
        try:
            yield
        finally:
            timer.cancel()

    async def explain(self, statement: str, parameters: tuple[Any, ...]) -> list[str]:
        """The steps of SQLite's query plan."""
        explained = f"EXPLAIN QUERY PLAN {statement}"
        steps = await self._read_apart(explained, parameters, is_short=False)
        return [step[-1] for step in steps]

    async def ping(self) -> None:
        """Read what executions are read from. Raises ServiceUnavailable when that can't be."""
        # SQLite answers SELECT 1 without a look at the file.
        await self.fetch(text("SELECT 1 FROM executions LIMIT 1"))

    def measures(self) -> Sequence[Measure]:
        """How the connections of reads and of changes are used."""
        pools = (self._drivers, self._changes)
        return connection_measures(
            "primary",
            lambda: sum(pool.in_use for pool in pools),
            lambda: sum(pool.idle for pool in pools),
            lambda: sum(pool.waiting for pool in pools),
        )

    async def close(self) -> None:
        """Close every connection, after what is under way has come to its end."""
        await self._checkpoints.close()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self.in_place.close()
        await self._drivers.close()
        await self._changes.close()
        await self._reader.dispose()
        await self._writer.dispose()


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
