"""The names that revisions have used in SQLite are known: attaching a Flowise asks for them."""

from pathlib import Path

import pytest
from sqlalchemy import Connection

from db.migrations.revisions import run_revisions
from db.migrations.sqlite_names import NAMES
from db.migrations.upgrade import NEWEST_REVISION
from db.models import Base
from db.opening import open_database
from tests.places import SQLitePlace

pytestmark = pytest.mark.anyio


async def test_all_names_of_all_revisions_are_known(tmp_path: Path) -> None:
    used: set[str] = set()

    def run(connection: Connection) -> None:
        before = None
        for number in range(1, int(NEWEST_REVISION) + 1):
            run_revisions(connection, before, f"{number:04}")
            before = f"{number:04}"
            found = connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%'"
            )
            used.update(name for (name,) in found)

    database = open_database(SQLitePlace(tmp_path / "names.sqlite").url)
    try:
        await database.transact(lambda connection: connection.run_sync(run))
    finally:
        await database.close()
    assert used - set(Base.metadata.tables) == set(NAMES)
