"""When loaded executions finished: as rows tell it, or else as their states and changes do."""

from time import time_ns
from typing import Any

import pytest

from db.database import Database
from db.demo import fill_if_empty
from db.writing.loading import LoadedExecution, load
from tests.gateway import run_sql
from tests.places import Place
from tests.sample import START

pytestmark = pytest.mark.anyio


def _row(state: str = "FINISHED", **values: Any) -> tuple[LoadedExecution, None]:
    row = LoadedExecution(
        id=None,
        guid="g-1",
        agentflow_id="flow-1",
        session_id=None,
        state=state,
        created_on=START,
        updated_on=None,
    )
    return row._replace(**values), None


def _times(place: Place) -> tuple[int, int | None]:
    [times] = run_sql(place, "SELECT updated_on, finished_on FROM executions")
    updated_on, finished_on = times
    return updated_on, finished_on


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, START),
        ({"updated_on": START + 5}, START + 5),
        ({"finished_on": START + 3}, START + 3),
        ({"updated_on": START + 5, "finished_on": START + 3}, START + 3),
        ({"finished_on": START - 3}, START - 3),
        ({"state": "INPROGRESS"}, None),
        ({"state": "INPROGRESS", "finished_on": START + 3}, None),
    ],
    ids=str,
)
async def test_a_new_execution_finished_as_its_row_tells(
    database: Database, place: Place, row: dict[str, Any], expected: int | None
) -> None:
    await load(database, [_row(**row)])
    assert _times(place) == (row.get("updated_on", START), expected)


KNOWN: dict[str, Any] = {"updated_on": START + 5, "finished_on": START + 3}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        # The state stays, and so does what is not given.
        ({}, (START + 5, START + 3)),
        ({"updated_on": START + 9}, (START + 9, START + 3)),
        ({"finished_on": START + 7}, (START + 5, START + 7)),
        ({"agentflow_id": "flow-2", "updated_on": START + 5}, (START + 5, START + 3)),
        # The state changes, and with it the time of the end.
        ({"state": "ERROR", "updated_on": START + 9}, (START + 9, START + 9)),
        ({"state": "ERROR", "updated_on": START + 3}, (START + 3, START + 3)),
        ({"state": "ERROR", "updated_on": START + 5}, (START + 5, START + 5)),
        ({"state": "ERROR", **KNOWN}, (START + 5, START + 3)),
        ({**KNOWN, "state": "ERROR", "updated_on": START + 9}, (START + 9, START + 3)),
        ({"state": "INPROGRESS", "updated_on": START + 9}, (START + 9, None)),
        ({"state": "INPROGRESS", **KNOWN}, (START + 5, None)),
    ],
    ids=str,
)
async def test_a_known_execution_finished_as_its_row_tells(
    database: Database, place: Place, row: dict[str, Any], expected: tuple[int, int | None]
) -> None:
    await load(database, [_row(**KNOWN)])
    await load(database, [_row(**row)])
    assert _times(place) == expected


@pytest.mark.parametrize("before", ["INPROGRESS", "ERROR"])
async def test_a_row_that_tells_no_time_of_a_change_of_the_state_makes_it_now(
    database: Database, place: Place, before: str
) -> None:
    await load(database, [_row(before)])
    began = time_ns() // 1_000_000
    await load(database, [_row()])
    updated_on, finished_on = _times(place)
    assert updated_on == finished_on
    assert began <= updated_on <= time_ns() // 1_000_000


@pytest.mark.parametrize("before", ["INPROGRESS", "ERROR"])
async def test_a_row_may_tell_the_end_alone_of_a_change_of_the_state(
    database: Database, place: Place, before: str
) -> None:
    await load(database, [_row(before)])
    await load(database, [_row(finished_on=START + 7)])
    updated_on, finished_on = _times(place)
    assert updated_on > START
    assert finished_on == START + 7


async def test_the_last_of_several_rows_with_a_guid_tells_the_end(
    database: Database, place: Place
) -> None:
    rows = [
        _row(finished_on=START + 1, updated_on=START + 1),
        _row("INPROGRESS"),
        _row("ERROR", updated_on=START + 5, finished_on=START + 3),
    ]
    await load(database, rows)
    assert _times(place) == (START + 5, START + 3)


async def test_loading_the_same_again_changes_no_end(database: Database, place: Place) -> None:
    rows = [
        _row(state, guid=f"g-{number}-{state}", **times)
        for state in ("INPROGRESS", "FINISHED", "ERROR")
        for number, times in enumerate([{}, {"updated_on": START + 5}, KNOWN])
    ]
    await load(database, rows)
    before = run_sql(place, "SELECT * FROM executions ORDER BY id")
    await load(database, rows)
    assert run_sql(place, "SELECT * FROM executions ORDER BY id") == before


async def test_executions_of_the_demo_finish_a_while_after_they_begin(
    database: Database, place: Place
) -> None:
    await fill_if_empty(database, 200)
    lengths = run_sql(place, "SELECT state, finished_on - created_on FROM executions")
    assert len(lengths) == 200
    for state, length in lengths:
        if state == "INPROGRESS":
            assert length is None
        else:
            assert 0 < length <= 61 * 60_000
