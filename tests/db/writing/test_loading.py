import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from db.database import Database
from db.errors import InvalidInput
from db.writing.loading import LoadedExecution, load
from tests.gateway import insert, run_sql
from tests.places import Place
from tests.sample import SAMPLE, START

pytestmark = pytest.mark.anyio

Loaded = tuple[LoadedExecution, str | None]

BATCH = 10_000
"""How many executions are sent to the database at once."""


def _execution(guid: str = "g-1", *, name: str | None = None, **values: Any) -> Loaded:
    execution = LoadedExecution(
        id=None,
        guid=guid,
        agentflow_id="flow-1",
        session_id="session-1",
        state="FINISHED",
        created_on=START,
        updated_on=START + 5,
    )
    return execution._replace(**values), name


def _executions(place: Place) -> list[tuple[Any, ...]]:
    return run_sql(
        place,
        "SELECT guid, agentflow_id, session_id, state, created_on, updated_on"
        " FROM executions ORDER BY id",
    )


def _ids(place: Place) -> dict[str, int]:
    return dict(run_sql(place, "SELECT guid, id FROM executions"))


def _names(place: Place) -> dict[str, str | None]:
    return dict(run_sql(place, "SELECT id, name FROM agentflows"))


def _is_untouched(place: Place) -> bool:
    return not any(
        run_sql(place, f"SELECT * FROM {table}") for table in ("executions", "agentflows")
    )


async def test_an_unknown_guid_is_inserted(database: Database, place: Place) -> None:
    assert await load(database, [_execution()]) == 1
    assert _executions(place) == [
        ("g-1", "flow-1", "session-1", "FINISHED", START, START + 5),
    ]


async def test_a_known_guid_is_updated(database: Database, place: Place) -> None:
    await load(database, [_execution(), _execution("g-2")])
    changed = _execution(
        agentflow_id="flow-2",
        session_id="session-2",
        state="ERROR",
        created_on=START + 1,
        updated_on=START + 9,
    )
    assert await load(database, [changed]) == 1
    assert _executions(place) == [
        ("g-1", "flow-2", "session-2", "ERROR", START + 1, START + 9),
        ("g-2", "flow-1", "session-1", "FINISHED", START, START + 5),
    ]


async def test_what_an_engine_wrote_is_updated(database: Database, place: Place) -> None:
    insert(place, SAMPLE)
    changed = _execution(SAMPLE[3].guid, state="STOPPED")
    await load(database, [changed])
    assert run_sql(place, "SELECT count(*) FROM executions") == [(len(SAMPLE),)]
    assert run_sql(place, "SELECT id FROM executions WHERE state = 'STOPPED' AND id = 4") == [(4,)]


async def test_the_last_of_several_rows_with_a_guid_counts(
    database: Database, place: Place
) -> None:
    rows = [_execution(state=state) for state in ("INPROGRESS", "ERROR", "TIMEOUT")]
    assert await load(database, rows) == 3
    assert [execution[3] for execution in _executions(place)] == ["TIMEOUT"]


async def test_guids_that_differ_in_case_or_space_are_different(
    database: Database, place: Place
) -> None:
    guids = ["g", "G", " g", "g ", "é", "e\u0301"]
    await load(database, [_execution(guid) for guid in guids])
    assert [execution[0] for execution in _executions(place)] == guids


@pytest.mark.parametrize("row", [{"guid": "g\0"}, {"session_id": "\0"}, {"name": "\0"}], ids=str)
async def test_a_null_character_is_refused_because_it_can_not_be_stored(
    database: Database, place: Place, row: dict[str, Any]
) -> None:
    with pytest.raises((InvalidInput, IntegrityError), match="null character"):
        await load(database, [_execution("before"), _execution(**row)])
    assert _is_untouched(place)


async def test_loading_the_same_again_changes_nothing(database: Database, place: Place) -> None:
    rows = [
        _execution(f"g-{number}", updated_on=None if number % 2 else START + 5, name="Support")
        for number in range(50)
    ]
    await load(database, rows)
    before = run_sql(place, "SELECT * FROM executions ORDER BY id"), _names(place)
    await load(database, rows)
    assert (run_sql(place, "SELECT * FROM executions ORDER BY id"), _names(place)) == before


async def test_nothing_to_load_is_fine(database: Database, place: Place) -> None:
    assert await load(database, []) == 0
    assert _is_untouched(place)


async def test_an_unknown_change_of_a_new_execution_is_its_creation(
    database: Database, place: Place
) -> None:
    await load(database, [_execution(updated_on=None)])
    assert [execution[5] for execution in _executions(place)] == [START]


async def test_an_unknown_change_leaves_that_of_an_execution_that_stays_as_it_is(
    database: Database, place: Place
) -> None:
    await load(database, [_execution()])
    await load(database, [_execution(updated_on=None)])
    assert [execution[5] for execution in _executions(place)] == [START + 5]


async def test_an_unknown_change_of_an_execution_that_is_changed_is_now(
    database: Database, place: Place
) -> None:
    await load(database, [_execution()])
    await load(database, [_execution(updated_on=None, state="ERROR")])
    [(updated_on,)] = run_sql(place, "SELECT updated_on FROM executions")
    assert updated_on > START + 5


@pytest.mark.parametrize("updated_on", [START, START + 5, START + 9])
async def test_the_change_that_a_row_names_is_kept(
    database: Database, place: Place, updated_on: int
) -> None:
    await load(database, [_execution(updated_on=START + 5)])
    await load(database, [_execution(updated_on=updated_on, state="ERROR")])
    assert [execution[3:] for execution in _executions(place)] == [("ERROR", START, updated_on)]


async def test_an_unknown_session_leaves_the_one_that_is_known(
    database: Database, place: Place
) -> None:
    await load(database, [_execution(), _execution("g-2", session_id=None)])
    await load(database, [_execution(session_id=None), _execution("g-2")])
    assert [execution[2] for execution in _executions(place)] == ["session-1", "session-1"]


async def test_an_id_that_is_free_is_kept(database: Database, place: Place) -> None:
    await load(database, [_execution("a", id=7), _execution("b", id=3)])
    assert _ids(place) == {"a": 7, "b": 3}


async def test_an_execution_without_an_id_is_given_one_above_all(
    database: Database, place: Place
) -> None:
    await load(database, [_execution("a", id=7), _execution("b"), _execution("c")])
    assert _ids(place) == {"a": 7, "b": 8, "c": 9}


async def test_an_id_of_another_execution_is_replaced_by_a_new_one(
    database: Database, place: Place
) -> None:
    await load(database, [_execution("a", id=7), _execution("z", id=20)])
    await load(database, [_execution("b", id=7, state="ERROR")])
    assert _ids(place) == {"a": 7, "z": 20, "b": 21}
    assert run_sql(place, "SELECT state FROM executions WHERE guid = 'a'") == [("FINISHED",)]


async def test_an_id_that_two_rows_name_is_that_of_the_first(
    database: Database, place: Place
) -> None:
    rows = [_execution("a", id=5), _execution("b", id=5), _execution("c", id=6)]
    await load(database, rows)
    ids = _ids(place)
    assert ids["a"] == 5
    assert len(set(ids.values())) == 3


@pytest.mark.parametrize("other", [7, 9, 20, None], ids=["its own", "another's", "free", "none"])
async def test_an_execution_that_is_there_keeps_its_id(
    database: Database, place: Place, other: int | None
) -> None:
    await load(database, [_execution("a", id=7), _execution("b", id=9)])
    await load(database, [_execution("a", id=other, state="ERROR")])
    assert _ids(place) == {"a": 7, "b": 9}
    assert run_sql(place, "SELECT guid FROM executions WHERE state = 'ERROR'") == [("a",)]


async def test_an_id_of_an_execution_that_is_gone_is_not_given_by_itself(
    database: Database, place: Place
) -> None:
    await load(database, [_execution("a", id=7)])
    run_sql(place, "DELETE FROM executions")
    await load(database, [_execution("b")])
    assert _ids(place) == {"b": 8}


async def test_the_name_of_an_agentflow_is_stored_once(database: Database, place: Place) -> None:
    rows = [_execution("a", name="Support"), _execution("b", name="Support")]
    await load(database, rows)
    assert run_sql(place, "SELECT id, name FROM agentflows") == [("flow-1", "Support")]


async def test_an_agentflow_is_renamed(database: Database, place: Place) -> None:
    await load(database, [_execution(name="Support")])
    await load(database, [_execution(name="Billing")])
    assert _names(place) == {"flow-1": "Billing"}


async def test_an_unknown_name_leaves_the_one_that_is_known(
    database: Database, place: Place
) -> None:
    await load(database, [_execution(name="Support")])
    await load(database, [_execution(name=None)])
    assert _names(place) == {"flow-1": "Support"}


async def test_an_agentflow_without_a_name_is_not_made(database: Database, place: Place) -> None:
    await load(database, [_execution(name=None)])
    assert _names(place) == {}


async def test_a_null_name_is_filled(database: Database, place: Place) -> None:
    run_sql(place, "INSERT INTO agentflows (id) VALUES ('flow-1')")
    await load(database, [_execution(name="Support")])
    assert _names(place) == {"flow-1": "Support"}


@pytest.mark.parametrize("before", [0, BATCH - 1, BATCH])
async def test_the_last_name_of_an_agentflow_counts(
    database: Database, place: Place, before: int
) -> None:
    names = [*["Support"] * before, "Billing", "Support", None]
    rows = [_execution(f"g-{number}", name=name) for number, name in enumerate(names)]
    await load(database, rows)
    assert _names(place) == {"flow-1": "Support"}


async def test_each_agentflow_has_its_own_name(database: Database, place: Place) -> None:
    rows = [
        _execution(f"g-{number}", agentflow_id=f"flow-{number}", name=f"Flow {number}")
        for number in range(3)
    ]
    await load(database, rows)
    assert _names(place) == {"flow-0": "Flow 0", "flow-1": "Flow 1", "flow-2": "Flow 2"}


async def test_progress_is_told_as_it_is_made(database: Database) -> None:
    told: list[int] = []
    rows = (_execution(f"g-{number}") for number in range(2 * BATCH + 3))
    assert await load(database, rows, told.append) == 2 * BATCH + 3
    assert told == [BATCH, 2 * BATCH, 2 * BATCH + 3]


class _Broken(Exception):
    pass


def _breaking_after(count: int) -> Iterator[Loaded]:
    for number in range(count):
        yield _execution(f"g-{number}", name="Support")
    raise _Broken


@pytest.mark.parametrize("count", [0, 1, BATCH, BATCH + 1])
async def test_nothing_is_left_when_the_rows_break_off(
    database: Database, place: Place, count: int
) -> None:
    with pytest.raises(_Broken):
        await load(database, _breaking_after(count))
    assert _is_untouched(place)


async def test_nothing_is_left_when_telling_of_progress_fails(
    database: Database, place: Place
) -> None:
    def fail(_loaded: int) -> None:
        raise _Broken

    with pytest.raises(_Broken):
        await load(database, [_execution(name="Support")], fail)
    assert _is_untouched(place)


@pytest.mark.parametrize(
    "refused",
    [{"state": "DONE"}, {"created_on": "soon"}, {"guid": None}, {"agentflow_id": None}],
    ids=str,
)
@pytest.mark.parametrize("rows_before", [1, BATCH + 1])
async def test_nothing_is_left_when_the_database_refuses_a_row(
    database: Database, place: Place, refused: dict[str, Any], rows_before: int
) -> None:
    rows = [_execution(f"g-{number}", name="Support") for number in range(rows_before)]
    with pytest.raises(IntegrityError):
        await load(database, [*rows, _execution(**{"guid": "last", **refused})])
    assert _is_untouched(place)


async def test_nothing_is_read_any_more_after_a_failure(database: Database) -> None:
    rows = (_execution(f"g-{number}", state="DONE") for number in range(3 * BATCH))
    with pytest.raises(IntegrityError):
        await load(database, rows)
    # A generator that is still running can't be closed.
    rows.close()


async def test_what_was_there_is_as_it_was_after_a_failure(
    database: Database, place: Place
) -> None:
    await load(database, [_execution(id=7, name="Support")])
    before = run_sql(place, "SELECT * FROM executions"), _names(place)
    changed = _execution(state="ERROR", name="Billing")
    with pytest.raises(IntegrityError):
        await load(database, [changed, _execution("new"), _execution("bad", state="DONE")])
    assert (run_sql(place, "SELECT * FROM executions"), _names(place)) == before


async def test_loading_works_again_after_a_failure(database: Database, place: Place) -> None:
    with pytest.raises(_Broken):
        await load(database, _breaking_after(1))
    assert await load(database, [_execution()]) == 1
    assert _ids(place) == {"g-1": 1}


async def test_nobody_sees_a_part_of_what_is_loaded(database: Database, place: Place) -> None:
    seen: list[Any] = []

    def look(_loaded: int) -> None:
        seen.extend(run_sql(place, "SELECT count(*) FROM executions"))

    rows = (_execution(f"g-{number}") for number in range(BATCH + 1))
    await load(database, rows, look)
    assert seen == [(0,), (0,)]
    assert run_sql(place, "SELECT count(*) FROM executions") == [(BATCH + 1,)]


@pytest.mark.postgres
async def test_a_guid_that_no_index_holds_is_refused_in_words(
    database: Database, place: Place
) -> None:
    # Text that can't be compressed.
    guid = secrets.token_hex(4_500)
    with pytest.raises(InvalidInput, match="A guid or an id is too long for PostgreSQL"):
        await load(database, [_execution(), _execution(guid)])
    assert _is_untouched(place)
