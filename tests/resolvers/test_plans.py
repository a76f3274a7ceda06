"""Plans coerce, collect and answer exactly as graphql-core does, byte for byte."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from graphql import GraphQLSchema
from graphql import build_schema as build_graphql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from db.errors import ServiceUnavailable
from db.executions import Executions
from db.opening import open_database
from resolvers.changes import AlreadyCommitted
from resolvers.context import Context
from resolvers.plans import Planner
from resolvers.schema import build_schema
from server.access.authentication import ANYONE
from server.graphql.documents import PersistedQueries
from server.graphql.preparation import OperationStore
from server.graphql.request import GraphQLRequest
from server.graphql.runner import OperationRunner
from server.operation.settings import Settings
from tests.gateway import insert, run_sql
from tests.places import Place
from tests.sample import SAMPLE

LIMITS = Settings(_env_file=None).limits
STORE = OperationStore(LIMITS)
SCHEMA = build_schema()


class _NoPlan(Exception):
    """Something else than a plan has to answer."""


class _ByPlan(OperationRunner):
    async def _planned(self, *arguments: Any) -> tuple[dict[str, Any] | None, Exception | None]:
        data, fault = await super()._planned(*arguments)
        if data is None:
            raise _NoPlan
        return data, fault


class _Executed(OperationRunner):
    async def _planned(self, *_: Any) -> tuple[None, None]:
        return None, None


class Both:
    """Runs operations by their plans and by graphql-core."""

    def __init__(self, place: Place) -> None:
        self._loop = asyncio.new_event_loop()
        self._database = open_database(place.url)
        executions = Executions(self._database)

        self._by_plan, self._executed = (
            kind(
                SCHEMA,
                STORE,
                PersistedQueries(),
                executions,
                max_page_size=100,
                max_ids=1000,
                on_limit=lambda _limit: None,
            )
            for kind in (_ByPlan, _Executed)
        )

    def run(
        self, query: str, variables: dict[str, Any] | None = None, name: str | None = None
    ) -> tuple[bytes | None, bytes]:
        """The two answers; the first is None when there is no plan that holds."""
        return self._loop.run_until_complete(self._run(query, variables, name))

    async def _run(
        self, query: str, variables: dict[str, Any] | None, name: str | None
    ) -> tuple[bytes | None, bytes]:
        planned = await self._run_planned(query, variables, name)
        return planned, await self._run_executed(query, variables, name)

    async def _run_planned(
        self, query: str, variables: dict[str, Any] | None, name: str | None
    ) -> bytes | None:
        asked = GraphQLRequest(query, name, variables, None)
        try:
            result = await self._by_plan.run(asked, ANYONE, unsupported={})
        except _NoPlan:
            return None
        return None if result.is_refused else orjson.dumps(result.body)

    async def _run_executed(
        self, query: str, variables: dict[str, Any] | None, name: str | None
    ) -> bytes:
        asked = GraphQLRequest(query, name, variables, None)
        result = await self._executed.run(asked, ANYONE, unsupported={})
        return orjson.dumps(result.body)

    def run_one(self, place: int, query: str, variables: dict[str, Any]) -> bytes | None:
        """The first of the two answers, or the second."""
        run = (self._run_planned, self._run_executed)[place]
        return self._loop.run_until_complete(run(query, variables, None))

    def close(self) -> None:
        self._loop.run_until_complete(self._database.close())
        self._loop.close()


@pytest.fixture(scope="module")
def both(new_place: Callable[[], Place]) -> Iterator[Both]:
    place = new_place()
    insert(place, SAMPLE)
    opened = Both(place)
    yield opened
    opened.close()


ALL = "id databaseId guid state agentflowId agentflowName sessionId createdOn updatedOn __typename"
PLANNED_QUERIES: list[tuple[str, dict[str, Any]]] = [
    ("{ executions { nodes { guid @skip(if: true) } } }", {}),
    ("{ executions { edges { node { id @include(if: false) } } } }", {}),
    ('{ execution(guid: "guid-07") { guid @skip(if: true) } }', {}),
    ("{ executions { nodes @skip(if: true) { guid } } }", {}),
    ("{ __typename a: __typename }", {}),
    (f'{{ execution(guid: "guid-07") {{ {ALL} }} }}', {}),
    ('{ execution(guid: "nobody") { guid } }', {}),
    ('{ execution(guid: "guid-07") { a: guid b: guid } x: execution(guid: "guid-14") { id } }', {}),
    ("query ($g: ID!) { execution(guid: $g) { sessionId } }", {"g": "guid-00 /%é'\""}),
    ("query ($g: ID!) { execution(guid: $g) { guid } }", {"g": 7}),
    (
        f"{{ executions {{ nodes {{ {ALL} }} edges {{ cursor node {{ {ALL} }} __typename }} }} }}",
        {},
    ),
    (
        (
            "{ executions(first: 3) { pageInfo { startCursor endCursor hasNextPage hasPreviousPage"
            " __typename } totalCount __typename } }"
        ),
        {},
    ),
    ("{ executions(last: 3) { nodes { guid } pageInfo { hasNextPage hasPreviousPage } } }", {}),
    ("{ executions(first: 0) { nodes { guid } pageInfo { endCursor hasNextPage } } }", {}),
    (
        (
            "{ executions { ...A nodes { ...B } } ... on Query { executions { totalCount } } }"
            " fragment A on ExecutionConnection { edges { node { ...B } } }"
            " fragment B on Execution { guid ... on Execution { state } ... { sessionId } }"
        ),
        {},
    ),
    (
        (
            "query ($yes: Boolean!, $no: Boolean = false) { executions(first: 2) {"
            " totalCount @include(if: $no) nodes @skip(if: $no) { guid @include(if: $yes)"
            " state @skip(if: $yes) ...A @include(if: $yes) } } }"
            " fragment A on Execution { createdOn }"
        ),
        {"yes": True},
    ),
    (
        (
            "query ($n: Int = 2, $o: [ExecutionOrder!], $f: ExecutionFilter) {"
            " executions(first: $n, orderBy: $o, filter: $f) { nodes { guid state } totalCount } }"
        ),
        {"o": [{"field": "STATE"}, {"field": "CREATED_ON", "direction": "ASC"}], "f": {"or": []}},
    ),
    (
        "query ($s: ExecutionState) { executions(filter: {state: {eq: $s}}) { totalCount } }",
        {"s": "ERROR"},
    ),
    ("query ($n: Int) { executions(first: $n) { nodes { guid } } }", {"n": None}),
    (
        (
            "{ executions(orderBy: {field: SESSION_ID, direction: ASC}, first: 4) {"
            " edges { cursor } } }"
        ),
        {},
    ),
    (
        (
            "{ executionPage(page: 2, limit: 5, orderBy: [{field: UPDATED_ON}]) {"
            f" items {{ {ALL} }} page limit totalCount totalPages __typename }} }}"
        ),
        {},
    ),
    ("{ executionPage(limit: 7) { totalPages } }", {}),
]


@pytest.mark.parametrize(("query", "variables"), PLANNED_QUERIES, ids=range(len(PLANNED_QUERIES)))
def test_a_query_is_planned_and_answered_alike(
    both: Both, query: str, variables: dict[str, Any]
) -> None:
    planned, executed = both.run(query, variables)
    assert planned is not None
    assert planned == executed
    assert b'"errors"' not in executed


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ executions(first: -1) { totalCount } }", {}),
        ('{ executions(after: "x") { totalCount } }', {}),
        ("{ executions(first: 1, last: 1) { totalCount } }", {}),
        ("{ executionPage(page: 0) { page } }", {}),
        ("query ($n: Int!) { executions(first: $n) { totalCount } }", {}),
        ("query ($n: Int!) { executions(first: $n) { totalCount } }", {"n": "x"}),
        ("query ($b: Boolean!) { executions @skip(if: $b) { totalCount } }", {}),
        ("{ nothing }", {}),
        ("{", {}),
        (
            "mutation ($g: [ID!]!) { deleteExecutions(guids: $g) { affected } }",
            {"g": ["a"] * 1_001},
        ),
        (
            "mutation ($g: [ID!]!) { updateExecutions(guids: $g, input: {}) { affected } }",
            {"g": ["a"] * 1_001},
        ),
    ],
)
def test_what_is_refused_is_left_to_graphql_core(
    both: Both, query: str, variables: dict[str, Any]
) -> None:
    planned, _ = both.run(query, variables)
    assert planned is None


SEVERAL = """
query A($x: Boolean = false) { executions(first: 1) { totalCount @include(if: $x) ...Parts } }
query B($x: Boolean = true) { executions(first: 1) { totalCount @include(if: $x) ...Parts } }
query C($x: Boolean!) { executions(first: 1) { totalCount @include(if: $x) ...Parts } }
query D($x: Int = 2) { executions(first: $x) { nodes { guid } } }
fragment Parts on ExecutionConnection { nodes { guid @skip(if: $x) } }
"""


@pytest.mark.parametrize(
    "variables", [{}, {"x": True}, {"x": False}, {"x": None}, {"x": 1}], ids=str
)
def test_each_operation_of_a_document_is_answered_by_its_own_variables(
    both: Both, variables: dict[str, Any]
) -> None:
    for name in "ABCD":
        planned, executed = both.run(SEVERAL, variables, name)
        if planned is None:
            assert b'"errors"' in executed
        assert planned in (None, executed)


def test_the_default_of_another_operation_is_not_taken(both: Both) -> None:
    for name, has_total in (("A", False), ("B", True)):
        planned, executed = both.run(SEVERAL, {}, name)
        assert planned == executed
        assert (b"totalCount" in executed) is has_total


def test_only_the_operation_that_is_asked_for_is_planned(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[str] = []

    class Recording(Planner):
        def __init__(
            self, schema: Any, document: Any, operation: Any, *more: Any, size: int
        ) -> None:
            planned.append(operation.name.value)
            super().__init__(schema, document, operation, *more, size=size)

    monkeypatch.setattr("server.graphql.preparation.Planner", Recording)
    document = " ".join(f"query Q{number} {{ __typename }}" for number in range(50))
    for name in ("Q7", "Q7", "Q30"):
        both.run(document, {}, name)
    assert planned == ["Q7", "Q30"]


UPDATE = """
mutation ($guid: ID!, $input: UpdateExecutionInput!) {
  renamed: updateExecution(guid: $guid, input: $input) {
    __typename
    ... on UpdateExecutionSuccess { execution { ...Parts again: guid } }
    ... on UserError { message }
    ... on ExecutionNotFound { guid }
    ... on ExecutionStateConflict { execution { ...Parts } expectedState }
  }
}
fragment Parts on Execution {
  id databaseId guid state agentflowName sessionId createdOn __typename
}
"""
UPDATES: list[tuple[str, dict[str, Any]]] = [
    ("guid-07", {"state": "STOPPED"}),
    ("guid-07", {"state": "STOPPED", "expectedState": "INPROGRESS"}),
    ("guid-07", {"state": "STOPPED", "expectedState": "ERROR"}),
    ("guid-07", {"state": "INPROGRESS"}),
    ("guid-07", {}),
    ("guid-07", {"state": None, "expectedState": None}),
    ("guid-07", {"expectedState": "ERROR"}),
    ("no 'one'", {"state": "STOPPED"}),
]


@pytest.mark.parametrize(("guid", "given"), UPDATES, ids=range(len(UPDATES)))
def test_an_update_is_answered_alike(place: Place, guid: str, given: dict[str, Any]) -> None:
    insert(place, SAMPLE)
    variables = {"guid": guid, "input": given}
    answers = []
    for way in (0, 1):
        run_sql(place, "UPDATE executions SET state = 'INPROGRESS', updated_on = 1")
        fresh = Both(place)
        answers.append(fresh.run_one(way, UPDATE, variables))
        fresh.close()
        changed = given.get("state") not in (None, "INPROGRESS") and guid == "guid-07"
        expected = given.get("expectedState") in (None, "INPROGRESS")
        [(state,)] = run_sql(place, "SELECT state FROM executions WHERE guid = 'guid-07'")
        assert state == (given["state"] if changed and expected else "INPROGRESS")
    assert answers[0] == answers[1]
    assert b"errors" not in (answers[0] or b"errors")


UPDATE_MANY = """
mutation ($guids: [ID!]!, $input: UpdateExecutionInput!) {
  renamed: updateExecutions(guids: $guids, input: $input) {
    affected notFound __typename
    executions { ...Parts again: guid } conflicts { ...Parts }
  }
}
fragment Parts on Execution {
  id databaseId guid state agentflowName sessionId createdOn __typename
}
"""
DELETE_MANY = """
mutation ($guids: [ID!]!) {
  deleteExecutions(guids: $guids) { deleted count: affected ... { notFound } __typename }
}
"""
MANY: list[tuple[str, dict[str, Any]]] = [
    (query, {"guids": guids, **more})
    for guids in (
        ["guid-07", "nobody", "guid-14", "guid-07"],
        ["guid-07"],
        "guid-14",
        [],
        ["nobody"],
    )
    for query, more in (
        (DELETE_MANY, {}),
        (UPDATE_MANY, {"input": {"state": "STOPPED"}}),
        (UPDATE_MANY, {"input": {"state": "STOPPED", "expectedState": "INPROGRESS"}}),
        (UPDATE_MANY, {"input": {"state": "INPROGRESS"}}),
        (UPDATE_MANY, {"input": {}}),
    )
]


@pytest.mark.parametrize(("query", "variables"), MANY, ids=range(len(MANY)))
def test_a_change_of_many_is_answered_alike(
    place: Place, query: str, variables: dict[str, Any]
) -> None:
    answers = []
    for way in (0, 1):
        run_sql(place, "DELETE FROM executions")
        insert(place, SAMPLE)
        run_sql(place, "UPDATE executions SET state = 'ERROR' WHERE guid = 'guid-14'")
        fresh = Both(place)
        answer = fresh.run_one(way, query, variables)
        fresh.close()
        answers.append((answer, run_sql(place, "SELECT guid, state FROM executions ORDER BY id")))
    assert answers[0] == answers[1]
    assert b"errors" not in (answers[0][0] or b"errors")


def test_a_change_of_many_that_can_not_be_answered_is_not_made_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(place, SAMPLE)
    monkeypatch.setattr("resolvers.changes.graphql_int", lambda _: 1 / 0)
    opened = Both(place)
    with pytest.raises(AlreadyCommitted):
        opened.run_one(0, DELETE_MANY, {"guids": ["guid-07"]})
    opened.close()


def test_an_update_that_can_not_be_answered_is_not_made_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(place, SAMPLE)
    calls = []

    def broken(guid: str) -> str:
        calls.append(guid)
        raise RuntimeError("broken")

    monkeypatch.setattr("resolvers.changes.not_found_message", broken)
    opened = Both(place)
    with pytest.raises(AlreadyCommitted):
        opened.run_one(0, UPDATE, {"guid": "nobody", "input": {"state": "ERROR"}})
    opened.close()
    assert calls == ["nobody"]


def test_several_changes_are_left_to_graphql_core(place: Place) -> None:
    opened = Both(place)
    change = 'updateExecution(guid: "g", input: {state: ERROR}) { __typename }'
    assert opened.run_one(0, f"mutation {{ a: {change} b: {change} }}", {}) is None
    opened.close()


class _Together(Executions):
    """Answers when as many ask as are waited for, and notes how many asked at most."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._waiting = self.most = 0
        self._all_are_there = asyncio.Event()

    async def find_fields(self, _fields: tuple[str, ...], guid: str) -> tuple[Any, ...]:
        self._waiting += 1
        self.most = max(self.most, self._waiting)
        if self._waiting == self._wanted:
            self._all_are_there.set()
        await asyncio.wait_for(self._all_are_there.wait(), 60)
        self._waiting -= 1
        return (guid,)


def _run_together(wanted: int, roots: int) -> tuple[dict[str, Any], int]:
    query = " ".join(
        f'r{number}: execution(guid: "{number}") {{ guid }}' for number in range(roots)
    )
    operation = STORE.prepare(f"{{ {query} }}", SCHEMA._schema).find(None)
    plan = operation and operation.planner.plan({})
    assert plan
    executions = _Together(wanted)
    data = asyncio.run(plan.run(Context(executions, 100, 100), {}))
    return data, executions.most


def test_root_fields_are_read_at_the_same_time_and_answered_in_their_order() -> None:
    data, _ = _run_together(wanted=3, roots=3)
    assert data == {f"r{number}": {"guid": f"{number}"} for number in range(3)}
    assert list(data) == ["r0", "r1", "r2"]


class _Failing(Executions):
    """Fails the first time, and notes how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def find_fields(self, _fields: tuple[str, ...], guid: str) -> tuple[Any, ...]:
        self.asked += 1
        if self.asked == 1:
            raise ServiceUnavailable("away")
        await asyncio.sleep(0)
        return (guid,)


def test_when_a_root_field_fails_no_more_are_read() -> None:
    query = " ".join(f'r{n}: execution(guid: "{n}") {{ guid }}' for n in range(20))
    operation = STORE.prepare(f"{{ {query} }}", SCHEMA._schema).find(None)
    plan = operation and operation.planner.plan({})
    assert plan
    executions = _Failing()
    with pytest.raises(ServiceUnavailable):
        asyncio.run(plan.run(Context(executions, 100, 100), {}))
    assert executions.asked <= 4


def test_no_more_than_four_root_fields_of_an_operation_are_read_at_once() -> None:
    data, most = _run_together(wanted=4, roots=9)
    assert len(data) == 9
    assert most == 4


def _mostly_valid() -> GraphQLSchema:
    """The schema without the arguments that are mostly refused when they are made up."""
    schema = build_graphql(build_schema().as_str())
    assert schema.query_type
    for name in ("after", "before", "last"):
        del schema.query_type.fields["executions"].args[name]
    return schema


_SCALARS = {
    "DateTime": st.sampled_from(
        ["2023-11-14T22:13:20Z", "2023-11-14T22:13:21.001Z", "2023-11-14T22:13:26+00:00"]
    ).map(nodes.String),
    "BigInt": st.integers(-5, 5).map(nodes.Int),
}


def _assert_alike(both: Both, query: str) -> None:
    planned, executed = both.run(query)
    if planned is None:
        assert b'"errors"' in executed
    else:
        assert planned == executed


# The executor cancels the other fields when one has failed, also those it had not begun with; and
# pytest takes what the collector finds of them then for the fault of whatever test is running.
_ignoring_cancelled_fields = (
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
)


@pytest.mark.sqlite
@_ignoring_cancelled_fields[0]
@_ignoring_cancelled_fields[1]
@given(query=queries(_mostly_valid(), custom_scalars=_SCALARS))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_query_is_answered_alike(both: Both, query: str) -> None:
    _assert_alike(both, query)
