"""Pages by the time of the end, and by duration, read few rows wherever they begin."""

from collections.abc import Callable
from typing import Any

import pytest

from db.executions import Executions
from db.instants import from_ms
from db.opening import open_database
from db.reading.filters import AllOf, Condition
from db.reading.page_query import PageQuery
from db.reading.paging import Term, total_order
from tests.db.reading.many_rows import fill
from tests.places import Place, PostgresPlace, SQLitePlace
from tests.sample import START
from tests.statements import rows_read

pytestmark = pytest.mark.anyio

LIMIT = 5
MOST = 40
"""Of three ranges, six rows each, and what else reading them takes."""
_ROWS: dict[type[Place], int] = {SQLitePlace: 20_000, PostgresPlace: 60_000}
_MINUTE = 60_000
# A quarter is in progress, and a hundred at a time took equally long and ended at the same time.
_INSERT = f"""
INSERT INTO executions (guid, agentflow_id, state, created_on, finished_on)
SELECT 'guid-' || number, 'flow-' || (number % 50),
    CASE WHEN number % 4 = 0 THEN 'INPROGRESS' ELSE 'FINISHED' END,
    {START} + number / 100 * {_MINUTE}, {START} + number / 100 * {_MINUTE * 3} - {_MINUTE}
FROM {{}}
"""
_TIMES: dict[str, tuple[int, Callable[[int], Any]]] = {
    "finished_on": (START + 100 * 3 * _MINUTE - _MINUTE, from_ms),
    "duration_ms": (100 * 2 * _MINUTE - _MINUTE, int),
}
"""A value in the middle, and what a filter compares it with."""


@pytest.fixture(scope="module", params=["as it is", "analyzed"])
def filled(new_place: Callable[[], Place], request: pytest.FixtureRequest) -> Place:
    place = new_place()
    fill(place, _INSERT, _ROWS, is_analyzed=request.param == "analyzed")
    return place


async def _reads(place: Place, query: PageQuery) -> list[int]:
    """How many executions each statement reads."""
    sent: list[tuple[str, tuple[Any, ...]]] = []
    database = open_database(place.url)
    database.on_read = lambda *read: sent.append(read)
    page = await Executions(database).page(query)
    await database.close()
    assert len(page.rows) == LIMIT
    return [await rows_read(place, "executions", *read) for read in sent]


@pytest.mark.parametrize("field", _TIMES)
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("from_end", [True, False])
@pytest.mark.parametrize("at", ["an end", "a tie", "the first of ties", "a null", "the last null"])
async def test_a_page_reads_few_rows(
    filled: Place, field: str, at: str, *, descending: bool, from_end: bool
) -> None:
    number, _ = _TIMES[field]
    position: Any = {
        "an end": None,
        "a tie": (number, 10_050),
        "the first of ties": (number, 0),
        "a null": (None, 10_000),
        "the last null": (None, 4 if from_end == descending else 10**9),
    }[at]
    forward = descending == from_end
    if at == "the last null" and not forward:
        # Beyond the nulls in this direction there is nothing.
        position = (None, 10_000)
    side = {"before": position} if from_end else {"after": position}
    order = total_order([Term(field, descending)])
    query = PageQuery(("guid", field, "id"), order=order, limit=LIMIT, from_end=from_end, **side)
    reads = await _reads(filled, query)
    assert max(reads) <= MOST, reads
    assert len(reads) == 1


@pytest.mark.parametrize("field", _TIMES)
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("with_cursor", [True, False])
@pytest.mark.parametrize("operators", [("gte",), ("lt",), ("gt", "lte")], ids=str)
async def test_a_page_of_a_range_in_its_order_reads_few_rows(
    filled: Place, field: str, operators: tuple[str, ...], *, descending: bool, with_cursor: bool
) -> None:
    number, compared = _TIMES[field]
    bounds = {"gt": -40 * _MINUTE, "gte": -40 * _MINUTE, "lt": 40 * _MINUTE, "lte": 40 * _MINUTE}
    query = PageQuery(
        ("guid",),
        AllOf(tuple(Condition(field, each, compared(number + bounds[each])) for each in operators)),
        total_order([Term(field, descending)]),
        LIMIT,
        after=(number, 10_050) if with_cursor else None,
    )
    reads = await _reads(filled, query)
    assert max(reads) <= MOST, reads


# Without statistics, PostgreSQL reads executions in the order until it finds those that match.
@pytest.mark.parametrize("filled", ["analyzed"], indirect=True)
@pytest.mark.parametrize("field", _TIMES)
async def test_what_few_match_is_found_by_its_own_index_in_any_order(
    filled: Place, field: str
) -> None:
    number, compared = _TIMES[field]
    within = (
        Condition(field, "gte", compared(number)),
        Condition(field, "lte", compared(number)),
    )
    reads = await _reads(filled, PageQuery(("guid",), AllOf(within), limit=LIMIT))
    # The bounded scan of the default order, in vain, and the hundred that match.
    assert max(reads) < 1_200, reads
    assert len(reads) <= 3
