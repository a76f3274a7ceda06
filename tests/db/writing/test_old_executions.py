"""Old executions are deleted or timed out in batches; the newest of each agentflow can be kept."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import pacing
from db.database import Database, Execute
from db.errors import ServiceUnavailable
from db.instants import EARLIEST_MS, LATEST_MS
from db.models import ExecutionState
from db.opening import open_database
from db.pacing import Pace
from db.writing import old_executions
from db.writing.old_executions import FINAL_STATES, OldExecutions, read_clock
from tests.examples import examples
from tests.gateway import run_sql
from tests.places import Place

pytestmark = pytest.mark.anyio

NOON = 1_700_000_000_000
EVERYTHING_FINAL: dict[ExecutionState, int] = dict.fromkeys(FINAL_STATES, NOON)


class Made(NamedTuple):
    """An execution as an engine writes it."""

    id: int
    agentflow_id: str
    state: str
    created_on: int


def _write(place: Place, rows: Iterable[Made]) -> None:
    place.run(
        "INSERT INTO executions (id, guid, agentflow_id, state, created_on) VALUES (?, ?, ?, ?, ?)",
        [(row.id, f"g-{row.id}", row.agentflow_id, row.state, row.created_on) for row in rows],
    )


def _old_ones(
    rows: Iterable[Made], created_before: Mapping[ExecutionState, int], keep_last: int
) -> set[int]:
    """The reference: the ids of old executions among some rows."""
    newest_first = sorted(rows, key=lambda row: (row.created_on, row.id), reverse=True)
    seen: Counter[str] = Counter()
    old = set()
    for row in newest_first:
        seen[row.agentflow_id] += 1
        before = created_before.get(ExecutionState(row.state), EARLIEST_MS)
        if row.created_on < before and seen[row.agentflow_id] > keep_last:
            old.add(row.id)
    return old


def _states(place: Place) -> dict[int, str]:
    return dict(run_sql(place, "SELECT id, state FROM executions"))


async def _delete(old: OldExecutions) -> Counter[ExecutionState]:
    total: Counter[ExecutionState] = Counter()
    async for counts in old.delete():
        total.update(counts)
    return +total


async def _time_out(old: OldExecutions) -> Counter[ExecutionState]:
    total: Counter[ExecutionState] = Counter()
    async for counts in old.time_out():
        total.update(counts)
    return +total


def _by_state(rows: Iterable[Made], ids: set[int]) -> Counter[str]:
    return Counter(row.state for row in rows if row.id in ids)


_TIMES = [NOON, NOON - 1, NOON + 1, NOON - 3_600_000, EARLIEST_MS, LATEST_MS, 0, -1]
_made = st.builds(
    Made,
    id=st.just(0),
    agentflow_id=st.sampled_from(["", "a", "b", "B", "é", "gone", "\u65e5\u672c"]),
    state=st.sampled_from(list(map(str, ExecutionState))),
    created_on=st.sampled_from(_TIMES),
)
_tables = st.lists(_made, max_size=40).flatmap(
    # Ids out of the order of creation.
    lambda rows: st.permutations(range(1, len(rows) + 1)).map(
        lambda ids: [row._replace(id=one) for row, one in zip(rows, ids, strict=True)]
    )
)
_cutoffs = st.dictionaries(
    st.sampled_from(FINAL_STATES), st.sampled_from([NOON, NOON + 1, LATEST_MS, 0]), min_size=1
)


@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=_tables, created_before=_cutoffs, keep_last=st.integers(0, 4))
def test_what_is_counted_and_deleted_is_what_the_reference_says(
    place: Place,
    rows: list[Made],
    created_before: dict[ExecutionState, int],
    keep_last: int,
) -> None:
    run_sql(place, "DELETE FROM executions")
    _write(place, rows)
    expected = _old_ones(rows, created_before, keep_last)

    async def use() -> None:
        database = open_database(place.url)
        try:
            old = OldExecutions(database, created_before, keep_last)
            counted = Counter(await old.count())
            assert +counted == _by_state(rows, expected)
            assert await old.may_exist() or not expected
            assert await old.exist() == bool(expected)
            assert await _delete(old) == +counted
            assert not any((await old.count()).values())
        finally:
            await database.close()

    asyncio.run(use())
    assert set(_states(place)) == {row.id for row in rows} - expected


async def test_many_agentflows_are_gone_through_in_lists(
    database: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_executions, "_FLOWS_AT_ONCE", 3)
    rows = [
        Made(10 * flow + number, f"flow-{flow}", "FINISHED", NOON - number)
        for flow in range(10)
        for number in range(1, 4)
    ]
    _write(place, rows)
    old = OldExecutions(database, EVERYTHING_FINAL, keep_last=1)
    assert (await old.count())[ExecutionState.FINISHED] == 20
    assert await _delete(old) == {"FINISHED": 20}
    assert set(_states(place)) == {10 * flow + 1 for flow in range(10)}


@pytest.mark.parametrize("keep_last", [0, 2])
@pytest.mark.parametrize("most", [1, 2, 7])
async def test_batches_of_any_size_leave_nothing_out(
    database: Database,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    keep_last: int,
    most: int,
) -> None:
    monkeypatch.setattr(pacing, "_LARGEST", most)
    # Most of them in the same millisecond.
    rows = [
        Made(number, f"flow-{number % 3}", FINAL_STATES[number % 5], NOON - 1 - number // 20)
        for number in range(60)
    ]
    _write(place, rows)
    old = OldExecutions(database, EVERYTHING_FINAL, keep_last)
    sizes = [sum(counts.values()) async for counts in old.delete()]
    assert max(sizes) <= most
    assert set(_states(place)) == {row.id for row in rows} - _old_ones(
        rows, EVERYTHING_FINAL, keep_last
    )


async def test_a_batch_that_has_taken_long_enough_begins_no_further_part(
    database: Database, place: Place
) -> None:
    _write(place, [Made(number, f"flow-{number}", "ERROR", NOON - 2) for number in range(1, 6)])
    _write(
        place, [Made(number, f"flow-{number - 5}", "ERROR", NOON - 1) for number in range(6, 11)]
    )
    old = OldExecutions(
        database, {ExecutionState.ERROR: NOON}, keep_last=1, pace=Pace(batch=0.0, pause=0.0)
    )
    sizes = [sum(counts.values()) async for counts in old.delete()]
    assert Counter(sizes)[1] == sum(sizes) == 5


async def test_executions_are_timed_out_and_look_as_if_an_engine_had_done_it(
    database: Database, place: Place
) -> None:
    rows = [
        Made(1, "flow", "INPROGRESS", NOON - 1),
        Made(2, "flow", "INPROGRESS", NOON),
        Made(3, "flow", "FINISHED", NOON - 1),
    ]
    _write(place, rows)
    old = OldExecutions(database, {ExecutionState.INPROGRESS: NOON})
    assert await _time_out(old) == {"INPROGRESS": 1}
    assert _states(place) == {1: "TIMEOUT", 2: "INPROGRESS", 3: "FINISHED"}
    [(updated_on,)] = run_sql(place, "SELECT updated_on FROM executions WHERE id = 1")
    assert NOON < updated_on <= await read_clock(database)
    assert run_sql(place, "SELECT count(*) FROM executions WHERE updated_on <> created_on") == [
        (1,)
    ]


async def test_an_execution_that_ends_meanwhile_is_not_overwritten(
    database: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "_LARGEST", 1)
    _write(place, [Made(number, "flow", "INPROGRESS", NOON - 9 + number) for number in range(1, 7)])
    old = OldExecutions(database, {ExecutionState.INPROGRESS: NOON})
    changed = 0
    async for counts in old.time_out():
        if not changed:
            run_sql(place, "UPDATE executions SET state = 'FINISHED' WHERE id = 4")
        changed += sum(counts.values())
    assert changed == 5
    assert _states(place) == {n: "FINISHED" if n == 4 else "TIMEOUT" for n in range(1, 7)}


@pytest.mark.postgres
async def test_what_another_transaction_is_changing_is_left_for_the_next_time(
    database: Database, place: Place
) -> None:
    _write(place, [Made(number, "flow", "INPROGRESS", NOON - 1) for number in range(1, 4)])
    old = OldExecutions(database, {ExecutionState.INPROGRESS: NOON})
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE executions SET state = 'FINISHED' WHERE id = 2")
        assert await _time_out(old) == {"INPROGRESS": 2}
    assert _states(place) == {1: "TIMEOUT", 2: "FINISHED", 3: "TIMEOUT"}
    assert await _time_out(old) == {}


async def test_what_is_created_meanwhile_is_not_counted_as_one_of_the_newest_too_late(
    database: Database, place: Place
) -> None:
    _write(place, [Made(number, "flow", "FINISHED", NOON - 10 + number) for number in range(1, 4)])
    old = OldExecutions(database, EVERYTHING_FINAL, keep_last=2)
    batches = old.delete()
    # A newer one pushes another one out of the newest.
    run_sql(
        place,
        "INSERT INTO executions (id, guid, agentflow_id, state, created_on)"
        f" VALUES (9, 'g-9', 'flow', 'INPROGRESS', {NOON + 1})",
    )
    async for _ in batches:
        pass
    assert set(_states(place)) == {3, 9}


async def test_a_guard_that_refuses_undoes_its_batch_alone(
    database: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "_LARGEST", 1)
    _write(place, [Made(number, "flow", "FINISHED", NOON - 9 + number) for number in range(1, 4)])
    refusals = iter([False, True])

    def guard(_: Execute) -> None:
        if next(refusals):
            raise LookupError

    batches = OldExecutions(database, EVERYTHING_FINAL).delete(guard)
    assert await anext(batches) == {"FINISHED": 1}
    with pytest.raises(LookupError):
        await anext(batches)
    assert set(_states(place)) == {2, 3}


@pytest.mark.parametrize("keep_last", [0, 1])
async def test_what_the_database_refuses_to_delete_is_left_out_and_reported(
    database: Database, place: Place, keep_last: int
) -> None:
    rows = [
        Made(number, f"flow-{number % 3}", state, NOON - 400 + number)
        for number, state in zip(range(1, 301), ["FINISHED", "ERROR"] * 150, strict=True)
    ]
    _write(place, rows)
    place.refuse("DELETE", "OLD.id IN (7, 8, 150, 211)")
    with pytest.raises(Exception, match="a secret"):
        await _delete(OldExecutions(database, EVERYTHING_FINAL, keep_last))
    kept = {300, 299, 298} if keep_last else set()
    assert set(_states(place)) == {7, 8, 150, 211} | kept


async def test_a_database_that_refuses_everything_is_not_asked_for_ever(
    database: Database, place: Place
) -> None:
    _write(place, [Made(number, "flow", "ERROR", NOON - 400 + number) for number in range(1, 301)])
    place.refuse("DELETE")
    with pytest.raises(Exception, match="a secret"):
        await _delete(OldExecutions(database, EVERYTHING_FINAL))
    assert len(_states(place)) == 300


async def test_a_database_that_is_away_is_reported(database: Database, place: Place) -> None:
    run_sql(place, "ALTER TABLE executions RENAME TO elsewhere")
    with pytest.raises(ServiceUnavailable):
        await _delete(OldExecutions(database, EVERYTHING_FINAL))


@pytest.mark.sqlite
async def test_agentflows_whose_ids_are_not_utf_8_are_treated_like_others(
    database: Database, place: Place
) -> None:
    for trigger in ("executions_checked_insert", "executions_checked_update"):
        run_sql(place, f"DROP TRIGGER IF EXISTS {trigger}")
    for number in range(1, 4):
        run_sql(
            place,
            "INSERT INTO executions (id, guid, agentflow_id, state, created_on)"
            f" VALUES ({number}, 'g-{number}', CAST(x'66ff' AS TEXT), 'ERROR', {NOON - number})",
        )
    assert await _delete(OldExecutions(database, EVERYTHING_FINAL, keep_last=1)) == {"ERROR": 2}
    assert set(_states(place)) == {1}


async def _plan(database: Database, keep_last: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[tuple[str, Any]] = []

    def record(execute: Execute) -> Execute:
        def recorded(statement: str, parameters: Any) -> Any:
            sent.append((statement, parameters))
            return execute(statement, parameters)

        return recorded

    change = database.change
    monkeypatch.setattr(
        database, "change", lambda work: change(lambda execute: work(record(execute)))
    )
    database.on_read = lambda statement, parameters: sent.append((statement, parameters))
    old = OldExecutions(database, EVERYTHING_FINAL, keep_last)
    await old.may_exist()
    await old.count()
    await _delete(old)
    database.on_read = None
    return [
        step
        for statement, parameters in sent
        for step in await database.explain(statement, tuple(parameters))
    ]


@pytest.mark.sqlite
@pytest.mark.parametrize("keep_last", [0, 1])
async def test_an_index_finds_the_old_executions(
    database: Database, place: Place, monkeypatch: pytest.MonkeyPatch, keep_last: int
) -> None:
    _write(place, [Made(number, "flow", "FINISHED", NOON - number) for number in range(1, 4)])
    plan = await _plan(database, keep_last, monkeypatch)
    on_executions = [step for step in plan if "executions" in step or "newest" in step]
    assert on_executions
    assert all(step.startswith("SEARCH") for step in on_executions), plan
    # A list of agentflows, which is short, is sorted.
    sorts = sum("TEMP B-TREE" in step for step in plan)
    assert sorts == sum("CO-ROUTINE flows" in step for step in plan), plan
