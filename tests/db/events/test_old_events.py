"""Old events are deleted from the beginning of the log, and nobody reads past what is gone."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from db.database import Database, Execute
from db.errors import EventsExpired
from db.events.event import ExecutionEvent
from db.events.log import EventLog
from db.events.old_events import OldEvents
from db.events.position import BEGINNING, Position
from tests.db.events.sessions import session_of
from tests.gateway import run_sql
from tests.places import Place, SQLitePlace

pytestmark = pytest.mark.anyio

HOUR = 3_600_000
INSERT = (
    "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES (?, 'f', 'ERROR', 0)"
)


@pytest.fixture
async def log(database: Database) -> EventLog:
    return EventLog(database)


async def _write(log: EventLog, place: Place, hours_ago: float, *guids: str) -> None:
    """Write events that are so old, in a tick of their own."""
    await log.end()
    [(before,)] = run_sql(place, "SELECT coalesce(max(id), 0) FROM execution_events")
    place.run(INSERT, [(guid,) for guid in guids])
    end = await log.end()
    age = int(hours_ago * HOUR)
    run_sql(
        place, "UPDATE execution_events SET occurred_on = occurred_on - ? WHERE id > ?", age, before
    )
    if not isinstance(place, SQLitePlace):
        run_sql(place, "UPDATE event_ticks SET noted_on = noted_on - ? WHERE id = ?", age, end.tick)


def _backdate_start(place: Place) -> None:
    """Let the database have been migrated long ago."""
    if not isinstance(place, SQLitePlace):
        run_sql(place, "UPDATE event_ticks SET noted_on = 1 WHERE id = 1")


async def _delete(database: Database, hours: float = 1, **options: Any) -> int:
    old = OldEvents(database, int(hours * HOUR), **options)
    return sum([count async for count in old.delete()])


def _guids(events: Sequence[ExecutionEvent]) -> list[str]:
    return [event.after.guid for event in events if event.after]


def _kept(place: Place) -> list[str]:
    return [guid for (guid,) in run_sql(place, "SELECT guid FROM execution_events ORDER BY id")]


async def test_what_is_too_old_is_deleted_but_the_last_of_it(
    log: EventLog, database: Database, place: Place
) -> None:
    _backdate_start(place)
    for hours, guid in [(5, "a"), (4, "b"), (3, "c"), (0.5, "d"), (0, "e")]:
        await _write(log, place, hours, guid)
    positions = [event.position for event in await log.read(BEGINNING, 10)]
    old = OldEvents(database, HOUR)
    assert await old.may_exist()
    await _delete(database)
    # Who has read c may have read everything until half an hour ago.
    assert _guids(await log.read(positions[2], 10)) == ["d", "e"]
    assert _guids(await log.read(positions[3], 10)) == ["e"]
    # The tick of c is told from the one before, whose end stays a place on PostgreSQL.
    gone = 2 if isinstance(place, SQLitePlace) else 1
    for position in (BEGINNING, *positions[:gone]):
        with pytest.raises(EventsExpired):
            await log.read(position, 10)
    assert not await old.may_exist()
    assert _kept(place) == ["c", "d", "e"]


async def test_the_newest_event_stays_a_place_however_old_it_is(
    log: EventLog, database: Database, place: Place
) -> None:
    await _write(log, place, 9, "a", "b")
    await _write(log, place, 8, "c")
    end = await log.end()
    await _delete(database)
    assert await log.read(end, 10) == []
    await _write(log, place, 0, "d")
    await _delete(database)
    assert _guids(await log.read(end, 10)) == ["d"]


async def test_nothing_is_deleted_of_a_log_that_is_empty_or_young(
    log: EventLog, database: Database, place: Place
) -> None:
    old = OldEvents(database, HOUR)
    assert not await old.may_exist()
    assert await _delete(database) == 0
    await _write(log, place, 0.5, "a", "b")
    await _write(log, place, 0, "c")
    assert not await old.may_exist()
    assert await _delete(database) == 0
    assert _guids(await log.read(BEGINNING, 10)) == ["a", "b", "c"]


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_batches_of_any_size_delete_the_same(
    log: EventLog,
    database: Database,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
) -> None:
    monkeypatch.setattr("db.pacing._LARGEST", most)
    _backdate_start(place)
    for number in range(6):
        await _write(log, place, 9 - number, f"{number}-a", f"{number}-b")
    await _write(log, place, 0, "young")
    place_of_old = (await log.read(BEGINNING, 100))[-2].position
    counts = [count async for count in OldEvents(database, HOUR).delete()]
    assert max(counts) <= most
    # On PostgreSQL the last old tick is kept as a whole.
    assert sum(counts) == (11 if isinstance(place, SQLitePlace) else 10)
    assert _guids(await log.read(place_of_old, 100)) == ["young"]


async def test_what_the_clock_dated_far_in_the_future_does_not_keep_the_rest(
    log: EventLog, database: Database, place: Place
) -> None:
    _backdate_start(place)
    await _write(log, place, 5, "a")
    await _write(log, place, -1_000, "from the future")
    await _write(log, place, 4, "b")
    await _write(log, place, 3, "c")
    await _write(log, place, 0, "d")
    await _delete(database)
    assert _kept(place) == ["c", "d"]


async def test_an_exception_of_the_guard_undoes_the_batch(
    log: EventLog, database: Database, place: Place
) -> None:
    for hours in (5, 4, 3):
        await _write(log, place, hours, f"{hours}")

    def refuse(_: Execute) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        await anext(OldEvents(database, HOUR).delete(refuse))
    assert len(_kept(place)) == 3


async def test_who_reads_while_events_are_deleted_misses_none_or_is_told(
    log: EventLog, database: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.pacing._LARGEST", 3)
    _backdate_start(place)
    for number in range(30):
        await _write(log, place, 40 - number, f"{number}")

    async def read_from(first: Position) -> list[ExecutionEvent] | None:
        read: list[ExecutionEvent] = []
        try:
            while events := await log.read(read[-1].position if read else first, 2):
                read += events
        except EventsExpired:
            return None
        return read

    places = [event.position for event in await log.read(BEGINNING, 100)]
    reading = [asyncio.create_task(read_from(each)) for each in places]
    await _delete(database)
    for number, read in enumerate(await asyncio.gather(*reading)):
        assert read is None or _guids(read) == [f"{each}" for each in range(number + 1, 30)]


@pytest.mark.postgres
async def test_the_events_of_a_transaction_that_was_open_for_long_are_kept_until_they_are_old(
    log: EventLog, database: Database, place: Place
) -> None:
    _backdate_start(place)
    async with session_of(place) as session:
        await session.run("BEGIN")
        await session.run(INSERT, "late")
        await _write(log, place, 5, "a")
        await _write(log, place, 4, "b")
        await _delete(database)
        end = await log.end()
        await session.run("COMMIT")
    await _delete(database)
    await log.end()
    await _delete(database)
    assert _guids(await log.read(end, 10)) == ["late"]


@pytest.mark.postgres
async def test_events_whose_ticks_were_deleted_by_a_process_that_ended_then_are_found(
    log: EventLog, database: Database, place: Place
) -> None:
    _backdate_start(place)
    for hours in (6, 5, 4, 0):
        await _write(log, place, hours, f"{hours}")
    await anext(OldEvents(database, HOUR).delete())
    assert len(_kept(place)) == 4
    old = OldEvents(database, HOUR)
    assert await old.may_exist()
    assert await _delete(database) == 2
    assert not await old.may_exist()
