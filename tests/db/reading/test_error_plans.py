"""Executions are found by their error without reading all executions, or their data."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from db.executions import Executions
from db.opening import open_database
from db.reading.filters import AllOf, Condition, Filter
from db.reading.page_query import PageQuery
from db.reading.paging import NEWEST_FIRST, Order, Term, total_order
from db.reading.statistics import StatisticsQuery
from tests.db.reading.many_rows import fill
from tests.gateway import run_sql
from tests.places import Place, PostgresPlace, SQLitePlace
from tests.sample import START
from tests.statements import rows_read

pytestmark = pytest.mark.anyio

_ROWS: dict[type[Place], int] = {SQLitePlace: 20_000, PostgresPlace: 60_000}
# Every hundredth has failed with a message; a third are in the state of those that have.
_INSERT = f"""
INSERT INTO executions (guid, agentflow_id, session_id, state, created_on, workspace_id, error)
SELECT 'guid-' || number, 'flow-' || (number % 20), 'session-' || (number / 5),
    CASE WHEN number % 3 = 0 OR number % 100 = 50 THEN 'ERROR' ELSE 'FINISHED' END,
    {START} + number * 1000, CASE WHEN number % 2 = 0 THEN 'workspace' END,
    CASE WHEN number % 100 = 50 THEN 'Request ' || number || ' timed out' END
FROM {{}}
"""
RARE = Condition("error", "contains", "REQUEST 150 ", ignore_case=True)
COMMON = Condition("error", "contains", "timed OUT", ignore_case=True)
_FAILED = Condition("state", "eq", "ERROR")
_FAILED_OR_NOT = Condition("state", "in", ("ERROR", "FINISHED", "STOPPED"))
_OTHERS: dict[str, tuple[Filter, ...]] = {
    "alone": (),
    "with a state": (_FAILED,),
    "with states": (_FAILED_OR_NOT,),
    "with an agentflow": (Condition("agentflow_id", "eq", "flow-10"),),
    "with a workspace": (Condition("workspace_id", "eq", "workspace"),),
    "with a name": (Condition("agentflow_name", "contains", "nobody"),),
}
filters = pytest.mark.parametrize("others", _OTHERS.values(), ids=list(_OTHERS))


@pytest.fixture(scope="module", params=["as it is", "analyzed"])
def filled(new_place: Callable[[], Place], request: pytest.FixtureRequest) -> Place:
    place = new_place()
    fill(place, _INSERT, _ROWS, is_analyzed=request.param == "analyzed")
    return place


class Reading:
    """Reads, and how many executions its statements read of those in the table."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._sent: list[tuple[str, tuple[Any, ...]]] = []
        self.database = open_database(place.url)
        self.database.on_read = lambda *read: self._sent.append(read)
        self.executions = Executions(self.database)
        self.failed = _ROWS[type(place)] // 100

    async def reads(self) -> list[int]:
        sent, self._sent = self._sent, []
        assert not any("execution_data" in statement for statement, _ in sent)
        return [await rows_read(self._place, "executions", *read) for read in sent]


@pytest.fixture
def informed(filled: Place) -> None:
    """Skip what a database without statistics does another way.

    PostgreSQL takes all executions to have an error until it has looked at the table.
    """
    is_empty = isinstance(filled, PostgresPlace) and not run_sql(
        filled, "SELECT FROM pg_stats WHERE tablename = 'executions'"
    )
    if is_empty:
        pytest.skip("without statistics")


@pytest.fixture
async def reading(filled: Place) -> AsyncIterator[Reading]:
    opened = Reading(filled)
    yield opened
    await opened.database.close()


def _page(filter_: Filter, order: Order = NEWEST_FIRST, limit: int = 5, **more: Any) -> PageQuery:
    return PageQuery(("guid", "id", "created_on", "error"), filter_, order, limit, **more)


async def test_a_page_reads_no_more_than_those_that_failed(reading: Reading) -> None:
    await reading.executions.page(_page(RARE, with_more=False))
    [read] = await reading.reads()
    assert read <= reading.failed * 1.1


@filters
@pytest.mark.usefixtures("informed")
async def test_a_page_by_more_than_errors_reads_no_more_than_those_that_failed(
    reading: Reading, others: tuple[Filter, ...]
) -> None:
    await reading.executions.page(_page(AllOf((RARE, *others)), with_more=False))
    [read] = await reading.reads()
    assert read <= reading.failed * 1.1


@pytest.mark.parametrize("from_end", [False, True])
@pytest.mark.parametrize("with_cursor", [False, True])
async def test_a_page_of_many_errors_reads_few_rows(
    reading: Reading, *, from_end: bool, with_cursor: bool
) -> None:
    position = (START + 10_050 * 1000, 10_050) if with_cursor else None
    side: dict[str, Any] = {"before" if from_end else "after": position}
    page = await reading.executions.page(_page(COMMON, from_end=from_end, **side))
    assert len(page.rows) == 5
    assert [read for read in await reading.reads() if read > 40] == []


@filters
@pytest.mark.usefixtures("informed")
async def test_counts_read_no_more_than_those_that_failed(
    reading: Reading, others: tuple[Filter, ...]
) -> None:
    filter_ = AllOf((RARE, *others))
    await reading.executions.count(filter_)
    await reading.executions.statistics(StatisticsQuery(filter_, with_states=True, top=5))
    await reading.executions.would_delete_matching(filter_)
    reads = await reading.reads()
    assert len(reads) == 3
    assert max(reads) <= reading.failed * 1.5, reads


@pytest.mark.usefixtures("informed")
async def test_another_order_reads_those_that_failed_once_a_bounded_scan_is_in_vain(
    reading: Reading,
) -> None:
    order = total_order([Term("updated_on", descending=True)])
    page = await reading.executions.page(_page(RARE, order))
    assert len(page.rows) == 1
    assert max(await reading.reads()) <= 1_200 + reading.failed


async def test_a_session_is_found_by_its_own_index(reading: Reading) -> None:
    filter_ = AllOf((RARE, Condition("session_id", "eq", "session-30")))
    page = await reading.executions.page(_page(filter_))
    assert len(page.rows) == 1
    assert max(await reading.reads()) <= 40
