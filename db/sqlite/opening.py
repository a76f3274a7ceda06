"""Open and configure connections to an SQLite file."""

import asyncio
import sqlite3
from array import array
from typing import Any

import aiosqlite
from sqlalchemy import create_engine, event
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from db.casefolding import fold
from db.sqlite.checkpoints import AUTOMATIC_PAGES
from db.sqlite.file_watch import DatabaseFile, create_private, existing_file_uri
from db.sqlite.sql import CASEFOLD, IDENTITY, PACKED, SHOWN, UNHEXED

# Holds what a page in each of many agentflows or sessions reads. No larger, because each connection
# has its own; the system's page cache serves all of them.
_CACHE_KIB = 8192


def open_engine(url: URL, file: DatabaseFile, size: int, busy_timeout: float) -> AsyncEngine:
    """Return an engine whose connections wait ``busy_timeout`` seconds for a lock."""

    async def connect(_name: str, **options: Any) -> aiosqlite.Connection:
        name = await file.path_to_open()
        create_private(name)
        uri = name.startswith("file:")
        connection = await _connect(name, **options | {"uri": uri})
        file.opened()
        return connection

    engine = create_async_engine(
        url,
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,
        pool_timeout=busy_timeout,
        connect_args={"timeout": busy_timeout, "async_creator_fn": connect},
    )
    event.listen(engine.sync_engine, "connect", _prepare_connection)
    return engine


async def _connect(name: str, **options: Any) -> aiosqlite.Connection:
    connection = aiosqlite.connect(name, **options)
    thread = connection._thread  # noqa: SLF001 - SQLAlchemy's own creator does the same
    thread.daemon = True
    try:
        return await connection
    except BaseException:
        # The thread reports its end to the loop, so wait for it while the loop still runs.
        await asyncio.to_thread(thread.join)
        raise


def connect_for_loop(url: URL) -> sqlite3.Connection:
    """Open a read connection that any thread may use and that never waits for a lock."""
    name = existing_file_uri(url.database or "")

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(name, timeout=0, check_same_thread=False, uri=True)

    engine = create_engine("sqlite://", poolclass=NullPool, creator=connect)
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "connect", refuse_writes)
    opened = engine.raw_connection()
    connection: Any = opened.driver_connection
    opened.detach()
    driver: sqlite3.Connection = connection
    return driver


def _prepare_connection(connection: Any, _record: object) -> None:
    # Event listeners begin transactions. The driver by itself would begin one only before the
    # first write, so that two writers could both read the same state first.
    connection.isolation_level = None
    connection.create_function(CASEFOLD, 1, _casefold, deterministic=True)
    connection.create_function(IDENTITY, 1, hash, deterministic=True)
    connection.create_function(SHOWN, 1, _show, deterministic=True)
    connection.create_function(UNHEXED, 1, bytes.fromhex, deterministic=True)
    cursor = connection.cursor()
    if isinstance(connection, AsyncAdapt_aiosqlite_connection):
        connection.run_async(_create_aggregate)
    _set_write_ahead_log(cursor)
    for pragma in (
        "synchronous = FULL",
        "foreign_keys = ON",
        f"cache_size = -{_CACHE_KIB}",
        "temp_store = MEMORY",
        f"wal_autocheckpoint = {AUTOMATIC_PAGES}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def _create_aggregate(driver: Any) -> None:
    # The driver has no method for it, and its own run in its thread as this one.
    await driver._execute(driver._conn.create_aggregate, PACKED, 2, _Packing)  # noqa: SLF001


class _Packing:
    """Packs pairs of numbers as bytes."""

    def __init__(self) -> None:
        self._numbers = array("q")

    def step(self, one: int, other: int) -> None:
        self._numbers.append(one)
        self._numbers.append(other)

    def finalize(self) -> bytes:
        return self._numbers.tobytes()


def _set_write_ahead_log(cursor: Any) -> None:
    # SQLite refuses this change at once while another program is writing, whatever the busy
    # timeout. A transaction of our own does wait.
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("COMMIT")
        else:
            return


def refuse_writes(connection: Any, _record: object) -> None:
    """Make a new connection read-only; a listener for the ``connect`` event."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only = ON")
    cursor.close()


def _casefold(value: bytes | None) -> str | None:
    return None if value is None else fold(value.decode("utf-8", "replace"))


def _show(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")
