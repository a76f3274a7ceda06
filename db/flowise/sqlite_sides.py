"""Flowise's tables and the gateway's in one file of SQLite."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from db.database import Database
from db.flowise.sides import Batch, Counts
from db.flowise.sqlite_batches import (
    GUIDS,
    IDS,
    SURPLUS,
    Batches,
    Flows,
    batch_of,
    delete_surplus,
)
from db.flowise.sqlite_triggers import TRIGGERS, create_tables, create_triggers
from db.flowise.tables import FlowiseTables
from db.sqlite.flowise_changes import bring_oldest

_CHANGES_AT_ONCE = 500
_MADE = (
    "SELECT name, type, lower(tbl_name) AS on_table, sql FROM sqlite_master"
    " WHERE name LIKE 'flowise\\_%' ESCAPE '\\'"
)
_WATCHED = ("execution", "chat_flow", "chat_message", "executions", "agentflows")
"""The tables that a version of the gateway may have triggers on."""
IS_OURS = (
    f"type = 'trigger' AND lower(tbl_name) IN {_WATCHED} AND name LIKE 'flowise\\_%' ESCAPE '\\'"
)
"""A condition of ``sqlite_master``: whether a version of the gateway calls a trigger so."""
_HAS_CHANGES = "SELECT EXISTS (SELECT 1 FROM flowise_changes)"
_COUNT_CHANGES = "SELECT count(*) FROM flowise_changes"
_VERSION = "SELECT schema_version FROM pragma_schema_version"
_COUNT = (
    "SELECT (SELECT count(*) FROM execution), (SELECT count(*) FROM executions),"
    " (SELECT count(*) FROM flowise_left_out)"
)


class SQLiteSides:
    """Flowise's tables and the gateway's in one file of SQLite; see ``Sides``.

    A transaction keeps other writers waiting only if it finds something to change: each method
    looks first, and looks again before it writes.
    """

    tables: Sequence[str] = tuple(create_tables())

    def __init__(self, database: Database, tables: FlowiseTables) -> None:
        self._database = database
        self._made = {**create_tables(), **create_triggers(tables)}
        self._flows = Flows()
        self._batches = Batches(tables)

    async def is_installed(self) -> bool:
        """Whether the triggers and tables between the two are as this version makes them."""
        made = {
            name: _Made(kind, table, text)
            for name, kind, table, text in await self._database.read_latest(_MADE, ())
        }
        texts = {name: made[name].text if name in made else "" for name in self._made}
        return texts == self._made and not _others(made)

    async def version(self) -> int:
        """Return the number of changes of the schema, Flowise's migrations among them."""
        [(version,)] = await self._database.read_latest(_VERSION, ())
        return int(version)

    async def install(self) -> None:
        """Create what ``is_installed`` asks for; replace what another version has made."""

        async def work(connection: AsyncConnection) -> None:
            made = await _find_made(connection)
            for name in _others(made):
                await _drop(connection, made, name)
            for name, text in self._made.items():
                if name in made and made[name].text == text:
                    continue
                await _drop(connection, made, name)
                await connection.exec_driver_sql(text)

        await self._database.transact(work)

    async def copy_flows(self, *, is_dry: bool = False) -> int:
        """Make the gateway's agentflows equal to Flowise's; return how many differed.

        If ``is_dry``, say how many differ, and change nothing.
        """
        [(differing,)] = await self._database.read_latest(self._flows.count, ())
        if is_dry or not differing:
            return int(differing)
        return await self._database.change(self._flows.copy)

    async def copy_batch(self, after: str, limit: int, *, is_dry: bool = False) -> Batch:
        """Make the executions after an id, in the order of ids, equal to Flowise's.

        If ``is_dry``, say what there is to do, and change nothing.
        """
        [(rows, last)] = await self._database.read_latest(IDS, (after, limit))
        if last is None and after:
            return Batch(None)
        found = await self._batches.find(self._database, after, last, is_dry=is_dry)
        if not is_dry and any(each.is_to_do for each in found):
            found = await self._database.change(
                lambda execute: self._batches.copy(execute, after, last)
            )
        return batch_of(found, last, rows)

    async def remove_surplus(self, after: str, limit: int, *, is_dry: bool = False) -> Batch:
        """Delete the gateway's executions after a guid that Flowise does not have.

        ``limit`` is how many are looked at. If ``is_dry``, say how many, and delete none.
        """
        [(rows, last)] = await self._database.read_latest(GUIDS, (after, limit))
        if last is None and after:
            return Batch(None)
        surplus = await self._database.read_latest(SURPLUS, (after, last))
        if is_dry or not surplus:
            return Batch(last, rows, deleted=len(surplus))
        deleted = await self._database.change(lambda execute: delete_surplus(execute, after, last))
        return Batch(last, rows, deleted=deleted)

    async def catch_up(self) -> int:
        """Take over what Flowise's statements have left, and bring other programs' changes to it.

        Returns how many changes there were.
        """
        applied = 0
        while (await self._database.read_latest(_HAS_CHANGES, ()))[0][0]:
            some = await self._database.change(
                lambda execute: bring_oldest(execute, _CHANGES_AT_ONCE)
            )
            if not some:
                break
            applied += some
        return applied

    async def count_waiting(self) -> int:
        """Count the changes that ``catch_up`` would look at."""
        [(waiting,)] = await self._database.read_latest(_COUNT_CHANGES, ())
        return int(waiting)

    async def count(self) -> Counts:
        """Count both sides at one moment."""
        counts = await self._database.read_latest(_COUNT, ())
        return Counts(*counts[0])


class _Made(NamedTuple):
    """A table or a trigger that is there; ``table`` is the trigger's."""

    kind: str
    table: str
    text: str


def _others(made: Mapping[str, _Made]) -> list[str]:
    """Return the names of the triggers that another version has made, and this one has not."""
    return [
        name
        for name, each in made.items()
        if each.kind == "trigger" and each.table in _WATCHED and name not in TRIGGERS
    ]


async def _find_made(connection: AsyncConnection) -> dict[str, _Made]:
    """Return what is there, by its name."""
    found = (await connection.exec_driver_sql(_MADE)).all()
    return {row.name: _Made(row.type, row.on_table, row.sql) for row in found}


async def _drop(connection: AsyncConnection, made: Mapping[str, _Made], name: str) -> None:
    """Drop what has a name, if it is there."""
    if name in made:
        quoted = name.replace('"', '""')
        await connection.exec_driver_sql(f'DROP {made[name].kind} "{quoted}"')


async def remove(database: Database) -> None:
    """Drop everything that ``install`` of this or another version has created; see ``opening``."""

    async def work(connection: AsyncConnection) -> None:
        made = await _find_made(connection)
        # Triggers first: they name the tables.
        for name in (*_others(made), *TRIGGERS, *create_tables()):
            await _drop(connection, made, name)

    await database.transact(work)
