"""Statistics are those that plain Python finds in the rows."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.database import Database
from db.errors import InvalidInput
from db.executions import Executions
from db.instants import EARLIEST_MS, LATEST_MS
from db.models import ExecutionState
from db.opening import open_database
from db.reading.filters import EVERYTHING, AllOf, AnyOf, Condition, Filter, Not
from db.reading.normal_filters import normalised
from db.reading.statistics import (
    MOST_BUCKETS,
    MOST_BUCKETS_TOGETHER,
    Statistics,
    StatisticsQuery,
)
from db.reading.time_buckets import TimeBucket, TimeRange
from tests.db.reading.drawn_filters import on_dimensions
from tests.examples import examples
from tests.gateway import run_sql
from tests.places import Place
from tests.reference.rows import allow_anything

STATES = [state.value for state in ExecutionState]
FLOWS = ["flow-a", "flow-b", "flow-gone", "", "flow-é"]
SESSIONS = [None, "session-1", "session-2"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = 3_600_000
DAY = 24 * HOUR


def _ms(year: int, month: int, day: int) -> int:
    return (datetime(year, month, day, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)


# Around the beginnings of hours, days, weeks and months, before and after the epoch, and at both
# ends of the calendar.
BASES = [
    EARLIEST_MS,
    _ms(1, 2, 1),
    _ms(1969, 12, 29),
    0,
    _ms(2024, 2, 26),
    _ms(2024, 3, 1),
    _ms(2025, 1, 1),
    _ms(9999, 12, 27),
    LATEST_MS,
]
TIMES = sorted(
    {
        base + offset
        for base in BASES
        for offset in (-DAY, -HOUR, -1, 0, 1, HOUR, 90 * HOUR)
        if EARLIEST_MS <= base + offset <= LATEST_MS
    }
)

Row = tuple[str, str | None, str, int]
"""The agentflow, session, state and time of creation of an execution."""
ROWS: list[Row] = [
    (FLOWS[n * n % 5], SESSIONS[n % 3], STATES[n * 5 % 6], TIMES[n * 7 % len(TIMES)])
    for n in range(4 * len(TIMES))
]
_INSERT = (
    "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
    " VALUES (?, ?, ?, ?, ?)"
)


@pytest.fixture(scope="module")
def spread(new_place: Callable[[], Place]) -> Place:
    """A database with executions on both sides of every boundary."""
    place = new_place()
    place.run(_INSERT, [(f"g{number}", *row) for number, row in enumerate(ROWS)])
    run_sql(
        place, "INSERT INTO agentflows (id, name) VALUES ('flow-a', 'Alpha'), ('flow-b', 'Beta')"
    )
    return place


NAMES = {"flow-a": "Alpha", "flow-b": "Beta"}


def _floor(bucket: TimeBucket, at: int) -> datetime:
    # In two steps, because a datetime has no milliseconds of their own.
    moment = (EPOCH + timedelta(milliseconds=at)).replace(minute=0, second=0, microsecond=0)
    if bucket is TimeBucket.HOUR:
        return moment
    day = moment.replace(hour=0)
    if bucket is TimeBucket.DAY:
        return day
    return day - timedelta(day.weekday()) if bucket is TimeBucket.WEEK else day.replace(day=1)


def _next(bucket: TimeBucket, start: datetime) -> datetime:
    if bucket is TimeBucket.MONTH:
        return (start + timedelta(31)).replace(day=1)
    days = {TimeBucket.HOUR: 1 / 24, TimeBucket.DAY: 1, TimeBucket.WEEK: 7}
    return start + timedelta(days[bucket])


def _states(rows: Iterable[Row]) -> tuple[int, ...]:
    found = Counter(row[2] for row in rows)
    return tuple(found[state] for state in STATES)


def _timeline(bucket: TimeBucket, rows: Sequence[Row], range_: TimeRange) -> list[Any] | None:
    """The timeline, or None if it is too long."""
    since, until = range_
    if since is not None and until is not None and since >= until:
        return []
    if not rows and (since is None or until is None):
        return []
    first = _floor(bucket, min(row[3] for row in rows) if since is None else since)
    last = _floor(bucket, max(row[3] for row in rows) if until is None else until - 1)
    buckets: list[Any] = []
    by_start: dict[datetime, list[Row]] = {}
    for row in rows:
        by_start.setdefault(_floor(bucket, row[3]), []).append(row)
    while True:
        if len(buckets) == MOST_BUCKETS:
            return None
        buckets.append(
            (
                (first - EPOCH) // timedelta(milliseconds=1),
                len(by_start.get(first, ())),
                *_states(by_start.get(first, ())),
            )
        )
        if first == last:
            return buckets
        first = _next(bucket, first)


def _expected(rows: Sequence[Row], query: StatisticsQuery) -> Any:
    """What the statistics of some rows are, as plain data, or None if a timeline is too long."""
    timelines = {bucket: _timeline(bucket, rows, query.range) for bucket in query.buckets}
    if None in timelines.values():
        return None
    flows = Counter(row[0] for row in rows)
    most = sorted(flows.items(), key=lambda flow: (-flow[1], flow[0].encode()))
    has_states = query.with_states or query.buckets
    return (
        _states(rows) if has_states else None,
        [(flow, NAMES.get(flow), number) for flow, number in most[: query.top]],
        timelines,
    )


def _plain(found: Statistics, query: StatisticsQuery) -> Any:
    has_states = query.with_states or query.buckets
    return (
        found.states if has_states else None,
        [tuple(flow) for flow in found.agentflows],
        {bucket: list(found.timelines[bucket]) for bucket in query.buckets},
    )


_conditions = on_dimensions(FLOWS, ["contains", "eq"], ["a", "beta", ""], st.booleans())
# No count answers these.
_others: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Condition, st.just("session_id"), st.just("eq"), st.just("session-1")),
    st.just(Not(AllOf(tuple(Condition("created_on", each, EPOCH) for each in ("gte", "lte"))))),
    st.just(Condition("updated_on", "gte", EPOCH)),
)
_instants = st.tuples(st.sampled_from(TIMES), st.sampled_from([0, 0, 1])).map(
    lambda at: EPOCH + timedelta(milliseconds=at[0], microseconds=at[1])
)
_time: st.SearchStrategy[Filter] = st.builds(
    Condition, st.just("created_on"), st.sampled_from(["gt", "gte", "lt", "lte"]), _instants
)
_dimensions = st.recursive(
    _conditions,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=4,
)
# Mostly of a range that is short enough for hours.
_ranges = st.tuples(
    st.sampled_from(BASES), st.sampled_from([-25, -1, 0, 1, 3, 30]), st.sampled_from([-7, 0, 777])
).map(
    lambda at: [
        Condition("created_on", "gte", _clamped(at[0] + at[1] * HOUR + at[2])),
        Condition("created_on", "lt", _clamped(at[0] + 70 * HOUR - at[2] * 500)),
    ]
)


def _clamped(at: int) -> datetime:
    return EPOCH + timedelta(milliseconds=min(max(at, EARLIEST_MS), LATEST_MS))


_filters = st.tuples(
    st.lists(_dimensions, max_size=2),
    st.one_of(_ranges, _ranges, st.lists(st.one_of(_time, _time.map(Not)), max_size=2)),
    st.one_of(st.just([]), st.lists(_others, max_size=1)),
).map(lambda parts: AllOf(tuple(part for each in parts for part in each)))
_queries = st.builds(
    StatisticsQuery,
    st.one_of(_filters, _filters.map(normalised)),
    st.booleans(),
    st.sampled_from([0, 1, 2, 10]),
    st.frozensets(st.sampled_from(list(TimeBucket)), max_size=3),
)


def _are_too_many(expected: list[Any]) -> bool:
    """Whether the timelines of all parents together have more buckets than an operation may."""
    timelines = [timeline for _, _, each in expected for timeline in each.values()]
    return sum(map(len, timelines)) > MOST_BUCKETS_TOGETHER


def _answers(place: Place, queries: list[StatisticsQuery], by: str | None, keys: list[str]) -> Any:
    """For each query, what is answered and what the matching rows say."""

    async def ask() -> Any:
        database = open_database(place.url)
        executions = Executions(database)
        fields = ("agentflow_id", "session_id", "state", "created_on")
        outcomes: list[Any] = []
        try:
            for query in queries:
                rows: list[Row] = [
                    (row[0], row[1], row[2], row[3])
                    for row in await executions.select(fields, query.filter)
                ]
                own = [rows]
                if by is not None:
                    own = [[row for row in rows if row[fields.index(by)] == key] for key in keys]
                expected = [_expected(each, query) for each in own]
                try:
                    found = (
                        [await executions.statistics(query)]
                        if by is None
                        else await executions.statistics_of(query, by, keys)
                    )
                except InvalidInput:
                    outcomes.append((True, None in expected or _are_too_many(expected)))
                else:
                    outcomes.append(([_plain(each, query) for each in found], expected))
        finally:
            await database.close()
        return outcomes

    return anyio.run(ask)


def _span(since: int, until: int) -> Filter:
    return AllOf(
        (
            Condition("created_on", "gte", EPOCH + timedelta(milliseconds=since)),
            Condition("created_on", "lt", EPOCH + timedelta(milliseconds=until)),
        )
    )


_FEBRUARY, _MARCH = _ms(2024, 2, 26), _ms(2024, 3, 1)
_OF_SPANS = AllOf(
    (
        Condition("state", "not_in", ("ERROR",)),
        AnyOf(
            (
                _span(_MARCH, _MARCH + HOUR + 1),
                _span(_MARCH - 1, _MARCH + 1),
                _span(_FEBRUARY - HOUR, _FEBRUARY),
                _span(_FEBRUARY + HOUR, _FEBRUARY),
            )
        ),
    )
)


@given(queries=st.lists(_queries, min_size=1, max_size=6))
@example(queries=[StatisticsQuery(EVERYTHING, True, 10, frozenset({TimeBucket.MONTH}))])
@example(queries=[StatisticsQuery(_OF_SPANS, True, 10, frozenset({TimeBucket.HOUR}))])
@settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
def test_statistics_are_those_of_the_matching_rows(
    spread: Place, queries: list[StatisticsQuery]
) -> None:
    for answered, expected in _answers(spread, queries, None, []):
        assert answered == expected


@given(
    queries=st.lists(_queries, min_size=1, max_size=4),
    parents=st.one_of(
        st.tuples(
            st.just("agentflow_id"),
            st.lists(
                st.sampled_from([*FLOWS, "nobody", "a\0b", "\udcff"]), unique=True, min_size=1
            ),
        ),
        st.tuples(
            st.just("session_id"),
            st.lists(st.sampled_from(["session-1", "session-2", "none"]), unique=True, min_size=1),
        ),
    ),
)
@settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
def test_statistics_of_many_parents_are_those_of_the_rows_of_each(
    spread: Place, queries: list[StatisticsQuery], parents: tuple[str, list[str]]
) -> None:
    for answered, expected in _answers(spread, queries, *parents):
        assert answered == expected


@pytest.mark.sqlite
@pytest.mark.anyio
async def test_agentflows_and_sessions_may_have_any_bytes_in_their_ids(
    place: Place, database: Database
) -> None:
    allow_anything(place)
    place.run(
        "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
        " VALUES (?1, CAST(?2 AS TEXT), CAST(?2 AS TEXT), 'ERROR', ?3)",
        [
            (f"g{number}", text, number)
            for number, text in enumerate([b"\xff", b"a\xfe", b"a\0b", b"a\0b", b"\xff", b"\xff"])
        ],
    )
    executions = Executions(database)
    query = StatisticsQuery(EVERYTHING, True, 10, frozenset({TimeBucket.DAY}))
    found = await executions.statistics(query)
    assert [(flow.agentflow_id, flow.number) for flow in found.agentflows] == [
        ("\udcff", 3),
        ("a\0b", 2),
        ("a\udcfe", 1),
    ]
    keys = ["a\0b", "\udcff", "a\udcfe", "\ufffd"]
    for by in ("agentflow_id", "session_id"):
        own = await executions.statistics_of(query, by, keys)
        assert [each.total for each in own] == [2, 3, 1, 0]
        assert [flow.agentflow_id for each in own for flow in each.agentflows] == keys[:3]
