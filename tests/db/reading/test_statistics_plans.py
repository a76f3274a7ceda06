"""Statistics from counts read hardly any executions, and those of sessions only their own."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from db.executions import Executions
from db.instants import from_ms
from db.opening import open_database
from db.reading.filters import EVERYTHING, AllOf, AnyOf, Condition, Filter
from db.reading.statistics import StatisticsQuery
from db.reading.time_buckets import TimeBucket
from tests.places import Place, SQLitePlace
from tests.sample import START
from tests.statements import plan_of, rows_read

pytestmark = pytest.mark.anyio

FLOWS = [f"flow-{number}" for number in range(20)]
SESSIONS = [f"session-{number}" for number in range(1, 21)]
# One a minute, so that the edges of a range have sixty executions each. Nine of ten are of one
# agentflow, and half are of one session.
_ROWS = 20_000
_INSERT = f"""
INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)
SELECT 'guid-' || number,
    'flow-' || CASE WHEN number % 10 <> 0 THEN 0 ELSE 1 + number / 10 % 30 END,
    CASE number % 4 WHEN 0 THEN NULL WHEN 1 THEN 'session-' || (1 + number / 4 % 500)
        ELSE 'session-0' END,
    CASE WHEN number % 1000 = 0 THEN 'ERROR' ELSE 'FINISHED' END,
    {START} + number * 60000
FROM {{}}
"""


@pytest.fixture(scope="module", params=["as it is", "analyzed"])
def skewed(new_place: Callable[[], Place], request: pytest.FixtureRequest) -> Place:
    place = new_place()
    numbers = f"generate_series(1, {_ROWS}) AS numbers (number)"
    if isinstance(place, SQLitePlace):
        numbers = (
            "(WITH RECURSIVE counted (number) AS (SELECT 1 UNION ALL"
            f" SELECT number + 1 FROM counted WHERE number < {_ROWS}) SELECT number FROM counted)"
        )
    place.run(_INSERT.format(numbers), [()])
    if request.param == "analyzed":
        place.run("ANALYZE", [()])
    return place


def _at(hours: float) -> datetime:
    return from_ms(START) + timedelta(hours=hours)


_RANGE = (Condition("created_on", "gte", _at(20.6)), Condition("created_on", "lt", _at(311.3)))
COUNTED: dict[str, Filter] = {
    "everything": EVERYTHING,
    "a range": AllOf(_RANGE),
    "a state": Condition("state", "eq", "FINISHED"),
    "a state in a range": AllOf((Condition("state", "eq", "FINISHED"), *_RANGE)),
    "an agentflow": Condition("agentflow_id", "eq", "flow-0"),
    "an agentflow in a range": AllOf((Condition("agentflow_id", "eq", "flow-0"), *_RANGE)),
    "a name in a range": AllOf((Condition("agentflow_name", "contains", "a"), *_RANGE)),
    "either of two": AllOf(
        (
            AnyOf((Condition("state", "eq", "ERROR"), Condition("agentflow_id", "eq", "flow-3"))),
            *_RANGE,
        )
    ),
}
_EDGES = 2 * 60


async def _read(place: Place, query: StatisticsQuery, by: str | None, keys: list[str]) -> int:
    """How many executions the statement for some statistics reads, at most."""
    sent: list[tuple[str, tuple[Any, ...]]] = []
    database = open_database(place.url)
    database.on_read = lambda *read: sent.append(read)
    executions = Executions(database)
    if by is None:
        await executions.statistics(query)
    else:
        await executions.statistics_of(query, by, keys)
    await database.close()
    [(statement, parameters)] = sent
    if isinstance(place, SQLitePlace):
        # Passing over an execution takes few steps.
        steps = [step for step in plan_of(place.path, statement) if " executions" in step]
        assert all(re.search(r"SEARCH executions USING .*INDEX executions_by_", s) for s in steps)
        assert by == "session_id" or all("created_on>? AND created_on<?" in step for step in steps)
    return await rows_read(place, "executions", statement, parameters)


@pytest.mark.parametrize("by", [None, "agentflow_id"])
@pytest.mark.parametrize("buckets", [(), ("HOUR",), ("DAY", "MONTH")], ids=str)
@pytest.mark.parametrize("name", COUNTED)
async def test_statistics_from_counts_read_the_executions_at_two_edges_at_most(
    skewed: Place, name: str, buckets: tuple[str, ...], by: str | None
) -> None:
    wanted = frozenset(TimeBucket[bucket] for bucket in buckets)
    query = StatisticsQuery(COUNTED[name], with_states=True, top=10, buckets=wanted)
    read = await _read(skewed, query, by, FLOWS)
    # Steps of SQLite are taken for the counts of hours and days, too.
    of_counts = _ROWS // 10 if isinstance(skewed, SQLitePlace) else 0
    assert read <= _EDGES + of_counts


_HALVES = AnyOf(
    tuple(
        AllOf(
            (
                Condition("created_on", "gte", _at(hours + 0.5)),
                Condition("created_on", "lt", _at(hours + 1)),
            )
        )
        for hours in range(24, 324, 5)
    )
)
_OTHERS: dict[str, tuple[Filter, ...]] = {
    "alone": (),
    "in a range": _RANGE,
    "with a state": (Condition("state", "eq", "FINISHED"), *_RANGE),
    "with an agentflow": (Condition("agentflow_id", "eq", "flow-0"), *_RANGE),
    "with a duration": (Condition("duration_ms", "gte", 1), *_RANGE),
    "with a name": (Condition("agentflow_name", "contains", "a"), *_RANGE),
}


@pytest.mark.parametrize("name", _OTHERS)
async def test_statistics_of_parts_of_hours_read_the_executions_of_those_alone(
    skewed: Place, name: str
) -> None:
    hours = frozenset({TimeBucket.HOUR})
    filter_ = AllOf((*_OTHERS[name], _HALVES))
    query = StatisticsQuery(filter_, with_states=True, buckets=hours)
    read = await _read(skewed, query, None, [])
    assert read <= 2 * 30 * len(_HALVES.parts)


@pytest.mark.parametrize("name", COUNTED)
async def test_statistics_of_sessions_read_the_executions_of_those_alone(
    skewed: Place, name: str
) -> None:
    days = frozenset({TimeBucket.DAY})
    query = StatisticsQuery(COUNTED[name], with_states=True, top=10, buckets=days)
    read = await _read(skewed, query, "session_id", SESSIONS)
    own = len(SESSIONS) * (_ROWS // 4 // 500 + 1)
    steps = 3 if isinstance(skewed, SQLitePlace) else 1
    assert read <= own * steps


async def test_the_check_itself_notices_a_scan(skewed: Place) -> None:
    query = StatisticsQuery(Condition("guid", "not_in", ("guid-1",)), with_states=True)
    if isinstance(skewed, SQLitePlace):
        with pytest.raises(AssertionError):
            await _read(skewed, query, None, [])
    else:
        assert await _read(skewed, query, None, []) >= _ROWS
