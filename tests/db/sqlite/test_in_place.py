"""Short reads made by the loop itself: the same rows, and never for long."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from db.engine import Database, Rows
from db.sqlite.database import SQLiteDatabase
from db.sqlite.in_place import InPlace, Read
from tests.gateway import insert, run_sql
from tests.sample import SAMPLE

pytestmark = [pytest.mark.anyio, pytest.mark.sqlite]

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
GUIDS = "SELECT guid FROM executions ORDER BY id"


def read(in_place: InPlace, *statements: str) -> list[Rows | None]:
    """What each SELECT finds; None where it is left to the thread."""
    loop = asyncio.get_running_loop()
    reads: list[Read] = [(loop.create_future(), (statement, ())) for statement in statements]
    left: list[Read] = []
    waiting = reads
    while waiting:
        failed, waiting = in_place.answer(waiting)
        left += failed
    return [None if one in left else one[0].result() for one in reads]


@pytest.fixture
async def in_place(database: Database) -> InPlace:
    assert isinstance(database, SQLiteDatabase)
    await database.in_place.open()
    return database.in_place


async def test_what_is_read_in_place_is_what_the_thread_reads(
    database: Database, in_place: InPlace, path: Path
) -> None:
    insert(path, SAMPLE)
    by_thread = await database.read(GUIDS, ())
    assert len(by_thread) == len(SAMPLE)
    assert read(in_place, GUIDS) == [by_thread]


async def test_each_of_those_that_arrive_together_gets_its_own_rows(in_place: InPlace) -> None:
    assert read(in_place, "SELECT 1", "SELECT 2", "SELECT 3") == [[(1,)], [(2,)], [(3,)]]


async def test_short_reads_need_no_thread(
    database: Database, in_place: InPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await database.read("SELECT 1", (), is_short=True)
    answer = in_place.answer
    left: list[Read] = []

    def watched(reads: list[Read]) -> tuple[list[Read], list[Read]]:
        failed, waiting = answer(reads)
        left.extend(failed)
        return [], waiting

    monkeypatch.setattr(in_place, "answer", watched)
    reads = [database.read("SELECT 1", (), is_short=True) for _ in range(100)]
    assert await asyncio.gather(*reads) == [[(1,)]] * 100
    assert left == []


async def test_it_sees_what_another_program_has_just_written(in_place: InPlace, path: Path) -> None:
    newest = "SELECT max(id) FROM executions"
    for row in SAMPLE[:3]:
        insert(path, [row])
        assert read(in_place, newest, newest) == [run_sql(path, newest)] * 2


async def test_a_read_that_takes_long_is_left_to_the_thread(in_place: InPlace) -> None:
    assert read(in_place, "SELECT 1", ENDLESS) == [[(1,)], None]


async def test_after_a_long_read_the_thread_reads_for_a_while(path: Path) -> None:
    in_place = InPlace(lambda: sqlite3.connect(path, check_same_thread=False), pause=0.2)
    await in_place.open()
    assert read(in_place, "SELECT 1", ENDLESS, "SELECT 2") == [[(1,)], None, None]
    assert read(in_place, "SELECT 1") == [None]
    await asyncio.sleep(0.3)
    assert read(in_place, "SELECT 1") == [[(1,)]]
    await in_place.close()


async def test_what_is_wrong_with_a_statement_is_left_to_the_thread(in_place: InPlace) -> None:
    assert read(in_place, "SELECT * FROM nothing", "SELECT 1") == [None, [(1,)]]


async def test_whoever_went_away_is_passed_over(in_place: InPlace) -> None:
    gone: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()
    gone.cancel()
    assert in_place.answer([(gone, ("SELECT 1", ()))]) == ([], [])


async def test_after_much_work_the_rest_waits_for_the_next_turn(in_place: InPlace) -> None:
    loop = asyncio.get_running_loop()
    reads: list[Read] = [(loop.create_future(), (statement, ())) for statement in (ENDLESS, GUIDS)]
    assert in_place.answer(reads) == (reads[:1], reads[1:])


async def test_nothing_can_be_written_in_place(in_place: InPlace, path: Path) -> None:
    insert(path, SAMPLE)
    assert read(in_place, "DELETE FROM executions") == [None]
    assert run_sql(path, "SELECT count(*) FROM executions") == [(len(SAMPLE),)]


async def test_a_transaction_that_did_not_end_keeps_nobody_in_the_past(path: Path) -> None:
    opened: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        opened.append(sqlite3.connect(path, check_same_thread=False, isolation_level=None))
        return opened[-1]

    in_place = InPlace(connect)
    await in_place.open()
    opened[0].execute("BEGIN")
    assert read(in_place, GUIDS) == [None]
    await in_place.open()
    assert read(in_place, GUIDS) == [[]]
    assert len(opened) == 2
    await in_place.close()


async def test_it_keeps_nobody_from_writing(in_place: InPlace, path: Path) -> None:
    read(in_place, GUIDS, "SELECT * FROM nothing", GUIDS)
    insert(path, SAMPLE)
    assert run_sql(path, "PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 0


async def test_a_database_that_cannot_be_opened_is_tried_again_later(path: Path) -> None:
    away = [True]

    def connect() -> sqlite3.Connection:
        if away[0]:
            raise sqlite3.OperationalError
        return sqlite3.connect(path, check_same_thread=False)

    in_place = InPlace(connect, pause=0.0)
    await in_place.open()
    away[0] = False
    assert read(in_place, "SELECT 1") == [None]
    await in_place.open()
    assert read(in_place, "SELECT 1") == [[(1,)]]
    await in_place.close()


async def test_nothing_is_read_in_place_after_the_end(path: Path) -> None:
    in_place = InPlace(lambda: sqlite3.connect(path, check_same_thread=False))
    await in_place.open()
    await in_place.close()
    assert read(in_place, "SELECT 1") == [None]
