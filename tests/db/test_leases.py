"""Leases: which of all processes does a piece of work, by the database's clock."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from db.database import Database, Execute
from db.errors import ServiceUnavailable
from db.leases import LEASE_SECONDS, Lease, LeaseLost
from db.opening import open_database
from tests.faults.programs import wait_until
from tests.gateway import run_sql
from tests.places import Place

pytestmark = pytest.mark.anyio

REST = 3_600.0


@pytest.fixture
async def mine(database: Database) -> Lease:
    return Lease(database, "work")


@pytest.fixture
async def other(place: Place) -> AsyncIterator[Lease]:
    """The lease as another process sees it."""
    opened = open_database(place.url)
    yield Lease(opened, "work")
    await opened.close()


def _expire(place: Place) -> None:
    run_sql(place, "UPDATE leases SET expires_on = 1")


async def _renew(database: Database, lease: Lease) -> None:
    await database.change(lease.renew)


async def test_one_of_two_processes_takes_a_lease(mine: Lease, other: Lease) -> None:
    assert await mine.acquire()
    assert not await other.acquire()


async def test_the_holder_may_take_its_lease_again(mine: Lease) -> None:
    assert await mine.acquire()
    assert await mine.acquire()


async def test_leases_of_different_names_have_nothing_to_do_with_each_other(
    mine: Lease, database: Database
) -> None:
    assert await mine.acquire()
    assert await Lease(database, "other work").acquire()


async def test_of_many_that_ask_at_once_one_takes_it(database: Database) -> None:
    leases = [Lease(database, "work") for _ in range(20)]
    assert sum(await asyncio.gather(*(lease.acquire() for lease in leases))) == 1


async def test_a_released_lease_can_be_taken(mine: Lease, other: Lease) -> None:
    await mine.acquire()
    await mine.release(is_completed=False)
    assert await other.acquire(rest=REST)


async def test_completed_work_is_not_done_again_before_it_has_rested(
    mine: Lease, other: Lease
) -> None:
    await mine.acquire()
    await mine.release(is_completed=True)
    assert not await mine.acquire(rest=REST)
    assert not await other.acquire(rest=REST)
    assert await other.acquire()


async def test_a_process_that_does_not_hold_a_lease_can_not_release_it(
    mine: Lease, other: Lease
) -> None:
    await mine.acquire()
    await other.release(is_completed=True)
    assert not await other.acquire()
    assert await mine.acquire(rest=REST)


async def test_an_expired_lease_can_be_taken(mine: Lease, other: Lease, place: Place) -> None:
    await mine.acquire()
    _expire(place)
    assert await other.acquire()


async def test_a_renewed_lease_lasts_again(
    mine: Lease, other: Lease, place: Place, database: Database
) -> None:
    await mine.acquire()
    _expire(place)
    await _renew(database, mine)
    assert not await other.acquire()


async def test_who_has_lost_a_lease_learns_it_in_the_next_change(
    mine: Lease, other: Lease, place: Place, database: Database
) -> None:
    await mine.acquire()
    _expire(place)
    await other.acquire()
    run_sql(place, "INSERT INTO agentflows (id, name) VALUES ('flow', 'before')")

    def change(execute: Execute) -> None:
        execute("UPDATE agentflows SET name = 'after'", ())
        mine.renew(execute)

    with pytest.raises(LeaseLost):
        await database.change(change)
    assert run_sql(place, "SELECT name FROM agentflows") == [("before",)]


async def test_a_lease_can_be_taken_over_from_its_holder(
    mine: Lease, other: Lease, database: Database
) -> None:
    await mine.acquire()
    await other.take_over()
    with pytest.raises(LeaseLost):
        await _renew(database, mine)
    assert not await mine.acquire()


async def test_nobody_comes_between_who_takes_a_lease_over_and_the_lease(
    mine: Lease, other: Lease, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    transact = database.transact

    async def transact_and_be_overtaken(work: Any) -> Any:
        done = await transact(work)
        await other.acquire()
        return done

    with monkeypatch.context() as patch:
        patch.setattr(database, "transact", transact_and_be_overtaken)
        await mine.take_over()
    await _renew(database, mine)


async def test_a_lease_from_before_the_clock_was_set_back_does_not_hold(
    mine: Lease, other: Lease, place: Place
) -> None:
    await mine.acquire()
    run_sql(place, "UPDATE leases SET expires_on = expires_on + 86400000")
    assert await other.acquire()


async def test_work_that_was_completed_in_the_future_is_done_again(
    mine: Lease, other: Lease, place: Place
) -> None:
    await mine.acquire()
    await mine.release(is_completed=True)
    run_sql(place, "UPDATE leases SET completed_on = completed_on + 86400000")
    assert await other.acquire(rest=REST)


@pytest.mark.postgres
async def test_nobody_takes_a_lease_while_a_change_that_renewed_it_runs(
    mine: Lease, other: Lease, place: Place, database: Database
) -> None:
    await mine.acquire()
    asking: list[asyncio.Task[bool]] = []
    began, loop = asyncio.Event(), asyncio.get_running_loop()

    def change(execute: Execute) -> None:
        mine.renew(execute)
        # Another process still sees the expired lease, and waits for this transaction.
        loop.call_soon(began.set)
        execute("SELECT pg_sleep(0.2)", ())

    _expire(place)
    changing = asyncio.ensure_future(database.change(change))
    await began.wait()
    asking.append(asyncio.create_task(other.acquire()))
    await changing
    assert await asking[0] is False


@pytest.mark.postgres
async def test_the_server_ends_the_change_of_a_process_that_was_stopped_within_it(
    database: Database, other: Lease, place: Place
) -> None:
    lease = Lease(database, "work", seconds=0.01)
    await lease.acquire()
    run_sql(place, "INSERT INTO agentflows (id, name) VALUES ('flow', 'before')")

    def change(execute: Execute) -> None:
        lease.renew(execute)
        execute("UPDATE agentflows SET name = 'after'", ())
        # The loop stands still meanwhile, as it does in a process that was stopped.
        wait_until(lambda: _is_free(place))
        execute("UPDATE agentflows SET name = 'later'", ())

    with pytest.raises(ServiceUnavailable):
        await database.change(change)
    assert run_sql(place, "SELECT name FROM agentflows") == [("before",)]
    assert await other.acquire()


def _is_free(place: Place) -> bool:
    return bool(run_sql(place, "SELECT 1 FROM leases FOR UPDATE SKIP LOCKED"))


async def test_a_lease_can_be_taken_when_its_row_is_gone(
    mine: Lease, other: Lease, place: Place, database: Database
) -> None:
    await mine.acquire()
    run_sql(place, "DELETE FROM leases")
    with pytest.raises(LeaseLost):
        await _renew(database, mine)
    assert await other.acquire()


async def test_the_clock_is_that_of_the_database(mine: Lease, place: Place) -> None:
    await mine.acquire()
    now = "strftime('%s', 'now')" if "sqlite" in place.url else "extract(epoch FROM now())"
    [(left,)] = run_sql(place, f"SELECT expires_on / 1000 - CAST({now} AS bigint) FROM leases")
    assert 0 <= left <= LEASE_SECONDS
