"""Connections of other programs, which hold transactions open as long as they want."""

import asyncio
import contextlib
import itertools
import re
import sqlite3
from collections.abc import AsyncIterator
from typing import Any, Protocol

import asyncpg

from tests.places import Place, SQLitePlace


class Session(Protocol):
    """A connection. Without BEGIN each statement is a transaction."""

    async def run(self, statement: str, *values: object) -> None:
        """Run a statement, whose values are ``?`` by ``?``."""


class _SQLiteSession:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def run(self, statement: str, *values: object) -> None:
        if statement == "BEGIN":
            statement = "BEGIN IMMEDIATE"
        # Others may hold the lock.
        await asyncio.to_thread(self._connection.execute, statement, values)


class _PostgresSession:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def run(self, statement: str, *values: object) -> None:
        numbers = itertools.count(1)
        await self._connection.execute(
            re.sub(r"\?", lambda _: f"${next(numbers)}", statement), *values
        )


@contextlib.asynccontextmanager
async def session_of(place: Place) -> AsyncIterator[Session]:
    """A connection until the block ends."""
    if isinstance(place, SQLitePlace):
        connection = sqlite3.connect(
            place.path, isolation_level=None, timeout=60, check_same_thread=False
        )
        with contextlib.closing(connection):
            yield _SQLiteSession(connection)
    else:
        opened = await asyncpg.connect(place.url)
        try:
            yield _PostgresSession(opened)
        finally:
            await opened.close()
