"""The agentflows of a database: by name, page by page, and by id."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from db.agentflows import BY_NAME, AgentflowRow, Agentflows
from db.database import Database
from db.errors import InvalidInput
from db.executions import Executions
from db.opening import open_database
from db.reading.cursors import decode_cursor, encode_cursor
from db.reading.filters import EVERYTHING, AllOf, Condition, Filter
from db.reading.normal_filters import NOTHING
from db.reading.page_query import Page, PageQuery
from db.reading.paging import NEWEST_FIRST, Position
from tests.gateway import insert, run_sql
from tests.places import Place
from tests.sample import FLOWS, SAMPLE, START
from tests.statements import recorded_statements, rows_read

pytestmark = pytest.mark.anyio

NAMES = {
    **{flow: name for flow, name in FLOWS.items() if flow != "flow-gone"},
    "flow-f": None,
    "flow-g": "Support agent",
    "flow-h": "",
    "flow-i": None,
    "flow-j": "\U0001f600",
    "flow-k": "\uffee",
}
IN_ORDER = sorted(NAMES.items(), key=lambda flow: (flow[1] is not None, flow[1] or "", flow[0]))


@pytest.fixture
def agentflows(place: Place, database: Database) -> Agentflows:
    insert(place, SAMPLE)
    for flow, name in NAMES.items():
        run_sql(
            place,
            "INSERT INTO agentflows (id, name) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name ="
            " excluded.name",
            flow,
            name,
        )
    return Agentflows(database)


async def _page(
    agentflows: Agentflows,
    limit: int = 100,
    after: Position | None = None,
    filter_: Filter = EVERYTHING,
) -> Page:
    return await agentflows.page(
        PageQuery(
            AgentflowRow._fields,
            filter_,
            BY_NAME,
            limit,
            after=after,
            with_total=True,
            with_both_sides=True,
        )
    )


async def test_agentflows_are_listed_by_name_and_then_by_id(agentflows: Agentflows) -> None:
    page = await _page(agentflows)
    assert page == Page(IN_ORDER, len(IN_ORDER))


@pytest.mark.parametrize("limit", range(4))
async def test_a_page_goes_on_after_each_position(agentflows: Agentflows, limit: int) -> None:
    for at, (flow, name) in enumerate(IN_ORDER, start=1):
        expected = IN_ORDER[at : at + limit]
        page = await _page(agentflows, limit, (name, flow))
        assert list(page.rows) == expected
        assert page.total == len(IN_ORDER)
        assert page.has_previous
        assert page.has_next == (at + limit < len(IN_ORDER))


async def test_a_page_before_which_nothing_is_left_has_none_before(
    agentflows: Agentflows, place: Place
) -> None:
    (flow, name), *others = IN_ORDER
    run_sql(place, "DELETE FROM agentflows WHERE id = ?", flow)
    page = await _page(agentflows, 1, (name, flow))
    assert list(page.rows) == others[:1]
    assert not page.has_previous


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (Condition("agentflow_name", "eq", "Support agent"), ["flow-a", "flow-g"]),
        (
            AllOf((Condition("agentflow_name", "contains", "SUPPORT", ignore_case=True),)),
            ["flow-a", "flow-g", "flow-e"],
        ),
        (
            AllOf(
                (
                    Condition("agentflow_name", "starts_with", "Support"),
                    Condition("agentflow_name", "in", ("Support agent", "")),
                )
            ),
            ["flow-a", "flow-g"],
        ),
        (Condition("agentflow_name", "contains", "%"), ["flow-c"]),
        (NOTHING, []),
    ],
)
async def test_a_filter_selects_agentflows_by_name(
    agentflows: Agentflows, filter_: Filter, expected: list[str]
) -> None:
    page = await _page(agentflows, filter_=filter_)
    assert [flow for flow, _ in page.rows] == expected
    assert page.total == len(expected)


async def test_a_page_has_the_fields_that_are_asked_for(agentflows: Agentflows) -> None:
    page = await agentflows.page(
        PageQuery(("agentflow_name",), order=BY_NAME, limit=2, after=("", "flow-h"))
    )
    assert list(page.rows) == [("100% of_everything",), ("Support agent",)]


async def test_agentflows_are_found_in_the_order_of_their_ids(agentflows: Agentflows) -> None:
    with recorded_statements() as statements:
        found = await agentflows.find_many(
            ["flow-f", "nobody", "flow-gone", "flow-a", "a\0b", "f\udcff"]
        )
    assert found == [
        AgentflowRow("flow-f", None),
        None,
        AgentflowRow("flow-gone", None),
        AgentflowRow("flow-a", "Support agent"),
        None,
        None,
    ]
    assert len(statements) == 1


async def test_an_agentflow_is_not_found_once_its_last_execution_is_gone(
    agentflows: Agentflows, place: Place
) -> None:
    run_sql(place, "DELETE FROM executions WHERE agentflow_id = 'flow-gone'")
    assert await agentflows.find_many(["flow-gone"]) == [None]


def test_a_cursor_of_executions_is_not_one_of_agentflows() -> None:
    of_execution = encode_cursor((1, 2), NEWEST_FIRST)
    of_agentflow = encode_cursor((None, "flow-a"), BY_NAME)
    assert decode_cursor(of_agentflow, BY_NAME, "after") == (None, "flow-a")
    with pytest.raises(InvalidInput, match="ordered by agentflow_name asc, agentflow_id asc"):
        decode_cursor(of_execution, BY_NAME, "after")
    with pytest.raises(InvalidInput, match="ordered by created_on desc, id desc"):
        decode_cursor(of_agentflow, NEWEST_FIRST, "after")


@pytest.mark.sqlite
async def test_an_agentflow_whose_id_is_not_utf_8_is_found_as_it_is_shown(
    database: Database, path: Path
) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("agentflows", "executions"):
            connection.execute(f"DROP TRIGGER {table}_checked_insert")
        connection.execute(
            "INSERT INTO agentflows (id, name) VALUES (CAST(X'61E9' AS TEXT), 'Named')"
        )
        connection.execute(
            "INSERT INTO executions (guid, agentflow_id, state, created_on)"
            " VALUES ('g', CAST(X'62E9' AS TEXT), 'ERROR', 1)"
        )
    found = await Agentflows(database).find_many(["a\ufffd", "b\ufffd", "c\ufffd", "a\udce9"])
    named = AgentflowRow("a\udce9", "Named")
    assert found == [named, AgentflowRow("b\udce9", None), None, named]


@pytest.mark.sqlite
async def test_many_agentflows_whose_ids_are_not_utf_8_are_found_together(
    database: Database, path: Path
) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER agentflows_checked_insert")
        connection.executemany(
            "INSERT INTO agentflows (id, name) VALUES (CAST(? AS TEXT), 'Named')",
            [(b"\xe9%d" % number,) for number in range(1200)],
        )
    for start in ("\ufffd", "\udce9"):
        found = await Agentflows(database).find_many([f"{start}{each}" for each in range(1300)])
        named = [AgentflowRow(f"\udce9{number}", "Named") for number in range(1200)]
        assert found == [*named, *[None] * 100]


async def test_an_agentflow_is_inserted_without_naming_columns(
    place: Place, database: Database
) -> None:
    run_sql(place, "INSERT INTO agentflows VALUES (?, ?)", "flow-a", "Support")
    [found] = await Agentflows(database).find_many(["flow-a"])
    assert found == AgentflowRow("flow-a", "Support")


async def test_an_execution_is_inserted_by_the_documented_columns(
    place: Place, database: Database
) -> None:
    columns = "id, guid, agentflow_id, session_id, state, created_on, updated_on"
    values = (7, "guid-a", "flow-a", "session-a", "FINISHED", START, START + 1)
    marks = ", ".join("?" * len(values))
    run_sql(place, f"INSERT INTO executions ({columns}) VALUES ({marks})", *values)
    found = await Executions(database).find("guid-a")
    assert found is not None
    assert (found.id, found.state, found.updated_on) == (7, "FINISHED", START + 1)


@pytest.fixture(scope="module", params=["named", "without names"])
def many(new_place: Callable[[], Place], request: pytest.FixtureRequest) -> Place:
    """A database of ten thousand agentflows, of which a hundred have the same name."""
    place = new_place()
    name = "'name-' || number / 100" if request.param == "named" else "NULL"
    numbers = (
        "(WITH RECURSIVE counted (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM counted"
        " WHERE number < 10000) SELECT number FROM counted) AS numbers"
    )
    place.run(f"INSERT INTO agentflows SELECT 'flow-' || number, {name} FROM {numbers}", [()])
    place.run("ANALYZE", [()])
    return place


@pytest.mark.parametrize("after", [None, ("name-5", "flow-550"), (None, "flow-550")])
async def test_a_page_of_many_agentflows_reads_its_own(many: Place, after: Position | None) -> None:
    sent: list[tuple[str, tuple[Any, ...]]] = []
    database = open_database(many.url)
    database.on_read = lambda *read: sent.append(read)
    await Agentflows(database).page(
        PageQuery(AgentflowRow._fields, order=BY_NAME, limit=10, after=after, with_both_sides=True)
    )
    await database.close()
    assert len(sent) == 1 + (after is not None)
    assert sum([await rows_read(many, "agentflows", *read) for read in sent]) <= 50
