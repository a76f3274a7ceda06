"""The tables are an interface: other programs write executions with plain SQL."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from db.database import Database
from db.instants import EARLIEST_MS, LATEST_MS
from db.models import ExecutionState
from tests.gateway import Gateway, insert, run_sql
from tests.sample import SAMPLE, START

COLUMNS = ("guid", "agentflow_id", "session_id", "state", "created_on")
INSERT = f"INSERT INTO executions ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?)"
EXECUTION: dict[str, Any] = {
    "guid": "g-1",
    "agentflow_id": "flow-1",
    "session_id": "session-1",
    "state": "INPROGRESS",
    "created_on": START,
}

pytestmark = pytest.mark.sqlite


@pytest.fixture
def engine(path: Path) -> Iterator[sqlite3.Connection]:
    """A program that writes executions and knows nothing of the gateway."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def _insert(engine: sqlite3.Connection, guid: str = "g-1", **values: Any) -> None:
    row = {**EXECUTION, "guid": guid, **values}
    engine.execute(INSERT, [row[column] for column in COLUMNS])


def _updated_on(engine: sqlite3.Connection, guid: str = "g-1") -> int:
    [(updated_on,)] = engine.execute("SELECT updated_on FROM executions WHERE guid = ?", [guid])
    return int(updated_on)


def _states(engine: sqlite3.Connection) -> dict[str, str]:
    return dict(engine.execute("SELECT guid, state FROM executions ORDER BY id"))


def test_a_plain_insert_is_enough(engine: sqlite3.Connection) -> None:
    _insert(engine)
    [row] = engine.execute("SELECT * FROM executions")
    assert row == (1, "g-1", "flow-1", "session-1", "INPROGRESS", START, START, None, None, None)


def test_a_plain_insert_of_many_is_enough(engine: sqlite3.Connection) -> None:
    engine.execute(
        "INSERT INTO executions (guid, agentflow_id, state, created_on)"
        " VALUES ('a', 'f', 'ERROR', 1), ('b', 'f', 'STOPPED', 2)"
    )
    rows = engine.execute("SELECT guid, updated_on FROM executions ORDER BY id").fetchall()
    assert rows == [("a", 1), ("b", 2)]


def test_an_insert_that_names_its_change_keeps_it(engine: sqlite3.Connection) -> None:
    engine.execute(
        "INSERT INTO executions (guid, agentflow_id, state, created_on, updated_on)"
        " VALUES ('g-1', 'f', 'ERROR', 1, 2)"
    )
    assert _updated_on(engine) == 2


def test_an_upsert_is_an_update(engine: sqlite3.Connection) -> None:
    _insert(engine)
    upsert = f"{INSERT} ON CONFLICT (guid) DO UPDATE SET state = excluded.state"
    engine.execute(upsert, ["g-1", "flow-1", None, "FINISHED", START])
    assert _states(engine) == {"g-1": "FINISHED"}
    assert _updated_on(engine) > START


def test_a_plain_update_is_enough(engine: sqlite3.Connection) -> None:
    _insert(engine)
    engine.execute("UPDATE executions SET state = 'FINISHED' WHERE guid = 'g-1'")
    assert _states(engine) == {"g-1": "FINISHED"}
    assert _updated_on(engine) > START


@pytest.mark.parametrize(
    "change",
    [
        "state = 'ERROR'",
        "agentflow_id = 'flow-2'",
        "session_id = 'session-2'",
        "session_id = NULL",
        "created_on = created_on - 1",
    ],
)
def test_any_change_moves_updated_on(engine: sqlite3.Connection, change: str) -> None:
    _insert(engine)
    engine.execute(f"UPDATE executions SET {change}")
    assert _updated_on(engine) > START


def test_a_new_guid_moves_updated_on(engine: sqlite3.Connection) -> None:
    _insert(engine)
    engine.execute("UPDATE executions SET guid = 'g-2'")
    assert _updated_on(engine, "g-2") > START


def test_a_session_where_there_was_none_moves_updated_on(engine: sqlite3.Connection) -> None:
    _insert(engine, session_id=None)
    engine.execute("UPDATE executions SET session_id = 'session-1'")
    assert _updated_on(engine) > START


def test_an_update_that_changes_nothing_leaves_updated_on(engine: sqlite3.Connection) -> None:
    _insert(engine)
    engine.execute("UPDATE executions SET state = state, session_id = session_id")
    assert _updated_on(engine) == START


def test_an_update_that_sets_updated_on_is_left_alone(engine: sqlite3.Connection) -> None:
    _insert(engine)
    engine.execute("UPDATE executions SET state = 'ERROR', updated_on = ?", [START + 5])
    assert _updated_on(engine) == START + 5


def test_an_update_of_many_moves_each_that_changes(engine: sqlite3.Connection) -> None:
    _insert(engine, "a")
    _insert(engine, "b", state="ERROR")
    _insert(engine, "c")
    engine.execute("UPDATE executions SET state = 'ERROR'")
    assert _updated_on(engine, "a") > START
    assert _updated_on(engine, "b") == START
    assert _updated_on(engine, "c") > START


def test_an_update_of_one_leaves_the_others(engine: sqlite3.Connection) -> None:
    _insert(engine, "a")
    _insert(engine, "b")
    engine.execute("UPDATE executions SET state = 'ERROR' WHERE guid = 'a'")
    assert _states(engine) == {"a": "ERROR", "b": "INPROGRESS"}
    assert _updated_on(engine, "b") == START


def test_what_follows_an_update_is_undone_with_it(engine: sqlite3.Connection) -> None:
    _insert(engine)
    engine.execute("BEGIN")
    engine.execute("UPDATE executions SET state = 'ERROR'")
    assert _updated_on(engine) > START
    engine.execute("ROLLBACK")
    assert _states(engine) == {"g-1": "INPROGRESS"}
    assert _updated_on(engine) == START


def test_a_plain_delete_is_enough(engine: sqlite3.Connection) -> None:
    _insert(engine, "a")
    _insert(engine, "b")
    engine.execute("DELETE FROM executions WHERE guid = 'a'")
    assert _states(engine) == {"b": "INPROGRESS"}


@pytest.mark.parametrize("state", ExecutionState)
def test_each_of_the_six_states_is_stored(engine: sqlite3.Connection, state: str) -> None:
    _insert(engine, state=str(state))
    assert _states(engine) == {"g-1": state}


@pytest.mark.parametrize("state", ["DONE", "finished", "FINISHED ", "", None, 1, b"FINISHED"])
def test_a_state_outside_the_six_is_refused(engine: sqlite3.Connection, state: object) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="executions"):
        _insert(engine, state=state)
    assert _states(engine) == {}


@pytest.mark.parametrize("state", ["DONE", "finished", "", None])
def test_an_update_to_a_state_outside_the_six_is_refused(
    engine: sqlite3.Connection, state: str | None
) -> None:
    _insert(engine)
    with pytest.raises(sqlite3.IntegrityError, match="executions"):
        engine.execute("UPDATE executions SET state = ?", [state])
    assert _states(engine) == {"g-1": "INPROGRESS"}
    assert _updated_on(engine) == START


@pytest.mark.parametrize(
    "values",
    [
        {"created_on": "2023-11-14T22:13:20Z"},
        {"created_on": 1.5},
        {"created_on": b"1"},
        {"created_on": None},
        {"created_on": LATEST_MS + 1},
        {"created_on": EARLIEST_MS - 1},
        {"guid": b"g"},
        {"guid": None},
        {"agentflow_id": b"f"},
        {"agentflow_id": None},
        {"session_id": b"s"},
    ],
    ids=str,
)
def test_a_value_of_the_wrong_type_or_size_is_refused(
    engine: sqlite3.Connection, values: dict[str, Any]
) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=f"executions[._]{next(iter(values))}"):
        _insert(engine, **values)
    assert _states(engine) == {}


@pytest.mark.parametrize("updated_on", ["'now'", "1.5", "x'31'", LATEST_MS + 1, EARLIEST_MS - 1])
def test_a_bad_updated_on_is_refused(engine: sqlite3.Connection, updated_on: int | str) -> None:
    _insert(engine)
    with pytest.raises(sqlite3.IntegrityError, match=r"executions[._]updated_on"):
        engine.execute(f"UPDATE executions SET updated_on = {updated_on}")
    assert _updated_on(engine) == START


@pytest.mark.parametrize("created_on", [EARLIEST_MS, -1, 0, LATEST_MS])
def test_any_millisecond_of_the_years_1_to_9999_is_stored(
    engine: sqlite3.Connection, created_on: int
) -> None:
    _insert(engine, created_on=created_on)
    assert _updated_on(engine) == created_on


def test_a_session_may_be_null(engine: sqlite3.Connection) -> None:
    _insert(engine, session_id=None)
    assert engine.execute("SELECT session_id FROM executions").fetchall() == [(None,)]


def test_a_guid_is_there_once(engine: sqlite3.Connection) -> None:
    _insert(engine)
    with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE constraint failed: executions\.guid"):
        _insert(engine, state="ERROR")
    assert _states(engine) == {"g-1": "INPROGRESS"}


def test_a_guid_of_another_execution_cannot_be_taken(engine: sqlite3.Connection) -> None:
    _insert(engine, "a")
    _insert(engine, "b")
    with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE constraint failed: executions\.guid"):
        engine.execute("UPDATE executions SET guid = 'a' WHERE guid = 'b'")


def test_guids_that_differ_in_case_are_different(engine: sqlite3.Connection) -> None:
    _insert(engine, "a")
    _insert(engine, "A")
    assert list(_states(engine)) == ["a", "A"]


@pytest.mark.parametrize("deleted", ["WHERE guid = 'b'", ""], ids=["the newest", "all"])
def test_an_id_is_never_given_again(engine: sqlite3.Connection, deleted: str) -> None:
    _insert(engine, "a")
    _insert(engine, "b")
    engine.execute(f"DELETE FROM executions {deleted}")
    _insert(engine, "c")
    [(given,)] = engine.execute("SELECT id FROM executions WHERE guid = 'c'")
    assert given == 3


def test_an_id_is_not_given_again_after_the_file_was_closed(path: Path) -> None:
    insert(path, SAMPLE)
    run_sql(path, "DELETE FROM executions")
    run_sql(path, INSERT, *EXECUTION.values())
    assert run_sql(path, "SELECT id FROM executions") == [(len(SAMPLE) + 1,)]


def test_an_execution_needs_no_agentflow(engine: sqlite3.Connection) -> None:
    engine.execute("PRAGMA foreign_keys = ON")
    engine.execute("INSERT INTO agentflows (id, name) VALUES ('flow-1', 'Support')")
    _insert(engine)
    _insert(engine, "g-2", agentflow_id="never-was")
    engine.execute("DELETE FROM agentflows")
    assert list(_states(engine)) == ["g-1", "g-2"]


def test_an_agentflow_has_an_id_and_perhaps_a_name(engine: sqlite3.Connection) -> None:
    engine.execute("INSERT INTO agentflows (id, name) VALUES ('flow-1', 'Support')")
    engine.execute("INSERT INTO agentflows (id) VALUES ('flow-2')")
    rows = engine.execute("SELECT id, name FROM agentflows ORDER BY id").fetchall()
    assert rows == [("flow-1", "Support"), ("flow-2", None)]


@pytest.mark.parametrize("values", ["('flow-1', 'Other')", "(NULL, 'Name')", "('f', x'00')"])
def test_a_bad_agentflow_is_refused(engine: sqlite3.Connection, values: str) -> None:
    engine.execute("INSERT INTO agentflows (id, name) VALUES ('flow-1', 'Support')")
    with pytest.raises(sqlite3.IntegrityError, match="agentflows"):
        engine.execute(f"INSERT INTO agentflows (id, name) VALUES {values}")


EXECUTION_QUERY = """
query ($guid: ID!) {
  execution(guid: $guid) {
    databaseId state agentflowId agentflowName sessionId createdOn updatedOn
  }
}
"""


def test_a_running_gateway_shows_what_is_written(gateway: Gateway) -> None:
    gateway.sql(INSERT, *EXECUTION.values())
    assert gateway.graphql(EXECUTION_QUERY, guid="g-1")["execution"] == {
        "databaseId": 1,
        "state": "INPROGRESS",
        "agentflowId": "flow-1",
        "agentflowName": None,
        "sessionId": "session-1",
        "createdOn": "2023-11-14T22:13:20.000Z",
        "updatedOn": "2023-11-14T22:13:20.000Z",
    }
    gateway.sql("INSERT INTO agentflows (id, name) VALUES ('flow-1', 'Support')")
    gateway.sql("UPDATE executions SET state = 'TIMEOUT'")
    changed = gateway.graphql(EXECUTION_QUERY, guid="g-1")["execution"]
    assert (changed["state"], changed["agentflowName"]) == ("TIMEOUT", "Support")
    assert changed["updatedOn"] > changed["createdOn"]
    gateway.sql("DELETE FROM executions")
    assert gateway.graphql(EXECUTION_QUERY, guid="g-1")["execution"] is None


def test_an_execution_has_always_been_changed_at_some_time(gateway: Gateway) -> None:
    gateway.sql(INSERT, *EXECUTION.values())
    gateway.sql("UPDATE executions SET updated_on = NULL")
    assert gateway.graphql(EXECUTION_QUERY, guid="g-1")["execution"]["updatedOn"]


@pytest.mark.anyio
async def test_a_reader_does_not_wait_for_an_engine_that_writes(
    database: Database, engine: sqlite3.Connection
) -> None:
    engine.execute("BEGIN IMMEDIATE")
    _insert(engine)
    [before] = await database.fetch(text("SELECT count(*) FROM executions"))
    engine.execute("COMMIT")
    [after] = await database.fetch(text("SELECT count(*) FROM executions"))
    assert (before[0], after[0]) == (0, 1)


def test_a_gateway_that_cannot_write_says_that_it_is_busy(
    gateway_with: Callable[..., Gateway], engine: sqlite3.Connection
) -> None:
    gateway = gateway_with(busy_timeout=1.0)
    _insert(engine)
    engine.execute("BEGIN IMMEDIATE")
    refused = gateway.http.put("/executions/g-1", json={"state": "ERROR"})
    engine.execute("COMMIT")
    assert (refused.status_code, refused.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert "busy" in refused.json()["message"]
    assert gateway.http.put("/executions/g-1", json={"state": "ERROR"}).status_code == 200
