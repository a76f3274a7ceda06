"""Ticks put the events of transactions that overlap into one order."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest

from tests.places import PostgresPlace

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

_INSERT = (
    "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES ($1, 'f', 'ERROR', 0)"
)
_EVENTS = """
SELECT event.guid, event.type, event.state FROM event_ticks AS tick
CROSS JOIN LATERAL gateway_events_of(tick.id, 0, 1000000) AS event ORDER BY tick.id, event.id
"""


class Sessions:
    """Connections to one database, by names."""

    def __init__(self, place: PostgresPlace, stack: AsyncExitStack) -> None:
        self._url = place.url
        self._stack = stack

    async def open(self, url: str | None = None) -> Any:
        """A new connection."""
        connection = await asyncpg.connect(url or self._url)
        # One that has ended already may be closed again.
        self._stack.push_async_callback(connection.close)
        return connection


@pytest.fixture
async def sessions(place: PostgresPlace) -> AsyncIterator[Sessions]:
    async with AsyncExitStack() as stack:
        yield Sessions(place, stack)


async def _tick(connection: Any) -> int | None:
    tick: int | None = await connection.fetchval("SELECT gateway_tick()")
    return tick


async def _in_order(connection: Any) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in await connection.fetch(_EVENTS)]


async def _guids(connection: Any) -> list[str]:
    return [guid for guid, _, _ in await _in_order(connection)]


async def test_without_events_a_look_makes_no_tick(sessions: Sessions) -> None:
    looking = await sessions.open()
    assert [await _tick(looking) for _ in range(3)] == [1, 1, 1]


async def test_a_tick_has_the_events_since_the_one_before(sessions: Sessions) -> None:
    writing, looking = await sessions.open(), await sessions.open()
    await writing.execute(_INSERT, "a")
    await writing.execute(_INSERT, "b")
    assert await _tick(looking) == 2
    await writing.execute(_INSERT, "c")
    assert await _tick(looking) == 3
    assert await _tick(looking) == 3
    rows = await looking.fetch("SELECT guid FROM gateway_events_of(3, 0, 10)")
    assert [row["guid"] for row in rows] == ["c"]
    assert await _guids(looking) == ["a", "b", "c"]


async def test_transactions_that_commit_in_the_other_order_come_as_they_commit(
    sessions: Sessions,
) -> None:
    first, second, looking = [await sessions.open() for _ in range(3)]
    await first.execute("BEGIN")
    await first.execute(_INSERT, "first")
    await second.execute("BEGIN")
    await second.execute(_INSERT, "second")
    await second.execute("COMMIT")
    assert await _tick(looking) == 2
    await first.execute("COMMIT")
    assert await _tick(looking) == 3
    assert await _guids(looking) == ["second", "first"]
