"""Whoever listens is woken by changes, and no change fails or waits because of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.db.postgres.tick_sessions import INSERT, Sessions, guids, sessions_to, tick
from tests.gateway import migrate
from tests.places import PostgresPlace, PostgresServer, postgres_server

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


class Listener:
    """What a connection that listens is told, in order."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._told: list[str] = []
        self._is_marked = asyncio.Event()

    async def listen(self) -> None:
        await self._connection.add_listener("gateway_events", self._tell)
        await self._connection.add_listener("marks", self._mark)

    def _tell(self, _connection: Any, _process: int, _channel: str, payload: str) -> None:
        self._told.append(payload)

    def _mark(self, *_: Any) -> None:
        self._is_marked.set()

    async def told(self, by: Any) -> int:
        """How often it has been told of events since it was last asked.

        ``by`` is another connection, whose notification comes after all those before it.
        """
        self._is_marked.clear()
        await by.execute("NOTIFY marks")
        await asyncio.wait_for(self._is_marked.wait(), 60)
        count = len(self._told)
        self._told.clear()
        return count


@pytest.fixture
async def sessions(place: PostgresPlace) -> AsyncIterator[Sessions]:
    async with sessions_to(place.url) as opened:
        yield opened


@pytest.fixture
async def listener(sessions: Sessions) -> Listener:
    made = Listener(await sessions.open())
    await made.listen()
    return made


async def test_a_change_wakes_once_it_is_committed(sessions: Sessions, listener: Listener) -> None:
    writing, other = await sessions.open(), await sessions.open()
    await writing.execute("BEGIN")
    for guid in "abc":
        await writing.execute(INSERT, guid)
    assert await listener.told(other) == 0
    await writing.execute("COMMIT")
    assert await listener.told(other) == 1


async def test_every_kind_of_change_wakes(sessions: Sessions, listener: Listener) -> None:
    writing = await sessions.open()
    for statement in (
        INSERT.replace("$1", "'a'"),
        "UPDATE executions SET state = 'STOPPED'",
        "UPDATE executions SET guid = 'b'",
        "DELETE FROM executions",
    ):
        await writing.execute(statement)
        assert await listener.told(writing) == 1
    await writing.execute(INSERT, "a")
    await listener.told(writing)
    await writing.execute("TRUNCATE executions")
    assert await listener.told(writing) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE executions SET state = state",
        "DELETE FROM executions WHERE guid = 'x'",
        "BEGIN; UPDATE executions SET state = 'ERROR'; ROLLBACK",
    ],
)
async def test_what_changes_nothing_wakes_nobody(
    sessions: Sessions, listener: Listener, statement: str
) -> None:
    writing = await sessions.open()
    await writing.execute(INSERT, "a")
    await listener.told(writing)
    await writing.execute(statement)
    assert await listener.told(writing) == 0


async def test_of_those_that_write_at_the_same_time_one_wakes(
    sessions: Sessions, listener: Listener
) -> None:
    first, *others = [await sessions.open() for _ in range(4)]
    await first.execute("BEGIN")
    await first.execute(INSERT, "first")
    for number, other in enumerate(others):
        await other.execute(INSERT, f"other-{number}")
    # What they wrote is found by a look.
    assert await listener.told(others[0]) == 0
    assert await tick(others[0]) == 2
    await first.execute("COMMIT")
    assert await listener.told(first) == 2


async def test_a_tick_wakes_those_who_have_not_looked(
    sessions: Sessions, listener: Listener
) -> None:
    writing, looking = await sessions.open(), await sessions.open()
    await writing.execute(INSERT, "a")
    await listener.told(writing)
    assert await tick(looking) == 2
    assert await listener.told(writing) == 1
    assert await tick(looking) == 2
    assert await listener.told(writing) == 0


# Prepared transactions


@pytest.fixture(scope="module")
def preparing() -> Iterator[PostgresServer]:
    """A server on which transactions can be prepared for a two-phase commit."""
    with postgres_server(survives_crashes=True) as started:
        started.run("postgres", "ALTER SYSTEM SET max_prepared_transactions = 10", [()])
        started.crash()
        started.restart()
        yield started


async def test_a_prepared_transaction_comes_once_it_is_committed(
    preparing: PostgresServer, tmp_path: Path
) -> None:
    place = preparing.new(tmp_path)
    await asyncio.to_thread(migrate, place)
    async with sessions_to(place.url) as sessions:
        writing, others, looking = [await sessions.open() for _ in range(3)]
        for name in ("kept", "rolled back"):
            await writing.execute("BEGIN")
            await writing.execute(INSERT, name)
            await writing.execute(f"PREPARE TRANSACTION '{name}'")
        await others.execute(INSERT, "other")
        assert await tick(looking) == 2
        await others.execute("COMMIT PREPARED 'kept'")
        assert await tick(looking) == 3
        await others.execute("ROLLBACK PREPARED 'rolled back'")
        assert await tick(looking) == 3
        assert await guids(looking) == ["other", "kept"]
