"""Every change of an execution is logged as an event, whatever plain SQL makes it."""

from pathlib import Path
from time import time_ns
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from db.database import Database
from db.models import ExecutionState
from tests.db.events.outbox import Copy, Logged, events_in, replay, rows_in
from tests.gateway import migrate, migrate_to, run_sql
from tests.places import Place, PostgresPlace, Server
from tests.sample import START

_INSERT = "INSERT INTO executions (guid, agentflow_id, state, created_on)"
_UPSERT = "ON CONFLICT (guid) DO UPDATE SET"
_CHANGES = [
    "state = 'FINISHED'",
    "state = 'INPROGRESS'",
    "state = 'STOPPED', updated_on = 5",
    "state = 'STOPPED', finished_on = 7",
    "state = 'STOPPED', updated_on = 5, finished_on = 7",
    "state = 'INPROGRESS', updated_on = 5, finished_on = 7",
    "agentflow_id = 'flow-2'",
    "agentflow_id = 'flow-2', updated_on = 5",
    "session_id = 'session-2'",
    "session_id = NULL",
    "created_on = created_on - 1",
    "updated_on = 5",
    "updated_on = updated_on - 1, finished_on = finished_on + 1",
    "updated_on = NULL",
    "id = 1000",
    "id = 1000, state = 'TIMEOUT'",
    "error = 'It broke'",
    "error = 'It broke', updated_on = 5",
]


def _insert(place: Place, guid: str = "g-1", state: str = "INPROGRESS", **more: Any) -> None:
    """Write an execution as an engine does."""
    row = {"guid": guid, "agentflow_id": "flow-1", "state": state, "created_on": START, **more}
    columns, values = ", ".join(row), ", ".join("?" for _ in row)
    run_sql(place, f"INSERT INTO executions ({columns}) VALUES ({values})", *row.values())


def _events_of(place: Place, *statements: str) -> list[Logged]:
    """Run statements and return the events of them, after checking that they tell all."""
    last = max((event.id for event in events_in(place)), default=0)
    copy = rows_in(place)
    for statement in statements:
        run_sql(place, statement)
    events = events_in(place, last)
    replay(events, copy)
    assert copy == rows_in(place)
    return events


def _told(events: list[Logged]) -> list[tuple[str, str]]:
    return [(event.type, event.row.guid) for event in events]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"session_id": "session-1"},
        {"updated_on": START + 5},
        {"finished_on": START + 3},
        {"updated_on": START + 5, "finished_on": START + 3},
        {"id": 70},
    ],
    ids=str,
)
@pytest.mark.parametrize("state", ["INPROGRESS", "ERROR"])
def test_an_insert_is_logged_with_the_row_as_it_is_then(
    place: Place, state: str, more: dict[str, Any]
) -> None:
    _insert(place, "g-1", state, **more)
    [event] = events_in(place)
    assert (event.type, event.row, event.before) == ("CREATED", rows_in(place)["g-1"], None)


def test_an_insert_of_many_is_logged_as_one_event_for_each(place: Place) -> None:
    events = _events_of(
        place,
        f"{_INSERT} VALUES"
        " ('a', 'f', 'ERROR', 1), ('b', 'f', 'INPROGRESS', 2), ('c', 'f', 'STOPPED', 3)",
    )
    assert sorted(_told(events)) == [("CREATED", "a"), ("CREATED", "b"), ("CREATED", "c")]


@pytest.mark.parametrize("change", _CHANGES)
@pytest.mark.parametrize("state", ["INPROGRESS", "ERROR"])
def test_an_update_is_logged_with_the_row_as_it_is_then_and_as_it_was(
    place: Place, state: str, change: str
) -> None:
    _insert(place, "g-1", state, session_id="session-1")
    before = rows_in(place)["g-1"]
    events = _events_of(place, f"UPDATE executions SET {change}")
    after = rows_in(place)["g-1"]
    if after == before:
        assert events == []
    else:
        [event] = events
        assert (event.type, event.row, event.before) == ("UPDATED", after, before)


@pytest.mark.parametrize("change", _CHANGES)
def test_most_of_these_updates_change_a_row(place: Place, change: str) -> None:
    _insert(place, "g-1", "ERROR", session_id="session-1")
    assert len(_events_of(place, f"UPDATE executions SET {change}")) == 1


@pytest.mark.parametrize(
    ("state", "change"),
    [
        ("INPROGRESS", "state = state, session_id = session_id"),
        ("INPROGRESS", "updated_on = updated_on"),
        ("INPROGRESS", "finished_on = 7"),
        ("ERROR", "finished_on = NULL"),
        ("ERROR", "finished_on = finished_on, guid = guid, id = id"),
        ("ERROR", "state = 'ERROR', finished_on = NULL"),
    ],
)
def test_an_update_after_which_a_row_is_as_before_is_not_logged(
    place: Place, state: str, change: str
) -> None:
    _insert(place, "g-1", state)
    assert _events_of(place, f"UPDATE executions SET {change}") == []


def test_an_update_of_no_row_is_not_logged(place: Place) -> None:
    _insert(place)
    assert _events_of(place, "UPDATE executions SET state = 'ERROR' WHERE guid = 'g-2'") == []


def test_an_update_of_many_is_logged_with_what_each_of_them_was(place: Place) -> None:
    for number in range(600):
        _insert(place, f"g-{number}", list(ExecutionState)[number % 6], created_on=number)
    events = _events_of(place, "UPDATE executions SET state = 'ERROR', session_id = 'session-9'")
    assert len(events) == 600
    was = {event.row.guid: event.before and event.before.state for event in events}
    assert was == {f"g-{number}": list(ExecutionState)[number % 6] for number in range(600)}


def test_updates_one_after_the_other_are_logged_in_their_order(place: Place) -> None:
    _insert(place)
    states = ["ERROR", "INPROGRESS", "FINISHED", "FINISHED", "STOPPED"]
    events = _events_of(place, *(f"UPDATE executions SET state = '{state}'" for state in states))
    assert [event.row.state for event in events] == ["ERROR", "INPROGRESS", "FINISHED", "STOPPED"]


def test_what_comes_back_to_what_it_was_is_logged_each_time(place: Place) -> None:
    _insert(place, updated_on=9)
    events = _events_of(
        place, *(f"UPDATE executions SET updated_on = {time}" for time in (5, 9, 5, 9))
    )
    assert [event.row.updated_on for event in events] == [5, 9, 5, 9]


def test_a_new_guid_is_logged_as_the_end_of_one_and_the_beginning_of_another(place: Place) -> None:
    _insert(place, "g-1", "ERROR")
    before = rows_in(place)["g-1"]
    events = _events_of(place, "UPDATE executions SET guid = 'g-2', state = 'FINISHED', id = 9")
    assert [event[1:2] + event[3:] for event in events] == [
        ("DELETED", before, None),
        ("CREATED", rows_in(place)["g-2"], None),
    ]


def test_a_delete_is_logged_with_what_was_last_known(place: Place) -> None:
    _insert(place, "g-1", "ERROR", session_id="session-1")
    _insert(place, "g-2")
    row = rows_in(place)["g-1"]
    [event] = _events_of(place, "DELETE FROM executions WHERE guid = 'g-1'")
    assert (event.type, event.row, event.before) == ("DELETED", row, None)


def test_a_delete_of_all_is_logged_as_one_event_for_each(place: Place) -> None:
    for guid in ("a", "b", "c"):
        _insert(place, guid)
    events = _events_of(place, "DELETE FROM executions")
    assert sorted(_told(events)) == [("DELETED", "a"), ("DELETED", "b"), ("DELETED", "c")]


def test_what_is_deleted_and_written_again_is_logged_as_created(place: Place) -> None:
    insert = f"{_INSERT} VALUES ('g-1', 'f', 'ERROR', {START})"
    events = _events_of(place, insert, "DELETE FROM executions", insert)
    assert _told(events) == [("CREATED", "g-1"), ("DELETED", "g-1"), ("CREATED", "g-1")]


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        (f"{_UPSERT} state = excluded.state", ["UPDATED"]),
        (f"{_UPSERT} guid = excluded.guid, state = excluded.state", ["UPDATED"]),
        (f"{_UPSERT} state = executions.state", []),
        (f"{_UPSERT} guid = 'g-2'", ["DELETED", "CREATED"]),
        ("ON CONFLICT DO NOTHING", []),
    ],
)
def test_an_upsert_is_logged_as_what_it_does(
    place: Place, ending: str, expected: list[str]
) -> None:
    _insert(place)
    events = _events_of(
        place,
        f"{_INSERT} VALUES ('g-1', 'flow-1', 'ERROR', {START}) {ending}",
    )
    assert [event.type for event in events] == expected


def test_an_upsert_of_what_is_not_there_is_logged_as_created(place: Place) -> None:
    events = _events_of(
        place,
        f"{_INSERT} VALUES ('g-1', 'f', 'ERROR', 1) {_UPSERT} state = 'STOPPED'",
    )
    assert _told(events) == [("CREATED", "g-1")]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE executions SET state = 'UNKNOWN'",
        "UPDATE executions SET guid = 'a'",
        f"{_INSERT} VALUES ('c', 'f', 'ERROR', 1), ('a', 'f', 'ERROR', 1)",
    ],
)
def test_a_statement_that_is_refused_is_not_logged(place: Place, statement: str) -> None:
    _insert(place, "a")
    _insert(place, "b")
    before = events_in(place)
    with pytest.raises(Exception, match="executions"):
        run_sql(place, statement)
    assert events_in(place) == before


def test_an_event_has_the_time_at_which_it_occurred(place: Place) -> None:
    began = time_ns() // 1_000_000
    _insert(place)
    run_sql(place, "UPDATE executions SET state = 'ERROR'")
    run_sql(place, "UPDATE executions SET guid = 'g-2'")
    run_sql(place, "DELETE FROM executions")
    taken = range(began, time_ns() // 1_000_000 + 1)
    assert [event.occurred_on in taken for event in events_in(place)] == [True] * 5


def test_an_update_occurred_when_the_row_was_changed(place: Place) -> None:
    _insert(place)
    [event] = _events_of(place, "UPDATE executions SET state = 'ERROR'")
    assert event.row.updated_on <= event.occurred_on


# Transactions


class _GivenUpError(Exception):
    """Ends a transaction without a commit."""


async def _give_up(connection: AsyncConnection) -> None:
    await connection.exec_driver_sql("UPDATE executions SET state = 'ERROR'")
    await connection.exec_driver_sql("DELETE FROM executions WHERE guid = 'a'")
    raise _GivenUpError


async def _give_up_a_part(connection: AsyncConnection) -> None:
    await connection.exec_driver_sql("UPDATE executions SET state = 'ERROR' WHERE guid = 'a'")
    await connection.exec_driver_sql("SAVEPOINT part")
    await connection.exec_driver_sql("UPDATE executions SET state = 'STOPPED'")
    await connection.exec_driver_sql("ROLLBACK TO SAVEPOINT part")
    await connection.exec_driver_sql("DELETE FROM executions WHERE guid = 'b'")


@pytest.mark.anyio
async def test_nothing_is_logged_of_what_is_rolled_back(place: Place, database: Database) -> None:
    _insert(place, "a")
    _insert(place, "b")
    before = events_in(place)
    with pytest.raises(_GivenUpError):
        await database.transact(_give_up)
    assert events_in(place) == before


@pytest.mark.anyio
async def test_nothing_is_logged_of_a_part_that_is_rolled_back(
    place: Place, database: Database
) -> None:
    _insert(place, "a")
    _insert(place, "b")
    await database.transact(_give_up_a_part)
    assert _told(events_in(place)[2:]) == [("UPDATED", "a"), ("DELETED", "b")]


# Migration


def _as_owner(place: Place, statement: str) -> None:
    """Engines had not always the rights to write."""
    if isinstance(place, PostgresPlace):
        place.server.run(place.name, statement, [()])
    else:
        run_sql(place, statement)


def test_executions_of_an_older_database_have_events_once_they_change(
    server: Server, tmp_path: Path
) -> None:
    place = server.new(tmp_path)
    migrate_to(place, "0009")
    for number, state in enumerate(ExecutionState):
        _as_owner(
            place,
            f"{_INSERT} VALUES ('g-{number}', 'flow-1', '{state}', {START})",
        )
    stored = "SELECT id, guid, state, created_on, updated_on, finished_on FROM executions"
    there = sorted(run_sql(place, stored))
    migrate(place)
    assert (events_in(place), sorted(run_sql(place, stored))) == ([], there)
    before = rows_in(place)
    events = _events_of(place, "UPDATE executions SET state = 'TIMEOUT' WHERE guid = 'g-0'")
    assert [event.before for event in events] == [before["g-0"]]
    assert len(_events_of(place, "DELETE FROM executions")) == len(ExecutionState)


def test_events_of_an_older_database_are_kept_and_go_on(server: Server, tmp_path: Path) -> None:
    place = server.new(tmp_path)
    migrate_to(place, "0010")
    for number in range(3):
        _as_owner(place, f"{_INSERT} VALUES ('g-{number}', 'flow-1', 'INPROGRESS', {START})")
    _as_owner(place, "UPDATE executions SET state = 'ERROR' WHERE guid = 'g-1'")
    migrate(place)
    kept = events_in(place)
    assert [event.type for event in kept] == [*["CREATED"] * 3, "UPDATED"]
    copy: Copy = {}
    replay(kept, copy)
    replay(_events_of(place, "UPDATE executions SET workspace_id = 'w', error = 'e'"), copy)
    assert copy == rows_in(place)


def test_an_execution_in_another_workspace_is_another_one(place: Place) -> None:
    run_sql(place, f"{_INSERT} VALUES ('g', 'flow-1', 'INPROGRESS', {START})")
    events = _events_of(place, "UPDATE executions SET workspace_id = 'w', state = 'ERROR'")
    assert [(event.type, event.row.workspace_id, event.row.state) for event in events] == [
        ("DELETED", None, "INPROGRESS"),
        ("CREATED", "w", "ERROR"),
    ]
    events = _events_of(place, "UPDATE executions SET error = 'It broke'")
    assert [(event.type, event.row.error) for event in events] == [("UPDATED", "It broke")]


def test_each_database_has_an_epoch_of_its_own(
    place: Place, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = server.new(tmp_path_factory.mktemp("other"))
    migrate(other)
    epochs = [run_sql(each, "SELECT epoch FROM event_epochs") for each in (place, other)]
    assert [len(rows) for rows in epochs] == [1, 1]
    assert epochs[0] != epochs[1]
