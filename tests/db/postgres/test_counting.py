"""Counts on PostgreSQL: writers insert deltas and never wait, and totals are always exact."""

import asyncio
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.executions import Executions
from db.opening import open_database
from db.reading import counts
from tests.examples import examples
from tests.places import PostgresPlace

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

STATES = ("INPROGRESS", "FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED")
TIMES = (-counts.DAY - 1, -1, 0, counts.HOUR, 5 * counts.DAY, 40 * counts.DAY)
_INSERT = "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES ($1, $2, $3, $4)"
_UPSERT = (
    f"{_INSERT} ON CONFLICT (guid) DO UPDATE SET agentflow_id = excluded.agentflow_id,"
    " state = excluded.state, created_on = excluded.created_on"
)
_guids = st.sampled_from([f"guid-{number}" for number in range(6)])
_flows = st.sampled_from(["flow-a", "flow-b"])
_writes: st.SearchStrategy[tuple[str, tuple[Any, ...]]] = st.one_of(
    st.tuples(
        st.sampled_from([_INSERT, _UPSERT]),
        st.tuples(_guids, _flows, st.sampled_from(STATES), st.sampled_from(TIMES)),
    ),
    st.tuples(
        st.just("UPDATE executions SET state = $1 WHERE agentflow_id = $2"),
        st.tuples(st.sampled_from([*STATES, "UNKNOWN"]), _flows),
    ),
    st.tuples(
        st.just("UPDATE executions SET created_on = $1, agentflow_id = $2 WHERE guid > $3"),
        st.tuples(st.sampled_from(TIMES), _flows, _guids),
    ),
    st.tuples(st.just("DELETE FROM executions WHERE guid <= $1"), st.tuples(_guids)),
    st.just(("TRUNCATE executions", ())),
    st.just(("SELECT gateway_fold_counts()", ())),
)
_TRUE = """
SELECT agentflow_id, created_on - ((created_on % {0}) + {0}) % {0}, state, count(*)
FROM executions GROUP BY 1, 2, 3
"""


async def _kept(connection: Any) -> dict[tuple[str, int, str], int]:
    """Return the sum of hourly counts and deltas."""
    kept: dict[tuple[str, int, str], int] = {}
    for table in (f"agentflow_counts WHERE width = {counts.HOUR}", "execution_count_notes"):
        for row in await connection.fetch(f"SELECT * FROM {table}"):
            for state in STATES:
                key = row["agentflow_id"], row["start"], state
                kept[key] = kept.get(key, 0) + row[state.lower()]
    return {key: count for key, count in kept.items() if count}


@given(writes=st.lists(_writes, max_size=20))
@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_counts_follow_whatever_another_program_writes(
    place: PostgresPlace, writes: list[tuple[str, tuple[Any, ...]]]
) -> None:
    connection = await asyncpg.connect(place.url)
    database = open_database(place.url)
    try:
        await connection.execute("TRUNCATE executions")
        for statement, values in writes:
            try:
                await connection.execute(statement, *values)
            except asyncpg.IntegrityConstraintViolationError:
                continue
        true = await connection.fetch(_TRUE.format(counts.HOUR))
        assert await _kept(connection) == {tuple(row)[:3]: row[3] for row in true}
        assert await Executions(database).count() == sum(row[3] for row in true)
    finally:
        await database.close()
        await connection.close()


async def test_writers_of_the_same_hour_do_not_wait_for_each_other(place: PostgresPlace) -> None:
    one, another = await asyncpg.connect(place.url), await asyncpg.connect(place.url)
    try:
        async with asyncio.timeout(10), one.transaction():
            await one.execute(_INSERT, "g-1", "flow-a", "ERROR", 0)
            await another.execute(_INSERT, "g-2", "flow-a", "ERROR", 0)
    finally:
        await one.close()
        await another.close()


async def test_a_delta_that_is_being_compacted_is_counted_once(place: PostgresPlace) -> None:
    folding, writing = await asyncpg.connect(place.url), await asyncpg.connect(place.url)
    database = open_database(place.url)
    try:
        await writing.execute(_INSERT, "g-1", "flow-a", "ERROR", 0)
        async with folding.transaction():
            assert await folding.fetchval("SELECT gateway_fold_counts()") == 1
            assert await Executions(database).count() == 1
            # Whoever comes second leaves it to the first.
            assert await writing.fetchval("SELECT gateway_fold_counts()") == 0
        assert await Executions(database).count() == 1
    finally:
        await database.close()
        await folding.close()
        await writing.close()
