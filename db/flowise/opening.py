"""Flowise's tables and the gateway's, by the kind of their database."""

from collections.abc import Callable

from sqlalchemy.engine import Dialect

from db.database import Database
from db.flowise import postgres_mapping, postgres_sides, sqlite_mapping, sqlite_sides
from db.flowise.sides import Sides
from db.flowise.tables import FlowiseTables

Reason = Callable[[FlowiseTables, str], str]
"""Returns SQL that says why an execution, in the row of a name, can't be taken over, or is null.

The triggers note the same. It reads no table, and not ``executionData``.
"""


def open_sides(database: Database, tables: FlowiseTables) -> Sides:
    """Return the two sides of a database."""
    if database.dialect.name == "sqlite":
        return sqlite_sides.SQLiteSides(database, tables)
    return postgres_sides.PostgresSides(database, tables)


async def remove_sides(database: Database) -> None:
    """Drop everything that the ``install`` of the two sides has created. Idempotent.

    Flowise's tables may be others meanwhile, or gone.
    """
    if database.dialect.name == "sqlite":
        await sqlite_sides.remove(database)
    else:
        await postgres_sides.remove(database)


def reason_of(dialect: Dialect) -> Reason:
    """Return the function for the reasons of a kind of database."""
    return sqlite_mapping.reason if dialect.name == "sqlite" else postgres_mapping.reason
