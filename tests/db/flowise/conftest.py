"""A file that Flowise's tables and the gateway's are in."""

import asyncio
import shutil
from pathlib import Path

import pytest

from db.database import Database
from db.flowise.sqlite_sides import SQLiteSides
from db.flowise.tables import find_tables
from db.opening import open_database
from tests.flowise_tables import create_flowise
from tests.places import Place, Server, SQLitePlace


@pytest.fixture
async def sides(path: Path, place: Place, database: Database) -> SQLiteSides:
    """Flowise's tables, empty, and nothing between them and the gateway's."""
    del path
    create_flowise(place)
    return SQLiteSides(database, await find_tables(database))


@pytest.fixture(scope="session")
def installed(
    server: Server, migrated: Place, tmp_path_factory: pytest.TempPathFactory
) -> SQLitePlace:
    """A file in which all that is between the two sides is installed, to be copied."""

    async def install() -> None:
        database = open_database(place.url)
        try:
            await SQLiteSides(database, await find_tables(database)).install()
        finally:
            await database.close()

    place = server.copy(migrated, tmp_path_factory.mktemp("installed"))
    assert isinstance(place, SQLitePlace)
    create_flowise(place)
    asyncio.run(install())
    return place


@pytest.fixture
def attached(path: Path, installed: SQLitePlace) -> Path:
    """A file in which all that is between the two sides is installed; nobody uses it."""
    shutil.copy(installed.path, path)
    return path
