"""Cursors far into a list, made as the gateway makes them."""

from pathlib import Path
from sqlite3 import connect
from typing import Any

from db.paging import Term, encode_cursor, position_of, total_order
from db.source import ExecutionRow


def cursor_of(position: list[int]) -> str:
    """The cursor of a position, from newest to oldest."""
    return encode_cursor(tuple(position), total_order(()))


def cursor_at(
    path: Path, share: float, order: list[dict[str, str]] | None, filter_: dict[str, Any]
) -> str:
    """A cursor behind a share of all executions, in an order written as GraphQL variables.

    With a filter it stands at the time when that share had been created.
    """
    terms = total_order(
        Term(each["field"].lower(), each["direction"] == "DESC") for each in order or ()
    )
    with connect(path) as connection:
        [(rows,)] = connection.execute("SELECT max(id) FROM executions")
        by = ", ".join(f"{term.field} {'DESC' if term.descending else 'ASC'}" for term in terms)
        columns = "id, guid, agentflow_id, NULL, session_id, state, created_on, updated_on"
        if filter_ or terms[0].field in ("created_on", "updated_on"):
            # Rows were made in the order of their times.
            place = rows * (1 - share if terms[0].descending else share)
            query = f"SELECT {columns} FROM executions WHERE id >= ? LIMIT 1"
            [row] = connection.execute(query, (int(place),))
        else:
            query = f"SELECT {columns} FROM executions ORDER BY {by} LIMIT 1 OFFSET ?"
            [row] = connection.execute(query, (int(rows * share),))
    connection.close()
    return encode_cursor(position_of(ExecutionRow._make(row), terms), terms)
