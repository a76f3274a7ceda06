"""A file that Flowise's tables and the gateway's are in."""

import asyncio
from pathlib import Path

import pytest

from db.database import Database
from db.flowise.sqlite_sides import SQLiteSides
from db.flowise.tables import find_tables
from db.opening import open_database
from tests.flowise_tables import create_flowise
from tests.places import Place


@pytest.fixture
async def sides(path: Path, place: Place, database: Database) -> SQLiteSides:
    """Flowise's tables, empty, and nothing between them and the gateway's."""
    del path
    create_flowise(place)
    return SQLiteSides(database, await find_tables(database))


@pytest.fixture
def attached(path: Path, place: Place) -> Path:
    """A file in which all that is between the two sides is installed; nobody uses it."""

    async def install() -> None:
        database = open_database(place.url)
        try:
            await SQLiteSides(database, await find_tables(database)).install()
        finally:
            await database.close()

    create_flowise(place)
    asyncio.run(install())
    return path
