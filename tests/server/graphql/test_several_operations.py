"""Documents of several operations: each is answered by its own, whichever way it comes in.

Operations share the names of variables and fragments, and differ in types and defaults. The
gateway's answers over each transport are compared with the reference byte for byte.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.gateway import running_gateway
from tests.places import Place
from tests.reference.comparing import NO_LIMITS, Comparison
from tests.reference.request import Request
from tests.reference.rows import AS_WRITTEN, fill
from tests.reference.transports import Transports, transports_of

SDL = Path("schema/schema.graphql").read_text()
FRAGMENTS = """
fragment Page on ExecutionConnection { totalCount @include(if: $x) nodes { ...Node @skip(if: $y) } }
fragment Node on Execution { guid @include(if: $y) state @skip(if: $x) @include(if: $y) databaseId }
"""
_TYPES = ["Boolean!", "Boolean = true", "Boolean = false", "Boolean! = true", "Boolean! = false"]
_CONDITIONS = [
    "",
    "@include(if: $x)",
    "@skip(if: $x)",
    "@include(if: $y)",
    "@skip(if: $y) @include(if: $x)",
    "@skip(if: $x) @include(if: $x)",
    "@skip(if: false) @include(if: $y)",
]
_PARTS = [
    "executions(first: $n) {{ ...Page {0} }}",
    "a: executions(first: $n) {0} {{ ...Page totalCount }}",
    "b: executions(last: 2) {{ nodes {{ ...Node {0} agentflowId }} pageInfo {{ hasNextPage }} }}",
    'c: execution(guid: "guid-07") {{ guid ...Node {0} }}',
    "d: executionPage(limit: 3) {{ totalPages items {0} {{ ...Node }} }}",
    "__typename {0}",
]
_LEFT_OUT = object()
_VALUES = st.sampled_from([_LEFT_OUT, True, False, None, 1, "true", [True]])


@st.composite
def _documents(draw: st.DrawFn) -> str:
    operations = []
    for name in "ABC"[: draw(st.integers(1, 3))]:
        parts = draw(st.lists(st.sampled_from(_PARTS), min_size=1, max_size=3, unique=True))
        selected = " ".join(part.format(draw(st.sampled_from(_CONDITIONS))) for part in parts)
        types = [draw(st.sampled_from(_TYPES)) for _ in "xy"]
        size = draw(st.sampled_from(["Int", "Int = 2", "Int! = 3"]))
        operations.append(
            f"query {name}($x: {types[0]}, $y: {types[1]}, $n: {size}) {{ {selected}"
            " all: executions(first: $n) { ...Page } }"
        )
    return " ".join(operations) + FRAGMENTS


@st.composite
def _variables(draw: st.DrawFn) -> dict[str, Any]:
    values = {"x": draw(_VALUES), "y": draw(_VALUES), "n": draw(st.sampled_from([_LEFT_OUT, 1]))}
    return {name: value for name, value in values.items() if value is not _LEFT_OUT}


class Ways:
    """Sends an operation by every transport of one gateway."""

    def __init__(self, comparison: Comparison, transports: Transports) -> None:
        self.comparison = comparison
        self._transports = transports

    def check(self, query: str, variables: dict[str, Any], name: str) -> dict[str, Any]:
        """Raise AssertionError unless all answer as the reference does."""
        request = Request(query, variables, name)
        ways = self._transports
        for send in (ways.by_get, ways.in_batch, ways.as_event, ways.by_socket):
            self.comparison.check(request, send)
        return self.comparison.check(request)


@pytest.fixture(scope="module")
def ways(new_place: Callable[[], Place]) -> Iterator[Ways]:
    place = new_place()
    fill(place, AS_WRITTEN)
    with running_gateway(place, **NO_LIMITS) as gateway, transports_of(gateway) as transports:
        yield Ways(Comparison(gateway, SDL, AS_WRITTEN), transports)


_TWO = (
    "query A($x: Boolean = false, $y: Boolean! = true) { executions { ...Page } }"
    " query B($x: Boolean = true, $y: Boolean = false) { executions { ...Page } }" + FRAGMENTS
)


@given(query=_documents(), variables=_variables())
@example(query=_TWO, variables={})
@example(query=_TWO, variables={"x": None})
@settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_of_a_document_is_answered_alike_by_every_transport(
    ways: Ways, query: str, variables: dict[str, Any]
) -> None:
    for name in "ABC":
        if f"query {name}(" in query:
            ways.check(query, variables, name)


@pytest.mark.parametrize("name", ["x", "y"])
def test_null_for_a_condition_is_the_fault_of_the_client(ways: Ways, name: str) -> None:
    condition = f"@include(if: ${name})"
    query = f"query A(${name}: Boolean = true) {{ executions {{ totalCount {condition} }} }}"
    body = ways.check(query, {name: None}, "A")
    assert "data" not in body
    assert [(error["message"], error["extensions"]) for error in body["errors"]] == [
        (
            f"${name} must be true or false, as @include and @skip need it; got null",
            {"code": "BAD_USER_INPUT"},
        )
    ]
