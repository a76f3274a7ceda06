"""Statements that programs may run on executions in SQLite, drawn by hypothesis."""

import sqlite3

from hypothesis import strategies as st

from db.instants import EARLIEST_MS, LATEST_MS
from db.models import ExecutionState
from tests.db.events.outbox import ROW

GUIDS = [f"guid-{number}" for number in range(6)]
FIRST = (
    "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES"
    " ('guid-0', 'flow-1', 'INPROGRESS', 5), ('guid-1', 'flow-1', 'ERROR', 5),"
    " ('guid-2', 'flow-2', 'INPROGRESS', 6), ('guid-3', 'flow-2', 'STOPPED', 7)"
)
"""What programs find in the table."""
_NOW = "CAST(strftime('%s', 'now') AS INTEGER) * 1000"
_TIMES = [str(time) for time in (EARLIEST_MS, LATEST_MS, -1, 0, 5, 6, 7, LATEST_MS + 1)]
_VALUES = {
    "id": [str(number) for number in (-1, 0, *range(1, 9))],
    "guid": [f"'{guid}'" for guid in GUIDS],
    "agentflow_id": ["'flow-1'", "'flow-2'", "''"],
    "session_id": ["NULL", "'session-1'", "'session-2'"],
    "state": [*(f"'{state}'" for state in ExecutionState), "'UNKNOWN'"],
    "created_on": _TIMES,
    "updated_on": ["NULL", *_TIMES, f"{_NOW} + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER)"],
    "finished_on": ["NULL", *_TIMES],
    "workspace_id": ["NULL", "'workspace-1'", "'workspace-2'"],
    "error": ["NULL", "'an error'", "'another'"],
}
_OPTIONAL = ["id", "session_id", "updated_on", "finished_on", "workspace_id", "error"]
_ORS = st.sampled_from(["", "", "", *(f"OR {name}" for name in ("REPLACE", "REPLACE", "IGNORE"))])
_OTHER_ORS = st.sampled_from(["OR FAIL", "OR ABORT", "OR ROLLBACK"])


@st.composite
def _assignment(draw: st.DrawFn, *more: str) -> str:
    column = draw(st.sampled_from(ROW))
    value = draw(st.sampled_from([column, f"excluded.{column}"] if more else [column]))
    if not more or draw(st.booleans()):
        value = draw(st.sampled_from([column, *_VALUES[column]]))
    if column == "id":
        # The same column by its other names, which UPDATE OF does not know.
        column = draw(st.sampled_from(["id", "id", "rowid", "_rowid_"]))
    return f"{column} = {value}"


def _assignments(*more: str) -> st.SearchStrategy[str]:
    several = st.lists(
        _assignment(*more), min_size=1, max_size=4, unique_by=lambda each: each.split(" =")[0]
    )
    return several.map(", ".join)


@st.composite
def _condition(draw: st.DrawFn) -> str:
    column = draw(st.sampled_from(["", "id", "guid", "guid", "state", "session_id"]))
    if not column:
        return ""
    values = draw(st.lists(st.sampled_from(_VALUES[column]), min_size=1, max_size=3))
    return f"WHERE {column} IN ({', '.join(values)})"


@st.composite
def _insert(draw: st.DrawFn, max_rows: int, endings: st.SearchStrategy[str]) -> str:
    columns = [name for name in ROW if name not in _OPTIONAL or draw(st.booleans())]
    rows = draw(
        st.lists(
            st.tuples(*(st.sampled_from(_VALUES[column]) for column in columns)),
            min_size=1,
            max_size=max_rows,
        )
    )
    values = ", ".join(f"({', '.join(row)})" for row in rows)
    or_ = draw(st.one_of(_ORS, _OTHER_ORS))
    verb = f"INSERT {or_} INTO executions ({', '.join(columns)}) VALUES {values}"
    return f"{verb} {draw(endings)}"


@st.composite
def _update(draw: st.DrawFn) -> str:
    or_ = draw(st.one_of(_ORS, _OTHER_ORS))
    return f"UPDATE {or_} executions SET {draw(_assignments())} {draw(_condition())}"


@st.composite
def _copying(draw: st.DrawFn) -> str:
    """Insert rows that are there, with a value changed."""
    column = draw(st.sampled_from([name for name in ROW if name != "id"]))
    value = draw(st.sampled_from(_VALUES[column]))
    names = [name for name in ROW if name != "id"]
    selected = [value if name == column else name for name in names]
    return (
        f"INSERT {draw(_ORS)} INTO executions ({', '.join(names)})"
        f" SELECT {', '.join(selected)} FROM executions {draw(_condition())}"
    )


_upserts = st.builds(
    "ON CONFLICT ({}) DO {}".format,
    st.sampled_from(["guid", "guid", "id"]),
    st.one_of(st.just("NOTHING"), _assignments("excluded").map("UPDATE SET {}".format)),
)
WRITES: st.SearchStrategy[str] = st.one_of(
    _insert(3, st.just("")),
    _insert(1, _upserts),
    _update(),
    _update(),
    _condition().map("DELETE FROM executions {}".format),
    _copying(),
)
TRANSACTIONS = st.sampled_from(
    [
        "BEGIN",
        "BEGIN IMMEDIATE",
        "BEGIN IMMEDIATE",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT part",
        "ROLLBACK TO part",
        "RELEASE part",
    ]
)
Step = tuple[int, str]
"""A program, by its number, and the statement that it runs."""


def steps(programs: int) -> st.SearchStrategy[list[Step]]:
    """Statements of several programs, in and out of transactions."""
    statements = st.one_of(WRITES, WRITES, WRITES, TRANSACTIONS)
    taken = st.tuples(st.integers(0, programs - 1), statements)
    return st.lists(taken, min_size=10, max_size=40)


def changes_each_row_once(statement: str) -> bool:
    """Whether the statement changes no row more than once, and no guid or workspace."""
    words = statement.split()
    if words[0] == "DELETE":
        return True
    is_plain = not {"REPLACE", "CONFLICT"} & set(words)
    renames = "guid =" in statement or "workspace_id =" in statement
    return is_plain and (words[0] == "INSERT" or not renames)


def triggers_of_executions(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the names of the triggers on executions and what creates them, in their order."""
    found: list[tuple[str, str]] = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'executions'"
        " ORDER BY rowid"
    ).fetchall()
    return found
