"""Cursors far into a list, encoded as the gateway encodes them."""

from typing import Any

from databases import Database

from db.reading.cursors import encode_cursor
from db.reading.paging import Term, position_of, total_order
from db.source import ExecutionRow

_COLUMNS = (
    "id, guid, agentflow_id, NULL, session_id, state, created_on, updated_on, finished_on,"
    " finished_on - created_on AS duration_ms"
)
_NAMES = {"DURATION": "duration_ms"}


def cursor_of(position: list[int]) -> str:
    """Return the cursor of a position, in the order from newest to oldest."""
    return encode_cursor(tuple(position), total_order(()))


def cursor_at(
    database: Database, share: float, order: list[dict[str, str]] | None, filter_: dict[str, Any]
) -> str:
    """Return a cursor past a share of all executions, for an order given as GraphQL variables.

    With a filter, the cursor is at the creation time of that share of all executions.
    """
    terms = total_order(
        Term(_NAMES.get(each["field"], each["field"].lower()), each["direction"] == "DESC")
        for each in order or ()
    )
    [(rows, highest)] = database.select("SELECT count(*), max(id) FROM executions")
    if filter_ or terms[0].field in ("created_on", "updated_on"):
        # Ids ascend with creation times.
        place = int(highest * (1 - share if terms[0].descending else share))
        found = f"WHERE id >= {place} ORDER BY id LIMIT 1"
    else:
        nulls = "NULLS LAST" if terms[0].descending else "NULLS FIRST"
        first, *rest = (f"{term.field} {'DESC' if term.descending else 'ASC'}" for term in terms)
        by = ", ".join([f"{first} {nulls}", *rest])
        found = f"ORDER BY {by} LIMIT 1 OFFSET {int(rows * share)}"
    [row] = database.select(f"SELECT {_COLUMNS} FROM executions {found}")
    return encode_cursor(position_of(ExecutionRow._make(row), terms), terms)
