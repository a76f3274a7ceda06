"""Compare what writes cost with the triggers that log events, and as it was before them.

``make bench`` runs it; ``python bench/outbox.py [ROUNDS] [SINGLE] [BULK] [--database postgres]``.
In each round, an engine writes into a database of each kind with plain SQL: SINGLE executions one
by one, each in a transaction, and BULK executions in one statement. The figures are microseconds of
the processor for each execution, in the process that runs the statements: the least of all rounds.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import asyncpg
from databases import Database, arguments, databases
from sqlalchemy import Connection
from sqlite_database import SQLiteDatabase

from db.migrations.revisions import run_revisions
from db.opening import open_database

REVISIONS = {"without": "0009", "with": "head"}
THERE = 50_000
"""How many executions the databases hold before the writes, and after them."""
_COLUMNS = "guid, agentflow_id, session_id, state, created_on"
_INSERT = f"INSERT INTO executions ({_COLUMNS})"
_OF_NUMBER = (
    "'flow-' || cast(n % 50 AS text) AS agentflow_id,"
    " 'session-' || cast(n % 20000 AS text) AS session_id,"
    " 'INPROGRESS' AS state, 1700000000000 + n * 1000 AS created_on"
)
_GIVEN_ON_SQLITE = (
    "CREATE TABLE given AS WITH RECURSIVE numbers (n) AS"
    " (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {0})"
    f" SELECT n, lower(hex(randomblob(18))) AS guid, {_OF_NUMBER} FROM numbers"
)
_GIVEN_ON_POSTGRES = (
    f"CREATE TABLE given AS SELECT n, gen_random_uuid()::text AS guid, {_OF_NUMBER}"
    " FROM generate_series(1::bigint, {0}) AS numbers (n)"
)
Rows = Sequence[Sequence[Any]]


class Engine(Protocol):
    """A connection that writes with plain SQL. ``places`` is how five parameters are written."""

    places: Sequence[str]

    def spent(self) -> int:
        """Return the nanoseconds of the processor that statements have taken so far."""

    def run(self, statement: str) -> None:
        """Run one statement, in its own transaction."""

    def run_each(self, statement: str, rows: Rows) -> None:
        """Run a statement for each of some rows, each in its own transaction."""

    def close(self) -> None:
        """Close the connection."""


class SQLiteEngine:
    """A connection to a file, in this process."""

    places = ("?",) * 5

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        # The disk is not what is compared.
        self._connection.execute("PRAGMA synchronous = OFF")

    def spent(self) -> int:
        """Return the time of this process."""
        return time.process_time_ns()

    def run(self, statement: str) -> None:
        """Run one statement."""
        self._connection.execute(statement)

    def run_each(self, statement: str, rows: Rows) -> None:
        """Run a statement for each of some rows."""
        for row in rows:
            self._connection.execute(statement, row)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class PostgresEngine:
    """A connection to a server, which runs statements in a process of its own."""

    places = ("$1", "$2", "$3", "$4", "$5")

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._connection = self._runner.run(asyncpg.connect(url))
        self._process = Path(f"/proc/{self._connection.get_server_pid()}/schedstat")

    def spent(self) -> int:
        """Return the time of the server's process."""
        return int(self._process.read_text().split()[0])

    def run(self, statement: str) -> None:
        """Run one statement."""
        self._runner.run(self._connection.execute(statement))

    def run_each(self, statement: str, rows: Rows) -> None:
        """Run a statement for each of some rows."""

        async def run() -> None:
            prepared = await self._connection.prepare(statement)
            for row in rows:
                await prepared.fetch(*row)

        self._runner.run(run())

    def close(self) -> None:
        """Close the connection."""
        self._runner.run(self._connection.close())
        self._runner.close()


def main(kind: str, rounds: int, single: int, bulk: int) -> None:
    """Measure, and print a table."""
    least: dict[tuple[str, str], float] = {}
    with databases(kind) as database_of:
        engines = {
            name: filled(database_of(f"outbox_{name}"), revision, bulk)
            for name, revision in REVISIONS.items()
        }
        for _ in range(rounds):
            for name, engine in engines.items():
                for what, executions, write in writes(engine, single, bulk):
                    began = engine.spent()
                    write()
                    each = (engine.spent() - began) / executions / 1000
                    least[what, name] = min(each, least.get((what, name), each))
        for engine in engines.values():
            engine.close()
    print(f"{'':14}{'without':>9}{'with':>9}{'ratio':>8}   (at most 1.30)")
    for what in dict.fromkeys(what for what, _ in least):
        without, with_ = (least[what, name] for name in REVISIONS)
        print(f"{what:14}{without:9.1f}{with_:9.1f}{with_ / without:8.2f}")


def filled(database: Database, revision: str, bulk: int) -> Engine:
    """Create a database of a revision that holds executions, and a table of others to insert."""
    database.create()
    asyncio.run(migrate(database.url, revision))
    engine: Engine
    if isinstance(database, SQLiteDatabase):
        engine, given = SQLiteEngine(database.path), _GIVEN_ON_SQLITE
    else:
        engine, given = PostgresEngine(database.url), _GIVEN_ON_POSTGRES
    engine.run(given.format(max(bulk, THERE)))
    engine.run(f"{_INSERT} SELECT 'there-' || {_COLUMNS} FROM given WHERE n <= {THERE}")
    return engine


async def migrate(url: str, revision: str) -> None:
    """Bring an empty database to a revision."""

    def run(connection: Connection) -> None:
        run_revisions(connection, None, revision)

    database = open_database(url)
    await database.transact(lambda connection: connection.run_sync(run))
    await database.close()


def writes(engine: Engine, single: int, bulk: int) -> Iterator[tuple[str, int, Callable[[], None]]]:
    """Yield the writes of a round, which leave as many executions as there were before.

    Each is its name, the number of executions that it writes, and a function that writes them.
    """
    places = engine.places
    inserted = [
        (
            f"single-{uuid4()}",
            f"flow-{number % 50}",
            f"session-{number % 500}",
            "INPROGRESS",
            number,
        )
        for number in range(1_700_000_000_000, 1_700_000_000_000 + single)
    ]
    guids = [(guid,) for guid, *_ in inserted]
    by_guid = f"WHERE guid = {places[0]}"
    insert = f"{_INSERT} VALUES ({', '.join(places)})"
    yield "INSERT", single, lambda: engine.run_each(insert, inserted)
    update = f"UPDATE executions SET state = 'FINISHED' {by_guid}"
    yield "UPDATE", single, lambda: engine.run_each(update, guids)
    delete = f"DELETE FROM executions {by_guid}"
    yield "DELETE", single, lambda: engine.run_each(delete, guids)
    insert_all = f"{_INSERT} SELECT {_COLUMNS} FROM given WHERE n <= {bulk}"
    yield "bulk INSERT", bulk, lambda: engine.run(insert_all)
    written = f"WHERE id > {THERE}"
    update_all = f"UPDATE executions SET state = 'FINISHED' {written}"
    yield "bulk UPDATE", bulk, lambda: engine.run(update_all)
    yield "bulk DELETE", bulk, lambda: engine.run(f"DELETE FROM executions {written}")


if __name__ == "__main__":
    chosen, numbers = arguments(__doc__, rounds=7, single=2_000, bulk=100_000)
    main(chosen, *numbers)
