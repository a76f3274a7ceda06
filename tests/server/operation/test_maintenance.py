"""The background deletes old executions and times out stuck ones, in one process at a time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from db.database import Database
from db.errors import ServiceUnavailable
from db.leases import Lease
from db.models import ExecutionState
from db.opening import open_database
from db.writing.old_executions import FINAL_STATES, OldExecutions, read_clock
from server.operation.maintenance import (
    Maintenance,
    deleting,
    seconds_between_rounds,
    timing_out,
)
from tests.gateway import run_sql
from tests.places import Place
from tests.waiting import until

pytestmark = pytest.mark.anyio

HOUR = 3_600_000
AGES = dict.fromkeys(FINAL_STATES, HOUR)
OFTEN = 0.005


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.operation.rounds.Rounds.longest_failure_pause", OFTEN)


async def _write(place: Place, database: Database, rows: Iterable[tuple[str, str, float]]) -> None:
    """Write executions of an agentflow, in a state, so many hours old."""
    now = await read_clock(database)
    # In a thread: the loop may be in the middle of a transaction.
    await asyncio.to_thread(
        place.run,
        "INSERT INTO executions (id, guid, agentflow_id, state, created_on) VALUES (?, ?, ?, ?, ?)",
        [
            (number, f"g-{number}", flow, state, now - int(hours * HOUR))
            for number, (flow, state, hours) in enumerate(rows, 1)
        ],
    )


def _states(place: Place) -> dict[int, str]:
    return dict(run_sql(place, "SELECT id, state FROM executions ORDER BY id"))


def _retention(database: Database, keep_last: int = 0) -> Maintenance:
    return Maintenance(
        database, "retention", OldExecutions.delete, "Deleted old", AGES, keep_last, pause=OFTEN
    )


def _values(work: Maintenance) -> list[float]:
    return [metric.value() for metric in work.metrics()]


async def test_old_executions_that_have_ended_are_deleted(
    database: Database, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [("flow", state, hours) for state in ExecutionState for hours in (0.5, 2)]
    await _write(place, database, rows)
    with caplog.at_level(logging.INFO, "gateway.maintenance"):
        work = _retention(database)
        async with work.running():
            await until(lambda: _values(work)[1] > 0 and len(_states(place)) == 7)
    assert _states(place) == {
        number: state for number, (_, state, hours) in enumerate(rows, 1) if hours < 1 or number < 3
    }
    assert _values(work)[0] == 5
    said = "Deleted old 5 executions: FINISHED 1, ERROR 1, TERMINATED 1, TIMEOUT 1, STOPPED 1"
    assert caplog.messages == [said]


async def test_executions_become_old_while_it_runs(database: Database, place: Place) -> None:
    async with _retention(database).running():
        for turn in range(3):
            await _write(place, database, [("flow", "FINISHED", 2 + turn)])
            await until(lambda: not _states(place))


@pytest.mark.parametrize("is_rare", [False, True])
async def test_the_newest_of_each_agentflow_are_kept(
    database: Database,
    place: Place,
    is_rare: bool,  # noqa: FBT001 - by its name in the parameters
) -> None:
    await _write(
        place,
        database,
        [("one", "ERROR", 4), ("one", "ERROR", 3), ("one", "FINISHED", 2), ("two", "ERROR", 9)],
    )
    work = _retention(database, keep_last=1)
    work.write_rarely(is_rare=is_rare)
    async with work.running():
        await until(lambda: _values(work)[1] > 0)
    assert set(_states(place)) == {3, 4}


async def test_what_is_in_progress_for_too_long_is_timed_out(
    database: Database, place: Place
) -> None:
    await _write(
        place,
        database,
        [("flow", "INPROGRESS", 2), ("flow", "INPROGRESS", 0.5), ("flow", "ERROR", 2)],
    )
    work = timing_out(database, {ExecutionState.INPROGRESS: HOUR})
    async with work.running():
        await until(lambda: _values(work)[1] > 0)
    assert _states(place) == {1: "TIMEOUT", 2: "INPROGRESS", 3: "ERROR"}
    assert _values(work)[0] == 1


async def test_each_setting_has_work_of_its_own(database: Database) -> None:
    works = [deleting(database, AGES, 0), timing_out(database, {ExecutionState.INPROGRESS: HOUR})]
    labels = [{tuple(metric.labels.items()) for metric in work.metrics()} for work in works]
    assert labels == [{(("work", "retention"),)}, {(("work", "timeouts"),)}]


@pytest.fixture
async def other(place: Place) -> AsyncIterator[Database]:
    """The database as another process opens it."""
    opened = open_database(place.url)
    yield opened
    await opened.close()


async def test_nothing_is_done_while_another_process_holds_the_lease(
    database: Database, other: Database, place: Place
) -> None:
    await _write(place, database, [("flow", "FINISHED", 2)])
    lease = Lease(other, "retention")
    assert await lease.acquire()
    asked = asyncio.Event()
    work = _retention(database)
    acquire = work._lease.acquire

    async def acquired(**options: Any) -> bool:
        taken = await acquire(**options)
        if not taken:
            asked.set()
        return taken

    work._lease.acquire = acquired  # type: ignore[method-assign]
    async with work.running():
        await asyncio.wait_for(asked.wait(), 60)
        assert _states(place) == {1: "FINISHED"}
        # Killed, it never releases it, and the lease runs out.
        await asyncio.to_thread(run_sql, place, "UPDATE leases SET expires_on = 1")
        await until(lambda: not _states(place))


async def test_a_process_whose_lease_was_taken_meanwhile_changes_nothing_more(
    database: Database, other: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.pacing._LARGEST", 1)
    await _write(place, database, [("flow", "FINISHED", 2 + number) for number in range(4)])
    work = _retention(database)
    lease = Lease(other, "retention")
    delete = work._change

    async def stopped_after_the_first(*arguments: Any) -> AsyncIterator[Any]:
        async for counts in delete(*arguments):
            await asyncio.to_thread(run_sql, place, "UPDATE leases SET expires_on = 1")
            assert await lease.acquire()
            yield counts

    work._change = stopped_after_the_first  # type: ignore[assignment]
    async with work.running():
        await until(lambda: len(_states(place)) < 4)
        for _ in range(20):
            await asyncio.sleep(OFTEN)
    assert len(_states(place)) == 3
    assert _values(work)[0] == 1


@pytest.mark.parametrize("error", [ServiceUnavailable("away"), RuntimeError("a fault")])
async def test_any_failure_is_followed_by_another_attempt(
    database: Database,
    place: Place,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    await _write(place, database, [("flow", "FINISHED", 2)])
    work = _retention(database)
    delete = work._change
    failures = [error] * 5

    def sometimes(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return delete(*arguments)

    work._change = sometimes
    async with work.running():
        await until(lambda: not _states(place))
    # Logged once; the database logs by itself why it can't answer.
    logged = ["The retention failed; trying again later"]
    assert caplog.messages == ([] if isinstance(error, ServiceUnavailable) else logged)


async def test_a_rule_of_the_database_that_refuses_does_not_end_it(
    database: Database, place: Place
) -> None:
    await _write(place, database, [("flow", "FINISHED", 2 + number) for number in range(4)])
    place.refuse("DELETE", "OLD.id = 2")
    async with _retention(database).running():
        await until(lambda: run_sql(place, "SELECT count(*) FROM leases") == [(1,)])
        await asyncio.to_thread(place.allow, "DELETE")
        await until(lambda: not _states(place))


async def test_tables_that_are_away_for_a_while_do_not_end_it(
    database: Database, place: Place
) -> None:
    await _write(place, database, [("flow", "FINISHED", 2)])
    run_sql(place, "ALTER TABLE executions RENAME TO elsewhere")
    work = _retention(database)
    rounds: list[int] = []
    make_round = work._round

    async def counted() -> None:
        rounds.append(1)
        await make_round()

    work._round = counted  # type: ignore[method-assign]
    async with work.running():
        await until(lambda: len(rounds) > 2)
        await asyncio.to_thread(run_sql, place, "ALTER TABLE elsewhere RENAME TO executions")
        await until(lambda: not _states(place))


async def test_it_ends_with_the_gateway_at_the_end_of_a_batch_and_lets_go_of_the_lease(
    database: Database, other: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.pacing._LARGEST", 1)
    await _write(place, database, [("flow", "FINISHED", 2 + number) for number in range(200)])
    work = _retention(database)
    async with work.running():
        await until(lambda: _values(work)[0] > 0)
    left = len(_states(place))
    assert 0 < left < 200
    assert _values(work)[0] == 200 - left
    assert await Lease(other, "retention").acquire()


async def test_it_can_run_again_after_it_has_ended(database: Database, place: Place) -> None:
    work = _retention(database)
    for _ in range(2):
        await _write(place, database, [("flow", "FINISHED", 2)])
        async with work.running():
            await until(lambda: not _states(place))


@pytest.mark.parametrize(
    ("hours", "seconds"),
    [(1 / 3600, 1.0), (20 / 3600, 1.0), (1, 180.0), (24, 600.0), (24 * 365, 600.0)],
)
def test_it_looks_as_often_as_the_shortest_age_needs(hours: float, seconds: float) -> None:
    ages = {ExecutionState.ERROR: int(hours * HOUR), ExecutionState.FINISHED: 1000 * 24 * HOUR}
    assert seconds_between_rounds(ages) == pytest.approx(seconds)
