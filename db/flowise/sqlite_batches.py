"""What of Flowise's tables is not on the gateway's side in SQLite, and how it gets there."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from db.database import Database, Execute, Rows
from db.flowise import sqlite_mapping as mapping
from db.flowise.sides import Batch
from db.flowise.tables import FlowiseTables

# Ids that are bytes come after all texts; they can't be taken over.
IDS = (
    "SELECT count(*), max(id) FROM (SELECT id FROM execution"
    " WHERE id > CAST(? AS TEXT) AND id < X'' ORDER BY id LIMIT ?)"
)
"""Counts the next executions of Flowise's after an id, and finds the last of them."""
GUIDS = (
    "SELECT count(*), max(guid) FROM"
    " (SELECT guid FROM executions WHERE guid > CAST(? AS TEXT) ORDER BY guid LIMIT ?)"
)
"""Counts the gateway's next executions after a guid, and finds the last of them."""
SURPLUS = (
    "SELECT id FROM executions WHERE NOT EXISTS"
    " (SELECT 1 FROM execution WHERE execution.id = executions.guid) AND"
    " (guid > CAST(?1 AS TEXT) AND guid <= CAST(?2 AS TEXT) OR guid = '' AND ?1 = '')"
)
"""Finds those of a part of the gateway's executions that Flowise does not have.

With the first part comes the empty guid, which is in none.
"""
_DELETE = "DELETE FROM executions WHERE id = ?"
_TOUCH = 'UPDATE execution SET "id" = "id" WHERE rowid = ?'


def delete_surplus(execute: Execute, after: str, last: str | None) -> int:
    """Delete those executions of a part that Flowise does not have; return how many."""
    surplus = execute(SURPLUS, (after, last))
    for row in surplus:
        execute(_DELETE, row)
    return len(surplus)


class Difference(NamedTuple):
    """An execution that differs, or that can't be taken over: ``reason`` says why.

    ``noted`` is the reason that is noted for it.
    """

    row_id: int
    reason: str | None
    noted: str | None
    is_kept: bool
    values: Sequence[Any]

    @property
    def is_new(self) -> bool:
        """Whether it is missing on the gateway's side."""
        return self.reason is None and not self.is_kept

    @property
    def is_to_do(self) -> bool:
        """Whether anything of it is to be changed."""
        return self.reason is None or self.is_kept or self.noted != self.reason


class Batches:
    """Finds the executions that differ in a part of Flowise's table, and copies them.

    A part is the executions after an id and up to another one.
    """

    def __init__(self, tables: FlowiseTables) -> None:
        columns = ", ".join(mapping.COLUMNS)
        marks = ", ".join("?" * len(mapping.COLUMNS))
        self._insert = f"INSERT INTO executions (guid, {columns}) VALUES (?, {marks})"
        self._find = _find(tables, _NOTED)
        self._find_dry = _find(tables, _NOT_NOTED)

    async def find(
        self, database: Database, after: str, last: str | None, *, is_dry: bool
    ) -> list[Difference]:
        """Find what differs, without keeping anybody waiting.

        If ``is_dry``, what is noted of executions that can't be taken over is not looked at: it
        may not be there.
        """
        statement = self._find_dry if is_dry else self._find
        return _differences(await database.read_latest(statement, _part(after, last)))

    def copy(self, execute: Execute, after: str, last: str | None) -> list[Difference]:
        """Make the gateway's executions equal to Flowise's; return what differed."""
        found = _differences(execute(self._find, _part(after, last)))
        for each in found:
            if each.is_new and each.noted is None:
                execute(self._insert, each.values)
            elif each.is_to_do:
                # The triggers do it, as when Flowise changes the row.
                execute(_TOUCH, (each.row_id,))
        return found


def batch_of(found: Sequence[Difference], last: str | None, rows: int) -> Batch:
    """Return what differences come to."""
    return Batch(
        last,
        rows,
        inserted=sum(each.is_new for each in found),
        changed=sum(each.reason is None and each.is_kept for each in found),
        deleted=sum(each.reason is not None and each.is_kept for each in found),
        left_out=sum(each.reason is not None for each in found),
    )


_NOTED = "LEFT JOIN flowise_left_out AS noted ON noted.guid = taken.guid"
_NOT_NOTED = "LEFT JOIN (SELECT NULL AS reason) AS noted ON true"


def _find(tables: FlowiseTables, noted: str) -> str:
    columns = ", ".join(f"taken.{name}" for name in mapping.COLUMNS)
    read = mapping.named(mapping.read(tables, "execution"))
    # With the first part come ids that are in none: the empty one, and those that are bytes. The
    # limits keep SQLite from working out each value at each place where it is used.
    return (
        f"WITH given AS (SELECT {read}, rowid AS row_id FROM execution"
        " WHERE id > CAST(?1 AS TEXT) AND id <= CAST(?2 AS TEXT)"
        " OR id = '' AND ?3 OR id >= X'' AND ?3 LIMIT -1),"
        f" timed AS (SELECT *, {mapping.named(mapping.WORKED_OUT)} FROM given LIMIT -1),"
        f" taken AS (SELECT *, {mapping.REASON} AS reason, {mapping.FINISHED} AS finished_on"
        " FROM timed LIMIT -1)"
        " SELECT taken.row_id, taken.reason, noted.reason, kept.guid IS NOT NULL, taken.guid,"
        f" {columns} FROM taken"
        f" LEFT JOIN executions AS kept ON kept.guid = taken.guid {noted}"
        " WHERE taken.reason IS NOT NULL OR noted.reason IS NOT NULL OR kept.guid IS NULL"
        f" OR {mapping.differs('taken', 'kept')}"
    )


def _part(after: str, last: str | None) -> tuple[Any, ...]:
    return after, last, after == ""


def _differences(rows: Rows) -> list[Difference]:
    return [
        Difference(row_id, reason, noted, bool(is_kept), values)
        for row_id, reason, noted, is_kept, *values in rows
    ]


class Flows:
    """Copies Flowise's flows."""

    def __init__(self) -> None:
        taken = mapping.named(mapping.flow_values("chat_flow"))
        source = f"(SELECT {taken} FROM chat_flow WHERE {mapping.is_flow('chat_flow')} LIMIT -1)"
        is_gone = "NOT EXISTS (SELECT 1 FROM chat_flow WHERE chat_flow.id = agentflows.id)"
        is_missing = "NOT EXISTS (SELECT 1 FROM agentflows WHERE agentflows.id = taken.id)"
        differs = "agentflows.id = taken.id AND agentflows.name IS NOT taken.name"
        self.count = (
            f"SELECT (SELECT count(*) FROM agentflows WHERE {is_gone})"
            f" + (SELECT count(*) FROM {source} AS taken WHERE {is_missing})"
            f" + (SELECT count(*) FROM {source} AS taken JOIN agentflows ON {differs})"
        )
        """Counts the agentflows that differ."""
        self._statements = (
            f"DELETE FROM agentflows WHERE {is_gone} RETURNING id",
            (
                "UPDATE agentflows SET name = taken.name"
                f" FROM {source} AS taken WHERE {differs} RETURNING agentflows.id"
            ),
            (
                "INSERT INTO agentflows (id, name) SELECT id, name"
                f" FROM {source} AS taken WHERE {is_missing} RETURNING id"
            ),
        )

    def copy(self, execute: Execute) -> int:
        """Make the gateway's agentflows equal to Flowise's flows; return how many differed."""
        return sum(len(execute(statement, ())) for statement in self._statements)
