"""Short reads share a connection in batches: each gets its own result, and none blocks the rest."""

import asyncio
from pathlib import Path

import pytest

from db.database import Database
from db.deadlines import Deadlines
from db.errors import ServiceUnavailable, TookTooLong
from db.opening import open_database
from tests.gateway import insert
from tests.sample import SAMPLE

pytestmark = [pytest.mark.anyio, pytest.mark.sqlite]

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


async def test_each_of_many_reads_gets_its_own_rows(database: Database, path: Path) -> None:
    insert(path, SAMPLE)
    statement = "SELECT guid FROM executions WHERE id = ?"
    found = await asyncio.gather(
        *(database.read(statement, (row.id,), is_short=True) for row in SAMPLE)
    )
    assert found == [[(row.guid,)] for row in SAMPLE]


async def test_a_read_that_fails_fails_alone(database: Database) -> None:
    outcomes = await asyncio.gather(
        database.read("SELECT 1", (), is_short=True),
        database.read("SELECT * FROM nothing", (), is_short=True),
        database.read("SELECT 2", (), is_short=True),
        return_exceptions=True,
    )
    assert list(outcomes[::2]) == [[(1,)], [(2,)]]
    assert isinstance(outcomes[1], ServiceUnavailable)


async def test_a_read_that_is_not_short_after_all_is_interrupted(path: Path) -> None:
    hasty = open_database(f"sqlite:///{path}", statement_timeout=0.1)
    await hasty.read("SELECT 1", (), is_short=True)
    outcomes = await asyncio.gather(
        hasty.read(ENDLESS, (), is_short=True),
        hasty.read("SELECT 1", (), is_short=True),
        hasty.read(ENDLESS, (), is_short=True),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [
        TookTooLong,
        list,
        TookTooLong,
    ]
    await hasty.close()


async def test_whoever_goes_away_keeps_nobody_from_an_answer(database: Database) -> None:
    await database.read("SELECT 1", (), is_short=True)
    reads = [
        asyncio.ensure_future(database.read("SELECT ?", (n,), is_short=True)) for n in range(5)
    ]
    await asyncio.sleep(0)
    reads[1].cancel()
    reads[3].cancel()
    outcomes = await asyncio.gather(*reads, return_exceptions=True)
    assert outcomes[::2] == [[(0,)], [(2,)], [(4,)]]


async def test_a_long_read_whose_reader_went_away_does_not_end_the_next_one(path: Path) -> None:
    database = open_database(f"sqlite:///{path}", readers=1, statement_timeout=1.0)
    await database.read("SELECT 1", (), is_short=True)
    first = asyncio.ensure_future(database.read("SELECT 1", ()))
    await asyncio.sleep(0)
    first.cancel()
    longer = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000)"
    began = asyncio.get_running_loop().time()
    # Again and again, until the time that the first one had is long over.
    while asyncio.get_running_loop().time() - began < 1.2:
        assert await database.read(f"{longer} SELECT count(*) FROM n", ()) == [(200000,)]
    await database.close()


async def test_what_ends_in_time_is_not_called() -> None:
    called: list[str] = []
    deadlines = Deadlines(0.02)
    early = deadlines.start(lambda: called.append("early"))
    deadlines.start(lambda: called.append("late"))
    assert deadlines.end(early)
    late = deadlines.start(lambda: called.append("late too"))
    await asyncio.sleep(0.06)
    assert called == ["late", "late too"]
    assert not deadlines.end(late)


async def test_after_the_last_deadline_another_one_can_be_started() -> None:
    called: list[int] = []
    deadlines = Deadlines(0.01)
    for number in range(3):
        deadlines.start(lambda number=number: called.append(number))  # type: ignore[misc]
        await asyncio.sleep(0.03)
    assert called == [0, 1, 2]
