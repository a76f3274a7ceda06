"""An interruption ends one statement, and never the next one on its connection."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from db.database import Database
from db.opening import open_database
from db.sqlite.database import SQLiteDatabase
from db.sqlite.interruption import Interrupter, Interruptible

pytestmark = [pytest.mark.anyio, pytest.mark.sqlite]

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
ENOUGH = 60.0
"""How long, in seconds, anything here may take at the most."""
# SQLite looks whether it was interrupted at every step of a loop.
LOOKING = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + look() FROM n LIMIT 9) SELECT i FROM n"
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        yield opened


@pytest.fixture
def interruptible(connection: sqlite3.Connection) -> Interruptible:
    return Interruptible(SimpleNamespace(_conn=connection))


def _let_look(
    connection: sqlite3.Connection, interruptible: Interruptible, after: float
) -> list[float]:
    told: list[float] = []

    def look() -> int:
        told.append(interruptible.interrupt(after))
        return 1

    connection.create_function("look", 0, look)
    return told


def test_a_statement_that_began_long_enough_ago_is_interrupted(
    connection: sqlite3.Connection, interruptible: Interruptible
) -> None:
    _let_look(connection, interruptible, 0.0)
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        interruptible.execute(LOOKING, ())
    assert interruptible.execute("SELECT 1", ()) == [(1,)]


def test_a_statement_that_began_later_is_left_alone_until_its_own_time_has_come(
    connection: sqlite3.Connection, interruptible: Interruptible
) -> None:
    told = _let_look(connection, interruptible, ENOUGH)
    assert len(interruptible.execute(LOOKING, ())) == 9
    assert all(0 < left <= ENOUGH for left in told)


def test_what_is_interrupted_between_two_statements_is_neither(
    interruptible: Interruptible,
) -> None:
    assert interruptible.execute("SELECT 1", ()) == [(1,)]
    assert interruptible.interrupt(0.0) > 0
    assert interruptible.execute("SELECT 2", ()) == [(2,)]


async def test_it_is_interrupted_again_until_somebody_says_that_it_has_ended() -> None:
    seen = asyncio.Semaphore(0)

    def interrupt(_after: float) -> float:
        seen.release()
        return 0.0

    interrupter = Interrupter(interrupt, 0.0)
    interrupter()
    async with asyncio.timeout(ENOUGH):
        for _ in range(5):
            await seen.acquire()
    interrupter.stop()
    while not seen.locked():
        await seen.acquire()
    await asyncio.sleep(0)
    assert seen.locked()


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    """One that has a single connection for long reads, and never gives up by itself."""
    opened = open_database(f"sqlite:///{path}", readers=1, busy_timeout=ENOUGH)
    await opened.read("SELECT 1", (), is_short=True)
    yield opened
    await opened.close()


async def _waits_for_a_connection(database: Database) -> bool:
    [waiting] = [each for each in database.metrics() if each.name == "gateway_database_waiting"]
    return waiting.value() > 0


@pytest.mark.parametrize("turns", [0, 1, 200])
async def test_a_read_that_nobody_waits_for_any_more_keeps_nobody_waiting(
    database: Database, turns: int
) -> None:
    for _ in range(3):
        reading = asyncio.ensure_future(database.read(ENDLESS, ()))
        for _ in range(turns):
            await asyncio.sleep(0.001)
        reading.cancel()
        async with asyncio.timeout(ENOUGH):
            assert await database.read("SELECT 2", ()) == [(2,)]
        assert reading.cancelled()


async def test_a_connection_is_not_lent_before_the_statement_on_it_has_ended(
    database: Database,
) -> None:
    reading = asyncio.ensure_future(database.read(ENDLESS, ()))
    await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    next_read = asyncio.ensure_future(database.read("SELECT 3", ()))
    await asyncio.sleep(0)
    assert await _waits_for_a_connection(database)
    async with asyncio.timeout(ENOUGH):
        assert await next_read == [(3,)]


async def test_a_database_is_closed_while_what_was_given_up_still_ends(path: Path) -> None:
    opened = open_database(f"sqlite:///{path}", readers=1)
    await opened.read("SELECT 1", ())
    reading = asyncio.ensure_future(opened.read(ENDLESS, ()))
    await asyncio.sleep(0.01)
    reading.cancel()
    async with asyncio.timeout(ENOUGH):
        await opened.close()


async def test_whoever_is_next_and_goes_away_leaves_the_connection_to_the_one_after(
    database: Database,
) -> None:
    reading = asyncio.ensure_future(database.read(ENDLESS, ()))
    await asyncio.sleep(0)
    waiting = [asyncio.ensure_future(database.read("SELECT 4", ())) for _ in range(3)]
    await asyncio.sleep(0)
    reading.cancel()
    while await _waits_for_a_connection(database) and not waiting[0].done():
        [left] = [m.value() for m in database.metrics() if m.name == "gateway_database_waiting"]
        if left < 3:
            # It was woken in this turn of the loop, and is cancelled before it goes on.
            waiting[0].cancel()
            break
        await asyncio.sleep(0)
    async with asyncio.timeout(ENOUGH):
        assert await waiting[1] == await waiting[2] == [(4,)]


LONG = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
SELECT count(*) FROM n
"""


async def test_a_read_that_is_cancelled_when_it_has_ended_interrupts_nobody_else(
    path: Path,
) -> None:
    database = open_database(f"sqlite:///{path}")
    assert isinstance(database, SQLiteDatabase)
    pool = database._read_pool
    assert await database.read("SELECT 1", ()) == [(1,)]
    for _ in range(20):
        reading = asyncio.ensure_future(_read(database, "SELECT 2"))
        await asyncio.sleep(0)
        assert pool.in_use == 1
        while pool.in_use:  # noqa: ASYNC110 - the turn of the loop is what it is about
            await asyncio.sleep(0)
        # The connection is free, and the one who asked has not been told yet.
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await database.read(LONG, ()) == [(300_000,)]
    await database.close()


async def _read(database: Database, statement: str) -> object:
    return await database.read(statement, ())
