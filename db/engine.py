"""Connections: how they are opened, how a read and a write go through them."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable, event, make_url, text
from sqlalchemy.engine import URL, Row
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from db.dialect import CASEFOLD
from db.errors import InvalidInput, ServiceUnavailable

_T = TypeVar("_T")

# Each connection has a cache of its own; the operating system keeps the file for all of them.
_CACHE_KIB = 4096

logger = logging.getLogger("gateway.database")
statements = logging.getLogger("gateway.sql")
"""Logs every statement sent to the database, without its parameters, at DEBUG."""


class Database:
    """A database of executions: many readers and one writer at a time.

    Readers have connections of their own that can't write. A write holds the database's
    write lock from its beginning, so what it has read stays true until it commits. Neither
    is interrupted half-way when the caller is cancelled.

    ``url`` may be written as people paste it; ``busy_timeout`` is how long, in seconds,
    a write waits for another one before it raises ``ServiceUnavailable``.
    """

    def __init__(self, url: str, *, readers: int = 4, busy_timeout: float = 5.0) -> None:
        self.url = normalize_url(url)
        self._reader = _open(self.url, readers, busy_timeout)
        self._writer = _open(self.url, 1, busy_timeout)
        event.listen(self._reader.sync_engine, "connect", _refuse_writes)
        event.listen(self._writer.sync_engine, "begin", _begin_immediate)
        for engine in (self._reader, self._writer):
            event.listen(engine.sync_engine, "before_cursor_execute", _log_statement)

    async def fetch(self, statement: Executable) -> Sequence[Row[Any]]:
        """Run one SELECT on a connection of its own and return all of its rows.

        Raises ServiceUnavailable when the database can't answer.
        """
        return await _finish(self._fetch(statement))

    async def _fetch(self, statement: Executable) -> Sequence[Row[Any]]:
        with translated_errors():
            async with self._reader.connect() as connection:
                return (await connection.execute(statement)).all()

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[_T]]) -> _T:
        """Run ``work`` in one write transaction: all of it is committed, or nothing.

        It runs to its end even if the caller is cancelled. Raises ServiceUnavailable when
        the database can't be written.
        """

        async def run() -> _T:
            async with self.write() as connection:
                return await work(connection)

        return await _finish(run())

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One write transaction, committed at the end and rolled back by an exception."""
        with translated_errors():
            async with self._writer.begin() as connection:
                yield connection

    async def ping(self) -> None:
        """Ask the database for one row. Raises ServiceUnavailable when it does not answer."""
        await self.fetch(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self._reader.dispose()
        await self._writer.dispose()


def normalize_url(url: str) -> URL:
    """Read a database URL as people paste it and name the asynchronous driver in it.

    Raises InvalidInput for a URL that can't be served.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInput.of("database", url, "a URL such as sqlite:///executions.db") from None
    if parsed.get_backend_name() != "sqlite":
        name = parsed.render_as_string(hide_password=True)
        raise InvalidInput.of("database", name, "an SQLite URL such as sqlite:///executions.db")
    if parsed.database in (None, "", ":memory:"):
        raise InvalidInput.of("database", url, "a file, because every connection must see it")
    return parsed.set(drivername="sqlite+aiosqlite")


@contextlib.contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what the driver raises when the database can't answer into ServiceUnavailable."""
    try:
        yield
    except IntegrityError:
        raise
    except PoolTimeout as error:
        raise ServiceUnavailable("The database is busy; try again in a moment") from error
    except (DBAPIError, sqlite3.Error) as error:
        original = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(original, sqlite3.DatabaseError):
            raise
        if isinstance(original, sqlite3.ProgrammingError | sqlite3.IntegrityError):
            raise
        logger.warning("The database can't answer: %s", original)
        raise ServiceUnavailable(_reason(original)) from error


def _reason(error: sqlite3.DatabaseError) -> str:
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "The database is busy with another write; try again in a moment"
        case sqlite3.SQLITE_FULL:
            return "The database's disk is full; nothing was written"
        case sqlite3.SQLITE_READONLY:
            return "The database can only be read; nothing was written"
        case _:
            return "The database can't answer at the moment"


async def _finish(work: Coroutine[Any, Any, _T]) -> _T:
    # A driver call that is cancelled half-way leaves its connection in an unknown state.
    return await asyncio.shield(work)


def _open(url: URL, size: int, busy_timeout: float) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=busy_timeout,
        connect_args={"timeout": busy_timeout},
    )
    event.listen(engine.sync_engine, "connect", _prepare_connection)
    return engine


def _prepare_connection(connection: Any, _record: object) -> None:
    # Transactions are begun by the events below; the driver's own habit of beginning one
    # late, before the first write, would let two writers read the same state first.
    connection.isolation_level = None
    connection.create_function(CASEFOLD, 1, _casefold, deterministic=True)
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"cache_size = -{_CACHE_KIB}",
        "temp_store = MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _refuse_writes(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only = ON")
    cursor.close()


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


def _casefold(value: str | None) -> str | None:
    return None if value is None else value.casefold()
