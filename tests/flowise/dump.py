"""Flowise's tables as text, to see that nothing has changed in them."""

from typing import Any

from tests.catalog import CATALOG
from tests.flowise.sides import run
from tests.places import Place, SQLitePlace

_OTHERS = {"login_sessions", "sqlite_sequence"}
"""What each request of a browser changes, and what is a part of the schema."""

_SQLITE_SCHEMA = """
SELECT type, name, tbl_name, sql FROM sqlite_master
UNION ALL SELECT 'sequence', name, name, NULL FROM sqlite_sequence
ORDER BY 1, 2
"""


def schema(place: Place) -> list[tuple[Any, ...]]:
    """Everything that is in the database, without its rows."""
    return run(place, _SQLITE_SCHEMA if isinstance(place, SQLitePlace) else CATALOG)


def rows(place: Place) -> dict[str, list[str]]:
    """The rows of all tables of Flowise's data, in one order."""
    kind = "type" if isinstance(place, SQLitePlace) else "relation"
    named = {
        row[1] if kind == "relation" else row[2]
        for row in schema(place)
        if row[0] == "table" or (row[0] == "relation" and row[2] == "r")
    }
    return {
        name: sorted(map(repr, run(place, f'SELECT * FROM "{name}"')))
        for name in sorted(named - _OTHERS)
    }


def dump(place: Place) -> tuple[list[tuple[Any, ...]], dict[str, list[str]]]:
    """Both."""
    return schema(place), rows(place)
