"""Changes of all executions that match a filter, in batches."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from db.database import Database
from db.errors import ServiceUnavailable, UncertainWrite
from db.executions import Executions
from db.models import ExecutionState
from db.reading.filters import AllOf, AnyOf, Condition, Filter, Not
from db.source import ExecutionRow
from db.writing import batches
from db.writing.batches import Bounds, Matched
from tests.gateway import insert, run_sql
from tests.places import Place, PostgresPlace
from tests.sample import SAMPLE, START

pytestmark = pytest.mark.anyio

MANY = 500
"""More than the first batches hold."""
ERRORS: Filter = Condition("state", "eq", "ERROR")
OF_FLOW: Filter = Condition("agentflow_id", "eq", "flow")


def _row(number: int, **values: Any) -> ExecutionRow:
    row = ExecutionRow(
        id=number,
        guid=f"g-{number}",
        agentflow_id="flow",
        agentflow_name=None,
        session_id=None,
        state="ERROR",
        created_on=START + number,
        updated_on=START + number,
    )
    return row._replace(**values)


def _fill(place: Place, count: int = MANY, **values: Any) -> None:
    insert(place, [_row(number, **values) for number in range(1, count + 1)])


def _guids(place: Place, where: str = "true") -> set[str]:
    return {guid for (guid,) in run_sql(place, f"SELECT guid FROM executions WHERE {where}")}


def _once(work: Callable[[], object]) -> Bounds:
    """Do something after the first batch."""
    left = [work]

    def on_batch(_: int) -> None:
        if left:
            left.pop()()

    return Bounds(on_batch=on_batch)


@pytest.fixture
def executions(database: Database) -> Executions:
    return Executions(database)


async def test_what_matches_is_deleted_and_nothing_else(
    executions: Executions, place: Place
) -> None:
    insert(place, SAMPLE)
    assert await executions.delete_matching(ERRORS) == Matched(4, has_more=False)
    assert _guids(place) == {row.guid for row in SAMPLE if row.state != "ERROR"}
    assert await executions.count() == 20
    assert await executions.count(ERRORS) == 0


@pytest.mark.parametrize(
    "filter_",
    [
        Condition("agentflow_name", "contains", "agent", ignore_case=True),
        Not(Condition("agentflow_name", "contains", "agent", ignore_case=True)),
        Condition("session_id", "is_null", value=True),
        Condition("guid", "in", tuple(f"guid-{number:02d}" for number in range(0, 24, 2))),
        AnyOf((ERRORS, AllOf((Condition("agentflow_id", "eq", "flow-a"), Not(ERRORS))))),
    ],
    ids=["name", "other names", "no session", "guids", "either"],
)
async def test_a_filter_finds_what_it_finds_in_lists(
    executions: Executions, place: Place, filter_: Filter
) -> None:
    insert(place, SAMPLE)
    found = {guid for (guid,) in await executions.select(("guid",), filter_)}
    preview = await executions.would_delete_matching(filter_)
    assert len(found) == preview.affected > 0
    assert await executions.delete_matching(filter_) == preview
    assert _guids(place) == {row.guid for row in SAMPLE} - found


async def test_many_are_changed_in_batches_that_add_up(
    executions: Executions, place: Place
) -> None:
    _fill(place)
    sizes: list[int] = []
    done = await executions.delete_matching(ERRORS, bounds=Bounds(on_batch=sizes.append))
    assert done == Matched(sum(sizes), has_more=False) == (MANY, False)
    assert len(sizes) > 1
    assert _guids(place) == set()


@pytest.mark.parametrize("created_on", [START - 1_000_000, START, START + 1_000_000], ids=str)
@pytest.mark.parametrize("row_id", [-5, 0, MANY + 1, 10**9], ids=str)
async def test_what_is_created_meanwhile_is_left_alone(
    executions: Executions, place: Place, row_id: int, created_on: int
) -> None:
    _fill(place)
    new = _row(row_id, created_on=created_on, guid="new")
    await executions.delete_matching(ERRORS, bounds=_once(lambda: insert(place, [new])))
    assert _guids(place) == {"new"}


async def test_an_id_that_is_given_to_another_meanwhile_is_left_alone(
    executions: Executions, place: Place
) -> None:
    _fill(place)

    def replace() -> None:
        run_sql(place, f"DELETE FROM executions WHERE id = {MANY}")
        insert(place, [_row(MANY, guid="new")])

    done = await executions.delete_matching(ERRORS, bounds=_once(replace))
    assert _guids(place) == {"new"}
    assert done == Matched(MANY - 1, has_more=False)


async def test_what_no_longer_matches_when_its_batch_comes_is_left_alone(
    executions: Executions, place: Place
) -> None:
    _fill(place)
    finish = f"UPDATE executions SET state = 'FINISHED' WHERE id > {MANY - 10}"
    done = await executions.delete_matching(ERRORS, bounds=_once(lambda: run_sql(place, finish)))
    assert done == Matched(MANY - 10, has_more=False)
    assert len(_guids(place)) == 10


async def test_an_update_changes_what_keeps_matching_once(
    executions: Executions, place: Place
) -> None:
    _fill(place)
    left = f"UPDATE executions SET state = 'ERROR' WHERE id < 10 AND state = '{STOPPED}'"
    done = await executions.update_matching(
        OF_FLOW, STOPPED, bounds=_once(lambda: run_sql(place, left))
    )
    assert done == Matched(MANY, has_more=False)
    assert _guids(place, "state = 'ERROR'") == {f"g-{number}" for number in range(1, 10)}


STOPPED = ExecutionState.STOPPED


async def test_an_update_counts_those_that_have_the_state_and_leaves_them_as_they_are(
    executions: Executions, place: Place
) -> None:
    _fill(place, 10)
    run_sql(place, "UPDATE executions SET state = 'STOPPED', updated_on = 7 WHERE id <= 4")
    assert await executions.update_matching(OF_FLOW, STOPPED) == Matched(10, has_more=False)
    assert _guids(place, "updated_on = 7") == {"g-1", "g-2", "g-3", "g-4"}
    assert _guids(place, "state = 'STOPPED'") == _guids(place)
    assert _guids(place, f"updated_on > {START + 10}") == {f"g-{number}" for number in range(5, 11)}


@pytest.mark.parametrize(
    ("state", "expected", "affected", "stopped"),
    [
        (STOPPED, ExecutionState.ERROR, 6, 10),
        (STOPPED, STOPPED, 4, 4),
        (STOPPED, ExecutionState.FINISHED, 0, 4),
        (None, None, 10, 4),
        (None, ExecutionState.ERROR, 6, 4),
    ],
)
async def test_an_update_with_an_expectation_leaves_others_alone(
    executions: Executions,
    place: Place,
    state: ExecutionState | None,
    expected: ExecutionState | None,
    affected: int,
    stopped: int,
) -> None:
    _fill(place, 10)
    run_sql(place, "UPDATE executions SET state = 'STOPPED' WHERE id <= 4")
    preview = await executions.would_update_matching(OF_FLOW, state, expected)
    assert await executions.update_matching(OF_FLOW, state, expected) == preview
    assert preview == Matched(affected, has_more=False)
    assert len(_guids(place, "state = 'STOPPED'")) == stopped


@pytest.mark.parametrize("filter_", [ERRORS, Condition("guid", "in", ("g-1", "g-2", "g-3", "g-9"))])
@pytest.mark.parametrize(
    ("limit", "affected", "has_more"), [(1, 1, True), (3, 3, True), (4, 4, False), (5, 4, False)]
)
async def test_a_limit_is_kept_and_more_than_it_is_said(
    executions: Executions,
    place: Place,
    filter_: Filter,
    limit: int,
    affected: int,
    has_more: bool,  # noqa: FBT001 - pytest passes the value
) -> None:
    insert(place, [_row(number) for number in (1, 2, 3, 9)])
    expected = Matched(affected, has_more)
    assert await executions.would_delete_matching(filter_, limit) == expected
    assert await executions.would_update_matching(filter_, STOPPED, None, limit) == expected
    assert await executions.delete_matching(filter_, bounds=Bounds(limit=limit)) == expected
    assert len(_guids(place)) == 4 - affected


async def test_limited_updates_of_what_keeps_matching_come_to_an_end_and_add_up(
    executions: Executions, place: Place
) -> None:
    _fill(place, 10)
    answers = [
        await executions.update_matching(OF_FLOW, STOPPED, bounds=Bounds(limit=4)) for _ in range(4)
    ]
    assert [answer.has_more for answer in answers] == [True, True, False, False]
    assert [answer.affected for answer in answers] == [4, 4, 2, 0]
    assert _guids(place, "state = 'STOPPED'") == _guids(place)


async def test_time_ends_a_run_after_a_whole_batch_and_the_next_goes_on(
    executions: Executions, place: Place
) -> None:
    _fill(place)
    bounds = Bounds(seconds=0)
    first = await executions.delete_matching(ERRORS, bounds=bounds)
    assert first.has_more
    assert 0 < first.affected < MANY
    assert len(_guids(place)) == MANY - first.affected
    affected = first.affected
    while (await executions.would_delete_matching(ERRORS)).affected:
        affected += (await executions.delete_matching(ERRORS, bounds=bounds)).affected
    assert affected == MANY


async def test_a_run_ends_when_it_is_told_to(executions: Executions, place: Place) -> None:
    _fill(place)
    sizes: list[int] = []
    bounds = Bounds(should_stop=lambda: len(sizes) == 2, on_batch=sizes.append)
    done = await executions.delete_matching(ERRORS, bounds=bounds)
    assert done == Matched(sum(sizes), has_more=True)
    assert len(_guids(place)) == MANY - sum(sizes)


async def test_a_refused_batch_leaves_the_others_done_and_counted(
    executions: Executions, place: Place
) -> None:
    _fill(place)
    place.refuse("DELETE", "OLD.id = 200")
    done = await executions.delete_matching(ERRORS)
    assert done.has_more
    assert 0 < done.affected < 200
    left = _guids(place)
    assert len(left) == MANY - done.affected == await executions.count()
    place.refuse("UPDATE", f"OLD.guid IN ({', '.join(repr(guid) for guid in left)})")
    with pytest.raises(Exception, match="a secret"):
        await executions.update_matching(ERRORS, STOPPED)
    assert _guids(place, "state = 'ERROR'") == left


@pytest.mark.postgres
async def test_what_another_program_has_locked_is_waited_for_last(
    executions: Executions, place: PostgresPlace
) -> None:
    _fill(place)
    connection = await asyncpg.connect(place.url)
    async with connection.transaction():
        await connection.execute("UPDATE executions SET state = 'FINISHED' WHERE id = 3")
        deletion = asyncio.create_task(executions.delete_matching(ERRORS))
        async with asyncio.timeout(60):
            while await connection.fetchval("SELECT count(*) FROM executions") > 1:  # noqa: ASYNC110 - nothing else tells
                await asyncio.sleep(0.01)
        assert not deletion.done()
    assert await deletion == Matched(MANY - 1, has_more=False)
    assert _guids(place) == {"g-3"}
    await connection.close()


async def test_more_runs_than_a_process_works_on_are_refused_after_a_wait(
    executions: Executions, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(place)
    monkeypatch.setattr(batches, "_SHORTEST_WAIT", 0.01)
    begun = asyncio.Event()

    def note() -> bool:
        begun.set()
        return False

    bounds = Bounds(seconds=0, should_stop=note)
    with place.held():
        runs = [asyncio.create_task(executions.delete_matching(ERRORS, bounds=bounds))]
        await begun.wait()
        begun.clear()
        runs.append(asyncio.create_task(executions.delete_matching(ERRORS, bounds=bounds)))
        await begun.wait()
        with pytest.raises(ServiceUnavailable, match="changing other executions"):
            await executions.delete_matching(ERRORS, bounds=bounds)
    left = [await run for run in runs]
    assert sum(done.affected for done in left) == MANY - len(_guids(place)) > 0


async def test_a_batch_with_an_unknown_outcome_is_told_with_what_was_done_before(
    executions: Executions, place: Place, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(place)
    change, outcomes = database.change, [False, True]

    async def change_uncertainly(work: Any) -> Any:
        changed = await change(work)
        if outcomes.pop(0):
            raise UncertainWrite("The connection broke during the write")
        return changed

    monkeypatch.setattr(database, "change", change_uncertainly)
    with pytest.raises(UncertainWrite, match=r"broke during the write, after \d+ executions; "):
        await executions.delete_matching(ERRORS)
    assert 0 < len(_guids(place)) < MANY
