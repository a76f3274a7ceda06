"""Everything that is in a database, to be compared."""

import contextlib
import sqlite3
from typing import Any

from tests.places import Place, PostgresPlace, SQLitePlace

_SCHEMA = (
    (
        "SELECT 'relation', relname::text, relkind::text, coalesce(reltuples, 0) * 0 FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace"
    ),
    (
        "SELECT 'column', attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod)"
        " FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped"
        " AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
    ),
    "SELECT 'index', indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    (
        "SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
    ),
    "SELECT 'trigger', tgrelid::regclass::text, tgname::text, tgenabled::text FROM pg_trigger",
    (
        "SELECT 'function', oid::regprocedure::text FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace"
    ),
)
_FLOWISE = ("execution", "chat_flow", "chat_message", "migrations", "workspace")


def dump(place: Place) -> list[tuple[Any, ...]]:
    """Everything: the definitions of all there is, and the rows of Flowise's tables."""
    if isinstance(place, SQLitePlace):
        with contextlib.closing(sqlite3.connect(place.path)) as connection:
            return [(line,) for line in connection.iterdump()]
    assert isinstance(place, PostgresPlace)
    found = [row for statement in _SCHEMA for row in place.run(statement, [()])]
    tables = {row[1] for row in found if row[0] == "relation"}
    for table in _FLOWISE:
        if table in tables:
            found += place.run(f"SELECT 'row', t::text FROM \"{table}\" AS t", [()])
    return sorted(found, key=repr)


def rows(place: Place) -> list[tuple[Any, ...]]:
    """The rows of Flowise's executions, in the order of their ids."""
    return place.run('SELECT CAST("id" AS text), "state" FROM execution ORDER BY 1', [()])
