"""Transactions of Flowise and of the gateway that overlap: Flowise is never the one that fails."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from db.database import Database
from db.errors import ServiceUnavailable
from db.executions import Executions
from db.flowise.postgres_sides import PostgresSides
from db.flowise.tables import find_tables
from db.models import ExecutionState
from db.reading.filters import Condition
from tests.db.events.outbox import events_in, replay, rows_in
from tests.db.flowise.postgres import check_sides, connected, identity, insert, install
from tests.flowise_tables import create_flowise
from tests.places import PostgresPlace

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

ONE, TWO = identity(1), identity(2)
_UPDATE = "UPDATE execution SET state = '{}', \"updatedDate\" = clock_timestamp() WHERE id = '{}'"
_WAITS = "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'"


@pytest.fixture
async def sides(place: PostgresPlace, database: Database) -> PostgresSides:
    """An attached database with two executions."""
    sides = await install(place, database)
    async with connected(place) as flowise:
        await flowise.execute(insert(ONE, TWO))
    return sides


@contextlib.asynccontextmanager
async def _three(place: PostgresPlace) -> AsyncIterator[tuple[Any, Any, Any]]:
    """Connections of Flowise, of the gateway, and one to look, which find deadlocks at once."""
    at_once = {"deadlock_timeout": "10ms"}
    async with (
        connected(place, **at_once) as flowise,
        connected(place, deadlock_timeout="10s") as gateway,
        connected(place) as other,
    ):
        yield flowise, gateway, other


async def _until(connection: Any, is_so: str, *values: object) -> None:
    """Look until a SELECT returns true."""
    for _ in range(2000):
        if await connection.fetchval(is_so, *values):
            return
        await asyncio.sleep(0.005)
    raise AssertionError(is_so)


async def _until_it_waits(other: Any, connection: Any) -> None:
    """Look until a connection waits for a lock."""
    await _until(other, _WAITS, connection.get_server_pid())


async def _check(sides: PostgresSides, other: Any) -> None:
    while await sides.catch_up():
        pass
    await check_sides(other)
    assert not await other.fetchval("SELECT count(*) FROM flowise_not_yet")


async def test_a_change_of_what_flowise_is_changing_fails_at_once_and_flowise_goes_on(
    place: PostgresPlace, sides: PostgresSides
) -> None:
    async with _three(place) as (flowise, gateway, other):
        await gateway.execute("BEGIN")
        await gateway.execute(f"SELECT FROM executions WHERE guid = '{ONE}' FOR UPDATE")
        change = asyncio.create_task(flowise.execute(_UPDATE.format("FINISHED", ONE)))
        await _until_it_waits(other, flowise)
        with pytest.raises(asyncpg.LockNotAvailableError):
            await gateway.execute(f"UPDATE executions SET state = 'STOPPED' WHERE guid = '{ONE}'")
        await gateway.execute("ROLLBACK")
        await change
        await _check(sides, other)
        assert (
            await other.fetchval("SELECT state FROM executions WHERE guid = $1", ONE) == "FINISHED"
        )


async def test_a_deadlock_with_the_gateway_does_not_undo_what_flowise_writes(
    place: PostgresPlace, sides: PostgresSides
) -> None:
    async with _three(place) as (flowise, gateway, other):
        await flowise.execute("BEGIN")
        await flowise.execute(_UPDATE.format("FINISHED", TWO))
        await gateway.execute("BEGIN")
        await gateway.execute(f"SELECT FROM executions WHERE guid = '{ONE}' FOR UPDATE")
        change = asyncio.create_task(
            gateway.execute(f"SELECT FROM executions WHERE guid = '{TWO}' FOR UPDATE")
        )
        await _until_it_waits(other, gateway)
        await flowise.execute(_UPDATE.format("ERROR", ONE))
        await flowise.execute("COMMIT")
        await change
        await gateway.execute("ROLLBACK")
        states = await other.fetch("SELECT state FROM execution ORDER BY id")
        assert [state for (state,) in states] == ["ERROR", "FINISHED"]
        await _check(sides, other)


async def test_flowise_does_not_wait_for_a_gateway_that_holds_a_row_for_ever(
    place: PostgresPlace, sides: PostgresSides
) -> None:
    async with _three(place) as (_, gateway, other), connected(place) as flowise:
        await gateway.execute("BEGIN")
        await gateway.execute(f"SELECT FROM executions WHERE guid = '{ONE}' FOR UPDATE")
        await flowise.execute(_UPDATE.format("FINISHED", ONE))
        assert await other.fetchval("SELECT count(*) FROM flowise_not_yet") == 1
        await gateway.execute("ROLLBACK")
        await _check(sides, other)


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize(
    "write", [_UPDATE.format("FINISHED", ONE), f"DELETE FROM execution WHERE id = '{ONE}'"]
)
async def test_what_flowise_writes_while_rows_are_copied_is_not_lost(
    place: PostgresPlace, database: Database, write: str, isolation: str, end: str
) -> None:
    create_flowise(place)
    sides = PostgresSides(database, await find_tables(database))
    async with _three(place) as (flowise, _, other):
        await flowise.execute(insert(ONE, TWO, identity(3)))
        await sides.install()
        await flowise.execute(f"BEGIN ISOLATION LEVEL {isolation}")
        await flowise.execute("SELECT FROM execution")
        # Before what is copied is written, and while it is.
        for number, copied in ((1, ONE), (2, TWO)):
            if number == 1:
                await flowise.execute(write)
            await sides.copy_batch("" if number == 1 else ONE, 1)
            if number == 2:
                await flowise.execute(write.replace(ONE, copied))
        await flowise.execute(end)
        await sides.copy_batch(TWO, 10)
        await _check(sides, other)


async def test_triggers_wait_until_open_transactions_of_flowise_have_ended(
    place: PostgresPlace, database: Database
) -> None:
    create_flowise(place)
    sides = PostgresSides(database, await find_tables(database))
    async with _three(place) as (flowise, _, other):
        await flowise.execute("BEGIN")
        await flowise.execute(insert(ONE))
        installing = asyncio.create_task(sides.install())
        await _until(other, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")
        # Others get through in between.
        await other.execute(insert(TWO))
        await flowise.execute("COMMIT")
        await installing
        await sides.copy_batch("", 10)
        await _check(sides, other)


async def test_writers_of_both_sides_end_with_equal_sides_and_flowise_never_fails(
    place: PostgresPlace, database: Database
) -> None:
    sides = await install(place, database)
    executions = Executions(database)
    chosen = random.Random(7)
    all_ids = [identity(number) for number in range(18)]

    async def flowise(own: list[str]) -> None:
        """What concerns others' rows can't be in the way: each has its own."""
        async with connected(place, deadlock_timeout="10ms") as connection:
            for _ in range(60):
                statements = [
                    chosen.choice(
                        (
                            f"{insert(one)} ON CONFLICT (id) DO UPDATE SET state = 'INPROGRESS'",
                            insert(*own) + " ON CONFLICT DO NOTHING",
                            _UPDATE.format("FINISHED", one),
                            _UPDATE.format("ERROR", one),
                            f"DELETE FROM execution WHERE id IN ('{one}', '{own[0]}')",
                        )
                    )
                    for one in chosen.choices(own, k=chosen.randint(1, 3))
                ]
                async with connection.transaction():
                    for statement in statements:
                        await connection.execute(statement)

    async def gateway(number: int) -> None:
        for _ in range(25):
            guids = chosen.sample(all_ids, 4)
            state = chosen.choice([ExecutionState.TERMINATED, ExecutionState.STOPPED])
            work = (
                executions.update(guids, state),
                executions.update(guids[:1], state, ExecutionState.INPROGRESS),
                executions.delete(guids[:2]),
                executions.update_matching(Condition("state", "eq", ExecutionState.ERROR), state),
            )
            # A busy database is what the caller is told of.
            with contextlib.suppress(ServiceUnavailable):
                await work[number]
            for other in work[:number] + work[number + 1 :]:
                other.close()

    owned = [all_ids[start::3] for start in range(3)]
    async with asyncio.TaskGroup() as group:
        for own in owned:
            group.create_task(flowise(own))
        for number in range(4):
            group.create_task(gateway(number))
    async with connected(place) as other:
        await _check(sides, other)
    copy: dict[str, Any] = {}
    replay(events_in(place), copy)
    assert copy == rows_in(place)
