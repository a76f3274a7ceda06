"""Everything that is in a database, to be compared."""

import contextlib
import sqlite3
from typing import Any

from tests.catalog import CATALOG
from tests.places import Place, PostgresPlace, SQLitePlace

_FLOWISE = ("execution", "chat_flow", "chat_message", "migrations", "workspace")


def dump(place: Place) -> list[tuple[Any, ...]]:
    """Everything: the definitions of all there is, and the rows of Flowise's tables."""
    if isinstance(place, SQLitePlace):
        with contextlib.closing(sqlite3.connect(place.path)) as connection:
            return [(line,) for line in connection.iterdump()]
    assert isinstance(place, PostgresPlace)
    found = place.run(CATALOG, [()])
    tables = {row[1] for row in found if row[0] == "relation"}
    for table in _FLOWISE:
        if table in tables:
            found += place.run(f"SELECT 'row', t::text FROM \"{table}\" AS t", [()])
    return sorted(found, key=repr)


def rows(place: Place) -> list[tuple[Any, ...]]:
    """The rows of Flowise's executions, in the order of their ids."""
    return place.run('SELECT CAST("id" AS text), "state" FROM execution ORDER BY 1', [()])
