"""The mark of an attached database: a table, whose only row all processes read.

It says whether everything was copied, and what was counted last.
"""

from typing import NamedTuple

from db.database import Database
from db.flowise.sides import Counts
from db.flowise.tables import Readable
from db.instants import now_ms
from db.migrations.upgrade import take_turns

TABLE = "flowise_attachment"
FORMAT = 1
"""What this version makes; a newer one may make something else."""

_CREATE = f"""
CREATE TABLE IF NOT EXISTS {TABLE} (
    id integer PRIMARY KEY CHECK (id = 1),
    format integer NOT NULL,
    is_complete integer NOT NULL DEFAULT 0,
    flowise bigint NOT NULL DEFAULT 0,
    gateway bigint NOT NULL DEFAULT 0,
    left_out bigint NOT NULL DEFAULT 0,
    counted_on bigint NULL,
    journal_mode text NULL
)
"""

_IS_MARKER = "SELECT count(*) FROM pragma_table_info(?) WHERE name = 'journal_mode'"


class Marker(NamedTuple):
    """The row of an attached database. ``counted_on`` is in epoch milliseconds.

    ``journal_mode`` is that of SQLite's file before it was attached.
    """

    format: int
    is_complete: bool
    counts: Counts
    counted_on: int | None
    journal_mode: str | None


async def has_table(database: Readable, name: str) -> bool:
    """Whether a database has a table."""
    if database.dialect.name == "sqlite":
        statement = (
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE"
        )
    else:
        statement = "SELECT CAST(to_regclass(quote_ident($1)) IS NOT NULL AS integer)"
    return bool((await database.read_latest(statement, (name,)))[0][0])


async def read_marker(database: Readable) -> Marker | None:
    """Return the row of an attached database; None if it is not attached."""
    if not await has_table(database, TABLE) or not await _is_marker(database):
        return None
    rows = await database.read_latest(
        "SELECT format, is_complete, flowise, gateway, left_out, counted_on, journal_mode"
        f" FROM {TABLE}",
        (),
    )
    if not rows:
        return None
    version, is_complete, flowise, gateway, left_out, counted_on, mode = rows[0]
    return Marker(version, bool(is_complete), Counts(flowise, gateway, left_out), counted_on, mode)


async def _is_marker(database: Readable) -> bool:
    """Whether the table is the gateway's, and not another one of that name in SQLite."""
    if database.dialect.name != "sqlite":
        return True
    return bool((await database.read_latest(_IS_MARKER, (TABLE,)))[0][0])


async def create_marker(database: Database, journal_mode: str | None) -> None:
    """Make the database an attached one, of which nothing was copied yet.

    Several processes may call this at once: the mark is that of the first.
    """
    mark = "?" if database.dialect.name == "sqlite" else "$1::text"
    insert = (
        f"INSERT INTO {TABLE} (id, format, journal_mode) VALUES (1, {FORMAT}, {mark})"
        " ON CONFLICT DO NOTHING"
    )
    async with database.write() as connection:
        await connection.run_sync(take_turns)
        await connection.exec_driver_sql(_CREATE)
        await connection.exec_driver_sql(insert, (journal_mode,))


async def mark_complete(database: Database) -> None:
    """Note that everything was copied."""
    await _run(database, f"UPDATE {TABLE} SET is_complete = 1 WHERE is_complete = 0")


async def write_counts(database: Database, counts: Counts) -> None:
    """Tell all processes what was counted."""
    await _run(
        database,
        f"UPDATE {TABLE} SET flowise = {counts.flowise}, gateway = {counts.gateway},"
        f" left_out = {counts.left_out}, counted_on = {now_ms()}",
    )


async def drop_marker(database: Database) -> None:
    """Make the database one that is not attached."""
    await _run(database, f"DROP TABLE IF EXISTS {TABLE}")


async def _run(database: Database, statement: str) -> None:
    async with database.write() as connection:
        await connection.exec_driver_sql(statement)
