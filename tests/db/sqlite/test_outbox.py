"""What only SQLite does to executions is logged too, in whatever order triggers run."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.db.events.outbox import EVENTS, ROWS, Copy, Logged, Row, logged, replay
from tests.db.sqlite.drawn_writes import triggers_of_executions

_VALUES = "(id, guid, agentflow_id, state, created_on)"
_ROW_1, _ROW_2 = "(1, 'a', 'flow-1', 'INPROGRESS', 5)", "(2, 'b', 'flow-2', 'ERROR', 6)"

_TIMED = f"{_VALUES[:-1]}, updated_on) VALUES {_ROW_1[:-1]}, 8)"
"""The first row, as an update of its time leaves it."""


@pytest.fixture(params=["as they are", "in reverse"])
def ordered(request: pytest.FixtureRequest, path: Path) -> Path:
    """The database, with triggers in one order or the other."""
    if request.param == "in reverse":
        with closing(sqlite3.connect(path)) as connection:
            triggers = triggers_of_executions(connection)
            for name, _ in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            for _, created in reversed(triggers):
                connection.execute(created)
    return path


@pytest.fixture(params=[False, True], ids=["plain", "with recursive triggers"])
def engine(request: pytest.FixtureRequest, ordered: Path) -> Iterator[sqlite3.Connection]:
    """A program that writes executions; two of them are there."""
    with closing(sqlite3.connect(ordered, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA recursive_triggers = {request.param:d}")
        connection.execute(f"INSERT INTO executions {_VALUES} VALUES {_ROW_1}, {_ROW_2}")
        yield connection


def _rows(engine: sqlite3.Connection) -> Copy:
    return {row.guid: row for row in map(Row._make, engine.execute(ROWS))}


def _events(engine: sqlite3.Connection, statement: str) -> list[Logged]:
    """Run a statement and return its events, after checking that they tell all."""
    copy = _rows(engine)
    [(last,)] = engine.execute("SELECT max(id) FROM execution_events").fetchall()
    engine.execute(statement)
    events = logged(engine.execute(f"{EVENTS} WHERE id > ? ORDER BY id", [last]))
    replay(events, copy)
    assert copy == _rows(engine)
    return events


def _told(events: list[Logged]) -> list[tuple[str, str, int]]:
    return [(event.type, event.row.guid, event.row.id) for event in events]


@pytest.mark.parametrize("more", ["", "state = 'FINISHED'", "guid = 'c'", "id = 9"])
@pytest.mark.parametrize("times", ["", "updated_on = NULL", "updated_on = 9", "finished_on = 9"])
def test_no_further_update_of_a_trigger_is_logged(
    engine: sqlite3.Connection, more: str, times: str
) -> None:
    values = ", ".join(filter(None, [more, times])) or "agentflow_id = 'flow-3'"
    expected = ["DELETED", "CREATED"] if "guid" in values else ["UPDATED"]
    if values == "finished_on = 9":
        # What is in progress has no end.
        expected = []
    events = _events(engine, f"UPDATE executions SET {values} WHERE guid = 'a'")
    assert [event.type for event in events] == expected


def test_a_time_that_is_set_right_again_is_not_logged(engine: sqlite3.Connection) -> None:
    assert _events(engine, "UPDATE executions SET finished_on = NULL") == []
    assert _events(engine, "UPDATE executions SET finished_on = NULL, session_id = NULL") == []


def test_a_row_and_its_event_have_one_time(engine: sqlite3.Connection) -> None:
    events = _events(engine, "UPDATE executions SET state = 'STOPPED'")
    assert len({event.occurred_on for event in events}) == 1
    assert {event.row.updated_on for event in events} == {events[0].occurred_on}
    assert {event.row.finished_on for event in events} == {events[0].occurred_on}


def test_a_row_that_replaces_one_is_logged_after_its_end(engine: sqlite3.Connection) -> None:
    events = _events(
        engine,
        "INSERT OR REPLACE INTO executions (guid, agentflow_id, state, created_on)"
        " VALUES ('b', 'flow-9', 'STOPPED', 9)",
    )
    assert _told(events) == [("DELETED", "b", 2), ("CREATED", "b", 3)]


def test_a_row_that_replaces_one_by_its_id_is_logged_after_its_end(
    engine: sqlite3.Connection,
) -> None:
    events = _events(
        engine, f"REPLACE INTO executions {_VALUES} VALUES (2, 'c', 'flow-9', 'STOPPED', 9)"
    )
    assert _told(events) == [("DELETED", "b", 2), ("CREATED", "c", 2)]


def test_a_row_that_replaces_two_is_logged_after_the_ends_of_both(
    engine: sqlite3.Connection,
) -> None:
    events = _events(
        engine, f"REPLACE INTO executions {_VALUES} VALUES (1, 'b', 'flow-9', 'STOPPED', 9)"
    )
    assert sorted(_told(events[:2])) == [("DELETED", "a", 1), ("DELETED", "b", 2)]
    assert _told(events[2:]) == [("CREATED", "b", 1)]


def test_a_row_that_is_replaced_by_its_like_ends_and_begins(engine: sqlite3.Connection) -> None:
    events = _events(engine, f"REPLACE INTO executions {_VALUES} VALUES {_ROW_1}")
    assert _told(events) == [("DELETED", "a", 1), ("CREATED", "a", 1)]


@pytest.mark.parametrize(
    "statements",
    [
        (f"INSERT OR REPLACE INTO executions {_TIMED}",),
        ("DELETE FROM executions WHERE id = 1", f"INSERT INTO executions {_TIMED}"),
        (
            "UPDATE executions SET guid = 'c', updated_on = 9 WHERE id = 1",
            "UPDATE executions SET guid = 'a', updated_on = 8 WHERE id = 1",
        ),
    ],
    ids=["replaced", "deleted and inserted", "renamed and back"],
)
def test_an_event_of_times_stays_when_a_later_write_begins_the_row_anew(
    engine: sqlite3.Connection, statements: Sequence[str]
) -> None:
    [retimed] = _events(engine, "UPDATE executions SET updated_on = 8 WHERE id = 1")
    for statement in statements:
        _events(engine, statement)
    kept = logged(engine.execute(f"{EVENTS} WHERE id = ?", [retimed.id]))
    assert kept == [retimed]


def test_rows_of_one_statement_may_replace_each_other(engine: sqlite3.Connection) -> None:
    events = _events(
        engine,
        f"REPLACE INTO executions {_VALUES} VALUES"
        " (7, 'c', 'f', 'ERROR', 1), (8, 'c', 'f', 'INPROGRESS', 2), (7, 'd', 'f', 'ERROR', 3)",
    )
    assert _told(events) == [
        ("CREATED", "c", 7),
        ("DELETED", "c", 7),
        ("CREATED", "c", 8),
        ("CREATED", "d", 7),
    ]


def test_what_is_ignored_is_not_logged(engine: sqlite3.Connection) -> None:
    events = _events(
        engine,
        f"INSERT OR IGNORE INTO executions {_VALUES} VALUES"
        " (3, 'a', 'f', 'ERROR', 1), (2, 'c', 'f', 'ERROR', 1), (4, 'd', 'f', 'ERROR', 1)",
    )
    assert _told(events) == [("CREATED", "d", 4)]
    assert _events(engine, "UPDATE OR IGNORE executions SET guid = 'a' WHERE id = 2") == []


def test_what_comes_before_a_failure_is_logged(engine: sqlite3.Connection) -> None:
    [(last,)] = engine.execute("SELECT max(id) FROM execution_events").fetchall()
    with pytest.raises(sqlite3.IntegrityError, match="guid"):
        engine.execute(
            f"INSERT OR FAIL INTO executions {_VALUES} VALUES"
            " (4, 'd', 'f', 'ERROR', 1), (3, 'a', 'f', 'ERROR', 1), (5, 'e', 'f', 'ERROR', 1)"
        )
    events = logged(engine.execute(f"{EVENTS} WHERE id > ?", [last]))
    assert _told(events) == [("CREATED", "d", 4)]


def test_an_update_that_takes_the_guid_of_another_row_is_logged_after_its_end(
    engine: sqlite3.Connection,
) -> None:
    events = _events(engine, "UPDATE OR REPLACE executions SET guid = 'b' WHERE id = 1")
    assert _told(events) == [("DELETED", "b", 2), ("DELETED", "a", 1), ("CREATED", "b", 1)]


@pytest.mark.parametrize("column", ["id", "rowid", "_rowid_", "OID"])
def test_an_update_that_takes_the_id_of_another_row_is_logged_after_its_end(
    engine: sqlite3.Connection, column: str
) -> None:
    events = _events(engine, f"UPDATE OR REPLACE executions SET {column} = 2 WHERE guid = 'a'")
    assert _told(events) == [("DELETED", "b", 2), ("UPDATED", "a", 2)]
    assert events[1].before is not None
    assert events[1].before.id == 1


def test_a_row_that_an_upsert_has_changed_is_not_logged_as_replaced_later(
    engine: sqlite3.Connection,
) -> None:
    engine.execute(
        f"INSERT INTO executions {_VALUES} VALUES {_ROW_2}"
        " ON CONFLICT (guid) DO UPDATE SET state = 'STOPPED'"
    )
    assert _told(_events(engine, "UPDATE executions SET guid = 'c' WHERE id = 1")) == [
        ("DELETED", "a", 1),
        ("CREATED", "c", 1),
    ]
    assert _told(
        _events(engine, f"INSERT INTO executions {_VALUES} VALUES (3, 'd', 'f', 'ERROR', 1)")
    ) == [("CREATED", "d", 3)]


def test_a_row_whose_id_is_minus_one_is_not_logged_as_replaced(engine: sqlite3.Connection) -> None:
    # In a trigger before an insert, this is the id of a row that has none yet.
    engine.execute(f"INSERT INTO executions {_VALUES} VALUES (-1, 'c', 'f', 'ERROR', 1)")
    events = _events(
        engine,
        "INSERT INTO executions (guid, agentflow_id, state, created_on)"
        " VALUES ('d', 'f', 'ERROR', 1)",
    )
    assert _told(events) == [("CREATED", "d", 3)]


def test_a_change_time_that_is_the_one_before_again_is_not_logged(
    engine: sqlite3.Connection,
) -> None:
    now = "CAST(strftime('%s', 'now') AS INTEGER) * 1000 + substr(strftime('%f', 'now'), 4)"
    columns = "(guid, agentflow_id, state, created_on, updated_on)"
    # Now is the same time for all rows of a statement.
    events = _events(
        engine,
        f"INSERT INTO executions {columns} VALUES ('c', 'f', 'ERROR', 1, {now}),"
        " ('d', 'f', 'ERROR', 1, 1), ('c', 'f', 'ERROR', 1, 1)"
        " ON CONFLICT (guid) DO UPDATE SET updated_on = NULL",
    )
    assert _told(events) == [("CREATED", "c", 3), ("CREATED", "d", 4)]


def test_what_the_trigger_of_another_table_writes_is_logged(engine: sqlite3.Connection) -> None:
    engine.execute("CREATE TABLE runs (guid TEXT PRIMARY KEY, state TEXT)")
    upsert = (
        f"INSERT INTO executions {_VALUES} VALUES (NULL, NEW.guid, 'f', NEW.state, 5)"
        " ON CONFLICT (guid) DO UPDATE SET state = excluded.state"
    )
    for event in ("INSERT", "UPDATE"):
        engine.execute(f"CREATE TRIGGER of_{event} AFTER {event} ON runs BEGIN {upsert}; END")
    engine.execute(
        "CREATE TRIGGER of_DELETE AFTER DELETE ON runs"
        " BEGIN DELETE FROM executions WHERE guid = OLD.guid; END"
    )
    inserted = _events(engine, "INSERT INTO runs VALUES ('a', 'ERROR'), ('c', 'ERROR')")
    assert [(event.type, event.row.guid) for event in inserted] == [
        ("UPDATED", "a"),
        ("CREATED", "c"),
    ]
    assert len(_events(engine, "UPDATE runs SET state = 'STOPPED'")) == 2
    assert len(_events(engine, "DELETE FROM runs")) == 2


def test_one_statement_over_thousands_is_logged_row_by_row(engine: sqlite3.Connection) -> None:
    created = _events(
        engine,
        f"INSERT INTO executions {_VALUES} WITH RECURSIVE up (n) AS"
        " (SELECT 10 UNION ALL SELECT n + 1 FROM up WHERE n < 5009)"
        " SELECT n, 'many-' || n, 'f', iif(n % 2, 'ERROR', 'INPROGRESS'), n FROM up",
    )
    changed = _events(engine, "UPDATE executions SET state = 'ERROR' WHERE id >= 10")
    deleted = _events(engine, "DELETE FROM executions")
    assert [len(created), len(changed), len(deleted)] == [5000, 2500, 5002]


# What programs are told of their statements


def test_the_last_id_is_that_of_the_execution(engine: sqlite3.Connection) -> None:
    insert = "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES"
    inserted = engine.execute(f"{insert} ('c', 'f', 'ERROR', 5)")
    assert inserted.lastrowid == 3
    assert engine.execute("SELECT last_insert_rowid()").fetchall() == [(3,)]
    replaced = engine.execute(f"REPLACE INTO {insert[12:]} ('a', 'f', 'ERROR', 5)")
    assert replaced.lastrowid == 4


def test_the_number_of_changes_is_that_of_executions(engine: sqlite3.Connection) -> None:
    def changes(statement: str) -> tuple[int, int]:
        number = engine.execute(statement).rowcount
        [(told,)] = engine.execute("SELECT changes()").fetchall()
        return number, told

    insert = "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES"
    assert changes(f"{insert} ('c', 'f', 'ERROR', 5), ('d', 'f', 'ERROR', 5)") == (2, 2)
    assert changes("UPDATE executions SET state = 'STOPPED'") == (4, 4)
    assert changes("UPDATE executions SET guid = 'e', id = 9 WHERE guid = 'd'") == (1, 1)
    assert changes("DELETE FROM executions WHERE id < 3") == (2, 2)


def test_a_statement_returns_its_own_rows(engine: sqlite3.Connection) -> None:
    insert = "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES"
    created = engine.execute(
        f"{insert} ('c', 'f', 'ERROR', 5), ('d', 'f', 'ERROR', 5) RETURNING id"
    )
    assert created.fetchall() == [(3,), (4,)]
    changed = engine.execute("UPDATE executions SET state = 'STOPPED' RETURNING guid, state")
    assert changed.fetchall() == [(guid, "STOPPED") for guid in "abcd"]
    deleted = engine.execute("DELETE FROM executions WHERE id > 2 RETURNING guid")
    assert deleted.fetchall() == [("c",), ("d",)]
