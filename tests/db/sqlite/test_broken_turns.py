"""An exception in a queue fails only the callers it concerns, and the next ones follow."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from db.database import Database, Execute
from db.deadlines import Deadlines
from db.sqlite.batching import Batcher
from db.sqlite.checkpoints import Checkpoints
from db.sqlite.database import SQLiteDatabase
from db.sqlite.file_watch import DatabaseFile
from db.sqlite.interruption import Interruptible
from tests.gateway import insert, run_sql
from tests.sample import SAMPLE

pytestmark = [pytest.mark.anyio, pytest.mark.sqlite]

RAISED = [
    RuntimeError("a fault"),
    OverflowError("too large"),
    MemoryError(),
    RecursionError(),
    StopIteration(1),
    StopAsyncIteration(),
    asyncio.CancelledError(),
    GeneratorExit(),
    KeyboardInterrupt(),
    SystemExit(1),
]
each_of_them = pytest.mark.parametrize("raised", RAISED, ids=lambda error: type(error).__name__)


async def _in_time(work: Any) -> Any:
    return await asyncio.wait_for(work, 20)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, object(), [1], 10**400])
async def test_a_value_that_the_driver_does_not_take_fails_alone(
    database: Database, value: object
) -> None:
    await database.read("SELECT 1", (), is_short=True)
    for _ in range(3):
        reads = [("SELECT 1", ()), ("SELECT ?", (value,)), ("SELECT 2", ())]
        outcomes = await _in_time(
            asyncio.gather(
                *(database.read(*each, is_short=True) for each in reads), return_exceptions=True
            )
        )
        assert list(outcomes[::2]) == [[(1,)], [(2,)]]
        assert isinstance(outcomes[1], Exception)


@each_of_them
async def test_what_breaks_off_reading_in_place_does_not_stop_the_reads(
    database: Database, monkeypatch: pytest.MonkeyPatch, raised: BaseException
) -> None:
    if isinstance(raised, KeyboardInterrupt | SystemExit):
        pytest.skip("the loop itself ends with it")
    assert isinstance(database, SQLiteDatabase)
    await database.read("SELECT 1", (), is_short=True)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)

    def broken(_reads: object) -> object:
        raise raised

    with monkeypatch.context() as patch:
        patch.setattr(database.loop_reader, "answer", broken)
        reads = [database.read("SELECT 1", (), is_short=True) for _ in range(3)]
        outcomes = await _in_time(asyncio.gather(*reads, return_exceptions=True))
        assert all(isinstance(outcome, Exception) for outcome in outcomes)
    assert await _in_time(database.read("SELECT 1", (), is_short=True)) == [(1,)]


@each_of_them
async def test_what_breaks_off_a_group_in_the_thread_does_not_stop_the_next_one(
    raised: BaseException,
) -> None:
    def run(_connection: object, works: Sequence[Any]) -> list[Any]:
        if "break" in works:
            raise raised
        return list(works)

    async with aiosqlite.connect(":memory:") as driver:
        batcher = Batcher(Interruptible(driver), run, Deadlines(60.0))
        sent = [batcher.send("break"), batcher.send("with it")]
        outcomes = await _in_time(asyncio.gather(*sent, return_exceptions=True))
        assert all(isinstance(outcome, Exception) for outcome in outcomes)
        assert await _in_time(batcher.send("after it")) == "after it"


@each_of_them
async def test_an_outcome_that_is_an_exception_is_raised(raised: BaseException) -> None:
    async with aiosqlite.connect(":memory:") as driver:
        batcher = Batcher(
            Interruptible(driver), lambda _connection, works: [raised] * len(works), None
        )
        for _ in range(2):
            [outcome] = await _in_time(asyncio.gather(batcher.send(1), return_exceptions=True))
            assert isinstance(outcome, Exception)


async def test_work_whose_outcome_is_missing_is_told_so() -> None:
    async with aiosqlite.connect(":memory:") as driver:
        batcher = Batcher(Interruptible(driver), lambda _connection, works: list(works[:1]), None)
        sent = [batcher.send(1), batcher.send(2)]
        outcomes = await _in_time(asyncio.gather(*sent, return_exceptions=True))
        assert outcomes[0] == 1
        assert isinstance(outcomes[1], RuntimeError)


@each_of_them
@pytest.mark.parametrize("others", [0, 2])
async def test_what_breaks_off_a_change_is_undone_and_the_next_change_is_made(
    database: Database, path: Path, raised: BaseException, others: int
) -> None:
    insert(path, SAMPLE)

    def change(execute: Execute) -> None:
        execute("UPDATE executions SET session_id = ? WHERE guid = ?", ("b", "guid-14"))
        raise raised

    def good(execute: Execute) -> str:
        execute("UPDATE executions SET session_id = ? WHERE guid = ?", ("g", "guid-07"))
        return "good"

    changes = [database.change(change), *(database.change(good) for _ in range(others))]
    outcomes = await _in_time(asyncio.gather(*changes, return_exceptions=True))
    assert isinstance(outcomes[0], Exception)
    assert await _in_time(database.change(good)) == "good"
    sessions = dict(run_sql(path, "SELECT guid, session_id FROM executions"))
    assert sessions["guid-07"] == "g"
    assert sessions["guid-14"] != "b"


async def test_a_deadline_that_fails_keeps_no_other_from_being_called() -> None:
    called = asyncio.Event()

    def broken() -> None:
        raise RuntimeError("a fault")

    deadlines = Deadlines(0.01)
    deadlines.start(broken)
    deadlines.start(called.set)
    await _in_time(called.wait())
    called.clear()
    deadlines.start(called.set)
    await _in_time(called.wait())


async def test_a_checkpoint_that_fails_is_followed_by_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("db.sqlite.checkpoints._PAUSE", 0.0)
    calls: list[int] = []
    done = asyncio.Event()

    async def checkpoint() -> None:
        calls.append(1)
        done.set()
        raise RuntimeError("a fault")

    checkpoints = Checkpoints(checkpoint)
    for number in (1, 2):
        done.clear()
        checkpoints.soon()
        await _in_time(done.wait())
        await asyncio.sleep(0)
        assert len(calls) == number
    await checkpoints.close()


async def test_a_file_that_can_not_be_let_go_of_is_let_go_of_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("db.sqlite.file_watch.CHECK_SECONDS", 0.001)
    name = tmp_path / "executions.db"
    name.touch()
    lost = asyncio.Event()
    attempts: list[int] = []

    def lose() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise RuntimeError("a fault")
        lost.set()

    file = DatabaseFile(str(name), lose, None)
    file.opened()
    name.unlink()
    await _in_time(lost.wait())
    file.close()
