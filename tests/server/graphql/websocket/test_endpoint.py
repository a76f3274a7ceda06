"""GraphQL over WebSocket: the graphql-transport-ws protocol, keys, limits and origins."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.gateway import Gateway, bearer, make_key, running_gateway
from tests.places import Place
from tests.sample import SAMPLE

PROTOCOL = Subprotocol("graphql-transport-ws")
COUNT = "{ executions { totalCount } }"


@contextmanager
def _connection(
    gateway: Gateway,
    headers: dict[str, str] | None = None,
    *,
    protocol: Subprotocol = PROTOCOL,
    path: str = "/graphql",
) -> Iterator[ClientConnection]:
    url = gateway.url.replace("http", "ws") + path
    with connect(url, subprotocols=[protocol], additional_headers=headers or {}) as opened:
        yield opened


@contextmanager
def _acknowledged(
    gateway: Gateway, payload: dict[str, Any] | None = None, **headers: str
) -> Iterator[ClientConnection]:
    with _connection(gateway, headers) as opened:
        _send(opened, "connection_init", **({} if payload is None else {"payload": payload}))
        assert _receive(opened) == {"type": "connection_ack"}
        yield opened


def _send(opened: ClientConnection, kind: str, **members: Any) -> None:
    opened.send(json.dumps({"type": kind, **members}))


def _receive(opened: ClientConnection) -> Any:
    return json.loads(opened.recv(timeout=10))


def _subscribe(opened: ClientConnection, operation_id: str, query: str, **more: Any) -> None:
    _send(opened, "subscribe", id=operation_id, payload={"query": query, **more})


def _run(opened: ClientConnection, query: str, **more: Any) -> Any:
    """Run an operation to its end and return its one message."""
    _subscribe(opened, "1", query, **more)
    message = _receive(opened)
    assert message["id"] == "1"
    if message["type"] == "next":
        assert _receive(opened) == {"id": "1", "type": "complete"}
    return message


def _close_code(opened: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed) as closed:
        opened.recv(timeout=10)
    return closed.value.rcvd.code if closed.value.rcvd else None


# The protocol


@pytest.mark.parametrize("path_", ["/graphql", "/graphql/"])
def test_a_connection_is_acknowledged(sample_gateway: Gateway, path_: str) -> None:
    with _connection(sample_gateway, path=path_) as opened:
        assert opened.subprotocol == PROTOCOL
        _send(opened, "connection_init")
        assert _receive(opened) == {"type": "connection_ack"}


def test_a_ping_is_answered(sample_gateway: Gateway) -> None:
    with _acknowledged(sample_gateway) as opened:
        _send(opened, "ping")
        assert _receive(opened) == {"type": "pong"}


def test_another_protocol_is_closed(sample_gateway: Gateway) -> None:
    with _connection(sample_gateway, protocol=Subprotocol("graphql-ws")) as opened:
        assert _close_code(opened) == 4406


def test_subscribing_before_the_acknowledgement_is_closed(sample_gateway: Gateway) -> None:
    with _connection(sample_gateway) as opened:
        _subscribe(opened, "1", COUNT)
        assert _close_code(opened) == 4401


def test_initialising_twice_is_closed(sample_gateway: Gateway) -> None:
    with _acknowledged(sample_gateway) as opened:
        _send(opened, "connection_init")
        assert _close_code(opened) == 4429


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[]",
        "1",
        "null",
        '{"type": "nothing"}',
        "{}",
        '{"type": 1}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "1", "payload": null}',
        '{"type": "subscribe", "id": "1", "payload": "x"}',
        '{"type": "complete"}',
        '{"type": "complete", "id": []}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:50],
)
def test_a_malformed_message_is_closed(sample_gateway: Gateway, message: str) -> None:
    with _acknowledged(sample_gateway) as opened:
        opened.send(message)
        assert _close_code(opened) == 4400


def test_a_message_in_bytes_is_closed(sample_gateway: Gateway) -> None:
    with _acknowledged(sample_gateway) as opened:
        opened.send(b'{"type": "ping"}')
        assert _close_code(opened) == 4400


def test_a_malformed_payload_of_init_is_closed(sample_gateway: Gateway) -> None:
    with _connection(sample_gateway) as opened:
        _send(opened, "connection_init", payload=[1])
        assert _close_code(opened) == 4400


# Operations


def test_a_query_is_answered_and_completes(sample_gateway: Gateway) -> None:
    with _acknowledged(sample_gateway) as opened:
        assert _run(opened, COUNT) == {
            "id": "1",
            "type": "next",
            "payload": {"data": {"executions": {"totalCount": len(SAMPLE)}}},
        }


def test_variables_and_the_operation_name_are_taken(sample_gateway: Gateway) -> None:
    query = "query A { __typename } query B($n: Int) { executions(first: $n) { nodes { guid } } }"
    with _acknowledged(sample_gateway) as opened:
        message = _run(opened, query, operationName="B", variables={"n": 2})
        assert len(message["payload"]["data"]["executions"]["nodes"]) == 2


def test_a_mutation_is_run(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    query = f'mutation {{ deleteExecution(guid: "{SAMPLE[1].guid}") {{ __typename }} }}'
    with _acknowledged(gateway) as opened:
        assert _run(opened, query)["payload"]["data"] == {
            "deleteExecution": {"__typename": "DeleteExecutionSuccess"}
        }


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ " + " ".join(f"a{n}: __typename" for n in range(25)) + " }", "OPERATION_TOO_COMPLEX"),
    ],
    ids=["syntax", "validation", "limit"],
)
def test_what_cannot_run_is_an_error_message(
    sample_gateway: Gateway, query: str, code: str
) -> None:
    with _acknowledged(sample_gateway) as opened:
        message = _run(opened, query)
        assert [error["extensions"]["code"] for error in message["payload"]] == [code]
        assert _run(opened, COUNT)["type"] == "next"


@pytest.mark.parametrize(
    "payload",
    [{}, {"query": 1}, {"query": ""}, {"query": "{ __typename }", "variables": []}],
    ids=str,
)
def test_a_malformed_request_is_an_error_message(
    sample_gateway: Gateway, payload: dict[str, Any]
) -> None:
    with _acknowledged(sample_gateway) as opened:
        _send(opened, "subscribe", id="1", payload=payload)
        message = _receive(opened)
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_variable_that_does_not_fit_is_answered_with_its_code(sample_gateway: Gateway) -> None:
    query = "query ($n: Int!) { executions(first: $n) { totalCount } }"
    with _acknowledged(sample_gateway) as opened:
        [error] = _run(opened, query)["payload"]["errors"]
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}


def test_a_bad_argument_is_an_error_message_that_names_its_field(sample_gateway: Gateway) -> None:
    with _acknowledged(sample_gateway) as opened:
        message = _run(opened, '{ executions(after: "x") { totalCount } }')
        assert message["type"] == "error"
        [error] = message["payload"]
        assert error["path"] == ["executions"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


def test_many_operations_are_answered_each_under_its_id(sample_gateway: Gateway) -> None:
    with _acknowledged(sample_gateway) as opened:
        for number in range(15):
            _subscribe(
                opened, str(number), f"{{ executions(first: {number}) {{ nodes {{ id }} }} }}"
            )
        messages = [_receive(opened) for _ in range(30)]
    for number in range(15):
        own = [message for message in messages if message["id"] == str(number)]
        assert [message["type"] for message in own] == ["next", "complete"]
        assert len(own[0]["payload"]["data"]["executions"]["nodes"]) == number


# Keys


def test_a_key_comes_with_the_init_message_or_a_header(place: Place) -> None:
    key = make_key(place, "read")
    with running_gateway(place) as gateway:
        for payload in ({"Authorization": f"Bearer {key}"}, {"authorization": f"Bearer {key}"}):
            with _acknowledged(gateway, payload) as opened:
                assert _run(opened, COUNT)["type"] == "next"
        with _acknowledged(gateway, None, **bearer(key)) as opened:
            assert _run(opened, COUNT)["type"] == "next"


@pytest.mark.parametrize("payload", [{}, {"Authorization": "Bearer x"}, {"Authorization": 1}])
def test_without_a_valid_key_the_connection_is_closed(
    gateway_with: Callable[..., Gateway], payload: dict[str, Any]
) -> None:
    with _connection(gateway_with(auth="keys")) as opened:
        _send(opened, "connection_init", payload=payload)
        assert _close_code(opened) == 4403


def test_an_operation_needs_the_scope_of_its_fields(place: Place) -> None:
    key = make_key(place, "read")
    with running_gateway(place) as gateway, _acknowledged(gateway, bearer(key)) as opened:
        message = _run(opened, 'mutation { deleteExecution(guid: "a") { __typename } }')
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"


def test_a_key_that_is_revoked_opens_nothing_on_an_open_connection(place: Place) -> None:
    key = make_key(place, "read")
    with running_gateway(place) as gateway, _acknowledged(gateway, bearer(key)) as opened:
        assert _run(opened, COUNT)["type"] == "next"
        gateway.sql("UPDATE api_keys SET revoked_on = 1")
        time.sleep(1)
        message = _run(opened, COUNT)
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"


# Limits and origins


def test_connections_above_the_limit_are_refused(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(max_connections=2)
    with _acknowledged(gateway), _acknowledged(gateway):
        with pytest.raises(InvalidStatus) as refused, _connection(gateway):
            pass
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["retry-after"] == "1"


def test_operations_above_the_limit_are_an_error_message(
    gateway_with: Callable[..., Gateway],
) -> None:
    with _acknowledged(gateway_with(max_subscriptions_per_connection=1)) as opened:
        for number in range(20):
            _subscribe(opened, str(number), COUNT)
        kinds: dict[str, Any] = {}
        while len(kinds) < 20:
            message = _receive(opened)
            if message["type"] != "complete":
                kinds[message["id"]] = message
    refused = [message for message in kinds.values() if message["type"] == "error"]
    assert kinds["0"]["type"] == "next"
    assert refused
    assert {m["payload"][0]["extensions"]["code"] for m in refused} == {"SERVICE_UNAVAILABLE"}
    assert "max_subscriptions_per_connection" in refused[0]["payload"][0]["message"]


def test_a_page_of_another_origin_may_not_connect(sample_gateway: Gateway) -> None:
    for origin in ("https://elsewhere.example", "null"):
        with (
            pytest.raises(InvalidStatus) as refused,
            _connection(sample_gateway, {"origin": origin}),
        ):
            pass
        assert refused.value.response.status_code == 403


def test_pages_of_the_gateway_and_of_allowed_origins_may_connect(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(cors_origins="https://console.example")
    for origin in (gateway.url, "https://console.example"):
        with _acknowledged(gateway, None, origin=origin) as opened:
            assert _run(opened, COUNT)["type"] == "next"
