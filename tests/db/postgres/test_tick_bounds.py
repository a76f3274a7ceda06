"""Looks, ticks and pages of events read what they are about, however much there is beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.db.postgres.tick_sessions import INSERT, Sessions, sessions_to, tick
from tests.places import PostgresPlace

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

MANY = 20_000
FEW = 40
_PAGE = 100
_LOG_MANY = (
    "INSERT INTO execution_events"
    " (type, occurred_on, execution_id, guid, agentflow_id, state, created_on)"
    " SELECT 'CREATED', 0, n, 'g-' || n, 'flow-a', 'ERROR', 0 FROM generate_series(1, $1::bigint) n"
)
# How many rows of the table and entries of its indexes this transaction has read.
_READ = """
SELECT sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid))::bigint
FROM pg_class WHERE oid IN (
    'execution_events'::regclass, 'execution_events_pkey'::regclass,
    'execution_events_by_xid'::regclass
)
"""


@pytest.fixture
async def sessions(place: PostgresPlace) -> AsyncIterator[Sessions]:
    async with sessions_to(place.url) as opened:
        yield opened


class Reads:
    """How much the statements of a block have read, once it has ended."""

    count = 0


@asynccontextmanager
async def counted(connection: Any) -> AsyncIterator[Reads]:
    reads = Reads()
    async with connection.transaction():
        before = await connection.fetchval(_READ)
        yield reads
        reads.count = await connection.fetchval(_READ) - before


async def _pages(connection: Any, of_tick: int) -> list[int]:
    """Read all pages of a tick, each of which must read little more than itself; returns ids."""
    ids: list[int] = []
    while True:
        async with counted(connection) as reads:
            rows = await connection.fetch(
                "SELECT id FROM gateway_events_of($1, $2, $3)", of_tick, max(ids, default=0), _PAGE
            )
        # Each row in an index and in the table, those of either kind of transaction.
        assert reads.count <= 2 * 2 * _PAGE + FEW
        if not rows:
            return ids
        ids += [row["id"] for row in rows]


async def test_a_look_reads_nothing_of_what_open_transactions_have_written(
    sessions: Sessions,
) -> None:
    old, new, others, looking = [await sessions.open() for _ in range(4)]
    await old.execute("BEGIN")
    await old.execute(_LOG_MANY, MANY)
    await others.execute(INSERT, "a")
    # The last tick knows of the one, and not yet of the other.
    assert await tick(looking) == 2
    await new.execute("BEGIN")
    await new.execute(_LOG_MANY, MANY)
    await others.execute("SELECT pg_current_xact_id()")
    async with counted(looking) as reads:
        assert await tick(looking) == 2
    assert reads.count <= FEW
    await others.execute(INSERT, "b")
    async with counted(looking) as reads:
        assert await tick(looking) == 3
    assert reads.count <= FEW


async def test_a_look_reads_nothing_of_what_is_known(sessions: Sessions) -> None:
    writing, looking = await sessions.open(), await sessions.open()
    await writing.execute(_LOG_MANY, MANY)
    assert await tick(looking) == 2
    async with counted(looking) as reads:
        assert await tick(looking) == 2
    assert reads.count <= FEW


async def test_a_tick_reads_each_event_once(sessions: Sessions) -> None:
    writing, looking = await sessions.open(), await sessions.open()
    await writing.execute(_LOG_MANY, MANY)
    assert await tick(looking) == 2
    await looking.execute("ANALYZE execution_events")
    await writing.execute(_LOG_MANY, _PAGE)
    async with counted(looking) as reads:
        assert await tick(looking) == 3
    assert reads.count <= 2 * _PAGE + FEW


async def test_a_tick_need_not_read_what_a_transaction_has_written_for_long(
    sessions: Sessions,
) -> None:
    long, others, looking = [await sessions.open() for _ in range(3)]
    await long.execute("BEGIN")
    await long.execute(_LOG_MANY, MANY)
    await others.execute(INSERT, "a")
    assert await tick(looking) == 2
    await long.execute("COMMIT")
    async with counted(looking) as reads:
        assert await tick(looking) == 3
    assert reads.count <= FEW


async def test_a_page_reads_no_more_than_a_page_of_a_tick_with_many_events(
    sessions: Sessions,
) -> None:
    writing, looking = await sessions.open(), await sessions.open()
    for _ in range(3):
        await writing.execute(_LOG_MANY, 10 * _PAGE)
        await tick(looking)
    assert [await _pages(looking, of) for of in (2, 3, 4)] == [
        list(range(first, first + 10 * _PAGE)) for first in (1, 1001, 2001)
    ]


async def test_a_page_reads_no_events_of_others_between_those_of_a_long_transaction(
    sessions: Sessions,
) -> None:
    long, others, looking = [await sessions.open() for _ in range(3)]
    await long.execute("BEGIN")
    await long.execute(_LOG_MANY, _PAGE)
    await others.execute(_LOG_MANY, MANY)
    await tick(looking)
    # From now on, the planner believes that all events are of one transaction.
    await looking.execute("ANALYZE execution_events")
    await long.execute(_LOG_MANY, 2 * _PAGE)
    await others.execute(_LOG_MANY, _PAGE)
    await long.execute("COMMIT")
    assert await tick(looking) == 3
    assert await _pages(looking, 3) == [
        *range(1, _PAGE + 1),
        *range(_PAGE + MANY + 1, _PAGE + MANY + 3 * _PAGE + 1),
    ]
