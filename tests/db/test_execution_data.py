"""The data of an execution is deleted with it, and says why it failed."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import asyncpg
import pytest

from tests.db.events.outbox import events_in
from tests.gateway import run_sql
from tests.places import Place, PostgresPlace, SQLitePlace

ERROR = json.dumps([{"nodeId": "a", "status": "ERROR", "data": {"error": "It broke"}}])
FINE = json.dumps([{"nodeId": "a", "status": "FINISHED", "data": {}}])
_INSERT = (
    "INSERT INTO executions (id, guid, agentflow_id, state, created_on)"
    " VALUES (?, ?, 'flow', 'ERROR', 5)"
)
_REFUSED = (sqlite3.IntegrityError, asyncpg.ForeignKeyViolationError)


@pytest.fixture
def written(place: Place) -> Place:
    """A database with executions 1, 2 and 3, all but the last with data."""
    for number in (1, 2, 3):
        run_sql(place, _INSERT, number, f"g-{number}")
    for number in (1, 2):
        _leave(place, number, ERROR)
    return place


def _leave(place: Place, number: int, data: str) -> None:
    run_sql(place, "INSERT INTO execution_data (execution_id, data) VALUES (?, ?)", number, data)


def _data(place: Place) -> list[int]:
    return [
        number for (number,) in run_sql(place, "SELECT execution_id FROM execution_data ORDER BY 1")
    ]


def _errors(place: Place) -> dict[str, str | None]:
    return dict(run_sql(place, "SELECT guid, error FROM executions ORDER BY id"))


def test_the_error_follows_the_data(written: Place) -> None:
    assert _errors(written) == {"g-1": "It broke", "g-2": "It broke", "g-3": None}
    run_sql(written, "UPDATE execution_data SET data = ? WHERE execution_id = 1", FINE)
    _leave(written, 3, FINE)
    assert _errors(written) == {"g-1": None, "g-2": "It broke", "g-3": None}


def test_an_upsert_of_data_is_followed(written: Place) -> None:
    upsert = (
        "INSERT INTO execution_data (execution_id, data) VALUES (?, ?)"
        " ON CONFLICT (execution_id) DO UPDATE SET data = excluded.data"
    )
    run_sql(written, upsert, 1, FINE)
    run_sql(written, upsert, 3, ERROR)
    assert _errors(written) == {"g-1": None, "g-2": "It broke", "g-3": "It broke"}


def test_a_statement_that_writes_much_data_is_followed(place: Place) -> None:
    for number in (1, 2, 3):
        run_sql(place, _INSERT, number, f"g-{number}")
    run_sql(
        place,
        "INSERT INTO execution_data (execution_id, data)"
        f" SELECT id, CASE WHEN id = 2 THEN '{FINE}' ELSE '{ERROR}' END FROM executions",
    )
    assert _errors(place) == {"g-1": "It broke", "g-2": None, "g-3": "It broke"}


def test_an_error_is_a_change_and_no_error_is_none(written: Place) -> None:
    seen = events_in(written)[-1].id
    run_sql(written, "UPDATE execution_data SET data = ? WHERE execution_id = 1", ERROR + " ")
    _leave(written, 3, FINE)
    assert events_in(written, seen) == []
    run_sql(written, "UPDATE execution_data SET data = ? WHERE execution_id = 3", ERROR)
    [event] = events_in(written, seen)
    assert event.before is not None
    assert (event.type, event.before.error, event.row.error) == ("UPDATED", None, "It broke")
    assert event.row.updated_on > event.before.updated_on
    assert event.row.finished_on == event.before.finished_on


def test_what_is_left_stays_when_its_execution_changes(written: Place) -> None:
    run_sql(written, "UPDATE executions SET state = 'INPROGRESS', guid = 'other' WHERE id = 1")
    assert _data(written) == [1, 2]


def test_what_is_left_goes_with_its_execution(written: Place) -> None:
    run_sql(written, "DELETE FROM executions WHERE id = 1")
    assert _data(written) == [2]
    run_sql(written, "DELETE FROM executions")
    assert _data(written) == []


def test_what_is_left_moves_with_the_id_of_its_execution(written: Place) -> None:
    run_sql(written, "UPDATE executions SET error = 'Said otherwise' WHERE id = 2")
    run_sql(written, "UPDATE executions SET id = 7 WHERE id = 2")
    assert _data(written) == [1, 7]
    assert _errors(written)["g-2"] == "Said otherwise"


def test_data_of_no_execution_is_refused(written: Place) -> None:
    with pytest.raises(_REFUSED, match="must be the id of an execution"):
        _leave(written, 99, FINE)
    with pytest.raises(_REFUSED, match="must be the id of an execution"):
        run_sql(written, "UPDATE execution_data SET execution_id = 99 WHERE execution_id = 1")
    assert _data(written) == [1, 2]


def test_an_error_stays_when_its_data_is_deleted(written: Place) -> None:
    run_sql(written, "DELETE FROM execution_data")
    assert _errors(written)["g-1"] == "It broke"


def test_an_error_of_more_than_500_characters_is_refused(written: Place) -> None:
    statement = "UPDATE executions SET error = ? WHERE id = 3"
    run_sql(written, statement, "é" * 500)
    with pytest.raises((sqlite3.IntegrityError, asyncpg.CheckViolationError)):
        run_sql(written, statement, "é" * 501)


@pytest.mark.postgres
def test_what_is_left_goes_when_executions_are_truncated(written: PostgresPlace) -> None:
    written.server.run(written.name, "TRUNCATE executions", [()])
    assert _data(written) == []


@pytest.fixture
def engine(written: SQLitePlace) -> Iterator[sqlite3.Connection]:
    """An engine that writes into the file."""
    with closing(sqlite3.connect(written.path, isolation_level=None)) as connection:
        yield connection


@pytest.mark.sqlite
@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        ("INSERT OR REPLACE INTO executions ({0}) VALUES (9, 'g-1', 'f', 'ERROR', 5)", [2]),
        ("INSERT OR REPLACE INTO executions ({0}) VALUES (1, 'g-9', 'f', 'ERROR', 5)", [2]),
        ("INSERT OR REPLACE INTO executions ({0}) VALUES (1, 'g-1', 'f', 'ERROR', 5)", [2]),
        ("INSERT OR REPLACE INTO executions ({0}) VALUES (1, 'g-2', 'f', 'ERROR', 5)", []),
        ("INSERT OR IGNORE INTO executions ({0}) VALUES (1, 'g-2', 'f', 'ERROR', 5)", [1, 2]),
        ("UPDATE OR REPLACE executions SET id = 2 WHERE id = 1", [2]),
        ("UPDATE OR REPLACE executions SET id = 1 WHERE id = 3", [2]),
        ("UPDATE OR REPLACE executions SET guid = 'g-2' WHERE id = 1", [1]),
        ("UPDATE OR REPLACE executions SET guid = 'g-2', id = 7 WHERE id = 1", [7]),
        ("UPDATE OR REPLACE executions SET guid = 'g-2', id = 3 WHERE id = 1", [3]),
        ("UPDATE OR REPLACE executions SET _rowid_ = 8 WHERE id = 1", [2, 8]),
    ],
)
def test_what_is_left_of_replaced_executions_goes(
    engine: sqlite3.Connection, *, recursive: bool, statement: str, kept: list[int]
) -> None:
    engine.execute(f"PRAGMA recursive_triggers = {recursive:d}")
    engine.execute(statement.format("id, guid, agentflow_id, state, created_on"))
    found = engine.execute("SELECT execution_id FROM execution_data ORDER BY 1")
    assert [number for (number,) in found] == kept
