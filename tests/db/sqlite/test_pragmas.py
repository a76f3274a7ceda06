"""The pragmas of SQLite's connections, and what they let readers and writers do."""

from pathlib import Path

import pytest
from sqlalchemy import text

from db.database import Database
from db.errors import ServiceUnavailable
from db.opening import open_database
from tests.gateway import insert, run_sql
from tests.sample import SAMPLE

pytestmark = [pytest.mark.anyio, pytest.mark.sqlite]

PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": 5000,
    "temp_store": 2,
}


@pytest.mark.parametrize(("pragma", "value"), PRAGMAS.items())
async def test_a_reader_has_the_pragmas_that_keep_data_safe(
    database: Database, pragma: str, value: object
) -> None:
    [row] = await database.fetch(text(f"PRAGMA {pragma}"))
    assert row[0] == value


@pytest.mark.parametrize(("pragma", "value"), PRAGMAS.items())
async def test_the_writer_has_the_pragmas_that_keep_data_safe(
    database: Database, pragma: str, value: object
) -> None:
    async with database.write() as connection:
        assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == value


async def test_how_long_a_connection_waits_is_a_setting(path: Path) -> None:
    impatient = open_database(f"sqlite:///{path}", busy_timeout=0.25)
    [row] = await impatient.fetch(text("PRAGMA busy_timeout"))
    async with impatient.write() as connection:
        written = (await connection.exec_driver_sql("PRAGMA busy_timeout")).scalar()
    await impatient.close()
    assert (row[0], written) == (250, 250)


def test_other_programs_find_the_file_in_wal_mode(path: Path) -> None:
    assert run_sql(path, "PRAGMA journal_mode") == [("wal",)]


async def test_a_reader_cannot_write(database: Database, path: Path) -> None:
    insert(path, SAMPLE)
    with pytest.raises(ServiceUnavailable, match="can only be read"):
        await database.fetch(text("DELETE FROM executions RETURNING id"))
    assert run_sql(path, "SELECT count(*) FROM executions") == [(len(SAMPLE),)]
