"""What Flowise writes to its tables in SQLite is the gateway's in the same transaction."""

import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.models import LONGEST_TEXT_BYTES, ExecutionState
from tests.db.events.outbox import Copy
from tests.db.flowise.copies import copied
from tests.db.flowise.drawn_writes import statements
from tests.db.flowise.equality import check_events, check_sides
from tests.examples import examples

_PROGRAMS = 2


@pytest.mark.parametrize("recursive", [False, True], ids=["plain", "with recursive triggers"])
@given(taken=st.lists(st.tuples(st.integers(0, _PROGRAMS - 1), statements()), max_size=15))
@settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
def test_both_sides_are_equal_after_whatever_is_written_to_those_of_flowise(
    attached: Path, *, recursive: bool, taken: Sequence[tuple[int, str]]
) -> None:
    path = copied(attached)
    copy: Copy = {}
    last = 0
    with ExitStack() as stack:
        reader, *programs = (
            stack.enter_context(closing(sqlite3.connect(path, 0, isolation_level=None)))
            for _ in range(1 + _PROGRAMS)
        )
        for number, program in enumerate(programs):
            program.execute("PRAGMA synchronous = OFF")
            program.execute(f"PRAGMA foreign_keys = {number}")
            program.execute(f"PRAGMA recursive_triggers = {recursive:d}")
        for number, statement in taken:
            refusal = _refusal(programs[number], statement)
            assert refusal is None or _is_of_flowise(refusal), refusal
            check_sides(programs[number])
            check_sides(reader)
            reader.execute("BEGIN")
            last = check_events(reader, copy, last)
            reader.execute("COMMIT")
        for program in programs:
            if program.in_transaction:
                program.execute("COMMIT")
        assert reader.execute("SELECT * FROM flowise_changes").fetchall() == []
        check_sides(reader)
        check_events(reader, copy, last)


_ALL = '("id", "executionData", "state", "agentflowId", "sessionId", "createdDate", "updatedDate")'
_DATES = "'2025-10-05 01:47:19', '2025-10-05 01:47:20'"
_OLD = f"('x', '[]', 'INPROGRESS', 'flow-a', 'session-a', {_DATES})"
_NEW = f"('x', '[]', 'FINISHED', 'flow-a', 'session-a', {_DATES})"
_SET = (
    '"executionData" = excluded."executionData", "state" = excluded."state",'
    ' "updatedDate" = excluded."updatedDate"'
)
_UPDATED = ["UPDATED"]
_REPLACED = ["DELETED", "CREATED"]
_FORMS = {
    f"INSERT INTO execution {_ALL} VALUES {_NEW} ON CONFLICT (id) DO UPDATE SET {_SET}": _UPDATED,
    f"INSERT INTO execution {_ALL} VALUES {_NEW} ON CONFLICT (id) DO NOTHING": [],
    f"INSERT OR IGNORE INTO execution {_ALL} VALUES {_NEW}": [],
    f"INSERT OR REPLACE INTO execution {_ALL} VALUES {_NEW}": _REPLACED,
    f"REPLACE INTO execution {_ALL} VALUES {_NEW}": _REPLACED,
    f"INSERT OR REPLACE INTO execution {_ALL} VALUES {_OLD}": [],
    f"UPDATE execution SET {_ALL} = {_NEW} WHERE \"id\" IN ('x')": _UPDATED,
    f"UPDATE execution SET {_ALL} = {_OLD} WHERE \"id\" IN ('x')": [],
    "UPDATE execution SET \"executionData\" = '[1]' WHERE \"id\" IN ('x')": [],
    "UPDATE OR REPLACE execution SET \"id\" = 'y' WHERE \"id\" = 'x'": ["DELETED"],
    "DELETE FROM execution WHERE \"id\" IN ('x', 'z')": ["DELETED"],
}
"""What is written to an execution, which has been so once, and the events that tell of it."""


@pytest.mark.parametrize("foreign_keys", [False, True])
@pytest.mark.parametrize("statement", _FORMS)
def test_each_form_of_a_write_is_told_of_once(
    attached: Path, statement: str, *, foreign_keys: bool
) -> None:
    with closing(sqlite3.connect(attached, isolation_level=None)) as flowise:
        flowise.execute(f"PRAGMA foreign_keys = {foreign_keys:d}")
        flowise.execute(f"INSERT INTO execution {_ALL} VALUES {_OLD}")
        flowise.execute(f"INSERT INTO execution {_ALL} VALUES {_OLD.replace('x', 'y', 1)}")
        [(last,)] = flowise.execute("SELECT max(id) FROM execution_events")
        flowise.execute(statement)
        check_sides(flowise)
        check_events(flowise)
        events = flowise.execute("SELECT type FROM execution_events WHERE id > ?", [last])
        assert [type_ for (type_,) in events] == _FORMS[statement]


@pytest.mark.parametrize("before", ["nothing", "an execution", "what can't be taken over"])
@pytest.mark.parametrize("state", [*ExecutionState, "PAUSED"])
def test_a_row_of_any_state_and_content_is_taken_over_by_its_own_statement(
    attached: Path, state: str, before: str
) -> None:
    row = (state, '[{"status":"ERROR","data":{"error":"no such model"}}]')
    values = f"('x', ?2, ?1, 'flow-a', 'session-a', {_DATES})"
    with closing(sqlite3.connect(attached, isolation_level=None)) as flowise:
        if before != "nothing":
            flowise.execute(f"INSERT INTO execution {_ALL} VALUES {_OLD}")
        if before == "what can't be taken over":
            flowise.execute("UPDATE execution SET \"updatedDate\" = 'yesterday'")
            check_sides(flowise)
        flowise.execute(f"REPLACE INTO execution {_ALL} VALUES {values}", row)
        check_sides(flowise)
        assert flowise.execute("SELECT * FROM flowise_changes").fetchall() == []
        check_events(flowise)


def test_a_session_of_megabytes_is_left_out_and_not_kept(attached: Path) -> None:
    with closing(sqlite3.connect(attached, isolation_level=None)) as flowise:
        flowise.execute(f"INSERT INTO execution {_ALL} VALUES {_OLD}")
        for session in ("é" * 2_000_000, "a\0" + "b" * 2_000_000):
            flowise.execute('UPDATE execution SET "sessionId" = ?', [session])
            check_sides(flowise)
            [(reason,)] = flowise.execute("SELECT reason FROM flowise_left_out")
            assert "longer than" in reason
            [(kept,)] = flowise.execute(
                "SELECT length(CAST(session_id AS BLOB)) FROM flowise_taken"
            )
            assert kept < 2 * LONGEST_TEXT_BYTES


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_an_insert_and_later_changes_are_one_transaction(attached: Path, end: str) -> None:
    with (
        closing(sqlite3.connect(attached, isolation_level=None)) as flowise,
        closing(sqlite3.connect(attached)) as reader,
    ):
        flowise.execute("BEGIN")
        flowise.execute(f"INSERT INTO execution {_ALL} VALUES {_OLD}")
        for state in ("STOPPED", "INPROGRESS", "FINISHED"):
            flowise.execute('UPDATE execution SET "state" = ?', [state])
            check_sides(flowise)
            check_sides(reader)
        flowise.execute(end)
        check_sides(reader)
        check_events(reader)
        found = reader.execute("SELECT state FROM executions").fetchall()
        assert found == ([("FINISHED",)] if end == "COMMIT" else [])


def _refusal(program: sqlite3.Connection, statement: str) -> str | None:
    try:
        program.execute(statement)
    except (sqlite3.OperationalError, sqlite3.IntegrityError) as error:
        return str(error)
    return None


_REFUSALS = (
    "database is locked",
    "UNIQUE constraint failed: execution.",
    "UNIQUE constraint failed: chat_flow.",
    "FOREIGN KEY constraint failed",
    "cannot commit - no transaction is active",
    "cannot rollback - no transaction is active",
    "cannot start a transaction within a transaction",
)
"""What Flowise's own tables refuse, and what is no error of the statement's."""


def _is_of_flowise(refusal: str) -> bool:
    return refusal.startswith(_REFUSALS)
