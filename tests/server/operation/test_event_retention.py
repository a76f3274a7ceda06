"""The background deletes old events, in one process at a time, and makes ticks without readers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from db.database import Database
from db.events.log import EventLog
from db.leases import Lease
from db.opening import open_database
from db.pacing import Pace
from server.operation import event_retention
from server.operation.event_retention import EventRetention
from server.operation.settings import Settings
from tests.gateway import Gateway, run_sql
from tests.places import Place, SQLitePlace

pytestmark = pytest.mark.anyio

HOUR = 3_600_000
OFTEN = 0.005
INSERT = (
    "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES (?, 'f', 'ERROR', 0)"
)


async def _write_old(place: Place, database: Database, count: int) -> None:
    """Write events that are two hours old, each in a tick of its own, and a young one."""
    log = EventLog(database)
    for number in range(count):
        await asyncio.to_thread(place.run, INSERT, [(f"old-{number}",)])
        await log.end()
    age = 2 * HOUR
    if isinstance(place, SQLitePlace):
        run_sql(place, "UPDATE execution_events SET occurred_on = occurred_on - ?", age)
    else:
        run_sql(place, "UPDATE event_ticks SET noted_on = noted_on - ?", age)
    await asyncio.to_thread(place.run, INSERT, [("young",)])


def _events(place: Place) -> int:
    [(count,)] = run_sql(place, "SELECT count(*) FROM execution_events")
    return int(count)


LEFT = 2
"""The young one, and the last old one: the place of whoever has seen no young one yet."""


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(OFTEN)


def _batches(work: EventRetention, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """A list that grows by one with each batch: its lease is renewed in each."""
    batches: list[None] = []
    renew = work._lease.renew

    def counted(*arguments: Any) -> None:
        batches.append(None)
        renew(*arguments)

    monkeypatch.setattr(work._lease, "renew", counted)
    return batches


def _values(work: EventRetention) -> list[float]:
    return [metric.value() for metric in work.metrics()]


@pytest.fixture
async def other(place: Place) -> AsyncIterator[Database]:
    """The database as another process opens it."""
    opened = open_database(place.url)
    yield opened
    await opened.close()


async def test_old_events_are_deleted_while_it_runs(database: Database, place: Place) -> None:
    await _write_old(place, database, 5)
    work = EventRetention(database, HOUR, pause=OFTEN)
    async with work.running():
        await _until(lambda: _values(work)[1] > 0)
    assert _events(place) == LEFT
    assert _values(work)[0] == 6 - LEFT


async def test_when_it_writes_rarely_there_are_few_batches(
    database: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_retention, "_UNNOTICED", Pace(first=1))
    await _write_old(place, database, 5)
    work = EventRetention(database, HOUR, pause=OFTEN)
    batches = _batches(work, monkeypatch)
    work.write_rarely(is_rare=True)
    async with work.running():
        await _until(lambda: _values(work)[1] > 0)
    assert _events(place) == LEFT
    assert len(batches) == (1 if isinstance(place, SQLitePlace) else 2)


async def test_nothing_is_deleted_while_another_process_holds_the_lease(
    database: Database, other: Database, place: Place
) -> None:
    await _write_old(place, database, 5)
    assert await Lease(other, "event_retention").acquire()
    work = EventRetention(database, HOUR, pause=OFTEN)
    rounds = 0
    make_round = work._round

    async def counted() -> None:
        nonlocal rounds
        await make_round()
        rounds += 1

    work._round = counted  # type: ignore[method-assign]
    async with work.running():
        await _until(lambda: rounds > 2)
        assert _events(place) == 6
        # Killed, it never releases it, and the lease runs out.
        await asyncio.to_thread(run_sql, place, "UPDATE leases SET expires_on = 1")
        await _until(lambda: _values(work)[1] > 0)
    assert _events(place) == LEFT


async def test_it_ends_with_the_gateway_at_the_end_of_a_batch(
    database: Database, other: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.pacing._LARGEST", 1)
    await _write_old(place, database, 40)
    work = EventRetention(database, HOUR, pause=OFTEN)
    batches = _batches(work, monkeypatch)
    async with work.running():
        await _until(lambda: len(batches) > 1)
    assert len(batches) < 40
    assert await Lease(other, "event_retention").acquire()


@pytest.mark.postgres
async def test_events_get_a_tick_although_nobody_reads_them(
    database: Database, place: Place
) -> None:
    await asyncio.to_thread(place.run, INSERT, [("a",)])
    work = EventRetention(database, HOUR, pause=OFTEN)
    ticks = "SELECT count(*) FROM event_ticks"
    async with work.running():
        for count in (2, 3):
            await _until(lambda: run_sql(place, ticks) == [(count,)])  # noqa: B023 - awaited here
            await asyncio.to_thread(place.run, INSERT, [(f"b-{count}",)])


async def test_failures_do_not_end_it(
    database: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.operation.rounds.Rounds.longest_failure_pause", OFTEN)
    await _write_old(place, database, 5)
    run_sql(place, "ALTER TABLE execution_events RENAME TO elsewhere")
    work = EventRetention(database, HOUR, pause=OFTEN)
    rounds = 0
    make_round = work._round

    async def counted() -> None:
        nonlocal rounds
        rounds += 1
        await make_round()

    work._round = counted  # type: ignore[method-assign]
    async with work.running():
        await _until(lambda: rounds > 2)
        await asyncio.to_thread(run_sql, place, "ALTER TABLE elsewhere RENAME TO execution_events")
        await _until(lambda: _values(work)[1] > 0)
    assert _events(place) == LEFT


async def test_a_gateway_deletes_the_events_that_are_older_than_its_setting(
    database: Database, place: Place, gateway_with: Callable[..., Gateway]
) -> None:
    await _write_old(place, database, 5)
    gateway = gateway_with(event_retention="1s")
    # All of them become old, and the last one is kept.
    await _until(lambda: _events(place) == 1)
    assert (
        'gateway_maintenance_events_total{work="event_retention"}'
        in (await asyncio.to_thread(gateway.http.get, "/metrics")).text
    )


def test_events_are_kept_for_a_day_unless_the_setting_says_otherwise() -> None:
    assert Settings().event_age == 24 * HOUR
    assert Settings(event_retention="2h").event_age == 2 * HOUR


@pytest.mark.parametrize("text", ["", "0d", "5", "1 day", "-1d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="event_retention"):
        Settings(event_retention=text)
