"""Triggers of others, which write to Flowise's tables in a statement of Flowise's, in SQLite."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.flowise.copies import copied
from tests.db.flowise.drawn_writes import statements
from tests.db.flowise.equality import check_events, check_sides
from tests.examples import examples

_ADD = (
    'INSERT INTO execution ("id", "executionData", "state", "agentflowId", "sessionId",'
    " \"workspaceId\") VALUES ('execution-0', '[]', 'INPROGRESS', 'flow-a', 's', 'workspace-a')"
)
_COPY = (
    'REPLACE INTO execution ("id", "executionData", "state", "agentflowId", "sessionId")'
    " VALUES ({row}.id, '[]', {state}, 'flow-b', 's')"
)
_ACTS = {
    "moves it": "UPDATE execution SET \"workspaceId\" = 'workspace-b' WHERE id = {row}.id",
    "ends it": "UPDATE execution SET \"state\" = 'ERROR', \"sessionId\" = 't' WHERE id = {row}.id",
    "spoils it": "UPDATE execution SET \"state\" = 'PAUSED' WHERE id = {row}.id",
    "renames it": "UPDATE execution SET id = id || '+' WHERE id = {row}.id",
    "deletes it": "DELETE FROM execution WHERE id = {row}.id",
    "deletes others": "DELETE FROM execution WHERE id <> {row}.id",
    "makes it anew": _COPY.format(row="{row}", state="'FINISHED'"),
    "makes it anew and spoils it": _COPY.format(row="{row}", state="'PAUSED'"),
}
"""What a trigger does with the execution that it runs for."""
_EVENTS = ("INSERT", "UPDATE", "DELETE")
_FLOW_ACTS = (
    "UPDATE chat_flow SET name = 'other' WHERE id = {row}.id",
    "UPDATE chat_flow SET id = id || '+' WHERE id = {row}.id",
    "DELETE FROM chat_flow WHERE id = {row}.id",
    "REPLACE INTO chat_flow (id, name, flowData) VALUES ({row}.id, 'anew', '')",
)

_OF_FLOWISE = (
    "nothing",
    "UNIQUE constraint failed: execution.",
    "UNIQUE constraint failed: chat_flow.",
    "cannot ",
)
"""What Flowise's own tables refuse, and what is no error of the statement's."""


def _trigger(name: str, event: str, act: str, table: str = "execution") -> str:
    done = act.format(row="OLD" if event == "DELETE" else "NEW")
    # What comes of a row that is written BEFORE its own statement is not defined in SQLite.
    return f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {done}; END"


def _create(flowise: sqlite3.Connection, triggers: Sequence[str], *, is_first: bool) -> None:
    """Create triggers; SQLite runs first what was created last."""
    find = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'flowise%'"
    ours = flowise.execute(find).fetchall() if is_first else []
    for name, _ in ours:
        flowise.execute(f"DROP TRIGGER {name}")
    for text in (*triggers, *(sql for _, sql in ours)):
        flowise.execute(text)


@pytest.mark.parametrize("is_first", [False, True], ids=["made after", "made before"])
@pytest.mark.parametrize("event", _EVENTS)
@pytest.mark.parametrize("act", _ACTS)
def test_what_a_trigger_makes_of_an_execution_is_taken_over(
    attached: Path, act: str, event: str, *, is_first: bool
) -> None:
    with closing(sqlite3.connect(attached, isolation_level=None)) as flowise:
        _create(flowise, [_trigger("owners", event, _ACTS[act])], is_first=is_first)
        for statement in (
            _ADD,
            _ADD.replace("execution-0", "execution-1"),
            "UPDATE execution SET \"state\" = 'FINISHED'",
            "UPDATE execution SET \"workspaceId\" = 'workspace-c', \"state\" = 'STOPPED'",
            "UPDATE execution SET id = 'execution-2' WHERE id = 'execution-1'",
            "DELETE FROM execution",
        ):
            flowise.execute(statement)
            check_sides(flowise)
            assert flowise.execute("SELECT * FROM flowise_changes").fetchall() == []
        check_events(flowise)


_TRIGGERS = st.tuples(
    st.sampled_from(_EVENTS),
    st.sampled_from([*(("execution", act) for act in _ACTS.values())])
    | st.sampled_from([("chat_flow", act) for act in _FLOW_ACTS]),
)

_STATEMENTS = statements().filter(lambda statement: "OR FAIL" not in statement)
"""OR FAIL keeps a row whose triggers have failed half-way."""


@given(
    drawn=st.lists(_TRIGGERS, min_size=1, max_size=3),
    is_first=st.booleans(),
    taken=st.lists(_STATEMENTS, max_size=8),
)
@settings(max_examples=examples(80), deadline=None, suppress_health_check=list(HealthCheck))
def test_both_sides_are_equal_whatever_triggers_write(
    attached: Path,
    drawn: Sequence[tuple[str, tuple[str, str]]],
    taken: Sequence[str],
    *,
    is_first: bool,
) -> None:
    triggers = [
        _trigger(f"owners{number}", event, act, table)
        for number, (event, (table, act)) in enumerate(drawn)
    ]
    with closing(sqlite3.connect(copied(attached), isolation_level=None)) as flowise:
        flowise.execute("PRAGMA synchronous = OFF")
        flowise.execute(_ADD)
        _create(flowise, triggers, is_first=is_first)
        for statement in taken:
            assert _refusal(flowise, statement).startswith(_OF_FLOWISE)
            check_sides(flowise)
            assert flowise.execute("SELECT * FROM flowise_changes").fetchall() == []
        check_events(flowise)


def _refusal(flowise: sqlite3.Connection, statement: str) -> str:
    try:
        flowise.execute(statement)
    except (sqlite3.OperationalError, sqlite3.IntegrityError) as error:
        return str(error)
    return "nothing"
