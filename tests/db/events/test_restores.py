"""After a restore a cursor goes on rightly or has expired: nothing is missed and nothing is old."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from db.database import Database
from db.errors import EventsExpired
from db.events.log import EventLog
from db.events.start import Snapshot
from db.opening import open_database
from db.writing.old_executions import read_clock
from tests.db.events.following import LIST, Follower, rows_by_guid
from tests.gateway import run_sql
from tests.places import Place, Server

pytestmark = pytest.mark.anyio

INSERT = (
    "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES (?, 'f', 'ERROR', 0)"
)


@pytest.fixture
async def opened() -> AsyncIterator[Callable[[Place], Database]]:
    """Opens databases."""
    async with AsyncExitStack() as stack:

        def open_place(place: Place) -> Database:
            database = open_database(place.url)
            stack.push_async_callback(database.close)
            return database

        yield open_place


async def _load(database: Database) -> Follower:
    return await Follower.load(database, EventLog(database), 2, lambda: asyncio.sleep(0))


async def test_a_cursor_from_before_the_backup_goes_on_and_a_later_one_has_expired(
    place: Place, server: Server, tmp_path: Path, opened: Callable[[Place], Database]
) -> None:
    database = open_database(place.url)
    place.run(INSERT, [("a",), ("b",)])
    earlier = await _load(database)
    place.run(INSERT, [("c",)])
    at_backup = await _load(database)
    await at_backup.follow(EventLog(database))
    await database.close()
    folder = tmp_path / "backup"
    folder.mkdir()
    backup = server.copy(place, folder)
    lost = opened(place)
    place.run(INSERT, [("lost",)])
    run_sql(place, "UPDATE executions SET state = 'STOPPED' WHERE guid = 'a'")
    later = await _load(lost)
    ahead = await _load(lost)
    await ahead.follow(EventLog(lost))
    restored = opened(backup)
    log = EventLog(restored)
    # As many as were lost, and more, each in a tick of its own.
    for number in range(6):
        backup.run(INSERT, [(f"new-{number}",)])
        await log.end()
        for follower in (later, ahead):
            with pytest.raises(EventsExpired):
                await follower.follow(log)
    for follower in (earlier, at_backup):
        await follower.follow(log)
        assert follower.copy == rows_by_guid(run_sql(backup, LIST))
    server.drop(backup)


@pytest.mark.postgres
async def test_what_occurs_after_a_restore_was_not_seen_although_transactions_begin_anew(
    database: Database, place: Place
) -> None:
    log = EventLog(database)
    place.run(INSERT, [("a",)])
    follower = await _load(database)
    start = await log.start(follower.cursor, "after", None)
    assert start.seen is not None
    # The lost transactions had numbers that the restored cluster gives once more.
    beyond = start.seen._replace(snapshot=Snapshot(2**40 + 1, 2**40 + 1))
    follower.cursor = log.cursor(start._replace(seen=beyond), None)
    while await read_clock(database) <= beyond.until:
        pass
    place.run(INSERT, [("new",)])
    assert await follower.follow(log) == 1
    assert set(follower.copy) == {"a", "new"}


@pytest.mark.postgres
async def test_in_another_cluster_every_cursor_has_expired_and_new_ones_are_good(
    database: Database, place: Place
) -> None:
    log = EventLog(database)
    place.run(INSERT, [("a",)])
    before = await _load(database)
    await before.follow(log)
    run_sql(place, "UPDATE event_ticks SET system = 7, snapshot = '1000000000:1000000000:'")
    # A list that is loaded first of all has a cursor that expires at once.
    untold = await _load(database)
    place.run(INSERT, [("b",)])
    for follower in (before, untold):
        with pytest.raises(EventsExpired):
            await follower.follow(log)
    after = await _load(database)
    place.run(INSERT, [("c",)])
    await after.follow(log)
    assert set(after.copy) == {"a", "b", "c"}
