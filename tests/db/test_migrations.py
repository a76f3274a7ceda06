import asyncio
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from db.database import Database
from db.errors import ServiceUnavailable
from db.migrations.revisions import newest_revision_there_is
from db.migrations.upgrade import NEWEST_REVISION, upgrade
from db.models import Base
from db.opening import open_database
from tests.gateway import insert, run_sql
from tests.sample import SAMPLE

pytestmark = pytest.mark.anyio

PROGRAM = Path(__file__).parents[2] / "app.py"
TABLES = [
    "agentflow_counts",
    "agentflows",
    "alembic_version",
    "api_keys",
    "event_epochs",
    "execution_counts",
    "execution_data",
    "execution_events",
    "executions",
    "given_times",
    "leases",
    "replaced_executions",
    "rest_imports",
]


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Where a database can be made."""
    return tmp_path / "new.db"


async def _upgrade(path: Path, **settings: Any) -> tuple[str | None, str]:
    database = open_database(f"sqlite:///{path}", **settings)
    try:
        return await upgrade(database)
    finally:
        await database.close()


def _tables(path: Path) -> list[str]:
    query = (
        "SELECT name FROM sqlite_schema"
        " WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
    )
    return [name for (name,) in run_sql(path, query)]


def _made_of(path: Path) -> list[tuple[Any, ...]]:
    return run_sql(path, "SELECT * FROM sqlite_schema ORDER BY name")


def _revisions(path: Path) -> list[tuple[Any, ...]]:
    return run_sql(path, "SELECT version_num FROM alembic_version")


def test_the_newest_revision_is_the_last_of_those_there_are() -> None:
    assert newest_revision_there_is() == NEWEST_REVISION


def test_a_program_that_has_nothing_to_migrate_does_not_load_alembic(path: Path) -> None:
    program = (
        "import asyncio, sys; from db.migrations.upgrade import upgrade;"
        " from db.opening import open_database;"
        f" asyncio.run(upgrade(open_database('sqlite:///{path}')));"
        " assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], cwd=PROGRAM.parent, check=True)


async def test_a_file_that_is_not_there_is_made_at_the_newest_revision(new: Path) -> None:
    assert await _upgrade(new) == (None, NEWEST_REVISION)
    assert _tables(new) == TABLES
    assert _revisions(new) == [(NEWEST_REVISION,)]


def test_an_empty_file_is_brought_to_the_newest_revision(new: Path) -> None:
    new.touch()
    assert asyncio.run(_upgrade(new)) == (None, NEWEST_REVISION)
    assert _tables(new) == TABLES


async def test_a_new_database_holds_no_executions(new: Path) -> None:
    await _upgrade(new)
    assert run_sql(new, "SELECT * FROM executions") == []
    assert run_sql(new, "SELECT * FROM agentflows") == []


@pytest.mark.parametrize("folder", ["with space", "100%", "é日本", "%(here)s"])
async def test_a_database_may_lie_in_a_folder_of_any_name(tmp_path: Path, folder: str) -> None:
    place = tmp_path / folder
    place.mkdir()
    await _upgrade(place / "new.db")
    assert _tables(place / "new.db") == TABLES


async def test_migrating_again_changes_nothing(new: Path) -> None:
    await _upgrade(new)
    insert(new, SAMPLE)
    before = _made_of(new), run_sql(new, "SELECT * FROM executions"), _revisions(new)
    assert await _upgrade(new) == (NEWEST_REVISION, NEWEST_REVISION)
    assert (_made_of(new), run_sql(new, "SELECT * FROM executions"), _revisions(new)) == before


async def test_one_program_may_migrate_as_often_as_it_likes(database: Database) -> None:
    for _ in range(3):
        assert await upgrade(database) == (NEWEST_REVISION, NEWEST_REVISION)


async def test_the_tables_of_other_programs_are_left_alone(new: Path) -> None:
    run_sql(new, "CREATE TABLE other (value TEXT)")
    run_sql(new, "INSERT INTO other VALUES ('kept')")
    await _upgrade(new)
    assert run_sql(new, "SELECT * FROM other") == [("kept",)]
    assert _tables(new) == sorted([*TABLES, "other"])


async def test_nothing_is_left_of_a_migration_that_fails(new: Path) -> None:
    run_sql(new, "CREATE TABLE agentflows (other TEXT)")
    with pytest.raises(ServiceUnavailable):
        await _upgrade(new)
    assert _tables(new) == ["agentflows"]
    run_sql(new, "DROP TABLE agentflows")
    assert await _upgrade(new) == (None, NEWEST_REVISION)


def test_threads_that_migrate_at_once_all_succeed(tmp_path: Path) -> None:
    threads, rounds = 8, 5
    for number in range(rounds):
        path = tmp_path / f"{number}.db"
        together = threading.Barrier(threads, timeout=30)

        def migrate(path: Path = path, together: threading.Barrier = together) -> str | None:
            together.wait()
            return asyncio.run(_upgrade(path, busy_timeout=60))[0]

        with ThreadPoolExecutor(threads) as pool:
            found = [future.result() for future in [pool.submit(migrate) for _ in range(threads)]]
        assert sorted(map(str, found)) == [*[NEWEST_REVISION] * (threads - 1), "None"]
        assert _tables(path) == TABLES
        assert _revisions(path) == [(NEWEST_REVISION,)]


def test_processes_that_migrate_at_once_all_succeed(new: Path) -> None:
    command = [sys.executable, str(PROGRAM), "migrate", "--database", f"sqlite:///{new}"]
    processes = [
        subprocess.Popen(
            command, cwd=new.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 3, outputs
    said = [output for output, _ in outputs]
    assert sum("from revision none" in line for line in said) == 1, said
    assert sum("at the newest revision already" in line for line in said) == 2, said
    assert _revisions(new) == [(NEWEST_REVISION,)]


@pytest.fixture
def other(new: Path) -> Iterator[sqlite3.Connection]:
    """Another program that has just made the file."""
    with closing(sqlite3.connect(new, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("CREATE TABLE other (value TEXT)")
        yield connection


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
async def test_a_migration_waits_for_another_program_that_writes(
    new: Path, other: sqlite3.Connection, lock: str
) -> None:
    other.execute(f"BEGIN {lock}")
    finished = threading.Timer(0.3, other.execute, ["COMMIT"])
    finished.start()
    try:
        assert await _upgrade(new, busy_timeout=60) == (None, NEWEST_REVISION)
    finally:
        finished.join()


async def test_a_migration_that_has_waited_long_enough_says_that_it_is_busy(
    new: Path, other: sqlite3.Connection
) -> None:
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ServiceUnavailable, match="busy with another write"):
        await _upgrade(new, busy_timeout=0.05)
    other.execute("COMMIT")
    assert _tables(new) == ["other"]


async def test_a_database_newer_than_the_program_is_refused(path: Path) -> None:
    run_sql(path, "UPDATE alembic_version SET version_num = '9999'")
    insert(path, SAMPLE)
    before = _made_of(path), run_sql(path, "SELECT * FROM executions")
    reason = (
        "The database is at revision 9999, which this version of the gateway does not know:"
        " it was made by a newer one"
    )
    with pytest.raises(ServiceUnavailable, match=f"^{reason}$"):
        await _upgrade(path)
    assert (_made_of(path), run_sql(path, "SELECT * FROM executions")) == before
    assert _revisions(path) == [("9999",)]


async def _in(path: Path, work: Any) -> Any:
    database = open_database(f"sqlite:///{path}")
    try:
        return await database.transact(lambda connection: connection.run_sync(work))
    finally:
        await database.close()


# The test after these compares indexes on expressions, which SQLAlchemy can't reflect.
_of_columns = pytest.mark.filterwarnings("ignore:.*expression-based index")


@_of_columns
async def test_the_migrations_make_the_tables_of_the_models(new: Path) -> None:
    def differences(connection: Connection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return compare_metadata(context, Base.metadata)

    await _upgrade(new)
    assert await _in(new, differences) == []


@_of_columns
async def test_the_check_itself_notices_a_difference(new: Path) -> None:
    def differences(connection: Connection) -> Any:
        return compare_metadata(MigrationContext.configure(connection), Base.metadata)

    await _upgrade(new)
    run_sql(new, "DROP INDEX executions_by_updated_on")
    [difference] = await _in(new, differences)
    assert difference[0] == "add_index"


async def test_tables_and_indexes_are_written_as_the_models_write_them(
    new: Path, tmp_path: Path
) -> None:
    # What is compared above leaves out constraints, STRICT and AUTOINCREMENT.
    await _upgrade(new)
    modelled = tmp_path / "modelled.db"
    await _in(modelled, Base.metadata.create_all)
    migrated = _statements(new)
    del migrated["alembic_version"]
    assert migrated == _statements(modelled)


def _statements(path: Path) -> dict[str, set[str]]:
    """The parts of every statement that made a table or an index, in any order."""
    query = (
        "SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL"
    )
    return {
        name: {" ".join(part.split()) for part in re.split(r",\s+", sql)}
        for name, sql in run_sql(path, query)
    }
