"""The pool lends a connection to one caller at a time, within its size, and never a broken one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from db.errors import ServiceUnavailable
from db.postgres.connection_pool import Pool
from tests.gateway import run_sql
from tests.places import Place
from tests.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

SIZE = 2
SESSIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'pool'"
)


@pytest.fixture
def connect(place: Place) -> Callable[[], Awaitable[Any]]:
    return lambda: asyncpg.connect(place.url, server_settings={"application_name": "pool"})


@pytest.fixture
async def pool(connect: Callable[[], Awaitable[Any]]) -> AsyncIterator[Pool]:
    opened = Pool(connect, SIZE, 5.0)
    yield opened
    await opened.close()


async def _process(pool: Pool) -> int:
    async with pool.acquire() as connection:
        process: int = connection.get_server_pid()
        return process


async def test_nothing_is_opened_before_it_is_needed(pool: Pool, place: Place) -> None:
    assert run_sql(place, SESSIONS) == [(0,)]
    assert (pool.size, pool.in_use, pool.waiting) == (SIZE, 0, 0)


async def test_one_after_the_other_shares_a_connection(pool: Pool) -> None:
    assert len({await _process(pool) for _ in range(5)}) == 1


async def test_no_more_are_opened_than_there_may_be(pool: Pool, place: Place) -> None:
    seen: list[int] = []

    async def use() -> None:
        async with pool.acquire() as connection:
            seen.append(pool.in_use)
            await connection.fetch("SELECT pg_sleep(0.001)")

    await asyncio.gather(*(use() for _ in range(50)))
    assert max(seen) == SIZE
    assert run_sql(place, SESSIONS) == [(SIZE,)]
    assert (pool.in_use, pool.waiting) == (0, 0)


async def test_whoever_came_first_is_served_first(pool: Pool) -> None:
    served: list[int] = []

    async def use(number: int) -> None:
        async with pool.acquire() as connection:
            served.append(number)
            await connection.fetch("SELECT 1")

    await asyncio.gather(*(_process(pool) for _ in range(SIZE)))
    await asyncio.gather(*(use(number) for number in range(20)))
    assert served == list(range(20))


async def test_waiting_is_bounded(connect: Callable[[], Awaitable[Any]]) -> None:
    hasty = Pool(connect, 1, 0.05)
    async with hasty.acquire():
        with pytest.raises(ServiceUnavailable, match="busy"):
            await _process(hasty)
        assert hasty.waiting == 0
    assert await _process(hasty)
    await hasty.close()


async def test_whoever_stops_waiting_keeps_nobody_from_a_connection(pool: Pool) -> None:
    async with pool.acquire(), pool.acquire():
        waiting = [asyncio.ensure_future(_process(pool)) for _ in range(3)]
        await until(lambda: pool.waiting == 3)
        waiting[0].cancel()
    # One is cancelled at the very moment when it could go on.
    waiting[1].cancel()
    assert await waiting[2]
    assert pool.in_use == 0


async def test_a_connection_that_was_closed_by_the_server_is_not_lent_again(
    pool: Pool, place: Place
) -> None:
    async with pool.acquire() as connection:
        await connection.fetch("SELECT 1")
    process = connection.get_server_pid()
    run_sql(place, f"SELECT pg_terminate_backend({process})")
    await until(connection.is_closed)
    assert await _process(pool) != process


async def test_when_one_breaks_the_idle_ones_are_not_trusted(pool: Pool, place: Place) -> None:
    async with pool.acquire() as first, pool.acquire() as second:
        processes = {first.get_server_pid(), second.get_server_pid()}
    with pytest.raises(asyncpg.PostgresError):
        async with pool.acquire() as connection:
            await connection.fetch("SELECT pg_terminate_backend(pg_backend_pid())")
    async with pool.acquire() as first, pool.acquire() as second:
        assert not processes & {first.get_server_pid(), second.get_server_pid()}
    assert run_sql(place, SESSIONS) == [(SIZE,)]


async def test_a_connection_that_was_left_in_a_transaction_is_not_lent_again(
    pool: Pool, place: Place
) -> None:
    async with pool.acquire() as connection:
        await connection.execute("BEGIN")
        await connection.execute("INSERT INTO agentflows (id, name) VALUES ('flow-1', 'Support')")
    assert await _process(pool) != connection.get_server_pid()
    assert run_sql(place, "SELECT * FROM agentflows") == []


async def test_a_statement_that_is_refused_costs_no_connection(pool: Pool) -> None:
    process = await _process(pool)
    with pytest.raises(asyncpg.UndefinedTableError):
        async with pool.acquire() as connection:
            await connection.fetch("SELECT * FROM nothing")
    assert await _process(pool) == process


async def test_a_statement_that_nobody_waits_for_is_ended_in_the_server(
    pool: Pool, place: Place
) -> None:
    async def sleep() -> None:
        async with pool.acquire() as connection:
            await connection.fetch("SELECT pg_sleep(3600)")

    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)'"
    asleep = asyncio.ensure_future(sleep())
    await until(lambda: run_sql(place, running) == [(1,)])
    asleep.cancel()
    await until(lambda: run_sql(place, running) == [(0,)])
    with pytest.raises(asyncio.CancelledError):
        await asleep
    await until(lambda: pool.in_use == 0)


async def test_a_connection_that_can_not_be_opened_leaves_its_place(place: Place) -> None:
    failures = 2 * SIZE

    async def connect() -> Any:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise ConnectionRefusedError
        return await asyncpg.connect(place.url)

    pool = Pool(connect, SIZE, 5.0)
    outcomes = await asyncio.gather(
        *(_process(pool) for _ in range(3 * SIZE)), return_exceptions=True
    )
    assert sum(isinstance(outcome, OSError) for outcome in outcomes) == 2 * SIZE
    assert pool.in_use == 0
    await pool.close()


async def test_closing_waits_for_what_is_lent(pool: Pool, place: Place) -> None:
    async with pool.acquire() as connection:
        closing = asyncio.ensure_future(pool.close())
        assert await connection.fetchval("SELECT 1") == 1
        assert not closing.done()
        with pytest.raises(ServiceUnavailable):
            await _process(pool)
    await closing
    assert run_sql(place, SESSIONS) == [(0,)]
