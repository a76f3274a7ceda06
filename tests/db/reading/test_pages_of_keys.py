"""The pages of many keys are those that each key has by itself."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cmp_to_key
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.casefolding import fold
from db.columns import SORTABLE
from db.database import Database
from db.executions import Executions
from db.instants import from_ms
from db.models import ExecutionState
from db.reading import row_query
from db.reading.filters import AllOf, AnyOf, Condition, Filter, Not
from db.reading.page_query import Page, PageQuery
from db.reading.paging import Position, Term, position_of, total_order
from db.source import ExecutionRow
from tests.db.reading.drawn_filters import joined, on_dimensions
from tests.examples import examples
from tests.gateway import insert, run_sql
from tests.places import Place
from tests.reference import comparison
from tests.sample import FLOWS, SAMPLE, START, as_kept
from tests.statements import recorded_statements

pytestmark = pytest.mark.anyio

_SESSIONS = [None, "session-1", "session-2", "session-3"]
_HOUR = 3_600_000
_KEYS = {
    "agentflow_id": [*FLOWS, "nobody", "a\0b", "\udcff"],
    "session_id": ["session-1", "session-2", "session-3", "nobody", "\1b"],
}
# Some are in one millisecond, some in one hour, and some in other months.
_times = st.one_of(
    st.integers(0, 2).map(lambda ms: START + ms),
    st.integers(-2, 50).map(lambda hours: START + hours * _HOUR),
    st.integers(-2, 2).map(lambda months: START + months * 32 * 24 * _HOUR),
)
_states = st.sampled_from(list(ExecutionState))
_flows = st.sampled_from(list(FLOWS))
_rows = st.lists(
    st.tuples(_flows, st.sampled_from(_SESSIONS), _states, _times, st.integers(0, 2)), max_size=30
).map(
    lambda drawn: [
        as_kept(
            ExecutionRow(
                number, f"g-{number}", flow, FLOWS[flow], session, state, time, time + later * 1000
            )
        )
        for number, (flow, session, state, time, later) in enumerate(drawn, start=1)
    ]
)
_conditions: st.SearchStrategy[Filter] = st.one_of(
    on_dimensions(
        list(FLOWS),
        ["contains", "starts_with"],
        ["support", "a", "100%", "nobody"],
        st.just(value=True),
    ),
    st.builds(Condition, st.just("session_id"), st.just("eq"), st.just("session-1")),
    st.builds(Condition, st.just("session_id"), st.just("is_null"), st.booleans()),
    st.builds(Condition, st.just("guid"), st.just("in"), st.just(("g-1", "g-2", "g-5"))),
    st.builds(
        Condition,
        st.sampled_from(["created_on", "updated_on"]),
        st.sampled_from(["gt", "gte", "lt", "lte"]),
        _times.map(from_ms),
    ),
)
_filters = joined(_conditions)
_orders = st.lists(st.builds(Term, st.sampled_from(SORTABLE), st.booleans()), max_size=2).map(
    total_order
)


def _matches(row: ExecutionRow, filter_: Filter) -> bool:
    match filter_:
        case AllOf(parts):
            return all(_matches(row, part) for part in parts)
        case AnyOf(parts):
            return any(_matches(row, part) for part in parts)
        case Not(part):
            return not _matches(row, part)
        case Condition(field, operator, value, ignore_case):
            return _compares(getattr(row, field), operator, value, ignore_case=ignore_case)


def _compares(held: Any, operator: str, value: Any, *, ignore_case: bool) -> bool:
    if operator == "is_null":
        return bool((held is None) == value)
    if held is None:
        return operator == "not_in"
    if ignore_case:
        held, value = fold(held), fold(value)
    if operator in ("gt", "gte", "lt", "lte"):
        held = from_ms(held)
    compare: dict[str, Callable[[], Any]] = {
        "eq": lambda: held == value,
        "in": lambda: held in value,
        "not_in": lambda: held not in value,
        "contains": lambda: value in held,
        "starts_with": lambda: held.startswith(value),
        "gt": lambda: held > value,
        "gte": lambda: held >= value,
        "lt": lambda: held < value,
        "lte": lambda: held <= value,
    }
    return bool(compare[operator]())


def _expected(rows: list[ExecutionRow], query: PageQuery) -> Page:
    """The page of some executions, as the plainest program would make it."""
    compare = comparison(
        [
            {"field": term.field.upper(), "direction": "DESC" if term.descending else "ASC"}
            for term in query.order
        ]
    )
    nothing: dict[str, Any] = dict.fromkeys(ExecutionRow._fields)

    def row_at(position: Position) -> ExecutionRow:
        names = [term.field for term in query.order]
        return ExecutionRow(**{**nothing, **dict(zip(names, position, strict=True))})

    matching = [row for row in rows if _matches(row, query.filter)]
    matching.sort(key=cmp_to_key(compare))
    since = [r for r in matching if not query.after or compare(r, row_at(query.after)) > 0]
    between = [r for r in since if not query.before or compare(r, row_at(query.before)) < 0]
    kept = between[-query.limit or len(between) :] if query.from_end else between[: query.limit]
    has_more = query.with_more and len(between) > len(kept)
    if query.from_end:
        beyond = [r for r in matching if query.before and compare(r, row_at(query.before)) >= 0]
    else:
        beyond = [r for r in matching if query.after and compare(r, row_at(query.after)) <= 0]
    has_other = query.with_both_sides and bool(beyond)
    return Page(
        [tuple(getattr(row, field) for field in query.fields) for row in kept],
        len(matching) if query.with_total else 0,
        has_next=has_other if query.from_end else has_more,
        has_previous=has_more if query.from_end else has_other,
    )


@pytest.fixture(params=[1, 1000], ids=lambda rows: f"walking past {rows} at most")
def _walk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_query, "SCAN_AT_LEAST", request.param)
    if request.param < 1000:
        monkeypatch.setattr(row_query, "SCAN_PER_ROW", 0)


@pytest.fixture
def executions(database: Database, _walk: None) -> Executions:
    return Executions(database)


def _fill(place: Place, rows: Sequence[ExecutionRow]) -> None:
    run_sql(place, "DELETE FROM executions")
    if rows:
        insert(place, rows)


@st.composite
def _cases(draw: st.DrawFn) -> tuple[list[ExecutionRow], PageQuery, str, list[str]]:
    """Some executions, a query, a field, and keys."""
    rows, order, by = draw(_rows), draw(_orders), draw(st.sampled_from(list(_KEYS)))
    names = [term.field for term in order]
    others = draw(st.sets(st.sampled_from(ExecutionRow._fields))).difference(names)

    def position() -> Position | None:
        row = draw(st.none() | st.sampled_from(rows)) if rows else None
        return row and position_of(row, order)

    from_end, with_more, with_total, with_both_sides = (draw(st.booleans()) for _ in range(4))
    query = PageQuery(
        (*names, *sorted(others)),
        draw(_filters),
        order,
        draw(st.integers(0, 5)),
        after=position(),
        before=position(),
        from_end=from_end,
        with_more=with_more,
        with_total=with_total,
        with_both_sides=with_both_sides,
    )
    return rows, query, by, draw(st.lists(st.sampled_from(_KEYS[by]), unique=True))


@given(case=_cases())
@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
async def test_each_key_has_the_page_that_it_has_by_itself(
    executions: Executions, place: Place, case: Any
) -> None:
    rows, query, by, keys = case
    _fill(place, rows)
    pages = await executions.pages(query, by, keys)
    assert list(map(_plain, pages)) == [
        _expected([row for row in rows if getattr(row, by) == key], query) for key in keys
    ]
    assert _plain(await executions.page(query)) == _expected(rows, query)


def _plain(page: Page) -> Page:
    return replace(page, rows=[tuple(row) for row in page.rows])


async def test_many_executions_are_found_in_the_order_of_their_guids(
    executions: Executions, place: Place
) -> None:
    insert(place, SAMPLE)
    first, second = SAMPLE[8], SAMPLE[3]
    guids = [first.guid, "nobody", second.guid, "a\0b", "\udcff"]
    with recorded_statements() as statements:
        found = await executions.find_many(("state", "agentflow_name"), guids)
    expected = [(row.state, row.agentflow_name) for row in (first, second)]
    assert found == [expected[0], None, expected[1], None, None]
    assert len(statements) == 1


@pytest.mark.parametrize("by", list(_KEYS))
@pytest.mark.parametrize(
    "filter_",
    [
        AllOf(()),
        Condition("state", "eq", "ERROR"),
        Condition("state", "in", ("ERROR", "STOPPED")),
        Condition("created_on", "gte", from_ms(START)),
        Condition("agentflow_name", "contains", "a", ignore_case=True),
    ],
    ids=repr,
)
async def test_many_keys_take_the_statements_of_one(
    executions: Executions, place: Place, by: str, filter_: Filter
) -> None:
    insert(place, SAMPLE)
    query = PageQuery(
        ("created_on", "id"),
        filter_,
        limit=2,
        after=(START + 4000, 9),
        with_total=True,
        with_both_sides=True,
    )
    sent = []
    for count in (1, 10, 1000):
        with recorded_statements() as statements:
            keys = [*_KEYS[by][:3], *map(str, range(1000))][:count]
            await executions.pages(query, by, keys)
        sent.append(statements)
    assert len(sent[0]) == 3
    # The same texts, so that each is compiled once.
    assert sent[0] == sent[1] == sent[2]


async def test_no_keys_take_no_statement(executions: Executions) -> None:
    with recorded_statements() as statements:
        assert await executions.pages(PageQuery(("id",)), "session_id", []) == []
    assert not statements
