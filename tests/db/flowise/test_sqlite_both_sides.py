"""What the gateway and programs beside it change of executions is Flowise's too, in SQLite."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.database import Database
from db.executions import Executions
from db.flowise.sqlite_sides import SQLiteSides
from db.flowise.tables import find_tables
from db.models import ExecutionState
from db.opening import open_database
from db.reading.filters import Condition, Filter
from db.source import ExecutionRow
from db.writing.loading import LoadedExecution, load
from tests.db.flowise.copies import copied
from tests.db.flowise.drawn_writes import IDS, statements
from tests.db.flowise.equality import check_events, check_sides
from tests.examples import examples
from tests.places import SQLitePlace

GUIDS = [name.strip("'") for name in IDS]
_STATES = st.sampled_from(list(ExecutionState))
_SOME = st.lists(st.sampled_from(GUIDS), min_size=1, max_size=3)
_KEPT = (
    "id, guid, agentflow_id, session_id, created_on, workspace_id, error, updated_on, finished_on"
)
_OF_PROGRAMS = [
    "UPDATE executions SET state = :state WHERE guid = :guid",
    (
        "UPDATE executions SET state = :state, updated_on = 1759628839123,"
        # Times alone are not brought to Flowise.
        " finished_on = 1759628839456 WHERE guid = :guid AND state <> :state"
    ),
    "UPDATE executions SET state = :state",
    "DELETE FROM executions WHERE guid = :guid",
    "DELETE FROM executions WHERE state = :state",
    f"INSERT OR REPLACE INTO executions ({_KEPT}, state) SELECT {_KEPT}, :state FROM executions",
    (
        f"REPLACE INTO executions ({_KEPT}, state) SELECT {_KEPT}, :state FROM executions"
        " WHERE guid = :guid"
    ),
    (
        "UPDATE OR REPLACE executions SET id = (SELECT id FROM executions WHERE guid = :guid)"
        " WHERE guid = 'execution-0' AND EXISTS (SELECT 1 FROM executions WHERE guid = :guid)"
    ),
    (
        "INSERT INTO executions (guid, agentflow_id, state, created_on)"
        " SELECT guid, agentflow_id, state, created_on FROM executions WHERE guid = :guid"
        " ON CONFLICT (guid) DO UPDATE SET state = :state"
    ),
]

_Step = tuple[str, Any]
_STEPS = st.one_of(
    st.tuples(st.just("flowise"), statements()),
    st.tuples(st.just("update"), st.tuples(_SOME, _STATES)),
    st.tuples(st.just("delete"), _SOME),
    st.tuples(st.just("update matching"), st.tuples(_STATES, _STATES)),
    st.tuples(st.just("delete matching"), _STATES),
    st.tuples(st.just("load"), st.tuples(_SOME, _STATES)),
    st.tuples(st.just("program"), st.tuples(st.sampled_from(_OF_PROGRAMS), _SOME, _STATES)),
)


def _having(state: ExecutionState) -> Filter:
    return Condition("state", "eq", state)


async def _change(database: Database, kind: str, how: Any) -> None:
    """Change executions as the gateway does."""
    executions = Executions(database)
    match kind:
        case "update":
            await executions.update(*how)
        case "delete":
            await executions.delete(how)
        case "update matching":
            await executions.update_matching(_having(how[0]), how[1])
        case "delete matching":
            await executions.delete_matching(_having(how))
        case "load":
            guids, state = how
            found = [await executions.find(guid) for guid in guids]
            await load(database, [(_loaded(row, state), None) for row in found if row])


def _loaded(row: ExecutionRow, state: str) -> LoadedExecution:
    return LoadedExecution(
        None, row.guid, row.agentflow_id, row.session_id, state, row.created_on, None
    )


_FAILED = '[{"status":"ERROR","data":{"error":"no model"}}]'
_ADD = (
    'INSERT INTO execution ("id", "executionData", "state", "agentflowId", "sessionId",'
    f""" "workspaceId") VALUES (?, '{_FAILED}', ?, 'flow-a', 'session-a', 'workspace-a')"""
)
_SAY = (
    'INSERT INTO chat_message ("id", "role", "chatflowid", "content", "chatId", "executionId")'
    " VALUES (?, 'apiMessage', 'flow-a', '', '', ?)"
)


@given(taken=st.lists(_STEPS, max_size=12))
@settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
def test_both_sides_are_equal_after_every_commit_of_anybody(
    attached: Path, taken: Sequence[_Step]
) -> None:
    place = SQLitePlace(copied(attached))

    async def run() -> None:
        database = open_database(place.url)
        try:
            sides = SQLiteSides(database, await find_tables(database))
            with closing(sqlite3.connect(place.path, isolation_level=None)) as flowise:
                flowise.execute("PRAGMA synchronous = OFF")
                flowise.execute("PRAGMA foreign_keys = ON")
                for guid, state in zip(GUIDS, ExecutionState, strict=False):
                    flowise.execute(_ADD, (guid, state))
                    flowise.execute(_SAY, (f"message of {guid}", guid))
                for step in taken:
                    await _take(step, sides, database, flowise)
                check_events(flowise)
        finally:
            await database.close()

    asyncio.run(run())


async def _take(
    step: _Step, sides: SQLiteSides, database: Database, flowise: sqlite3.Connection
) -> None:
    """Take a step, and compare the sides after it."""
    kind, how = step
    before = _guids(flowise)
    if kind == "flowise":
        _run(flowise, how)
    elif kind == "program":
        statement, (guid, *_), state = how
        flowise.execute(statement, {"guid": guid, "state": state})
        await sides.catch_up()
    else:
        await _change(database, kind, how)
    check_sides(flowise)
    assert flowise.execute("SELECT * FROM flowise_changes").fetchall() == []
    if kind != "flowise":
        gone = before - _guids(flowise)
        assert not gone & _of_messages(flowise)


def _run(flowise: sqlite3.Connection, statement: str) -> None:
    with contextlib.suppress(sqlite3.IntegrityError, sqlite3.OperationalError):
        flowise.execute(statement)
    if flowise.in_transaction:
        # The gateway would wait for it.
        flowise.execute("COMMIT")


def _guids(connection: sqlite3.Connection) -> set[str]:
    return {guid for (guid,) in connection.execute("SELECT id FROM execution")}


def _of_messages(connection: sqlite3.Connection) -> set[str]:
    found = connection.execute('SELECT "executionId" FROM chat_message')
    return {guid for (guid,) in found}
