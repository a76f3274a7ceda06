"""What the migrations have made can be taken away, and nothing else is."""

from pathlib import Path
from typing import Any

import pytest

from db.errors import InvalidInput
from db.migrations.removal import remove
from db.migrations.upgrade import NEWEST_REVISION, upgrade
from db.opening import open_database
from tests.catalog import CATALOG
from tests.gateway import insert, run_sql
from tests.places import Place, PostgresPlace, Server
from tests.sample import SAMPLE

pytestmark = pytest.mark.anyio


def _schema(place: Place) -> list[tuple[Any, ...]]:
    if isinstance(place, PostgresPlace):
        return run_sql(place, CATALOG)
    # SQLite's own table of the ids that were given can't be dropped.
    return run_sql(
        place, "SELECT type, name, sql FROM sqlite_schema WHERE name <> 'sqlite_sequence'"
    )


async def _in(place: Place, work: Any) -> Any:
    database = open_database(place.url)
    try:
        return await work(database)
    finally:
        await database.close()


async def test_a_database_is_afterwards_as_it_was_before(server: Server, tmp_path: Path) -> None:
    place = server.new(tmp_path)
    run_sql(place, "CREATE TABLE other (id integer PRIMARY KEY, value text)")
    run_sql(place, "CREATE INDEX other_by_value ON other (value)")
    run_sql(place, "INSERT INTO other VALUES (1, 'kept')")
    before = _schema(place)
    await _in(place, upgrade)
    migrated = _schema(place)
    assert migrated != before
    insert(place, SAMPLE)
    await _in(place, remove)
    assert _schema(place) == before
    assert run_sql(place, "SELECT * FROM other") == [(1, "kept")]
    assert await _in(place, upgrade) == (None, NEWEST_REVISION)
    assert _schema(place) == migrated


async def test_nothing_is_removed_of_a_database_without_a_gateway(
    server: Server, tmp_path: Path
) -> None:
    place = server.new(tmp_path)
    run_sql(place, "CREATE TABLE executions (id integer PRIMARY KEY)")
    before = _schema(place)
    await _in(place, remove)
    assert _schema(place) == before


async def test_nothing_is_removed_that_others_depend_on(place: Place) -> None:
    run_sql(place, "CREATE VIEW ours AS SELECT guid FROM executions")
    before = _schema(place)
    said = "table executions" if isinstance(place, PostgresPlace) else "gateway's tables: view ours"
    with pytest.raises(InvalidInput, match=f"depends on the {said}"):
        await _in(place, remove)
    assert _schema(place) == before
