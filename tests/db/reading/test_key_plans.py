"""Pages of many keys read few rows of each, however many there are and however they are spread."""

from collections.abc import Callable
from typing import Any

import pytest

from db.executions import Executions
from db.instants import from_ms
from db.models import ExecutionState
from db.opening import open_database
from db.reading.filters import AllOf, AnyOf, Condition
from db.reading.page_query import PageQuery
from db.reading.paging import NEWEST_FIRST, Term, reverse, total_order
from tests.db.reading.many_rows import fill
from tests.places import Place, PostgresPlace, SQLitePlace
from tests.sample import START
from tests.statements import rows_read

pytestmark = pytest.mark.anyio

FLOWS = [f"flow-{number}" for number in range(50)]
SESSIONS = [f"session-{number}" for number in range(50)]
KEYS = {"agentflow_id": FLOWS, "session_id": SESSIONS}
LIMIT = 5

# Nine of ten are of one agentflow, half are of one session, and ten are of one millisecond. Errors
# are rare, and the first agentflow has none.
_INSERT = f"""
INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)
SELECT 'guid-' || number,
    'flow-' || CASE WHEN number % 10 <> 0 THEN 0 ELSE 1 + number / 10 % 60 END,
    CASE number % 4 WHEN 0 THEN NULL WHEN 1 THEN 'session-' || (1 + number / 4 % 2000)
        ELSE 'session-0' END,
    CASE WHEN number % 1000 = 0 THEN 'ERROR' ELSE 'FINISHED' END,
    {START} + number / 10 * 60000
FROM {{}}
"""
# Of fewer rows, without statistics, PostgreSQL would sort those of an agentflow.
_ROWS: dict[type[Place], int] = {SQLitePlace: 20_000, PostgresPlace: 60_000}
_MIDDLE = (START + 1000 * 60000, 10_000)


@pytest.fixture(scope="module", params=["as it is", "analyzed"])
def skewed(new_place: Callable[[], Place], request: pytest.FixtureRequest) -> Place:
    place = new_place()
    fill(place, _INSERT, _ROWS, is_analyzed=request.param == "analyzed")
    return place


_CASES: dict[str, dict[str, Any]] = {
    "first": {},
    "last": {"from_end": True},
    "after": {"after": _MIDDLE},
    "before": {"before": _MIDDLE},
    "last before": {"before": _MIDDLE, "from_end": True},
    "oldest first": {"order": reverse(NEWEST_FIRST)},
    "oldest first, after": {"order": reverse(NEWEST_FIRST), "after": _MIDDLE},
    "since": {"filter": Condition("created_on", "gte", from_ms(_MIDDLE[0]))},
}
_BY_STATES: dict[str, dict[str, Any]] = {
    "one state": {"filter": Condition("state", "eq", "ERROR")},
    "two states": {"filter": Condition("state", "in", ("ERROR", "STOPPED"))},
    "a state after": {"filter": Condition("state", "eq", "ERROR"), "after": _MIDDLE},
    "a state and a time": {
        "filter": AllOf(
            (
                Condition("state", "eq", "ERROR"),
                Condition("created_on", "lt", from_ms(_MIDDLE[0])),
            )
        )
    },
    "another agentflow": {"filter": Condition("agentflow_id", "eq", "flow-1")},
    "a name": {"filter": Condition("agentflow_name", "contains", "nobody", ignore_case=True)},
    "a state or an agentflow": {
        "filter": AnyOf(
            (Condition("state", "eq", "ERROR"), Condition("agentflow_id", "eq", "flow-1"))
        )
    },
    "by state": {"order": total_order([Term("state", descending=False)])},
    "by state, after": {
        "order": total_order([Term("state", descending=True)]),
        "after": ("ERROR", *_MIDDLE),
    },
    "by state, oldest first": {
        "order": total_order(
            [Term("state", descending=True), Term("created_on", descending=False)]
        ),
        "after": ("FINISHED", *_MIDDLE),
    },
}


_ALL = {**_CASES, **_BY_STATES}
_IN_AN_HOUR = 600
_ROWS_OF_A_SESSION = _ROWS[PostgresPlace] // 4 // 2000 + 1


async def _reads(place: Place, by: str, query: PageQuery, keys: list[str]) -> list[int]:
    """How many executions each statement reads for the pages of keys, at most."""
    sent: list[tuple[str, tuple[Any, ...]]] = []
    database = open_database(place.url)
    database.on_read = lambda *read: sent.append(read)
    await Executions(database).pages(query, by, keys)
    await database.close()
    return [await rows_read(place, "executions", *read) for read in sent]


@pytest.mark.parametrize(
    ("by", "name"),
    [*(("agentflow_id", name) for name in _ALL), *(("session_id", name) for name in _CASES)],
)
async def test_the_pages_of_keys_read_no_more_rows_than_they_have_and_one_more(
    skewed: Place, by: str, name: str
) -> None:
    query = PageQuery(
        ("state", "created_on", "id"),
        limit=LIMIT,
        # Those of sessions are counted row by row.
        with_total=by == "agentflow_id",
        with_both_sides=True,
        **_ALL[name],
    )
    rows, *others = await _reads(skewed, by, query, KEYS[by])
    in_states = len(ExecutionState) if name.startswith("by state") else 1
    assert rows <= (LIMIT + 1) * len(KEYS[by]) * in_states
    if query.with_total:
        at_an_edge = _IN_AN_HOUR if "created_on" in repr(query.filter) else 0
        # Steps of SQLite are taken for the counts of hours and days, too.
        of_counts = 10 * len(FLOWS) if isinstance(skewed, SQLitePlace) else 0
        assert others.pop(0) <= at_an_edge + of_counts
    begins_within = (query.before if query.from_end else query.after) is not None
    assert len(others) == begins_within
    assert sum(others) <= len(KEYS[by]) * in_states


@pytest.mark.parametrize("name", _CASES)
async def test_the_totals_of_sessions_are_counted_without_the_rows_of_others(
    skewed: Place, name: str
) -> None:
    sessions = SESSIONS[1:]
    query = PageQuery(("id",), limit=0, with_total=True, **_CASES[name])
    _, counts = await _reads(skewed, "session_id", query, sessions)
    assert counts <= _ROWS_OF_A_SESSION * len(sessions)


_UNSERVED: dict[str, dict[str, Any]] = {
    "nothing is that new": {"filter": Condition("updated_on", "gte", from_ms(START * 2))},
    "nothing finished that late": {
        "filter": Condition("finished_on", "gte", from_ms(START * 2)),
        "order": total_order([Term("finished_on", descending=True)]),
    },
    "nothing took that long": {"filter": Condition("duration_ms", "gt", 60_000)},
    "the longest": {"order": total_order([Term("duration_ms", descending=True)])},
    "a session": {"filter": Condition("session_id", "eq", "session-7")},
    "by change": {"order": total_order([Term("updated_on", descending=True)])},
    "by change, after": {
        "order": total_order([Term("updated_on", descending=True)]),
        "after": _MIDDLE,
    },
}


# Without statistics, PostgreSQL can't know that nothing is that new.
@pytest.mark.parametrize("skewed", ["analyzed"], indirect=True)
@pytest.mark.parametrize("name", _UNSERVED)
async def test_pages_that_no_index_has_do_not_read_all_rows_of_an_agentflow(
    skewed: Place, name: str
) -> None:
    query = PageQuery(("guid", "id"), limit=LIMIT, **_UNSERVED[name])
    reads = await _reads(skewed, "agentflow_id", query, FLOWS)
    assert len(reads) <= 2
    assert sum(reads) <= _ROWS[type(skewed)] // 2
