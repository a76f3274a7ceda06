"""Totals are sums of counts, and always equal the number of rows."""

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.executions import Executions
from db.models import ExecutionState
from db.opening import open_database
from db.reading import counts
from db.reading.filters import AllOf, AnyOf, Condition, Filter, Not
from db.reading.normal_filters import normalised
from tests.db.reading.drawn_filters import on_dimensions
from tests.examples import examples
from tests.gateway import Gateway, insert, migrate, migrate_to, run_sql, running_gateway
from tests.places import Place, SQLitePlace
from tests.sample import SAMPLE
from tests.statements import recorded_statements

STATES = [state.value for state in ExecutionState]
FLOWS = ["flow-a", "flow-b", "flow-gone", ""]
# Around the beginnings of hours, days and the widest buckets, on both sides of the epoch.
TIMES = sorted(
    {
        base + offset
        for base in (-counts.LONG, -counts.DAY, 0, counts.HOUR, 5 * counts.DAY, 60 * counts.DAY)
        for offset in (-1, 0, 1, counts.HOUR, 90 * counts.HOUR)
    }
)

_guids = st.sampled_from([f"guid-{number}" for number in range(8)])
_rows = st.tuples(_guids, st.sampled_from(FLOWS), st.sampled_from(STATES), st.sampled_from(TIMES))
_INSERT = "INSERT {} INTO executions (guid, agentflow_id, state, created_on) VALUES (?, ?, ?, ?) {}"
_INSERT_WITH_ID = (
    "INSERT {} INTO executions (guid, agentflow_id, state, created_on, id) VALUES (?, ?, ?, ?, ?)"
)
_UPSERT = (
    "ON CONFLICT (guid) DO UPDATE SET agentflow_id = excluded.agentflow_id,"
    " state = excluded.state, created_on = excluded.created_on"
)
Write = tuple[str, tuple[Any, ...]]

_writes: st.SearchStrategy[Write] = st.one_of(
    _rows.map(lambda row: (_INSERT.format("", ""), row)),
    _rows.map(lambda row: (_INSERT.format("", _UPSERT), row)),
    st.tuples(st.sampled_from(["OR REPLACE", "OR IGNORE", "OR FAIL"]), _rows).map(
        lambda each: (_INSERT.format(each[0], ""), each[1])
    ),
    st.tuples(st.sampled_from(["", "OR REPLACE", "OR IGNORE"]), _rows, st.integers(-1, 8)).map(
        lambda each: (_INSERT_WITH_ID.format(each[0]), (*each[1], each[2]))
    ),
    st.tuples(st.sampled_from([*STATES, "UNKNOWN"]), _guids).map(
        lambda values: ("UPDATE executions SET state = ? WHERE guid = ?", values)
    ),
    st.tuples(st.sampled_from(TIMES), _guids).map(
        lambda values: ("UPDATE executions SET created_on = ? WHERE guid = ?", values)
    ),
    st.tuples(st.sampled_from(FLOWS), st.sampled_from(STATES), st.integers(1, 3)).map(
        lambda values: (
            "UPDATE executions SET agentflow_id = ?, state = ? WHERE id % 4 < ?",
            values,
        )
    ),
    st.tuples(st.sampled_from(["", "OR REPLACE", "OR IGNORE"]), _guids, _guids).map(
        lambda each: (f"UPDATE {each[0]} executions SET guid = ? WHERE guid = ?", each[1:])
    ),
    st.tuples(st.sampled_from(["", "OR REPLACE"]), st.integers(-2, 8), _guids).map(
        lambda each: (f"UPDATE {each[0]} executions SET id = ? WHERE guid = ?", each[1:])
    ),
    _guids.map(lambda guid: ("DELETE FROM executions WHERE guid = ?", (guid,))),
    st.just(("DELETE FROM executions", ())),
)


def _bucket(created_on: int, width: int) -> int:
    return created_on // width * width if width else 0


def _kept(connection: sqlite3.Connection, table: str, key: int) -> dict[tuple[Any, ...], int]:
    """What a table of counts says, by its key and the state."""
    return {
        (*row[:key], state): count
        for row in connection.execute(f"SELECT * FROM {table}")
        for state, count in zip(STATES, row[key:], strict=True)
        if count
    }


def _assert_counts_are_true(connection: sqlite3.Connection) -> None:
    rows = connection.execute("SELECT agentflow_id, state, created_on FROM executions").fetchall()
    assert _kept(connection, "execution_counts", 2) == Counter(
        (width, _bucket(at, width), state)
        for _, state, at in rows
        for width in (counts.LONG, counts.DAY, counts.HOUR)
    )
    assert _kept(connection, "agentflow_counts", 3) == Counter(
        (width, flow, _bucket(at, width), state)
        for flow, state, at in rows
        for width in (counts.ALL_TIME, counts.DAY, counts.HOUR)
    )


@contextlib.contextmanager
def _another_program(path: Path) -> Iterator[sqlite3.Connection]:
    """A program without our settings and functions, over a database of its own."""
    with (
        contextlib.closing(sqlite3.connect(path)) as template,
        contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection,
    ):
        template.backup(connection)
        yield connection


@pytest.mark.parametrize("recursive", [False, True], ids=["plain", "with recursive triggers"])
@given(writes=st.lists(_writes, max_size=25), undone=st.lists(_writes, max_size=5))
@example(
    writes=[
        (_INSERT_WITH_ID.format(""), ("guid-0", FLOWS[0], "ERROR", 0, -1)),
        (_INSERT_WITH_ID.format("OR REPLACE"), ("guid-1", FLOWS[0], "ERROR", 0, -1)),
        (_INSERT.format("", ""), ("guid-2", FLOWS[0], "ERROR", 0)),
    ],
    undone=[],
)
@settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
def test_counts_follow_whatever_another_program_writes(
    path: Path, *, recursive: bool, writes: list[Write], undone: list[Write]
) -> None:
    with _another_program(path) as connection:
        connection.execute(f"PRAGMA recursive_triggers = {recursive:d}")
        for statement, values in writes:
            with contextlib.suppress(sqlite3.IntegrityError):
                connection.execute(statement, values)
        _assert_counts_are_true(connection)
        connection.execute("BEGIN")
        for statement, values in undone:
            with contextlib.suppress(sqlite3.IntegrityError):
                connection.execute(statement, values)
        connection.execute("ROLLBACK")
        _assert_counts_are_true(connection)


def test_executions_of_an_older_database_are_counted_when_it_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "older.db"
    place = SQLitePlace(path)
    migrate_to(place, "0002")
    place.run(
        _INSERT.format("", ""),
        [
            (f"g{number}", FLOWS[number % 4], STATES[number % 6], at)
            for number, at in enumerate(TIMES * 2)
        ],
    )
    migrate(place)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        _assert_counts_are_true(connection)
        connection.execute("DELETE FROM executions WHERE id % 3 = 0")
        _assert_counts_are_true(connection)


_instants = st.tuples(st.sampled_from(TIMES), st.sampled_from([0, 1, 500])).map(
    lambda at: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at[0], microseconds=at[1])
)
_counted: st.SearchStrategy[Filter] = st.one_of(
    on_dimensions(
        FLOWS, ["contains", "starts_with", "eq"], ["a", "Alpha", "beta", ""], st.booleans()
    ),
    st.builds(Condition, st.just("agentflow_id"), st.just("is_null"), st.booleans()),
)
_time: st.SearchStrategy[Filter] = st.builds(
    Condition, st.just("created_on"), st.sampled_from(["gt", "gte", "lt", "lte"]), _instants
)
_uncounted: st.SearchStrategy[Filter] = st.builds(
    Condition, st.just("guid"), st.just("eq"), st.just("guid-1")
)
_dimensions = st.recursive(
    _counted,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=5,
)
_filters = st.lists(st.one_of(_dimensions, _time, _time), max_size=4).map(
    lambda parts: AllOf(tuple(parts))
)


@pytest.fixture(scope="module")
def spread(new_place: Callable[[], Place]) -> Place:
    """A database with executions on both sides of every boundary."""
    place = new_place()
    place.run(
        _INSERT.format("", ""),
        [
            (f"g{number}", FLOWS[number % 4], STATES[number % 6], TIMES[number // 6])
            for number in range(6 * len(TIMES))
        ],
    )
    run_sql(
        place, "INSERT INTO agentflows (id, name) VALUES ('flow-a', 'Alpha'), ('flow-b', 'Beta')"
    )
    return place


def _totals(place: Place, filters: list[Filter]) -> list[tuple[int, int]]:
    """What is answered for each filter, and how many rows there are."""

    async def ask() -> list[tuple[int, int]]:
        database = open_database(place.url)
        executions = Executions(database)
        try:
            return [
                (await executions.count(each), len(await executions.select(("id",), each)))
                for each in filters
            ]
        finally:
            await database.close()

    return anyio.run(ask)


@given(filters=st.lists(_filters, min_size=1, max_size=10))
@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
def test_a_total_is_the_number_of_rows_for_any_filter(spread: Place, filters: list[Filter]) -> None:
    for answered, found in _totals(spread, filters):
        assert answered == found


@given(filter_=st.builds(lambda a, b: AllOf((a, b)), _filters, _uncounted))
@settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))
def test_a_filter_that_no_count_answers_is_counted_by_rows(spread: Place, filter_: Filter) -> None:
    assert counts.plan_count(filter_) is None
    [(answered, found)] = _totals(spread, [filter_])
    assert answered == found


def test_a_range_is_counted_in_the_widest_buckets_that_lie_within_it() -> None:
    since = datetime(1970, 1, 1, 22, 59, 59, tzinfo=UTC)
    until = datetime(1970, 3, 7, 1, 0, 1, tzinfo=UTC)
    plan = counts.plan_count(
        AllOf((Condition("created_on", "gte", since), Condition("created_on", "lt", until)))
    )
    assert plan is not None
    assert [piece.until - piece.since for piece in plan.edges] == [1000, 1000]
    wide = [(piece.width, (piece.until - piece.since) // piece.width) for _, _, piece in plan.sums]
    assert wide == [
        (counts.HOUR, 1),
        (counts.HOUR, 1),
        (counts.DAY, 31),
        (counts.DAY, 1),
        (counts.LONG, 1),
    ]


def test_a_negated_bound_is_counted_like_its_opposite() -> None:
    at = datetime(1970, 1, 1, 22, 59, 59, tzinfo=UTC)
    negated = normalised(Not(Condition("created_on", "lt", at)))
    opposite = counts.plan_count(Condition("created_on", "gte", at))
    assert counts.plan_count(negated) == opposite is not None


def test_a_range_that_ends_before_it_begins_asks_nothing(sample_gateway: Gateway) -> None:
    query = "query ($f: ExecutionFilter) { executions(filter: $f, first: 0) { totalCount } }"
    backwards = {"createdOn": {"gte": "2024-01-02T00:00:00Z", "lt": "2024-01-01T00:00:00Z"}}
    with recorded_statements() as statements:
        answered = sample_gateway.graphql(query, f=backwards)
    assert answered["executions"]["totalCount"] == 0
    assert not [statement for statement in statements if "count" in statement]


def test_a_total_is_right_at_once_after_another_program_has_written(place: Place) -> None:
    insert(place, SAMPLE)
    with running_gateway(place) as gateway:
        query = "{ executions { totalCount } }"
        assert gateway.graphql(query)["executions"]["totalCount"] == len(SAMPLE)
        gateway.sql("DELETE FROM executions WHERE state = 'ERROR'")
        left = sum(row.state != "ERROR" for row in SAMPLE)
        assert gateway.graphql(query)["executions"]["totalCount"] == left
