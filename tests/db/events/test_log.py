"""The log of events is read in its order, from any place that is kept."""

import asyncio

import pytest

from db.database import Database
from db.errors import EventsExpired, InvalidInput
from db.events.event import EventType, ExecutionEvent
from db.events.log import EventLog
from db.events.position import BEGINNING, Position
from db.events.start import Start
from db.source import ExecutionRow
from tests.gateway import run_sql
from tests.places import Place

pytestmark = pytest.mark.anyio

INSERT = (
    "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on, updated_on)"
    " VALUES (?, 'flow', 'session', 'INPROGRESS', 5, 7)"
)


@pytest.fixture
async def log(database: Database) -> EventLog:
    return EventLog(database)


def _insert(place: Place, *guids: str) -> None:
    for guid in guids:
        run_sql(place, INSERT, guid)


async def _all_after(log: EventLog, after: Position, page: int = 100) -> list[ExecutionEvent]:
    events: list[ExecutionEvent] = []
    while found := await log.read(events[-1].position if events else after, page):
        assert len(found) <= page
        events += found
    return events


def _guids(events: list[ExecutionEvent]) -> list[str]:
    rows = (event.after or event.before for event in events)
    return [row.guid for row in rows if row is not None]


async def test_an_event_has_the_execution_before_and_after_the_change(
    log: EventLog, place: Place
) -> None:
    run_sql(place, "INSERT INTO agentflows (id, name) VALUES ('flow', 'Flow'), ('other', 'Other')")
    start = await log.end()
    _insert(place, "g")
    run_sql(
        place,
        "UPDATE executions SET state = 'ERROR', agentflow_id = 'other', finished_on = 8,"
        " updated_on = 9",
    )
    run_sql(place, "DELETE FROM executions")
    await log.end()
    created, updated, deleted = await log.read(start, 10)
    new = ExecutionRow(1, "g", "flow", "Flow", "session", "INPROGRESS", 5, 7)
    done = ExecutionRow(1, "g", "other", "Other", "session", "ERROR", 5, 9, 8, 3)
    assert (created.type, created.before, created.after) == (EventType.CREATED, None, new)
    assert (updated.type, updated.before, updated.after) == (EventType.UPDATED, new, done)
    assert (deleted.type, deleted.before, deleted.after) == (EventType.DELETED, done, None)


async def test_the_name_of_an_agentflow_is_the_one_it_has_when_the_event_is_read(
    log: EventLog, place: Place
) -> None:
    start = await log.end()
    _insert(place, "g")
    await log.end()
    for name in (None, "Before", "After"):
        if name is not None:
            run_sql(place, "INSERT INTO agentflows (id, name) VALUES ('flow', ?)", name)
        [event] = await log.read(start, 10)
        assert event.after is not None
        assert event.after.agentflow_name == name
        run_sql(place, "DELETE FROM agentflows")


@pytest.mark.parametrize("page", [1, 2, 3, 100])
async def test_pages_of_any_size_have_every_event_once_and_in_order(
    log: EventLog, place: Place, page: int
) -> None:
    start = await log.end()
    guids = [f"g-{number}" for number in range(7)]
    for some in (guids[:1], guids[1:4], guids[4:]):
        _insert(place, *some)
        run_sql(place, "UPDATE executions SET session_id = session_id || '+'")
        await log.end()
    events = await _all_after(log, start, page)
    created = [event for event in events if event.type is EventType.CREATED]
    assert _guids(created) == guids
    assert len(events) == 7 + 1 + 4 + 7
    positions = [event.position for event in events]
    assert positions == sorted(set(positions))


async def test_reading_goes_on_after_each_event(log: EventLog, place: Place) -> None:
    start = await log.end()
    for guid in "abc":
        _insert(place, guid)
        run_sql(place, "UPDATE executions SET state = 'ERROR' WHERE guid = ?", guid)
        await log.end()
    events = await _all_after(log, start)
    assert len(events) == 6
    for number, event in enumerate(events):
        assert await _all_after(log, event.position) == events[number + 1 :]


async def test_after_the_end_there_is_nothing_until_something_changes(
    log: EventLog, place: Place
) -> None:
    _insert(place, "a")
    end = await log.end()
    assert await log.read(end, 10) == []
    assert await log.end() == end
    run_sql(place, "DELETE FROM executions")
    await log.end()
    [event] = await log.read(end, 10)
    assert event.type is EventType.DELETED


async def test_the_end_is_after_what_was_committed_before_the_call(
    log: EventLog, place: Place
) -> None:
    ends: list[Position] = []
    for number in range(20):
        writing = asyncio.to_thread(run_sql, place, INSERT, f"g-{number}")
        await asyncio.gather(writing, log.end())
        ends.append(await log.end())
    positions = [event.position for event in await _all_after(log, BEGINNING)]
    assert len(positions) == 20
    assert all(position <= end for position, end in zip(positions, ends, strict=True))


async def test_many_who_ask_for_the_end_at_once_cost_little(
    log: EventLog, database: Database
) -> None:
    await log.end()
    statements: list[str] = []
    database.on_read = lambda statement, _: statements.append(statement)
    ends = await asyncio.gather(*(log.end() for _ in range(100)))
    assert len(set(ends)) == 1
    assert len(statements) <= 2


async def test_who_asks_for_the_end_may_be_gone(log: EventLog) -> None:
    asking = asyncio.create_task(log.end())
    other = asyncio.create_task(log.end())
    await asyncio.sleep(0)
    asking.cancel()
    assert await other == await log.end()


async def test_an_empty_log_is_read_from_its_beginning(log: EventLog, place: Place) -> None:
    assert await log.read(BEGINNING, 10) == []
    _insert(place, "a")
    await log.end()
    assert _guids(await log.read(BEGINNING, 10)) == ["a"]


async def test_a_place_that_never_was_has_expired(log: EventLog, place: Place) -> None:
    _insert(place, "a", "b")
    tick, number, noted_on = await log.end()
    for other in (
        Position(tick + 1, number, noted_on),
        Position(tick, number, noted_on - 1),
        Position(tick, 0, noted_on + 1),
        Position(0, 0, 1),
        Position(2**63 - 1, 2**63 - 1, 2**63 - 1),
        Position(-(2**63), -(2**63), -(2**63)),
    ):
        with pytest.raises(EventsExpired):
            await log.read(other, 10)


async def test_a_cursor_leads_back_to_its_place(log: EventLog, place: Place) -> None:
    start = await log.end()
    _insert(place, "a", "b")
    await log.end()
    first, second = await log.read(start, 10)
    cursor = log.cursor(Start(first.position), None)
    found = await log.start(cursor, "after", None)
    assert found == Start(first.position)
    assert await log.read(found.position, 10) == [second]


async def test_a_cursor_is_good_for_every_process(
    log: EventLog, database: Database, place: Place
) -> None:
    _insert(place, "a")
    cursor = log.cursor(Start(await log.end()), None)
    assert await EventLog(database).start(cursor, "after", None) == Start(await log.end())


async def test_a_cursor_of_another_database_has_expired(log: EventLog, place: Place) -> None:
    cursor = log.cursor(Start(await log.end()), None)
    run_sql(place, "UPDATE event_epochs SET epoch = 'another'")
    # The process may have read the old one.
    other = log.cursor(Start(await log.end()), None)
    assert (await log.start(other, "after", None)).position == await log.end()
    with pytest.raises(EventsExpired):
        await log.start(cursor, "after", None)


async def test_what_is_no_cursor_is_refused(log: EventLog) -> None:
    with pytest.raises(InvalidInput, match="after must be a cursor"):
        await log.start("garbled", "after", None)


@pytest.mark.sqlite
async def test_texts_that_are_not_utf_8_are_read(log: EventLog, place: Place) -> None:
    start = await log.end()
    broken = "CAST(x'66ff' AS TEXT)"
    run_sql(
        place,
        "INSERT INTO execution_events (type, occurred_on, execution_id, guid, agentflow_id,"
        " session_id, state, created_on)"
        f" VALUES ('CREATED', 1, 2, {broken}, {broken}, {broken}, 'ERROR', 3)",
    )
    [event] = await log.read(start, 10)
    assert event.after is not None
    assert event.after[1:5] == ("f\udcff", "f\udcff", None, "f\udcff")
