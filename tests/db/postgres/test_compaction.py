"""Every gateway compacts count deltas, even an idle one."""

import asyncio

import asyncpg
import pytest

from db.errors import ServiceUnavailable
from db.migrations.removal import remove
from db.migrations.upgrade import upgrade
from db.opening import open_database
from db.postgres.compaction import Compaction
from tests.faults.programs import wait_until
from tests.gateway import Gateway, insert, run_sql
from tests.places import Place
from tests.sample import SAMPLE

pytestmark = pytest.mark.anyio

ENOUGH = 60.0


@pytest.mark.postgres
def test_an_idle_gateway_compacts_count_deltas(gateway: Gateway) -> None:
    # Twice, so that it was idle in between.
    for _ in range(2):
        insert(gateway.place, SAMPLE)
        assert _deltas(gateway.place) > 0
        wait_until(lambda: _deltas(gateway.place) == 0, ENOUGH)
        run_sql(gateway.place, "DELETE FROM executions")
        wait_until(lambda: _deltas(gateway.place) == 0, ENOUGH)


@pytest.mark.postgres
async def test_a_database_that_was_only_migrated_is_compacted(place: Place) -> None:
    database = open_database(place.url)
    try:
        await upgrade(database)
        await asyncio.to_thread(insert, place, SAMPLE)
        await asyncio.to_thread(wait_until, lambda: _deltas(place) == 0, ENOUGH)
    finally:
        await database.close()


@pytest.mark.postgres
async def test_there_is_nothing_to_compact_once_the_tables_are_gone(place: Place) -> None:
    database = open_database(place.url)
    try:
        await upgrade(database)
        await database.catch_up()
        await remove(database)
        await database.catch_up()
    finally:
        await database.close()


@pytest.mark.postgres
async def test_tables_without_their_function_are_an_error(place: Place) -> None:
    database = open_database(place.url)
    try:
        await upgrade(database)
        await asyncio.to_thread(run_sql, place, "DROP FUNCTION gateway_fold_counts")
        with pytest.raises(asyncpg.UndefinedFunctionError):
            await database.catch_up()
    finally:
        await database.close()


def _deltas(place: Place) -> int:
    [(count,)] = run_sql(place, "SELECT count(*) FROM execution_count_notes")
    return int(str(count))


async def test_compaction_goes_on_after_an_attempt_that_failed() -> None:
    outcomes: list[int | Exception] = [3, ServiceUnavailable("away"), RuntimeError("a bug"), 0, 0]
    attempts = asyncio.Semaphore(0)

    async def compact() -> int:
        attempts.release()
        outcome = outcomes.pop(0) if outcomes else 0
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    compaction = Compaction(compact, pause=0.0, idle_pause=0.0)
    compaction.start()
    compaction.start()
    async with asyncio.timeout(ENOUGH):
        for _ in range(7):
            await attempts.acquire()
    await compaction.close()
    assert outcomes == []
