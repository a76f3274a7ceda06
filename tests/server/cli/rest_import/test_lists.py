"""Lists of other forms than Flowise's, pages, and what a server may do with them."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from db.database import Database
from server.cli.rest_import.answers import Answer, ImportFailed, TooLarge
from server.cli.rest_import.execution_list import EVERYTHING, ExecutionList, _covering
from tests.gateway import run_sql
from tests.places import Place
from tests.server.cli.rest_import.bare_list import BareList, row
from tests.server.cli.rest_import.flowise_list import FlowiseList
from tests.server.cli.rest_import.imports import Query, import_of, states

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("tells", ["the total", "no total"])
@pytest.mark.parametrize("cap", [3, 10, 10**9])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 57])
async def test_a_bare_array_arrives_whole_however_few_it_sends_at_a_time(
    database: Database, place: Place, tells: str, cap: int, count: int
) -> None:
    bare = BareList([row(number) for number in range(1, count + 1)], cap=cap)
    total = bare.total if tells == "the total" else lambda _: None
    importing = import_of(database, bare.answer, limit=10, total=total)
    await importing.run()
    assert len(states(place)) == count == importing.written


async def test_a_server_that_refuses_large_pages_is_asked_for_smaller_ones(
    database: Database, place: Place
) -> None:
    bare = BareList([row(number) for number in range(1, 40)], most=7)
    await import_of(database, bare.answer, limit=50, total=bare.total).run()
    assert len(states(place)) == 39


async def test_a_server_that_refuses_every_page_is_an_error(database: Database) -> None:
    bare = BareList([], most=0)
    with pytest.raises(ImportFailed, match="does not take page, limit"):
        await import_of(database, bare.answer).run()


async def test_a_server_that_does_not_filter_by_creation_is_an_error(database: Database) -> None:
    rows = [row(number) for number in range(30)]
    with pytest.raises(ImportFailed, match="does not filter by startDate and endDate"):
        await import_of(database, lambda _: {"data": rows[:10], "total": 30}, limit=10).run()


@pytest.mark.parametrize("value", [{}, {"data": 1}, {"data": None, "total": 3}, {"data": {}}])
async def test_an_object_without_a_list_is_an_error(database: Database, value: Any) -> None:
    with pytest.raises(ImportFailed, match="no list of executions"):
        await import_of(database, lambda _: value).run()


@pytest.mark.parametrize("total", [None, -1, True, "3", 2.5])
async def test_a_total_that_is_no_number_is_none(
    database: Database, place: Place, total: Any
) -> None:
    bare = BareList([row(number) for number in range(1, 30)])

    def answer(query: Query) -> Any:
        return {"data": bare.answer(query), "total": total}

    await import_of(database, answer, limit=10).run()
    assert len(states(place)) == 29


async def test_a_row_of_flowise_has_its_fields_under_our_names(
    database: Database, place: Place
) -> None:
    flowise = FlowiseList()
    at = flowise.clock
    flowise.create("running")
    flowise.create("ended", state="FINISHED", sessionId="session-1")
    flowise.create("waiting")
    flowise.clock += 60
    flowise.change("ended", "FINISHED")
    flowise.change("waiting", "STOPPED")
    await import_of(database, flowise.answer).run()
    rows = run_sql(
        place,
        "SELECT guid, agentflow_id, session_id, state, created_on, updated_on, finished_on"
        " FROM executions ORDER BY guid",
    )
    created, changed = at * 1000, (at + 60) * 1000
    assert rows == [
        ("ended", "flow-1", "session-1", "FINISHED", created, changed, changed),
        ("running", "flow-1", None, "INPROGRESS", created, created, None),
        ("waiting", "flow-1", None, "STOPPED", created, changed, changed),
    ]
    assert run_sql(place, "SELECT id, name FROM agentflows") == [("flow-1", "Support agent")]


async def test_what_a_flowise_left_of_an_execution_arrives_with_its_workspace_and_error(
    database: Database, place: Place
) -> None:
    steps = [{"nodeId": "n", "nodeLabel": "N", "data": {"error": "no"}, "status": "ERROR"}]
    flowise = FlowiseList()
    flowise.create("a", state="ERROR", executionData=json.dumps(steps), workspaceId="w-1")
    flowise.create("b", executionData="no JSON")
    importing = import_of(database, flowise.answer)
    await importing.run()
    [(workspace, error, data)] = run_sql(
        place,
        "SELECT workspace_id, error, data FROM executions"
        " JOIN execution_data ON execution_id = executions.id",
    )
    assert (workspace, error, json.loads(data)) == ("w-1", "no", steps)
    assert "data must be" in importing.left_out["b"]


async def test_what_can_not_be_read_is_left_out_and_named(database: Database, place: Place) -> None:
    rows: list[Any] = [
        row(1),
        row(2, state="DONE"),
        row(3, guid=None),
        row(4, created_on="yesterday"),
        row(5, agentflowId="x\0y"),
        row(6, guid="\ud800"),
        "seven",
        None,
        row(9),
    ]
    importing = import_of(database, lambda _: {"data": rows, "total": len(rows)})
    await importing.run()
    assert set(states(place)) == {"g-1", "g-9"}
    assert importing.left_out_count == len(importing.left_out) == 5 + 1
    assert "state must be one of" in importing.left_out["g-2"]
    assert "created_on must be" in importing.left_out["g-4"]


async def test_what_the_database_refuses_is_left_out_alone(
    database: Database, place: Place
) -> None:
    place.refuse("INSERT", "new.guid = 'g-5'")
    bare = BareList([row(number) for number in range(1, 20)])
    importing = import_of(database, bare.answer, total=bare.total)
    await importing.run()
    assert set(states(place)) == {f"g-{number}" for number in range(1, 20)} - {"g-5"}
    assert "rejected" in importing.left_out["g-5"]


async def test_an_execution_that_is_too_large_is_left_out_by_its_name(
    database: Database, place: Place
) -> None:
    flowise = FlowiseList()
    for number in range(40):
        flowise.create(f"g-{number:02}", at=flowise.clock + number % 3)
    flowise.create("huge", executionData="x" * 5000)

    def answer(query: Query) -> Any:
        found = flowise.answer(query)
        if len(json.dumps(found)) > 5000:
            raise TooLarge(found["data"][0]["id"])
        return found

    importing = import_of(database, answer, limit=10)
    await importing.run()
    assert len(states(place)) == 40
    assert importing.left_out == {"huge": "it has more than 1,048,576 bytes"}


async def test_pages_of_large_executions_have_fewer_of_them() -> None:
    flowise = FlowiseList()
    for number in range(300):
        flowise.create(f"g-{number:03}", executionData="x" * 200_000)

    async def get(query: str) -> Answer:
        body = json.dumps(flowise.answer(dict(parse_qsl(query))))
        return Answer(json.loads(body), len(body), None)

    async def once(request: Any) -> Answer:
        answer: Answer = await request()
        return answer

    listed = ExecutionList(get, once, (), most_bytes=1 << 20)
    await listed.first(EVERYTHING)
    assert len((await listed.first(EVERYTHING)).items) <= (4 << 20) // 200_000


@pytest.mark.parametrize("limit", range(1, 60))
def test_a_page_begins_before_a_position_and_ends_after_it(limit: int) -> None:
    for position in (*range(200), 997, 10_000, 123_456):
        number, size = _covering(position, limit)
        start = (number - 1) * size
        assert start <= position < start + size
        assert size <= limit
        if position and limit >= 4:
            sizes = range(limit // 2 + 1, limit + 1)
            assert start < position or all(position % each == 0 for each in sizes)


async def test_a_page_whose_total_is_counted_after_a_deletion_is_not_taken_for_all(
    database: Database, place: Place
) -> None:
    flowise = FlowiseList()
    for number in range(11):
        flowise.create(f"g-{number:02}", at=flowise.clock - number)
    calls = 0

    def meanwhile() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            flowise.delete("g-05")

    flowise.meanwhile = meanwhile
    await import_of(database, flowise.answer, limit=10).run()
    assert set(flowise.states()) <= set(states(place))
