"""The reads of a snapshot see one state of the database, whatever is written between them."""

import asyncio

import pytest

from db.database import Database
from db.errors import ServiceUnavailable, TookTooLong
from db.opening import open_database
from tests.gateway import run_sql
from tests.places import Place
from tests.waiting import until

pytestmark = pytest.mark.anyio

COUNT = "SELECT count(*) FROM agentflows"


def _add(place: Place) -> None:
    run_sql(place, "INSERT INTO agentflows SELECT 'flow-' || count(*), 'name' FROM agentflows")


async def _count(database: Database) -> int:
    [(count,)] = await database.read(COUNT, (), is_short=True)
    return int(count)


def _in_use(database: Database) -> float:
    return sum(
        metric.value() for metric in database.metrics() if metric.labels.get("state") == "in_use"
    )


async def test_a_write_between_two_reads_shows_in_neither(database: Database, place: Place) -> None:
    async with database.snapshot():
        before = await _count(database)
        await asyncio.to_thread(_add, place)
        assert await _count(database) == before
    assert await _count(database) == before + 1


async def test_it_is_the_state_at_the_first_read(database: Database, place: Place) -> None:
    async with database.snapshot():
        await asyncio.to_thread(_add, place)
        assert await _count(database) == 1


async def test_tasks_that_are_started_in_it_read_the_same_state(
    database: Database, place: Place
) -> None:
    async with database.snapshot():
        first, *others = [asyncio.create_task(_count(database)) for _ in range(5)]
        counts = [await first]
        await asyncio.to_thread(_add, place)
        counts += await asyncio.gather(*others, _count(database))
    assert counts == [0] * 6


async def test_others_read_what_is_written_meanwhile(database: Database, place: Place) -> None:
    other = asyncio.Event()

    async def read() -> int:
        await other.wait()
        return await _count(database)

    reading = asyncio.create_task(read())
    async with database.snapshot():
        await _count(database)
        await asyncio.to_thread(_add, place)
        other.set()
        assert await reading == 1
        assert await _count(database) == 0


async def test_the_latest_state_can_be_read_within_it(database: Database, place: Place) -> None:
    async with database.snapshot():
        await _count(database)
        await asyncio.to_thread(_add, place)
        assert [tuple(row) for row in await database.read_latest(COUNT, ())] == [(1,)]


async def test_one_within_another_is_the_same(database: Database, place: Place) -> None:
    async with database.snapshot():
        await _count(database)
        await asyncio.to_thread(_add, place)
        async with database.snapshot():
            assert await _count(database) == 0
        assert await _count(database) == 0


async def test_a_task_that_outlives_it_reads_what_is_there_then(
    database: Database, place: Place
) -> None:
    ended = asyncio.Event()

    async def read() -> int:
        await ended.wait()
        return await _count(database)

    async with database.snapshot():
        reading = asyncio.create_task(read())
        await _count(database)
    await asyncio.to_thread(_add, place)
    ended.set()
    assert await reading == 1


async def test_one_that_reads_nothing_takes_no_connection(database: Database) -> None:
    async with database.snapshot():
        assert _in_use(database) == 0


async def test_its_connection_is_given_back_at_its_end(database: Database) -> None:
    for _ in range(30):
        async with database.snapshot():
            await _count(database)
    await until(lambda: _in_use(database) == 0)


async def test_its_connection_writes_nothing(database: Database, place: Place) -> None:
    async with database.snapshot():
        with pytest.raises(Exception, match=r"read-?only|can only be read"):
            await database.read(
                "INSERT INTO agentflows (id, name) VALUES ('flow', 'name') RETURNING id", ()
            )
    assert run_sql(place, COUNT) == [(0,)]


async def test_reads_without_one_go_on_however_many_there_are(database: Database) -> None:
    enough = asyncio.Event()

    async def hold() -> int:
        async with database.snapshot():
            count = await _count(database)
            await enough.wait()
        return count

    holding = [asyncio.create_task(hold()) for _ in range(40)]
    await until(lambda: _in_use(database) >= 2)
    async with asyncio.timeout(60):
        assert await asyncio.gather(*(_count(database) for _ in range(40))) == [0] * 40
        statement = f"{COUNT} WHERE 1 = 1"
        assert [len(await database.read(statement, ())) for _ in range(10)] == [1] * 10
    enough.set()
    assert await asyncio.gather(*holding) == [0] * 40


async def test_who_waits_for_one_for_too_long_is_told_that_the_database_is_busy(
    place: Place,
) -> None:
    database = open_database(place.url, busy_timeout=0.05)
    enough = asyncio.Event()

    async def hold() -> None:
        async with database.snapshot():
            await _count(database)
            await enough.wait()

    holding = [asyncio.create_task(hold()) for _ in range(20)]
    done, _ = await asyncio.wait(holding, timeout=60, return_when=asyncio.FIRST_EXCEPTION)
    with pytest.raises(ServiceUnavailable, match="busy"):
        await next(iter(done))
    enough.set()
    await asyncio.gather(*holding, return_exceptions=True)
    assert await _count(database) == 0
    await database.close()


def _endless(place: Place) -> str:
    if "sqlite" in place.url:
        return (
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT count(*) FROM n"
        )
    return "SELECT pg_sleep(3600)"


async def test_a_statement_that_takes_too_long_is_ended_and_so_is_the_snapshot(
    place: Place,
) -> None:
    database = open_database(place.url, statement_timeout=0.1)
    async with database.snapshot():
        await _count(database)
        with pytest.raises(TookTooLong):
            await database.read(_endless(place), ())
        with pytest.raises(ServiceUnavailable, match="part of the same operation"):
            await _count(database)
    await until(lambda: _in_use(database) == 0)
    async with database.snapshot():
        assert await _count(database) == 0
    await database.close()


async def test_a_statement_whose_caller_is_gone_is_ended(database: Database, place: Place) -> None:
    began = asyncio.Event()

    async def read() -> None:
        async with database.snapshot():
            await _count(database)
            database.on_read = lambda *_: began.set()
            await database.read(_endless(place), ())

    reading = asyncio.create_task(read())
    await began.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await until(lambda: _in_use(database) == 0)
    assert await _count(database) == 0


async def test_cancelling_at_any_moment_loses_no_connection(database: Database) -> None:
    async def read() -> None:
        async with database.snapshot():
            await asyncio.gather(*(_count(database) for _ in range(3)))

    for steps in range(60):
        reading = asyncio.create_task(read())
        for _ in range(steps):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    await until(lambda: _in_use(database) == 0)
    for _ in range(10):
        await read()


async def test_closing_waits_for_its_end(place: Place) -> None:
    database = open_database(place.url)
    async with database.snapshot():
        await _count(database)
        closing = asyncio.create_task(database.close())
        for _ in range(100):
            await asyncio.sleep(0)
        assert not closing.done()
        assert await _count(database) == 0
    await asyncio.wait_for(closing, 60)


@pytest.mark.postgres
async def test_a_connection_that_broke_while_it_was_idle_is_replaced(
    database: Database, place: Place
) -> None:
    await _count(database)
    await asyncio.to_thread(
        run_sql,
        place,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'executions-gateway' AND datname = current_database()",
    )
    async with database.snapshot():
        assert await _count(database) == 0
