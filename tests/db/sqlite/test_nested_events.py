"""Triggers of engines that write executions when executions are written."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.db.events.outbox import EVENTS, ROWS, Copy, Logged, Row, logged
from tests.db.sqlite.drawn_writes import triggers_of_executions

_VALUES = "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES"
_WRITES = {
    "an insert": f"{_VALUES} ('d', 'flow-1', 'ERROR', 5), ('e', 'flow-1', 'INPROGRESS', 5)",
    "an update": "UPDATE executions SET state = 'ERROR'",
    "an update of the session": "UPDATE executions SET session_id = 'session-1'",
    "an upsert": f"{_VALUES} ('a', 'flow-1', 'ERROR', 5)"
    " ON CONFLICT (guid) DO UPDATE SET state = 'ERROR'",
    "a delete": "DELETE FROM executions",
}
_REACTIONS = {
    "updates it": "UPDATE executions SET agentflow_id = 'flow-9' WHERE id = it.id",
    "changes its state": "UPDATE executions SET state = 'STOPPED' WHERE id = it.id",
    "updates it twice": "UPDATE executions SET agentflow_id = 'flow-8' WHERE id = it.id;"
    " UPDATE executions SET session_id = 'session-9' WHERE id = it.id",
    "deletes it": "DELETE FROM executions WHERE id = it.id",
    "writes it again": f"{_VALUES} (it.guid, 'flow-7', 'TIMEOUT', 7)"
    " ON CONFLICT (guid) DO UPDATE SET session_id = 'session-7'",
    "changes the state of others": "UPDATE executions SET state = 'TIMEOUT' WHERE id <> it.id",
}


@pytest.fixture(params=[False, True], ids=["plain", "with recursive triggers"])
def engine(request: pytest.FixtureRequest, path: Path) -> Iterator[sqlite3.Connection]:
    """A program that writes executions."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA recursive_triggers = {request.param:d}")
        connection.execute(f"{_VALUES} ('a', 'f', 'INPROGRESS', 1), ('b', 'f', 'ERROR', 2)")
        yield connection


def _react(engine: sqlite3.Connection, reaction: str) -> None:
    """Create triggers of an engine for whatever is written, which don't go on for ever."""
    for event, it in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        engine.execute(
            f"CREATE TRIGGER react_{event} AFTER {event} ON executions"
            f" WHEN {it}.agentflow_id IN ('f', 'flow-1') AND {it}.state <> 'STOPPED'"
            f" AND {it}.session_id IS NOT 'session-7' AND {it}.state <> 'TIMEOUT'"
            f" BEGIN {_REACTIONS[reaction].replace('it.', f'{it}.')}; END"
        )


def _create_anew(engine: sqlite3.Connection) -> None:
    """Create the triggers of the gateway after those of the engine."""
    triggers = triggers_of_executions(engine)
    for name, created in triggers:
        if not name.startswith("react"):
            engine.execute(f"DROP TRIGGER {name}")
            engine.execute(created)


def _rows(engine: sqlite3.Connection) -> Copy:
    return {row.guid: row for row in map(Row._make, engine.execute(ROWS))}


def _follow(events: list[Logged], copy: Copy) -> None:
    """Do with a list what a client does."""
    for event in events:
        if event.type == "DELETED":
            copy.pop(event.row.guid, None)
        else:
            copy[event.row.guid] = event.row


@pytest.mark.parametrize("is_first", [False, True], ids=["before ours", "after ours"])
@pytest.mark.parametrize("reaction", _REACTIONS)
@pytest.mark.parametrize("write", _WRITES)
def test_a_list_that_follows_events_equals_the_table(
    engine: sqlite3.Connection, write: str, reaction: str, *, is_first: bool
) -> None:
    _react(engine, reaction)
    if is_first:
        _create_anew(engine)
    copy = _rows(engine)
    before = set(copy)
    [(last,)] = engine.execute("SELECT max(id) FROM execution_events").fetchall()
    engine.execute(_WRITES[write])
    events = logged(engine.execute(f"{EVENTS} WHERE id > ? ORDER BY id", [last]))
    _follow(events, copy)
    assert copy == _rows(engine)
    deleted = [event.row.guid for event in events if event.type == "DELETED"]
    gone = before - set(copy)
    assert gone <= set(deleted)
    assert len(set(deleted)) == len(deleted)
