"""Documents of several operations: each is answered by its own, whichever way it comes in.

Operations share the names of variables and fragments, and differ in types and defaults. The plan,
the ordinary executor and the real gateway over each transport are compared byte for byte.
"""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from uvicorn.protocols.websockets import websockets_sansio_impl
from websockets.sync import connection
from websockets.sync.client import ClientConnection, connect

from tests.examples import examples
from tests.gateway import Gateway, insert, running_gateway
from tests.places import Place
from tests.resolvers.test_plans import Both
from tests.sample import SAMPLE

PROTOCOL = "graphql-transport-ws"
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

    def __init__(self, gateway: Gateway, socket: ClientConnection, both: Both) -> None:
        self._http = gateway.http
        self._socket = socket
        self.both = both
        self._sent = 0

    def check(self, query: str, variables: dict[str, Any], name: str) -> None:
        """Raise AssertionError unless all answer alike."""
        planned, expected = self.both.run(query, variables, name)
        assert planned in (None, expected)
        body = {"query": query, "variables": variables, "operationName": name}
        assert self._post(body).content == expected
        assert self._post([body, body]).content == b"[%b,%b]" % (expected, expected)
        parameters = {"query": query, "operationName": name, "variables": json.dumps(variables)}
        assert self._http.get("/graphql", params=parameters).content == expected
        events = self._post(body, accept="text/event-stream").content
        assert events.split(b"\n")[1] == b"data: " + expected
        answer = json.loads(expected)
        message = self._by_socket(body)
        if "errors" in answer:
            assert message["type"] == "error" or "errors" in message["payload"]
        else:
            assert message["payload"] == answer

    def _post(self, body: Any, **headers: str) -> httpx.Response:
        return self._http.post("/graphql", json=body, headers=headers)

    def _by_socket(self, body: dict[str, Any]) -> Any:
        self._sent += 1
        subscription = {"id": str(self._sent), "type": "subscribe", "payload": body}
        self._socket.send(json.dumps(subscription))
        message = json.loads(self._socket.recv())
        if message["type"] == "next":
            assert json.loads(self._socket.recv())["type"] == "complete"
        return message


@pytest.fixture(scope="module")
def ways(new_place: Callable[[], Place]) -> Iterator[Ways]:
    place = new_place()
    insert(place, SAMPLE)
    both = Both(place)
    with pytest.MonkeyPatch.context() as patch, running_gateway(place, max_batch=2) as gateway:
        # Pings, from both sides, draw numbers from the generator that Hypothesis watches.
        for module in (websockets_sansio_impl, connection):
            patch.setattr(module, "random", random.Random())
        url = gateway.url.replace("http", "ws") + "/graphql"
        with connect(url, subprotocols=[PROTOCOL]) as socket:  # type: ignore[list-item]
            socket.send('{"type": "connection_init"}')
            assert json.loads(socket.recv()) == {"type": "connection_ack"}
            yield Ways(gateway, socket, both)
    both.close()


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
    planned, answer = ways.both.run(query, {name: None}, "A")
    assert planned is None
    body = json.loads(answer)
    assert "data" not in body
    assert [(error["message"], error["extensions"]) for error in body["errors"]] == [
        (
            f"${name} must be true or false, as @include and @skip need it; got null",
            {"code": "BAD_USER_INPUT"},
        )
    ]
