"""However a page is read, its rows are the same: by index, bounded scan, merge or full sort."""

from functools import cmp_to_key
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.columns import SORTABLE
from db.database import Database
from db.executions import Executions
from db.instants import from_ms
from db.models import ExecutionState
from db.reading import row_query
from db.reading.filters import AllOf, Condition, Filter, Not
from db.reading.paging import NEWEST_FIRST, Order, Term, position_of, total_order
from db.reading.row_query import RowQuery
from db.source import ExecutionRow
from tests.db.reading.drawn_filters import joined, on_dimensions
from tests.examples import examples
from tests.gateway import insert
from tests.places import Place
from tests.reference import comparison
from tests.sample import FLOWS, SAMPLE, START

pytestmark = pytest.mark.anyio

_states = st.sampled_from(list(ExecutionState))
_flows = st.sampled_from(list(FLOWS))
_conditions: st.SearchStrategy[Filter] = st.one_of(
    on_dimensions(
        list(FLOWS),
        ["contains", "starts_with"],
        ["support", "a", "100%", "nobody"],
        st.just(value=True),
    ),
    st.builds(Condition, st.just("session_id"), st.just("eq"), st.just("session-1")),
    st.builds(Condition, st.just("session_id"), st.just("is_null"), st.booleans()),
    st.builds(
        Condition,
        st.sampled_from(["created_on", "updated_on", "finished_on"]),
        st.sampled_from(["gt", "gte", "lt", "lte"]),
        st.integers(0, 8).map(lambda second: from_ms(START + 1000 * second)),
    ),
    st.builds(
        Condition,
        st.just("duration_ms"),
        st.sampled_from(["gt", "gte", "lt", "lte"]),
        st.sampled_from([-(2**53), -200, 0, 500, 1000, 61_000, 2**53]),
    ),
)
_filters = joined(_conditions)
_orders = st.lists(st.builds(Term, st.sampled_from(SORTABLE), st.booleans()), max_size=2).map(
    total_order
)


@pytest.fixture(params=[1, 4, 1000], ids=lambda rows: f"walking past {rows} at most")
def _walk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_query, "SCAN_AT_LEAST", request.param)
    if request.param < 1000:
        monkeypatch.setattr(row_query, "SCAN_PER_ROW", 0)


@pytest.fixture
def executions(place: Place, database: Database, _walk: None) -> Executions:
    insert(place, SAMPLE)
    return Executions(database)


def _expected(
    rows: list[ExecutionRow],
    order: Order,
    after: ExecutionRow | None,
    before: ExecutionRow | None,
    *,
    inclusive: bool,
) -> list[ExecutionRow]:
    compare = comparison(
        [
            {"field": term.field.upper(), "direction": "DESC" if term.descending else "ASC"}
            for term in order
        ]
    )
    found = sorted(rows, key=cmp_to_key(compare))
    if after is not None:
        found = [row for row in found if compare(row, after) > (-1 if inclusive else 0)]
    if before is not None:
        found = [row for row in found if compare(row, before) < 0]
    return found


@pytest.mark.parametrize(
    ("agentflows", "rest", "are_few"),
    [
        (3, [], True),
        (3, [Condition("created_on", "gte", from_ms(START))], True),
        (4, [], False),
        (10, [Condition("state", "in", ("ERROR", "TIMEOUT"))], True),
        (3, [Condition("session_id", "eq", "a")], False),
        (3, [Condition("updated_on", "gte", from_ms(START))], False),
    ],
)
def test_a_few_agentflows_are_merged_without_a_walk(
    agentflows: int, rest: list[Condition], *, are_few: bool
) -> None:
    ids = tuple(f"flow-{number}" for number in range(agentflows))
    filter_ = AllOf((Condition("agentflow_id", "in", ids), *rest))
    assert RowQuery(("id",), filter_, NEWEST_FIRST, limit=50).is_in_few_index_ranges() is are_few


@given(
    filter_=_filters,
    order=_orders,
    limit=st.integers(0, 8),
    after=st.none() | st.sampled_from(SAMPLE),
    before=st.none() | st.sampled_from(SAMPLE),
    offset=st.none() | st.integers(0, 5),
    inclusive=st.booleans(),
)
# What has no session comes first, also where the page is sorted.
@example(
    filter_=AllOf((Not(Condition("session_id", "eq", "nobody")),)),
    order=total_order([Term("session_id", descending=False)]),
    limit=8,
    after=None,
    before=None,
    offset=None,
    inclusive=False,
)
@settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
async def test_a_page_holds_what_matches_in_its_order(executions: Executions, **asked: Any) -> None:
    filter_, order, limit = asked["filter_"], asked["order"], asked["limit"]
    after, before, inclusive = asked["after"], asked["before"], asked["inclusive"]
    # A page is numbered or has positions, never both.
    offset = asked["offset"] if after is None and before is None else None

    matching = await executions.select(ExecutionRow._fields, filter_)
    page = await executions.select(
        ExecutionRow._fields,
        filter_,
        order,
        limit=limit,
        offset=offset,
        after=after and position_of(after, order),
        before=before and position_of(before, order),
        inclusive=inclusive,
    )
    rows = list(map(ExecutionRow._make, matching))
    expected = _expected(rows, order, after, before, inclusive=inclusive)
    assert list(map(ExecutionRow._make, page)) == expected[offset or 0 :][:limit]
