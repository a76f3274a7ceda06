"""Connections: how they are opened, how a read and a write go through them."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable, event, make_url, text
from sqlalchemy.engine import URL, Dialect, Row
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.changes import Execute, run_changes
from db.checkpoints import Checkpoints
from db.driver_errors import translated_errors
from db.drivers import DriverPool
from db.errors import InvalidInput
from db.in_place import InPlace, Rows
from db.interruption import interrupt
from db.opening import connect_for_loop, open_engine, refuse_writes

_T = TypeVar("_T")

_PASSWORD = re.compile(r":[^@]*@")
_RARE_READERS = 2

statements = logging.getLogger("gateway.sql")
"""Logs every statement sent to the database, without its parameters, at DEBUG."""


class Database:
    """A database of executions: many readers and one writer at a time.

    Readers have connections of their own that can't write. A write holds the database's
    write lock from its beginning, so what it has read stays true until it commits. Neither
    is interrupted half-way when the caller is cancelled.

    ``url`` may be written as people paste it; ``busy_timeout`` is how long, in seconds,
    a write waits for another one before it raises ``ServiceUnavailable``. A read, and a
    transaction, that takes longer than ``statement_timeout`` seconds is interrupted in the
    database itself and raises ``ServiceUnavailable``; None lets it take as long as it takes.
    """

    def __init__(
        self,
        url: str,
        *,
        readers: int = 4,
        busy_timeout: float = 5.0,
        statement_timeout: float | None = None,
    ) -> None:
        self.url = normalize_url(url)
        self._statement_timeout = statement_timeout
        self._under_way: set[asyncio.Future[Any]] = set()
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

    def read(
        self, statement: str, parameters: tuple[Any, ...], *, is_short: bool = False
    ) -> Awaitable[Rows]:
        """Run the text of one SELECT in the driver itself; what is awaited are all of its rows.

        One ``is_short`` when an index bounds what it touches, however many rows there are.
        Raises ServiceUnavailable when the database can't answer.
        """
        if statements.isEnabledFor(logging.DEBUG):
            statements.debug("%s", statement)
        if is_short and (shared := self._drivers.shared) is not None:
            return shared.send((statement, parameters))
        return self._read(statement, parameters, is_short=is_short)

    async def _read(self, statement: str, parameters: tuple[Any, ...], *, is_short: bool) -> Rows:
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

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[_T]]) -> _T:
        """Run ``work`` in one write transaction: all of it is committed, or nothing.

        It runs to its end even if the caller is cancelled. Raises ServiceUnavailable when
        the database can't be written.
        """

        async def run() -> _T:
            async with self.write() as connection:
                return await work(connection)

        return await self._finish(run())

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

    async def _finish(self, work: Coroutine[Any, Any, _T]) -> _T:
        # A driver call that is cancelled half-way leaves its connection in an unknown state.
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def ping(self) -> None:
        """Read what executions are read from. Raises ServiceUnavailable when that can't be."""
        # SQLite answers SELECT 1 without a look at the file.
        await self.fetch(text("SELECT 1 FROM executions LIMIT 1"))

    async def close(self) -> None:
        """Close every connection, after what is under way has come to its end."""
        await self._checkpoints.close()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self.in_place.close()
        await self._drivers.close()
        await self._changes.close()
        await self._reader.dispose()
        await self._writer.dispose()


def normalize_url(url: str) -> URL:
    """Read a database URL as people paste it and name the asynchronous driver in it.

    Raises InvalidInput for a URL that can't be served.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        shown = _PASSWORD.sub(":***@", url)
        raise InvalidInput.of("database", shown, "a URL such as sqlite:///executions.db") from None
    if parsed.get_backend_name() != "sqlite":
        name = parsed.render_as_string(hide_password=True)
        raise InvalidInput.of("database", name, "an SQLite URL such as sqlite:///executions.db")
    in_memory = ":memory:" in (parsed.database or "") or parsed.query.get("mode") == "memory"
    if not parsed.database or in_memory:
        raise InvalidInput.of("database", url, "a file, because every connection must see it")
    return parsed.set(drivername="sqlite+aiosqlite")


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
