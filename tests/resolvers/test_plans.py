"""Plans coerce, collect and answer exactly as graphql-core does, byte for byte."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from graphql import GraphQLSchema
from graphql import build_schema as build_graphql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from resolvers.plans import Planner
from resolvers.schema import build_schema
from tests.gateway import insert
from tests.places import Place
from tests.resolvers.both_ways import Both
from tests.sample import SAMPLE


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
    # A name that no other test has used: all of a process share one store of operations.
    mark = uuid.uuid4().hex
    document = " ".join(f"query Q{number}_{mark} {{ __typename }}" for number in range(50))
    for number in (7, 7, 30):
        both.run(document, {}, f"Q{number}_{mark}")
    assert planned == [f"Q7_{mark}", f"Q30_{mark}"]


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
