"""A view reads what its workspace has, by filters and orders of any kind, and no more than that."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.agentflows import BY_NAME, AgentflowRow, Agentflows
from db.database import Database
from db.executions import Executions
from db.instants import from_ms
from db.models import ExecutionState
from db.opening import open_database
from db.reading import row_query
from db.reading.filters import (
    EVERYTHING,
    MAX_CONDITIONS,
    MAX_NESTING,
    AllOf,
    AnyOf,
    Condition,
    Filter,
    Not,
)
from db.reading.normal_filters import normalised
from db.reading.page_query import PageQuery
from db.reading.paging import NEWEST_FIRST, Order, Term, position_of, total_order
from db.reading.predicates import predicate
from db.reading.statistics import StatisticsQuery
from db.reading.workspaces import Workspace
from db.sessions import Sessions
from db.source import ExecutionRow
from tests.db.reading.drawn_filters import joined, on_dimensions
from tests.db.reading.many_rows import fill
from tests.examples import examples
from tests.gateway import insert
from tests.places import Place, PostgresPlace, SQLitePlace
from tests.sample import FLOWS, SAMPLE, START
from tests.statements import rows_read

pytestmark = pytest.mark.anyio

WORKSPACES = ("ws-a", "ws-b", None, "", "ws-\ufffd")
_FIELDS = ("id", "guid", "agentflow_id", "session_id", "state", "created_on", "workspace_id")


def _rows() -> list[ExecutionRow]:
    return [
        row._replace(
            id=row.id + 100 * number,
            guid=f"{row.guid} {number}",
            workspace_id=workspace,
        )
        for number, workspace in enumerate(WORKSPACES)
        for row in SAMPLE
    ]


ROWS = _rows()


@pytest.fixture(scope="module")
def filled(new_place: Callable[[], Place]) -> Place:
    place = new_place()
    insert(place, ROWS)
    return place


@pytest.fixture(params=[1_000, 2], ids=["long scans", "short scans"])
def _scans(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bounded scans find the rows of pages, or leave them to other statements."""
    monkeypatch.setattr(row_query, "SCAN_AT_LEAST", request.param)
    monkeypatch.setattr(row_query, "SCAN_PER_ROW", min(request.param, 20))


@pytest.fixture
async def executions(filled: Place) -> AsyncIterator[Executions]:
    opened = open_database(filled.url)
    yield Executions(opened)
    await opened.close()


_CONDITIONS = st.one_of(
    on_dimensions([*FLOWS, "nobody"], ["eq", "contains"], ["agent", "of", "nobody"], st.booleans()),
    st.sampled_from(
        [
            Condition("session_id", "eq", "session-1"),
            Condition("session_id", "is_null", value=True),
            Condition("guid", "in", ("guid-07 0", "guid-07 1", "guid-14 0")),
            Condition("created_on", "gte", from_ms(START + 2000)),
            Condition("created_on", "lt", from_ms(START + 6000)),
            Condition("updated_on", "gte", from_ms(START + 3000)),
            Condition("duration_ms", "gt", 100),
            Condition("workspace_id", "eq", "ws-a"),
            Condition("workspace_id", "in", ("ws-a", "ws-b")),
            Condition("workspace_id", "is_null", value=True),
        ]
    ),
)
_ORDERS: list[Order] = [
    total_order([Term(field, descending)])
    for field in ("created_on", "updated_on", "duration_ms", "state", "session_id")
    for descending in (True, False)
]


def _sorted(rows: list[ExecutionRow], order: Order) -> list[ExecutionRow]:
    for term in reversed(order):
        rows = sorted(
            rows,
            key=lambda row: (
                (getattr(row, term.field) is not None, getattr(row, term.field) or 0)
                if term.field != "session_id"
                else (row.session_id is not None, row.session_id or "")
            ),
            reverse=term.descending,
        )
    return rows


@pytest.mark.usefixtures("_scans")
@given(
    drawn=joined(_CONDITIONS),
    order=st.sampled_from(_ORDERS),
    workspace=st.sampled_from([each for each in WORKSPACES if each is not None]),
)
@settings(
    deadline=None,
    max_examples=examples(200),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_a_view_is_what_would_be_there_without_all_others(
    executions: Executions, drawn: Filter, order: Order, workspace: str
) -> None:
    filter_ = normalised(drawn)
    matches = predicate(filter_)
    found = [row for row in ROWS if row.workspace_id == workspace and matches(row)]
    view = executions.within(workspace)
    query = PageQuery(_FIELDS, filter_, order, limit=7, with_total=True)
    in_order = [tuple(getattr(row, field) for field in _FIELDS) for row in _sorted(found, order)]
    page = await view.page(query)
    assert [tuple(row) for row in page.rows] == in_order[:7]
    assert page.total == await view.count(filter_) == len(found)
    numbered = PageQuery(_FIELDS, filter_, order, limit=3, offset=2)
    assert [tuple(row) for row in (await view.page(numbered)).rows] == in_order[2:5]
    statistics = await view.statistics(StatisticsQuery(filter_, with_states=True, top=10))
    assert statistics.states == tuple(
        sum(row.state == state for row in found) for state in ExecutionState
    )
    assert sum(flow.number for flow in statistics.agentflows) == len(found)
    assert await view.would_delete_matching(filter_) == (len(found), False)
    for by, keys in (("agentflow_id", list(FLOWS)), ("session_id", ["session-1", "session-2"])):
        pages = await view.pages(query, by, keys)
        statistics_of = await view.statistics_of(
            StatisticsQuery(filter_, with_states=True, top=10), by, keys
        )
        for key, each, counted in zip(keys, pages, statistics_of, strict=True):
            own = [row for row in in_order if row[_FIELDS.index(by)] == key]
            assert [tuple(row) for row in each.rows] == own[:7]
            assert each.total == counted.total == len(own)


async def test_a_workspace_can_be_an_empty_text(executions: Executions) -> None:
    assert await executions.within("").count() == len(SAMPLE)
    assert await executions.within("nobody").count() == 0


async def test_a_view_of_no_workspace_is_everything(executions: Executions) -> None:
    assert executions.within(None) is executions
    assert await executions.count() == len(ROWS)


async def test_a_stream_of_a_view_has_what_is_in_the_workspace(executions: Executions) -> None:
    batches = [rows async for rows in executions.within("ws-b").stream(("guid", "workspace_id"))]
    assert {row[1] for rows in batches for row in rows} == {"ws-b"}
    assert sum(map(len, batches)) == len(SAMPLE)


async def test_a_position_of_another_workspace_is_a_place_among_its_own(
    executions: Executions,
) -> None:
    other = ROWS[len(SAMPLE) + 10]
    query = PageQuery(_FIELDS, after=position_of(other, NEWEST_FIRST), with_both_sides=True)
    own = _sorted([row for row in ROWS if row.workspace_id == "ws-a"], NEWEST_FIRST)
    later = [row for row in own if (row.created_on, row.id) < (other.created_on, other.id)]
    page = await executions.within("ws-a").page(query)
    assert [row[0] for row in page.rows] == [row.id for row in later]
    assert page.has_previous


def test_the_largest_filter_still_fits_into_a_view() -> None:
    deep: Filter = Condition("state", "eq", "ERROR")
    for _ in range(MAX_NESTING):
        deep = Not(deep)
    wide = AnyOf(tuple(Condition("guid", "eq", str(number)) for number in range(MAX_CONDITIONS)))
    for filter_ in (deep, wide):
        predicate(Workspace("ws-a").only(filter_))


# How much is read

_INSERT = f"""
INSERT INTO executions (guid, agentflow_id, session_id, state, created_on, workspace_id)
SELECT 'guid-' || number,
    'flow-' || CASE WHEN number % 100 <> 0 THEN 0 ELSE number / 100 % 5 END,
    'session-' || number / 10,
    CASE WHEN number % 400 = 0 THEN 'ERROR' ELSE 'FINISHED' END,
    {START} + number / 10 * 60000,
    CASE WHEN number % 100 = 0 THEN 'ws-a' ELSE 'ws-b' END
FROM {{}}
"""
_COUNT: dict[type[Place], int] = {SQLitePlace: 20_000, PostgresPlace: 60_000}
_SCAN = 1_000
"""How many executions are looked at in an order for which a workspace has no index."""


@pytest.fixture(scope="module")
def crowded(new_place: Callable[[], Place]) -> Place:
    """A database of which a hundredth is in a workspace."""
    place = new_place()
    fill(place, _INSERT, _COUNT, is_analyzed=isinstance(place, PostgresPlace))
    flows: list[tuple[object, ...]] = [(f"flow-{number}", f"Flow {number}") for number in range(5)]
    flows += [(f"other-{number}", f"Other {number}") for number in range(100)]
    place.run("INSERT INTO agentflows (id, name) VALUES (?, ?)", flows)
    return place


Ask = Callable[[Database], Any]


def _view(database: Database) -> Executions:
    return Executions(database).within("ws-a")


def _page(**options: Any) -> Ask:
    query = PageQuery(("guid", "state", "created_on", "id"), limit=10, with_total=True, **options)
    return lambda database: _view(database).page(query)


def _pages(by: str, keys: list[str], **options: Any) -> Ask:
    query = PageQuery(("guid", "created_on", "id"), limit=5, with_total=True, **options)
    return lambda database: _view(database).pages(query, by, keys)


_ERRORS = Condition("state", "eq", "ERROR")
_SHARED = Condition("agentflow_id", "eq", "flow-0")
_SESSION = Condition("session_id", "eq", "session-100")
_LATER = Condition("created_on", "gte", from_ms(START + 500 * 60000))
_STATISTICS = StatisticsQuery(with_states=True, top=5)
_ASKED: dict[str, Ask] = {
    "one": lambda database: _view(database).find("guid-101"),
    "many": lambda database: _view(database).find_many(("id",), ["guid-100", "guid-101"]),
    "a page": _page(),
    "the last page": _page(from_end=True),
    "a page of a state": _page(filter=_ERRORS),
    "a page of a state that none is in": _page(filter=Condition("state", "eq", "TIMEOUT")),
    "a page of several states": _page(filter=Condition("state", "in", ("ERROR", "STOPPED"))),
    "a page of a shared agentflow": _page(filter=_SHARED),
    "a page of a shared agentflow in a state": _page(filter=AllOf((_SHARED, _ERRORS))),
    "a page of names": _page(
        filter=Condition("agentflow_name", "contains", "flow", ignore_case=True)
    ),
    "a page of a session": _page(filter=_SESSION),
    "a page since a time": _page(filter=_LATER),
    "a page of what took long": _page(filter=Condition("duration_ms", "gt", 10**9)),
    "a page by state": _page(order=total_order([Term("state", descending=False)])),
    "a count": lambda database: _view(database).count(),
    "a count of a state": lambda database: _view(database).count(_ERRORS),
    "pages of agentflows": _pages("agentflow_id", [f"flow-{number}" for number in range(5)]),
    "pages of sessions": _pages("session_id", [f"session-{number}" for number in range(50)]),
    "statistics": lambda database: _view(database).statistics(_STATISTICS),
    "statistics of agentflows": lambda database: _view(database).statistics_of(
        _STATISTICS, "agentflow_id", ["flow-0", "flow-1"]
    ),
    "statistics of sessions": lambda database: _view(database).statistics_of(
        _STATISTICS, "session_id", ["session-10", "session-20"]
    ),
    "a dry run": lambda database: _view(database).would_delete_matching(_ERRORS, 5),
    "agentflows": lambda database: (
        Agentflows(database)
        .within("ws-a")
        .page(PageQuery(AgentflowRow._fields, EVERYTHING, BY_NAME, limit=50, with_total=True))
    ),
    "some agentflows": lambda database: (
        Agentflows(database).within("ws-a").find_many([f"flow-{number}" for number in range(10)])
    ),
    "some sessions": lambda database: (
        Sessions(database).within("ws-a").find_many([f"session-{number}" for number in range(10)])
    ),
}


@pytest.mark.sqlite
@pytest.mark.parametrize("filter_", [EVERYTHING, _ERRORS, AllOf((_SHARED, _ERRORS)), _SHARED])
async def test_a_view_counts_by_an_index_alone(crowded: Place, filter_: Filter) -> None:
    sent: list[tuple[str, tuple[Any, ...]]] = []
    database = open_database(crowded.url)
    database.on_read = lambda *read: sent.append(read)
    await _view(database).count(filter_)
    await database.close()
    [(statement, values)] = sent
    [(*_, step)] = crowded.run(f"EXPLAIN QUERY PLAN {statement}", [values])
    assert step.startswith("SEARCH executions USING COVERING INDEX executions_by_workspace_")


@pytest.mark.parametrize("name", _ASKED)
async def test_a_view_reads_about_what_its_workspace_has(crowded: Place, name: str) -> None:
    sent: list[tuple[str, tuple[Any, ...]]] = []
    database = open_database(crowded.url)
    database.on_read = lambda *read: sent.append(read)
    await _ASKED[name](database)
    await database.close()
    own = _COUNT[type(crowded)] // 100
    reads = [await rows_read(crowded, "executions", *read) for read in sent]
    is_in_order = "by" not in name and "long" not in name
    assert max(reads) <= 3 * own + (0 if is_in_order else _SCAN), reads
