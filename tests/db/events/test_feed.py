"""A feed brings each new event to its listener, once and in order."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from db.database import Database
from db.events import feed as feeds
from db.events.event import EventType, ExecutionEvent
from db.events.log import EventLog
from db.opening import open_database
from tests.db.events.listening import Listener, listening, listening_at, until
from tests.gateway import run_sql
from tests.places import Place, PostgresPlace, SQLitePlace
from tests.poolers import MISSING, NEEDED, pooled

pytestmark = pytest.mark.anyio

INSERT = (
    "INSERT INTO executions (guid, agentflow_id, state, created_on)"
    " VALUES (?, 'flow', 'INPROGRESS', 5)"
)


@pytest.fixture
async def listener(database: Database) -> AsyncIterator[Listener]:
    """A listener that hears of what happens from now on."""
    async with listening(database) as made:
        await made.feed.start()
        yield made


def _insert(place: Place, *guids: str) -> None:
    place.run(INSERT, [(guid,) for guid in guids])


async def test_a_listener_hears_of_each_change_once_and_in_order(
    place: Place, listener: Listener
) -> None:
    _insert(place, "a")
    run_sql(place, "UPDATE executions SET state = 'ERROR' WHERE guid = 'a'")
    _insert(place, "b")
    run_sql(place, "DELETE FROM executions WHERE guid = 'a'")
    await listener.has_heard("a", "a", "b", "a")
    assert [event.type for event in listener.events] == [
        EventType.CREATED,
        EventType.UPDATED,
        EventType.CREATED,
        EventType.DELETED,
    ]
    positions = [event.position for event in listener.events]
    assert positions == sorted(set(positions))


async def test_a_feed_begins_at_the_end_of_the_log(place: Place, database: Database) -> None:
    async with listening(database) as listener:
        _insert(place, "before")
        await listener.feed.start()
        end = await listener.log.end()
        assert listener.feed.position == listener.feed.oldest == end
        _insert(place, "after")
        await listener.has_heard("after")
        assert listener.guids == ["after"]


async def test_what_comes_while_the_listener_is_busy_waits_for_it(
    place: Place, listener: Listener
) -> None:
    listener.is_let.clear()
    _insert(place, "a")
    await listener.has_heard("a")
    position = listener.feed.position
    _insert(place, "b", "c")
    end = await listener.log.end()
    assert listener.guids == ["a"]
    assert listener.feed.position == position < end
    listener.is_let.set()
    await listener.has_heard("a", "b", "c")
    await until(lambda: listener.feed.position >= end)


async def test_thousands_of_events_come_in_pages_between_which_others_have_their_turn(
    place: Place, listener: Listener
) -> None:
    turns = 0
    turns_before: list[int] = []

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    inner = listener.feed.on_events

    async def listen(events: Sequence[ExecutionEvent]) -> None:
        turns_before.append(turns)
        await inner(events)

    listener.feed.on_events = listen
    other = asyncio.create_task(take_turns())
    run_sql(
        place,
        "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 4321)"
        " INSERT INTO executions (guid, agentflow_id, state, created_on)"
        " SELECT 'g-' || n, 'flow', 'ERROR', 5 FROM number",
    )
    await until(lambda: len(listener.events) == 4321)
    other.cancel()
    assert len(set(listener.guids)) == 4321
    assert max(map(len, listener.batches)) == feeds.PAGE
    assert turns_before == sorted(set(turns_before))


@pytest.mark.parametrize("error", [ValueError("a bug"), asyncio.CancelledError()], ids=repr)
async def test_a_listener_that_fails_has_lost_its_place_and_hears_of_what_comes_then(
    place: Place, listener: Listener, error: BaseException
) -> None:
    listener.failures.append(error)
    _insert(place, "a")
    await until(lambda: len(listener.lost) == 1)
    await listener.feed.start()
    _insert(place, "b")
    await listener.has_heard("b")
    assert listener.guids == ["b"]
    assert len(listener.lost) == 1
    [errors] = [each for each in listener.feed.metrics() if each.name == "gateway_event_errors"]
    assert errors.value() == 1


async def test_a_feed_whose_place_was_deleted_says_so_and_goes_on_from_the_end(
    place: Place, listener: Listener
) -> None:
    _insert(place, "a")
    await listener.has_heard("a")
    listener.is_let.clear()
    _insert(place, "b")
    await listener.has_heard("b")
    for guid in "cd":
        _insert(place, guid)
        await EventLog(listener.feed._database).end()
    if isinstance(place, PostgresPlace):
        run_sql(place, "DELETE FROM event_ticks WHERE id < (SELECT max(id) FROM event_ticks)")
    run_sql(
        place,
        "DELETE FROM execution_events WHERE id < (SELECT max(id) FROM execution_events)",
    )
    listener.is_let.set()
    await until(lambda: len(listener.lost) == 1)
    await listener.feed.start()
    _insert(place, "e")
    await listener.has_heard("e")
    assert listener.guids == ["a", "b", "e"]


async def test_who_stops_hears_no_more_and_begins_anew_at_the_end(
    place: Place, listener: Listener
) -> None:
    _insert(place, "a")
    await listener.has_heard("a")
    listener.feed.stop()
    await until(lambda: not listener.feed._has_begun.is_set())
    _insert(place, "b")
    await listener.feed.start()
    _insert(place, "c")
    await listener.has_heard("c")
    assert listener.guids == ["a", "c"]


async def test_who_starts_as_soon_as_the_last_one_stops_misses_nothing(
    place: Place, listener: Listener
) -> None:
    wanted = [f"g-{number}" for number in range(20)]
    for guid in wanted:
        _insert(place, guid)
        listener.feed.stop()
        await listener.feed.start()
        await asyncio.sleep(0)
    await listener.has_heard(*wanted)
    assert listener.guids == wanted


async def test_all_who_start_at_once_begin_at_one_place(place: Place, database: Database) -> None:
    async with listening(database) as listener:
        starts = [asyncio.create_task(listener.feed.start()) for _ in range(10)]
        await asyncio.sleep(0)
        starts[0].cancel()
        await asyncio.gather(*starts, return_exceptions=True)
        assert [start.cancelled() for start in starts] == [True] + [False] * 9
        _insert(place, "a")
        await listener.has_heard("a")
        assert listener.guids == ["a"]


async def test_who_stops_while_it_starts_is_stopped(database: Database) -> None:
    async with listening(database) as listener:
        starting = asyncio.create_task(listener.feed.start())
        await asyncio.sleep(0)
        listener.feed.stop()
        await starting
        assert not listener.feed._has_begun.is_set()
        await listener.feed.start()
        assert listener.feed._has_begun.is_set()


async def test_recent_events_are_in_memory(place: Place, listener: Listener) -> None:
    beginning = listener.feed.position
    _insert(place, "a", "b", "c")
    await until(lambda: len(listener.events) == 3)
    end = await listener.log.end()
    await until(lambda: listener.feed.position >= end)
    events = listener.events
    assert listener.feed.since(beginning, 1_000) == events
    assert listener.feed.since(events[0].position, 1_000) == events[1:]
    assert listener.feed.since(end, 1_000) == []


async def test_memory_of_recent_events_is_bounded_in_bytes(
    place: Place, database: Database
) -> None:
    async with listening(database, recent_bytes=20_000) as listener:
        await listener.feed.start()
        beginning = listener.feed.position
        _insert(place, "short")
        _insert(place, *(f"{number:02}" * 4_000 for number in range(10)))
        await until(lambda: len(listener.events) == 11)
        end = await listener.log.end()
        await until(lambda: listener.feed.position >= end)
        assert listener.feed.since(beginning, 1_000) is None
        kept = listener.feed.since(listener.feed.oldest, 1_000)
        assert kept == listener.events[-2:]
        assert listener.feed.oldest == listener.events[-3].position


async def test_an_event_that_is_larger_than_memory_is_passed_on_and_not_kept(
    place: Place, database: Database
) -> None:
    async with listening(database, recent_bytes=1_000) as listener:
        await listener.feed.start()
        _insert(place, "a" * 2_000)
        await until(lambda: len(listener.events) == 1)
        end = await listener.log.end()
        await until(lambda: listener.feed.position >= end)
        assert listener.feed.oldest == listener.events[0].position
        assert listener.feed.since(listener.feed.oldest, 1_000) == []


async def test_the_metrics_say_how_many_events_were_read(place: Place, listener: Listener) -> None:
    values = {metric.name: metric.value for metric in listener.feed.metrics()}
    _insert(place, "a", "b")
    await listener.has_heard("a", "b")
    end = await listener.log.end()
    await until(lambda: listener.feed.position >= end)
    assert values["gateway_events_read"]() == 2
    assert values["gateway_event_looks"]() > 0
    assert values["gateway_event_errors"]() == 0
    assert values["gateway_event_lag_seconds"]() >= 0
    assert values["gateway_recent_event_bytes"]() > 0


@pytest.mark.postgres
async def test_more_ticks_than_are_read_at_once_are_all_heard(
    place: Place, listener: Listener
) -> None:
    listener.is_let.clear()
    _insert(place, "first")
    await listener.has_heard("first")
    wanted = [f"g-{number}" for number in range(300)]
    log = EventLog(listener.feed._database)
    for guid in wanted:
        await listener.feed._database.change_at_once(INSERT.replace("?", "$1"), (guid,))
        await log.end()
    listener.is_let.set()
    await listener.has_heard(*wanted)
    assert listener.guids == ["first", *wanted]


@pytest.mark.postgres
async def test_a_database_that_does_not_answer_in_time_is_asked_again(place: PostgresPlace) -> None:
    database = open_database(place.url, busy_timeout=0.5, statement_timeout=0.5)
    async with listening(database) as listener:
        await listener.feed.start()
        with place.server.held(place.name, "LOCK TABLE event_ticks IN ACCESS EXCLUSIVE MODE"):
            _insert(place, "a")
            await until(lambda: listener.feed._errors > 2)
        await listener.has_heard("a")
        assert listener.guids == ["a"]
        assert listener.lost == []
    await database.close()


@pytest.mark.sqlite
async def test_events_of_a_file_that_is_gone_for_a_while_are_heard_once_it_is_back(
    place: SQLitePlace, listener: Listener, tmp_path: Path
) -> None:
    _insert(place, "a")
    await listener.has_heard("a")
    away = tmp_path / "away.db"
    place.path.rename(away)
    await until(lambda: listener.feed._errors > 0)
    away.rename(place.path)
    _insert(place, "b")
    await listener.has_heard("b")
    assert listener.guids == ["a", "b"]
    assert listener.lost == []


@pytest.mark.sqlite
async def test_a_file_that_is_replaced_by_another_database_has_lost_the_place(
    place: SQLitePlace, migrated: SQLitePlace, listener: Listener, tmp_path: Path
) -> None:
    _insert(place, "a")
    await listener.has_heard("a")
    other = SQLitePlace(Path(shutil.copy(migrated.path, tmp_path / "other.db")))
    other.path.rename(place.path)
    await until(lambda: len(listener.lost) == 1)
    await listener.feed.start()
    _insert(place, "b")
    await listener.has_heard("b")
    assert listener.guids == ["a", "b"]


@pytest.mark.postgres
@pytest.mark.skipif(MISSING and not os.environ.get("REQUIRE_PGBOUNCER"), reason=NEEDED)
@pytest.mark.skipif("GATEWAY_TEST_POSTGRES_URL" in os.environ, reason="it has a socket elsewhere")
async def test_events_come_through_a_pooler_that_lets_no_notification_pass(
    place: PostgresPlace,
) -> None:
    with pooled(place) as reached:
        async with listening_at(f"{reached.url}?statement_cache_size=0") as listener:
            await listener.feed.start()
            _insert(place, "a", "b")
            await listener.has_heard("a", "b")
            run_sql(place, "DELETE FROM executions")
            await until(lambda: len(listener.guids) == 4)
