"""Look into a database without changing anything: no table, no setting of the file, no file."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Dialect

from db.database import Rows
from db.postgres import errors as postgres_errors
from db.postgres.opening import Options
from db.postgres.texts import storable
from db.sqlite import driver_errors as sqlite_errors
from db.texts import read_text


class SQLiteReader:
    """Runs SELECTs on a file, each in a transaction of its own.

    The file may be in a journal mode in which those who read keep those who write waiting.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """What SQLAlchemy knows of SQLite."""
        return sqlite.dialect()

    async def read_latest(self, statement: str, parameters: tuple[Any, ...]) -> Rows:
        """Run the text of one SELECT in a thread."""
        with sqlite_errors.translated_errors():
            return await asyncio.to_thread(self._run, statement, parameters)

    def _run(self, statement: str, parameters: tuple[Any, ...]) -> Rows:
        return self._connection.execute(statement, parameters).fetchall()


class PostgresReader:
    """Runs SELECTs on a connection, each in a read-only transaction of its own."""

    def __init__(self, connection: Any, *, sessions_are_shared: bool = False) -> None:
        self._connection = connection
        self.sessions_are_shared = sessions_are_shared

    @property
    def dialect(self) -> Dialect:
        """What SQLAlchemy knows of PostgreSQL."""
        return postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for it

    async def read_latest(self, statement: str, parameters: tuple[Any, ...]) -> Rows:
        """Run the text of one SELECT."""
        with postgres_errors.translated_errors():
            async with self._connection.transaction(readonly=True):
                rows: Rows = await self._connection.fetch(statement, *storable(parameters))
                return rows


@contextlib.asynccontextmanager
async def open_reader(
    url: URL, *, busy_timeout: float = 5.0
) -> AsyncIterator[SQLiteReader | PostgresReader]:
    """Open what a normalized URL names, to be read only.

    A file must exist. Raises ServiceUnavailable if the database can't answer.
    """
    if url.get_backend_name() == "sqlite":
        with contextlib.closing(_connect(url, busy_timeout)) as connection:
            yield SQLiteReader(connection)
        return
    with postgres_errors.translated_errors():
        options = Options(url, busy_timeout, None)
        connection = await options.connect()
    try:
        yield PostgresReader(connection, sessions_are_shared=options.sessions_are_shared)
    finally:
        await asyncio.shield(connection.close())


def _connect(url: URL, busy_timeout: float) -> sqlite3.Connection:
    name = url.database or ""
    uri = name if name.startswith("file:") else f"file:{quote(name)}?mode=ro"
    with sqlite_errors.translated_errors():
        connection = sqlite3.connect(uri, timeout=busy_timeout, check_same_thread=False, uri=True)
    connection.isolation_level = None
    connection.text_factory = read_text
    connection.execute("PRAGMA query_only = ON")
    return connection
