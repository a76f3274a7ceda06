"""A process notices what any program commits, on a connection that costs next to nothing."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from db.database import Database
from db.opening import open_database
from db.postgres import commit_watch as postgres_watch
from db.sqlite import commit_watch as sqlite_watch
from tests.faults.programs import wait_until
from tests.places import Place, PostgresPlace, SQLitePlace
from tests.poolers import MISSING, NEEDED, pooled

pytestmark = pytest.mark.anyio

_LISTENERS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'"
)


class Watcher:
    """Counts how often it was told that something may have been committed."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1

    async def is_told(self, work: Callable[[], object] = lambda: None) -> None:
        """Wait until it is told after some work."""
        before = self.count
        await asyncio.to_thread(work)
        await _until(lambda: self.count > before)


async def _until(is_so: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_until, is_so)


@pytest.fixture
def _only_notifications(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_watch, "LOOK_SECONDS", 3600)


def _insert(place: Place) -> None:
    place.run(
        "INSERT INTO executions (guid, agentflow_id, state, created_on)"
        " SELECT 'g-' || count(*), 'flow', 'ERROR', 0 FROM executions",
        [()],
    )


@pytest.fixture
async def watching(
    database: Database, _only_notifications: None, place: Place
) -> AsyncIterator[Watcher]:
    """What a database tells that is told nothing without a reason."""
    watcher = Watcher()
    async with database.watch_commits(watcher):
        if isinstance(place, PostgresPlace):
            await _until(lambda: bool(place.run(_LISTENERS, [()])))
        else:
            await _until(lambda: watcher.count == 2)  # before and after it has connected
        yield watcher


async def test_a_commit_of_another_program_is_noticed(place: Place, watching: Watcher) -> None:
    for _ in range(3):
        await watching.is_told(lambda: _insert(place))


async def test_a_commit_of_the_process_itself_is_noticed(
    database: Database, watching: Watcher
) -> None:
    before = watching.count
    await database.change_at_once(
        "INSERT INTO executions (guid, agentflow_id, state, created_on)"
        " VALUES ('g', 'flow', 'ERROR', 0)",
        (),
    )
    await _until(lambda: watching.count > before)


@pytest.mark.postgres
async def test_without_notifications_there_is_a_look_every_so_often(
    database: Database,
) -> None:
    watcher = Watcher()
    async with database.watch_commits(watcher):
        await _until(lambda: watcher.count > 3)


@pytest.mark.postgres
async def test_a_listener_whose_connection_is_ended_listens_anew(
    place: Place, watching: Watcher
) -> None:
    [(first,)] = place.run(_LISTENERS, [()])
    place.run(f"SELECT pg_terminate_backend({first})", [()])
    await _until(lambda: place.run(_LISTENERS, [()]) not in ([], [(first,)]))
    await watching.is_told(lambda: _insert(place))


@pytest.mark.postgres
async def test_a_listener_that_hears_nothing_makes_sure_that_it_is_connected(
    place: Place, watching: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watching
    monkeypatch.setattr(postgres_watch, "_CHECK_SECONDS", 0.01)
    place.run(f"SELECT pg_terminate_backend(pid) FROM ({_LISTENERS}) AS listening", [()])
    checks = (
        "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT 1' AND datname = current_database()"
    )
    await _until(lambda: bool(place.run(checks, [()])))


@pytest.mark.postgres
async def test_who_no_longer_watches_has_no_connection_left(
    database: Database, place: Place
) -> None:
    async with database.watch_commits(Watcher()):
        await _until(lambda: bool(place.run(_LISTENERS, [()])))
    await _until(lambda: not place.run(_LISTENERS, [()]))


@pytest.mark.postgres
@pytest.mark.skipif(MISSING and not os.environ.get("REQUIRE_PGBOUNCER"), reason=NEEDED)
@pytest.mark.skipif("GATEWAY_TEST_POSTGRES_URL" in os.environ, reason="it has a socket elsewhere")
async def test_nothing_listens_in_a_session_that_is_shared(place: PostgresPlace) -> None:
    with pooled(place) as reached:
        database = open_database(f"{reached.url}?statement_cache_size=0")
        watcher = Watcher()
        async with database.watch_commits(watcher):
            await _until(lambda: watcher.count > 3)
            assert place.run(_LISTENERS, [()]) == []
        await database.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The connections on which it was asked whether somebody has committed."""
    connections: list[sqlite3.Connection] = []
    ask = sqlite_watch._data_version

    def recorded(connection: sqlite3.Connection) -> int | None:
        connections.append(connection)
        return ask(connection)

    monkeypatch.setattr(sqlite_watch, "_data_version", recorded)
    return connections


@pytest.mark.sqlite
async def test_nothing_is_told_while_nobody_commits(
    asked: list[sqlite3.Connection], watching: Watcher
) -> None:
    before, looks = watching.count, len(asked)
    await _until(lambda: len(asked) > looks + 10)
    assert watching.count == before


@pytest.mark.sqlite
async def test_commits_to_the_file_that_replaces_another_are_noticed(
    place: SQLitePlace, database: Database, asked: list[sqlite3.Connection], tmp_path: Path
) -> None:
    watcher = Watcher()
    async with database.watch_commits(watcher):
        await database.ping()
        await _until(lambda: len(asked) > 0)
        copy = tmp_path / "copy.db"
        shutil.copy(place.path, copy)
        copy.rename(place.path)
        await _until(lambda: len(set(map(id, asked))) > 1 and watcher.count > 3)
        await watcher.is_told(lambda: _insert(place))


@pytest.mark.sqlite
async def test_a_connection_that_fails_is_replaced(
    place: SQLitePlace,
    asked: list[sqlite3.Connection],
    watching: Watcher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await _until(lambda: len(asked) > 0)
    ask, broken = sqlite_watch._data_version, asked[-1]
    failed: list[sqlite3.Connection] = []

    def fail_once(connection: sqlite3.Connection) -> int | None:
        if not failed:
            failed.append(connection)
            raise sqlite3.DatabaseError("the disk is gone")
        return ask(connection)

    monkeypatch.setattr(sqlite_watch, "_data_version", fail_once)
    await _until(lambda: bool(failed) and asked[-1] is not broken)
    await watching.is_told(lambda: _insert(place))


async def test_whoever_is_cancelled_while_it_stops_watching_is_cancelled(
    database: Database,
) -> None:
    leave = asyncio.Event()

    async def watch_and_go_on() -> None:
        async with database.watch_commits(lambda: None):
            await leave.wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(watch_and_go_on())
    await asyncio.sleep(0)
    leave.set()
    # It now waits for the watch to end.
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(60):
        await asyncio.wait([task])
    assert task.cancelled()
