"""Flowise's tables as text, to see that nothing has changed in them."""

from typing import Any

from tests.flowise.sides import run
from tests.places import Place, SQLitePlace

_OTHERS = {"login_sessions", "sqlite_sequence"}
"""What each request of a browser changes, and what is a part of the schema."""

_SQLITE_SCHEMA = """
SELECT type, name, tbl_name, sql FROM sqlite_master
UNION ALL SELECT 'sequence', name, name, NULL FROM sqlite_sequence
ORDER BY 1, 2
"""
_POSTGRES_SCHEMA = """
SELECT 'relation', CAST(relname AS text), CAST(relkind AS text), CAST(relpersistence AS text)
  FROM pg_class WHERE relnamespace = CAST('public' AS regnamespace)
UNION ALL SELECT 'column', CAST(attrelid AS regclass)::text, CAST(attname AS text),
    format_type(atttypid, atttypmod) || attnotnull
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
  WHERE relnamespace = CAST('public' AS regnamespace) AND attnum > 0
UNION ALL SELECT 'trigger', CAST(tgrelid AS regclass)::text, CAST(tgname AS text), ''
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', CAST(proname AS text), '', ''
  FROM pg_proc WHERE pronamespace = CAST('public' AS regnamespace)
UNION ALL SELECT 'constraint', CAST(conrelid AS regclass)::text, CAST(conname AS text),
    pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = CAST('public' AS regnamespace)
UNION ALL SELECT 'type', CAST(typname AS text), '', ''
  FROM pg_type WHERE typnamespace = CAST('public' AS regnamespace)
ORDER BY 1, 2, 3, 4
"""


def schema(place: Place) -> list[tuple[Any, ...]]:
    """Everything that is in the database, without its rows."""
    return run(place, _SQLITE_SCHEMA if isinstance(place, SQLitePlace) else _POSTGRES_SCHEMA)


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
