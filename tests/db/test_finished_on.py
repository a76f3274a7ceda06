"""When an execution came into its present final state, whatever plain SQL writes it."""

from pathlib import Path
from time import time_ns
from typing import Any

import pytest

from db.instants import EARLIEST_MS, LATEST_MS
from db.models import ExecutionState
from tests.gateway import migrate, migrate_to, run_sql
from tests.places import Place, PostgresPlace, Server
from tests.sample import START

_FINAL = [state.value for state in ExecutionState if state != ExecutionState.INPROGRESS]
_COLUMNS = ("guid", "agentflow_id", "state", "created_on")
_UPSERT = "ON CONFLICT (guid) DO UPDATE SET"


def _insert(place: Place, state: str, ending: str = "", verb: str = "INSERT", **more: Any) -> None:
    """Write the execution as an engine does; its guid is always the same."""
    row = {"guid": "g-1", "agentflow_id": "flow-1", "state": state, "created_on": START, **more}
    run_sql(
        place,
        f"{verb} INTO executions ({', '.join(row)})"
        f" VALUES ({', '.join('?' for _ in row)}) {ending}",
        *row.values(),
    )


def _update(place: Place, values: str) -> range:
    """Change the execution; returns the milliseconds that this took."""
    began = time_ns() // 1_000_000
    run_sql(place, f"UPDATE executions SET {values}")
    return range(began, time_ns() // 1_000_000 + 1)


def _times(place: Place) -> tuple[int, int | None]:
    [(updated_on, finished_on)] = run_sql(place, "SELECT updated_on, finished_on FROM executions")
    return updated_on, finished_on


# Insert


@pytest.mark.parametrize("state", _FINAL)
def test_what_is_written_in_a_final_state_was_finished_when_it_was_created(
    place: Place, state: str
) -> None:
    _insert(place, state)
    assert _times(place) == (START, START)


def test_what_is_written_in_a_final_state_was_finished_when_it_was_changed(place: Place) -> None:
    _insert(place, "ERROR", updated_on=START + 5)
    assert _times(place) == (START + 5, START + 5)


@pytest.mark.parametrize("more", [{}, {"updated_on": START + 5}], ids=str)
def test_an_insert_that_names_the_end_keeps_it(place: Place, more: dict[str, Any]) -> None:
    _insert(place, "ERROR", finished_on=START + 3, **more)
    assert _times(place) == (more.get("updated_on", START), START + 3)


@pytest.mark.parametrize("more", [{}, {"finished_on": START + 3}], ids=str)
def test_what_is_in_progress_has_no_end_whatever_the_insert_says(
    place: Place, more: dict[str, Any]
) -> None:
    _insert(place, "INPROGRESS", **more)
    assert _times(place) == (START, None)


def test_an_execution_may_end_before_it_begins(place: Place) -> None:
    _insert(place, "ERROR", finished_on=START - 3)
    assert _times(place) == (START, START - 3)


@pytest.mark.parametrize("finished_on", [EARLIEST_MS, LATEST_MS])
def test_an_end_may_be_any_millisecond_of_the_years_1_to_9999(
    place: Place, finished_on: int
) -> None:
    _insert(place, "ERROR", finished_on=finished_on)
    assert _times(place) == (START, finished_on)


@pytest.mark.parametrize("finished_on", [EARLIEST_MS - 1, LATEST_MS + 1])
@pytest.mark.parametrize("state", ["ERROR", "STOPPED"])
def test_an_end_outside_those_years_is_refused(place: Place, finished_on: int, state: str) -> None:
    _insert(place, "ERROR")
    with pytest.raises(Exception, match="executions_finished_on"):
        _update(place, f"finished_on = {finished_on}, state = '{state}'")
    assert _times(place) == (START, START)


# Update


@pytest.mark.parametrize("state", _FINAL)
def test_an_update_to_a_final_state_ends_it_now(place: Place, state: str) -> None:
    _insert(place, "INPROGRESS")
    taken = _update(place, f"state = '{state}'")
    updated_on, finished_on = _times(place)
    assert updated_on == finished_on
    assert finished_on in taken


def test_an_update_from_one_final_state_to_another_ends_it_again(place: Place) -> None:
    _insert(place, "ERROR")
    taken = _update(place, "state = 'FINISHED'")
    updated_on, finished_on = _times(place)
    assert updated_on == finished_on
    assert finished_on in taken


@pytest.mark.parametrize("before", ["INPROGRESS", "ERROR"])
def test_an_update_that_names_its_time_ends_it_then(place: Place, before: str) -> None:
    _insert(place, before)
    _update(place, f"state = 'FINISHED', updated_on = {START + 7}")
    assert _times(place) == (START + 7, START + 7)


@pytest.mark.parametrize("before", ["INPROGRESS", "ERROR"])
def test_an_update_that_names_the_end_keeps_it(place: Place, before: str) -> None:
    _insert(place, before)
    taken = _update(place, f"state = 'FINISHED', finished_on = {START + 7}")
    updated_on, finished_on = _times(place)
    assert updated_on in taken
    assert finished_on == START + 7


def test_an_update_that_names_both_times_keeps_them(place: Place) -> None:
    _insert(place, "INPROGRESS")
    _update(place, f"state = 'FINISHED', updated_on = {START + 9}, finished_on = {START + 7}")
    assert _times(place) == (START + 9, START + 7)


@pytest.mark.parametrize("more", ["", f", finished_on = {START + 7}"])
def test_what_goes_back_into_progress_has_no_end(place: Place, more: str) -> None:
    _insert(place, "ERROR")
    taken = _update(place, f"state = 'INPROGRESS'{more}")
    updated_on, finished_on = _times(place)
    assert updated_on in taken
    assert finished_on is None


@pytest.mark.parametrize(
    "values",
    ["state = 'ERROR'", "state = state", "agentflow_id = 'flow-2'", "created_on = created_on - 1"],
)
def test_an_update_that_keeps_the_state_keeps_the_end(place: Place, values: str) -> None:
    _insert(place, "ERROR", finished_on=START + 3)
    _update(place, values)
    assert _times(place)[1] == START + 3


def test_an_update_of_the_end_alone_keeps_it(place: Place) -> None:
    _insert(place, "ERROR")
    _update(place, f"finished_on = {START + 3}")
    assert _times(place) == (START, START + 3)


def test_what_is_final_has_an_end_whatever_an_update_says(place: Place) -> None:
    _insert(place, "ERROR", finished_on=START + 3)
    _update(place, "finished_on = NULL")
    assert _times(place) == (START, START + 3)


def test_what_is_in_progress_has_no_end_whatever_an_update_says(place: Place) -> None:
    _insert(place, "INPROGRESS")
    _update(place, f"finished_on = {START + 3}")
    assert _times(place) == (START, None)


def test_a_new_id_alone_leaves_both_times(place: Place) -> None:
    _insert(place, "ERROR")
    _update(place, "id = 9")
    assert _times(place) == (START, START)


@pytest.mark.parametrize("change", ["session_id = 's'", "guid = 'g-2'", "agentflow_id = 'f'"])
def test_a_new_id_with_another_change_is_a_change(place: Place, change: str) -> None:
    _insert(place, "ERROR")
    taken = _update(place, f"id = 9, {change}")
    updated_on, finished_on = _times(place)
    assert updated_on in taken
    assert finished_on == START


def test_an_update_of_many_ends_each_that_changes(place: Place) -> None:
    for guid, state in (("a", "INPROGRESS"), ("b", "ERROR"), ("c", "FINISHED")):
        _insert(place, state, guid=guid)
    taken = _update(place, "state = 'ERROR'")
    ends = dict(run_sql(place, "SELECT guid, finished_on FROM executions"))
    assert (ends["a"] in taken, ends["b"], ends["c"] in taken) == (True, START, True)


# Upserts


def test_an_upsert_that_changes_the_state_ends_it_now(place: Place) -> None:
    _insert(place, "INPROGRESS")
    began = time_ns() // 1_000_000
    _insert(place, "FINISHED", f"{_UPSERT} state = excluded.state")
    updated_on, finished_on = _times(place)
    assert finished_on == updated_on >= began


def test_an_upsert_that_keeps_the_state_keeps_the_end(place: Place) -> None:
    _insert(place, "FINISHED", finished_on=START + 3)
    _insert(place, "FINISHED", f"{_UPSERT} state = excluded.state, session_id = 'session-1'")
    assert _times(place)[1] == START + 3


def test_an_upsert_that_names_the_end_keeps_it(place: Place) -> None:
    _insert(place, "INPROGRESS")
    _insert(
        place,
        "FINISHED",
        f"{_UPSERT} state = excluded.state, finished_on = excluded.finished_on",
        finished_on=START + 3,
    )
    assert _times(place)[1] == START + 3


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("state", "more", "expected"),
    [
        ("FINISHED", {}, START),
        ("FINISHED", {"updated_on": START + 5}, START + 5),
        ("FINISHED", {"finished_on": START + 9}, START + 9),
        ("INPROGRESS", {"finished_on": START + 9}, None),
    ],
    ids=str,
)
def test_a_row_that_replaces_another_ends_as_one_that_is_new(
    place: Place, state: str, more: dict[str, Any], expected: int | None
) -> None:
    _insert(place, "ERROR", finished_on=START + 3)
    _insert(place, state, verb="INSERT OR REPLACE", **more)
    assert _times(place)[1] == expected


# Migration


def _as_owner(place: Place, statement: str) -> None:
    """Engines had not always the rights to write."""
    if isinstance(place, PostgresPlace):
        place.server.run(place.name, statement, [()])
    else:
        run_sql(place, statement)


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004", "0005", "0006"])
def test_what_was_final_before_was_finished_when_it_was_last_changed(
    server: Server, tmp_path: Path, revision: str
) -> None:
    place = server.new(tmp_path)
    migrate_to(place, revision)
    for number, state in enumerate(ExecutionState):
        _as_owner(
            place,
            f"INSERT INTO executions ({', '.join(_COLUMNS)}, updated_on)"
            f" VALUES ('g-{number}', 'flow-1', '{state}', {START}, {START + number})",
        )
    rows = "SELECT guid, state, created_on, updated_on FROM executions ORDER BY guid"
    before = run_sql(place, rows)
    migrate(place)
    assert run_sql(place, rows) == before
    ends = dict(run_sql(place, "SELECT guid, finished_on FROM executions"))
    assert ends == {
        f"g-{number}": None if state == ExecutionState.INPROGRESS else START + number
        for number, state in enumerate(ExecutionState)
    }
    _insert(place, "FINISHED", guid="g-new")
    _update(place, "state = 'INPROGRESS'")
    assert run_sql(place, "SELECT count(finished_on) FROM executions") == [(0,)]


def test_the_counts_stay_as_they_were_when_ends_are_added(server: Server, tmp_path: Path) -> None:
    place = server.new(tmp_path)
    migrate_to(place, "0006")
    for number in range(5):
        _insert(place, "ERROR", guid=f"g-{number}")
    tables = ["execution_counts", "agentflow_counts"]
    if isinstance(place, PostgresPlace):
        tables.append("execution_count_notes")
    before = [sorted(run_sql(place, f"SELECT * FROM {table}")) for table in tables]
    migrate(place)
    assert [sorted(run_sql(place, f"SELECT * FROM {table}")) for table in tables] == before
