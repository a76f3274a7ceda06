"""Behind pgbouncer in transaction mode, each transaction may run in any session."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from db.errors import ServiceUnavailable
from db.events.log import EventLog
from db.leases import Lease, LeaseLost
from db.migrations.upgrade import upgrade
from db.opening import open_database
from db.writing.old_executions import FINAL_STATES, OldExecutions, read_clock
from tests.faults.programs import wait_until
from tests.gateway import insert, run_sql, running_gateway
from tests.places import PostgresPlace, PostgresServer
from tests.poolers import MISSING, NEEDED, pooled
from tests.sample import SAMPLE

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.postgres,
    pytest.mark.skipif(
        MISSING and not os.environ.get("REQUIRE_PGBOUNCER"),
        reason=NEEDED,
    ),
    pytest.mark.skipif(
        "GATEWAY_TEST_POSTGRES_URL" in os.environ,
        reason="the pooler stands before a server of the test run's own",
    ),
]
CLIENTS = 20


@pytest.fixture
def url(place: PostgresPlace) -> Iterator[str]:
    """The database as it is reached through a pooler, in the mode for that."""
    insert(place, SAMPLE)
    with pooled(place) as reached:
        yield f"{reached.url}?statement_cache_size=0"


async def test_reads_of_many_kinds_at_once_are_each_answered_with_their_own(url: str) -> None:
    database = open_database(url, connections=CLIENTS)

    async def read(number: int) -> None:
        text = f"SELECT $1 || '{number % 7}'"
        for _ in range(20):
            assert await database.read(text, (f"{number}-",)) == [(f"{number}-{number % 7}",)]

    try:
        await asyncio.gather(*map(read, range(CLIENTS)))
    finally:
        await database.close()


async def test_a_database_is_migrated_through_a_pooler(
    server: PostgresServer, tmp_path: Path
) -> None:
    with pooled(server.new(tmp_path)) as reached:
        database = open_database(f"{reached.url}?statement_cache_size=0")
        try:
            before, _ = await upgrade(database)
            assert before is None
            await database.ping()
        finally:
            await database.close()


async def test_a_statement_has_its_limit_of_time_there_too(url: str) -> None:
    database = open_database(url, statement_timeout=0.2)
    try:
        with pytest.raises(ServiceUnavailable, match="statement_timeout"):
            await database.read("SELECT pg_sleep(30)", ())
        assert await database.read("SELECT 1", ()) == [(1,)]
    finally:
        await database.close()


@pytest.mark.parametrize("is_at_once", [True, False])
async def test_a_write_waits_for_a_lock_no_longer_than_it_may(
    place: PostgresPlace, url: str, *, is_at_once: bool
) -> None:
    database = open_database(url, busy_timeout=0.2, statement_timeout=600)
    statement, parameters = "DELETE FROM executions WHERE guid = $1", ("guid-18",)
    writing = (
        database.change_at_once(statement, parameters)
        if is_at_once
        else database.change(lambda execute: execute(statement, parameters))
    )
    try:
        with place.held(), pytest.raises(ServiceUnavailable, match="another write"):
            await writing
    finally:
        await database.close()


async def test_a_read_that_nobody_waits_for_is_ended_in_the_server_there_too(
    place: PostgresPlace, url: str
) -> None:
    database = open_database(url, connections=1, busy_timeout=600)
    asleep = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE query LIKE 'SELECT pg_sleep(3600)%' AND state = 'active'"
    )
    try:
        for _ in range(3):
            reading = asyncio.ensure_future(database.read("SELECT pg_sleep(3600)", ()))
            await asyncio.to_thread(wait_until, lambda: run_sql(place, asleep) == [(1,)])
            reading.cancel()
            assert await database.read("SELECT 1", ()) == [(1,)]
            await asyncio.to_thread(wait_until, lambda: run_sql(place, asleep) == [(0,)])
    finally:
        await database.close()


def test_a_gateway_reads_and_writes_through_a_pooler(place: PostgresPlace, url: str) -> None:
    reached = PostgresPlace(place.server, place.name)
    reached.url = url
    with running_gateway(reached) as gateway:
        assert gateway.graphql("{ executions { totalCount } }") == {
            "executions": {"totalCount": len(SAMPLE)}
        }
        assert gateway.http.put("/executions/guid-18", json={"state": "STOPPED"}).is_success
        assert gateway.http.get("/executions/guid-18").json()["state"] == "STOPPED"
        deleted: httpx.Response = gateway.http.delete("/executions/guid-18")
        assert deleted.json()["affected"] == 1


async def test_one_process_at_a_time_deletes_old_executions_through_a_pooler(url: str) -> None:
    one, another = open_database(url), open_database(url)
    leases = [Lease(database, "retention") for database in (one, another)]
    try:
        assert [await lease.acquire() for lease in leases] == [True, False]
        cutoffs = dict.fromkeys(FINAL_STATES, await read_clock(one))
        with pytest.raises(LeaseLost):
            await anext(OldExecutions(another, cutoffs).delete(leases[1].renew))
        async for _ in OldExecutions(one, cutoffs, keep_last=1).delete(leases[0].renew):
            pass
        left = await one.read("SELECT count(*) FROM executions WHERE state <> 'INPROGRESS'", ())
        assert 0 < left[0][0] < len(SAMPLE) / 2
        await leases[0].release(is_completed=True)
        assert await leases[1].acquire()
    finally:
        await one.close()
        await another.close()


async def test_many_who_look_through_a_pooler_read_events_in_one_order(
    url: str, place: PostgresPlace
) -> None:
    databases = [open_database(url, connections=4) for _ in range(3)]
    logs = [EventLog(database) for database in databases]
    starts = [await log.end() for log in logs]
    number_of_writes = 20

    async def write(writer: int) -> None:
        for number in range(number_of_writes):
            statement = (
                "INSERT INTO executions (guid, agentflow_id, state, created_on)"
                " VALUES ($1, 'flow-a', 'ERROR', 0)"
            )
            await databases[writer % 3].change_at_once(statement, (f"{writer}-{number:02}",))
            await logs[writer % 3].end()

    try:
        await asyncio.gather(*map(write, range(6)))
        end = await logs[0].end()
        read = [await log.read(start, 1_000) for log, start in zip(logs, starts, strict=True)]
        assert read[0] == read[1] == read[2]
        guids = [event.after.guid for event in read[0] if event.after]
        assert len(guids) == 6 * number_of_writes
        assert await logs[1].read(end, 1_000) == []
        for writer in range(6):
            own = [guid for guid in guids if guid.startswith(f"{writer}-")]
            assert own == [f"{writer}-{number:02}" for number in range(number_of_writes)]
        [(ticks,)] = run_sql(place, "SELECT count(*) FROM event_ticks")
        assert int(str(ticks)) > 1
    finally:
        for database in databases:
            await database.close()
