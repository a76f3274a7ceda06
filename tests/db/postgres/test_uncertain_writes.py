"""A write with an unknown outcome is reported as uncertain, and is not repeated."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.database import Database, Execute
from db.errors import ServiceUnavailable, TookTooLong, UncertainWrite
from db.opening import open_database
from tests.faults.programs import wait_until
from tests.faults.proxies import Proxy, proxy
from tests.gateway import run_sql
from tests.places import PostgresPlace

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

WRITE = "INSERT INTO agentflows (id, name) VALUES ($1, 'Support')"
ENOUGH = 60.0


@pytest.fixture
def network(place: PostgresPlace) -> Iterator[Proxy]:
    with proxy(place.server.socket) as between:
        yield between


@pytest.fixture
async def database(place: PostgresPlace, network: Proxy) -> AsyncIterator[Database]:
    opened = open_database(
        f"postgresql://postgres@127.0.0.1:{network.port}/{place.name}",
        statement_timeout=0.5,
        busy_timeout=ENOUGH,
        connections=2,
    )
    await opened.read("SELECT 1", ())
    yield opened
    network.mend()
    await opened.close()


def _flows(place: PostgresPlace) -> list[tuple[Any, ...]]:
    return run_sql(place, "SELECT id FROM agentflows ORDER BY id")


def _changing(then: Callable[[], None]) -> Callable[[Execute], None]:
    def change(execute: Execute) -> None:
        execute(WRITE, ("changed",))
        then()

    return change


def _transacting(then: Callable[[], None]) -> Callable[[AsyncConnection], Any]:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(
            text("INSERT INTO agentflows (id, name) VALUES ('transacted', 'Support')")
        )
        then()

    return work


# A network that loses what was sent before its answer came


async def test_a_statement_that_is_a_change_and_has_no_answer_may_have_been_made(
    database: Database, network: Proxy
) -> None:
    network.cut()
    with pytest.raises(UncertainWrite, match=r"too long.*may have been made.*look before you try"):
        await database.change_at_once(WRITE, ("at once",))


async def test_a_commit_that_has_no_answer_may_have_been_made(
    database: Database, network: Proxy
) -> None:
    with pytest.raises(UncertainWrite, match="may have been made"):
        await database.change(_changing(network.cut))


async def test_a_commit_of_something_rare_that_has_no_answer_may_have_been_made(
    database: Database, network: Proxy
) -> None:
    with pytest.raises(UncertainWrite, match="may have been made"):
        await database.transact(_transacting(network.cut))


async def test_a_commit_whose_connection_breaks_may_have_been_made(
    database: Database, network: Proxy
) -> None:
    with pytest.raises(UncertainWrite, match=r"broke.*may have been made"):
        await database.change(_changing(network.reset))
    with pytest.raises(UncertainWrite, match=r"broke.*may have been made"):
        await database.transact(_transacting(network.reset))


async def test_what_was_made_although_nobody_heard_of_it_is_made_once(
    database: Database, network: Proxy, place: PostgresPlace
) -> None:
    run_sql(place, "CREATE TABLE made (id text)")
    insert = "INSERT INTO made VALUES ($1)"
    # It is known to the server from here on, and sent in one go.
    await database.change_at_once(insert, ("before",))
    network.lose_answers()
    with pytest.raises(UncertainWrite):
        await database.change_at_once(insert, ("one",))
    network.mend()
    assert await database.read("SELECT id FROM made", ()) == [("before",), ("one",)]


# Where it is known


async def test_a_connection_that_breaks_before_the_commit_leaves_nothing(
    database: Database, network: Proxy, place: PostgresPlace
) -> None:
    def change(execute: Execute) -> None:
        execute(WRITE, ("changed",))
        network.reset()
        execute(WRITE, ("changed too",))

    with pytest.raises(ServiceUnavailable) as told:
        await database.change(change)
    assert not isinstance(told.value, UncertainWrite)
    assert _flows(place) == []


@pytest.mark.parametrize("is_at_once", [True, False])
async def test_a_write_that_the_server_ends_because_it_takes_too_long_was_undone(
    database: Database, place: PostgresPlace, *, is_at_once: bool
) -> None:
    slow = f"{WRITE[: WRITE.index('VALUES')]} SELECT $1, pg_sleep(3600)::text"
    writing = (
        database.change_at_once(slow, ("slow",))
        if is_at_once
        else database.change(lambda execute: execute(slow, ("slow",)))
    )
    with pytest.raises(TookTooLong, match="nothing was changed"):
        await writing
    assert _flows(place) == []


async def test_a_write_that_never_had_a_connection_was_not_made(
    database: Database, network: Proxy
) -> None:
    network.close_door()
    # The connection that is there turns out to be dead.
    with pytest.raises(ServiceUnavailable):
        await database.read("SELECT 1", ())
    with pytest.raises(ServiceUnavailable) as told:
        await database.change_at_once(WRITE, ("never",))
    assert not isinstance(told.value, UncertainWrite)


# Reads that nobody waits for any more


async def test_a_read_that_nobody_waits_for_is_ended_and_keeps_nobody_waiting(
    place: PostgresPlace,
) -> None:
    single = open_database(place.url, connections=1, busy_timeout=ENOUGH)
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(3600)%'"
    try:
        for _ in range(3):
            reading = asyncio.ensure_future(single.read("SELECT pg_sleep(3600)", ()))
            await asyncio.to_thread(wait_until, lambda: run_sql(place, asleep) == [(1,)], ENOUGH)
            reading.cancel()
            async with asyncio.timeout(ENOUGH):
                assert await single.read("SELECT 1", ()) == [(1,)]
            assert await asyncio.to_thread(run_sql, place, asleep) == [(0,)]
    finally:
        await single.close()


async def test_what_is_cancelled_late_ends_no_other_statement(place: PostgresPlace) -> None:
    database = open_database(place.url, connections=2, busy_timeout=ENOUGH)
    short = "SELECT count(*) FROM generate_series(1, 20000)"

    async def given_up(turns: int) -> None:
        reading = asyncio.ensure_future(database.read(short, ()))
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])

    async def read() -> None:
        for _ in range(20):
            assert await database.read(short, ()) == [(20000,)]

    try:
        for turns in range(1, 20):
            await asyncio.gather(given_up(turns), given_up(2 * turns), read())
    except asyncpg.QueryCanceledError as error:  # pragma: no cover - what must not come
        pytest.fail(str(error))
    finally:
        await database.close()
