"""Short reads on the event loop return the same rows, and never block it for long."""

import asyncio
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from db.database import Database, Rows
from db.sqlite.database import SQLiteDatabase
from db.sqlite.loop_reader import LONGEST, PAUSE, WATCH, LoopReader, Read
from db.sqlite.thread_usage import ThreadUsage, thread_usage
from tests.gateway import insert, run_sql
from tests.sample import SAMPLE

pytestmark = [pytest.mark.anyio, pytest.mark.sqlite]

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
GUIDS = "SELECT guid FROM executions ORDER BY id"


def read(loop_reader: LoopReader, *statements: str) -> list[Rows | None]:
    """Return the rows of each SELECT; None if it is left to the thread."""
    loop = asyncio.get_running_loop()
    reads: list[Read] = [(loop.create_future(), (statement, ())) for statement in statements]
    left: list[Read] = []
    waiting = reads
    while waiting:
        failed, waiting = loop_reader.answer(waiting)
        left += failed
    return [None if one in left else one[0].result() for one in reads]


@pytest.fixture
async def loop_reader(database: Database) -> LoopReader:
    assert isinstance(database, SQLiteDatabase)
    await database.loop_reader.open()
    return database.loop_reader


async def test_what_is_read_in_place_is_what_the_thread_reads(
    database: Database, loop_reader: LoopReader, path: Path
) -> None:
    insert(path, SAMPLE)
    by_thread = await database.read(GUIDS, ())
    assert len(by_thread) == len(SAMPLE)
    assert read(loop_reader, GUIDS) == [by_thread]


async def test_each_of_those_that_arrive_together_gets_its_own_rows(
    loop_reader: LoopReader,
) -> None:
    assert read(loop_reader, "SELECT 1", "SELECT 2", "SELECT 3") == [[(1,)], [(2,)], [(3,)]]


async def test_short_reads_need_no_thread(
    database: Database, loop_reader: LoopReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await database.read("SELECT 1", (), is_short=True)
    answer = loop_reader.answer
    left: list[Read] = []

    def watched(reads: list[Read]) -> tuple[list[Read], list[Read]]:
        failed, waiting = answer(reads)
        left.extend(failed)
        return [], waiting

    monkeypatch.setattr(loop_reader, "answer", watched)
    reads = [database.read("SELECT 1", (), is_short=True) for _ in range(100)]
    assert await asyncio.gather(*reads) == [[(1,)]] * 100
    assert left == []


async def test_it_sees_what_another_program_has_just_written(
    loop_reader: LoopReader, path: Path
) -> None:
    newest = "SELECT max(id) FROM executions"
    for row in SAMPLE[:3]:
        insert(path, [row])
        assert read(loop_reader, newest, newest) == [run_sql(path, newest)] * 2


async def test_a_read_that_takes_long_is_left_to_the_thread(loop_reader: LoopReader) -> None:
    assert read(loop_reader, "SELECT 1", ENDLESS) == [[(1,)], None]


@dataclass
class Machine:
    """A clock and a processor, which statements use with ``slow(worked, waited, preempted)``.

    Each argument is in seconds.
    """

    path: Path
    now: float = 100.0
    used: ThreadUsage | None = field(default_factory=lambda: ThreadUsage(1.0, 1))
    asked: int = 0

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
        connection.create_function("slow", 3, self._slow)
        return connection

    def _slow(self, worked: float, waited: float, preempted: float) -> int:
        self.now += worked + waited + preempted
        if self.used is not None:
            seconds, waits = self.used
            self.used = ThreadUsage(seconds + worked, waits + (waited > 0))
        return 1

    def usage(self) -> ThreadUsage | None:
        self.asked += 1
        return self.used

    async def loop_reader(self) -> LoopReader:
        loop_reader = LoopReader(self.connect, clock=lambda: self.now, usage=self.usage)
        await loop_reader.open()
        return loop_reader


@pytest.fixture
async def machine(path: Path) -> Machine:
    return Machine(path)


WORKED, WAITED, PREEMPTED = "SELECT slow(9, 0, 0)", "SELECT slow(0, 9, 0)", "SELECT slow(0, 0, 9)"
LONG = (
    "WITH RECURSIVE n(i) AS ({slow} UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
    " SELECT count(*) FROM n"
)


@pytest.mark.parametrize("slow", [WORKED, WAITED])
async def test_after_a_second_long_read_the_thread_reads_for_a_while(
    machine: Machine, slow: str
) -> None:
    loop_reader = await machine.loop_reader()
    assert read(loop_reader, slow) == [[(1,)]]
    assert read(loop_reader, slow) == [[(1,)]]
    assert read(loop_reader, "SELECT 1") == [None]
    machine.now += PAUSE
    assert read(loop_reader, slow) == [[(1,)]]
    assert read(loop_reader, "SELECT 1") == [None]
    await loop_reader.close()


async def test_a_preempted_process_goes_on_reading_on_the_loop(machine: Machine) -> None:
    loop_reader = await machine.loop_reader()
    for _ in range(5):
        assert read(loop_reader, PREEMPTED, "SELECT 1") == [[(1,)], [(1,)]]
    await loop_reader.close()


async def test_a_read_is_not_cut_off_because_its_process_was_preempted(machine: Machine) -> None:
    loop_reader = await machine.loop_reader()
    read(loop_reader, PREEMPTED)
    assert read(loop_reader, LONG.format(slow=PREEMPTED)) == [[(10_000,)]]
    assert read(loop_reader, LONG.format(slow=WAITED)) == [None]
    await loop_reader.close()


async def test_a_read_that_is_often_preempted_works_on_the_loop_for_a_bounded_time(
    machine: Machine,
) -> None:
    loop_reader = await machine.loop_reader()
    read(loop_reader, PREEMPTED)
    assert read(loop_reader, f"{ENDLESS} WHERE slow(0.001, 0, 0.02)") == [None]
    assert machine.used is not None
    assert machine.used.seconds < 1.0 + 100 * LONGEST
    await loop_reader.close()


async def test_without_the_systems_accounting_a_slow_read_is_a_slow_disk(machine: Machine) -> None:
    machine.used = None
    loop_reader = await machine.loop_reader()
    for _ in range(2):
        read(loop_reader, PREEMPTED)
    assert read(loop_reader, "SELECT 1") == [None]
    await loop_reader.close()


async def test_the_system_is_asked_only_for_a_minute_after_a_slow_read(machine: Machine) -> None:
    loop_reader = await machine.loop_reader()
    read(loop_reader, "SELECT 1")
    assert machine.asked == 0
    read(loop_reader, PREEMPTED)
    read(loop_reader, "SELECT 1")
    assert machine.asked == 1
    machine.now += WATCH
    read(loop_reader, "SELECT 1")
    assert machine.asked == 1
    await loop_reader.close()


def test_a_thread_that_waits_is_told_from_one_that_works() -> None:
    before = thread_usage()
    sum(range(1_000_000))
    worked = thread_usage()
    time.sleep(0.001)
    waited = thread_usage()
    assert before is not None
    assert worked is not None
    assert waited is not None
    assert worked.seconds > before.seconds
    assert waited.waits > worked.waits


async def test_what_is_wrong_with_a_statement_is_left_to_the_thread(
    loop_reader: LoopReader,
) -> None:
    assert read(loop_reader, "SELECT * FROM nothing", "SELECT 1") == [None, [(1,)]]


async def test_whoever_went_away_is_passed_over(loop_reader: LoopReader) -> None:
    gone: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()
    gone.cancel()
    assert loop_reader.answer([(gone, ("SELECT 1", ()))]) == ([], [])


async def test_after_much_work_the_rest_waits_for_the_next_turn(loop_reader: LoopReader) -> None:
    loop = asyncio.get_running_loop()
    reads: list[Read] = [(loop.create_future(), (statement, ())) for statement in (ENDLESS, GUIDS)]
    assert loop_reader.answer(reads) == (reads[:1], reads[1:])


async def test_nothing_can_be_written_in_place(loop_reader: LoopReader, path: Path) -> None:
    insert(path, SAMPLE)
    assert read(loop_reader, "DELETE FROM executions") == [None]
    assert run_sql(path, "SELECT count(*) FROM executions") == [(len(SAMPLE),)]


async def test_it_keeps_nobody_from_writing(loop_reader: LoopReader, path: Path) -> None:
    read(loop_reader, GUIDS, "SELECT * FROM nothing", GUIDS)
    insert(path, SAMPLE)
    assert run_sql(path, "PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 0


async def test_a_database_that_cannot_be_opened_is_tried_again_later(path: Path) -> None:
    away = [True]

    def connect() -> sqlite3.Connection:
        if away[0]:
            raise sqlite3.OperationalError
        return sqlite3.connect(path, check_same_thread=False)

    loop_reader = LoopReader(connect, pause=0.0)
    await loop_reader.open()
    away[0] = False
    assert read(loop_reader, "SELECT 1") == [None]
    await loop_reader.open()
    assert read(loop_reader, "SELECT 1") == [[(1,)]]
    await loop_reader.close()


async def test_nothing_is_read_in_place_after_the_end(path: Path) -> None:
    loop_reader = LoopReader(lambda: sqlite3.connect(path, check_same_thread=False))
    await loop_reader.open()
    await loop_reader.close()
    assert read(loop_reader, "SELECT 1") == [None]
