"""The two sides in a file of SQLite: what is made between them, and how they become equal."""

from pathlib import Path

import pytest

from db.database import Database
from db.flowise.sqlite_sides import SQLiteSides
from db.flowise.tables import find_tables
from tests.flowise_tables import create_flowise
from tests.gateway import run_sql
from tests.places import Place

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sides(path: Path, place: Place, database: Database) -> SQLiteSides:
    """Flowise's tables, empty, and nothing between them and the gateway's."""
    del path
    create_flowise(place)
    return SQLiteSides(database, await find_tables(database))


async def test_what_is_installed_is_found_and_can_be_removed(
    place: Place, sides: SQLiteSides
) -> None:
    before = run_sql(place, "SELECT name, sql FROM sqlite_master ORDER BY 1")
    assert not await sides.is_installed()
    for _ in range(2):
        await sides.install()
        assert await sides.is_installed()
    for _ in range(2):
        await sides.remove()
        assert run_sql(place, "SELECT name, sql FROM sqlite_master ORDER BY 1") == before


async def test_what_another_version_has_made_is_replaced(place: Place, sides: SQLiteSides) -> None:
    await sides.install()
    run_sql(place, "DROP TRIGGER flowise_changed")
    run_sql(place, "CREATE TRIGGER flowise_changed AFTER INSERT ON executions BEGIN SELECT 1; END")
    assert not await sides.is_installed()
    await sides.install()
    assert await sides.is_installed()
