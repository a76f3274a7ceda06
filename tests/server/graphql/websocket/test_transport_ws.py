"""The graphql-transport-ws protocol, message by message, and the fate of operations."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from server.graphql.preparation import OperationStore
from tests import plain_http
from tests.faults.programs import wait_until
from tests.gateway import Gateway
from tests.places import Place
from tests.raw_websocket import CLOSE, INIT, TEXT, RawSocket, frame, message
from tests.sample import SAMPLE

COUNT = "{ executions { totalCount } }"
GUID = SAMPLE[1].guid
CHANGE = f"""mutation {{
  updateExecution(guid: "{GUID}", input: {{state: STOPPED}}) {{ __typename }}
}}"""
CHANGED = {"updateExecution": {"__typename": "UpdateExecutionSuccess"}}
PAGE = "{ executions(first: 1000) { nodes { guid agentflowId agentflowName sessionId state } } }"


def _subscribe(operation_id: str, query: str, **more: Any) -> bytes:
    return message("subscribe", id=operation_id, payload={"query": query, **more})


def _read(client: RawSocket) -> Any:
    opcode, data = client.read_frame()
    assert opcode == TEXT, data
    return json.loads(data)


def _taken(url: str) -> float:
    wanted = 'gateway_places_taken{limit="max_concurrent_requests"} '
    lines = plain_http.get(f"{url}/metrics", timeout=60).text.splitlines()
    return float(next(line.removeprefix(wanted) for line in lines if line.startswith(wanted)))


def _answered(url: str) -> float:
    wanted = 'gateway_requests_total{edge="websocket",method="SUBSCRIBE",status="next"} '
    lines = plain_http.get(f"{url}/metrics", timeout=60).text.splitlines()
    return float(next((line.removeprefix(wanted) for line in lines if line.startswith(wanted)), 0))


# Messages


@pytest.mark.parametrize("members", [{}, {"payload": None}, {"payload": {}}, {"payload": {"a": 1}}])
def test_the_payload_of_init_may_be_an_object_or_nothing(
    sample_gateway: Gateway, members: dict[str, Any]
) -> None:
    with RawSocket(sample_gateway.url).open() as client:
        client.send(message("connection_init", **members))
        assert _read(client) == {"type": "connection_ack"}


@pytest.mark.parametrize(
    ("sent", "answered"),
    [({}, {}), ({"payload": None}, {}), ({"payload": {"a": 1}}, {"payload": {"a": 1}})],
)
def test_a_ping_is_answered_at_any_time_with_its_payload(
    sample_gateway: Gateway, sent: dict[str, Any], answered: dict[str, Any]
) -> None:
    with RawSocket(sample_gateway.url).open() as client:
        client.send(message("ping", **sent))
        assert _read(client) == {"type": "pong", **answered}
        client.send(frame(TEXT, INIT) + message("ping", **sent))
        assert _read(client) == {"type": "connection_ack"}
        assert _read(client) == {"type": "pong", **answered}


@pytest.mark.parametrize("members", [{}, {"payload": None}, {"payload": {"a": 1}}])
def test_a_pong_is_ignored(sample_gateway: Gateway, members: dict[str, Any]) -> None:
    with RawSocket(sample_gateway.url).acknowledged() as client:
        client.send(message("pong", **members) + message("ping"))
        assert _read(client) == {"type": "pong"}


@pytest.mark.parametrize(
    "sent",
    [
        message("ping", payload=[]),
        message("pong", payload="x"),
        message("connection_init", payload=1),
        message("subscribe", id="", payload={"query": COUNT}),
        message("complete", id=""),
        message("complete", id=None),
        message("complete", id="i" * 1001),
        message("subscribe", id="i" * 1001, payload={"query": COUNT}),
        message("next", id="1", payload={}),
        message("error", id="1", payload=[]),
        message("connection_ack"),
        message("start", id="1", payload={"query": COUNT}),
    ],
)
def test_a_message_that_the_protocol_does_not_know_is_closed(
    sample_gateway: Gateway, sent: bytes
) -> None:
    with RawSocket(sample_gateway.url).acknowledged() as client:
        client.send(sent)
        code, reason = client.read_close()
        assert code == 4400
        assert reason


@pytest.mark.parametrize("letter", ["x", "é", "💥"])
def test_a_reason_for_closing_is_cut_off_where_it_becomes_too_long(
    sample_gateway: Gateway, letter: str
) -> None:
    with RawSocket(sample_gateway.url).acknowledged() as client:
        client.send(message(letter * 500))
        code, reason = client.read_close()
        assert code == 4400
        assert reason.startswith(f"Unknown type of message: {letter}")
        assert 120 <= len(reason.encode()) <= 123


def test_initialising_twice_at_once_is_closed(sample_gateway: Gateway) -> None:
    with RawSocket(sample_gateway.url).open() as client:
        client.send(frame(TEXT, INIT) * 2)
        assert client.read_close() == (4429, "Too many initialisation requests")


def test_a_connection_without_init_is_closed(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(connection_init_timeout=0.1)
    with RawSocket(gateway.url).open() as client, RawSocket(gateway.url).acknowledged() as other:
        client.send(message("ping"))
        assert client.read_close() == (4408, "Connection initialisation timeout")
        other.send(message("ping"))
        assert _read(other) == {"type": "pong"}


def test_the_completion_of_an_unknown_operation_is_ignored(sample_gateway: Gateway) -> None:
    with RawSocket(sample_gateway.url).acknowledged() as client:
        client.send(message("complete", id="x") + _subscribe("x", COUNT))
        assert _read(client)["type"] == "next"
        assert _read(client) == {"id": "x", "type": "complete"}
        client.send(message("complete", id="x") + _subscribe("x", COUNT))
        assert _read(client)["type"] == "next"


def test_an_empty_operation_name_is_none(sample_gateway: Gateway) -> None:
    with RawSocket(sample_gateway.url).acknowledged() as client:
        for name in ("", None):
            client.send(_subscribe("1", f"query A {COUNT}", operationName=name))
            assert "errors" not in _read(client)["payload"]
            assert _read(client)["type"] == "complete"


# Operations that are under way


def test_an_id_that_is_in_use_is_closed(place: Place, gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    with place.held(), RawSocket(gateway.url).acknowledged() as client:
        client.send(_subscribe("i" * 200, CHANGE) + _subscribe("i" * 200, COUNT))
        code, reason = client.read_close()
        assert code == 4409
        assert reason.startswith("Subscriber for iii")


@pytest.mark.parametrize("leaving", ["complete", "close", "reset"])
def test_a_mutation_that_has_begun_is_made_though_nobody_waits_for_it(
    place: Place, gateway_with: Callable[..., Gateway], leaving: str
) -> None:
    gateway = gateway_with(busy_timeout=50)
    gateway.insert(SAMPLE)
    with place.held(), RawSocket(gateway.url).acknowledged() as client:
        client.send(_subscribe("1", CHANGE))
        wait_until(lambda: _taken(gateway.url) == 1)
        if leaving == "complete":
            client.send(message("complete", id="1") + _subscribe("1", COUNT))
            assert _read(client)["type"] == "next"
            assert _read(client) == {"id": "1", "type": "complete"}
        elif leaving == "close":
            client.send(frame(CLOSE, b"\x03\xe8"))
    wait_until(lambda: _taken(gateway.url) == 0)
    changed = gateway.sql("SELECT state FROM executions WHERE guid = ?", GUID)
    assert changed == [("STOPPED",)]


def test_operations_take_places_of_requests(
    place: Place, gateway_with: Callable[..., Gateway]
) -> None:
    gateway = gateway_with(max_concurrent_requests=1, busy_timeout=50)
    gateway.insert(SAMPLE)
    with RawSocket(gateway.url).acknowledged() as client:
        with place.held():
            client.send(_subscribe("1", CHANGE))
            wait_until(lambda: _taken(gateway.url) == 1)
            assert gateway.post(COUNT).status_code == 503
            client.send(_subscribe("2", COUNT))
            refused = _read(client)
        assert (refused["id"], refused["type"]) == ("2", "error")
        [error] = refused["payload"]
        assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        assert "max_concurrent_requests" in error["message"]
        assert _read(client) == {"id": "1", "type": "next", "payload": {"data": CHANGED}}
        assert _read(client)["type"] == "complete"
        client.send(_subscribe("2", COUNT))
        assert _read(client)["type"] == "next"


def test_a_long_document_keeps_nobody_else_waiting(
    sample_gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    prepare = OperationStore._prepare

    def watched(*asked: Any) -> Any:
        threads.append(threading.current_thread().name)
        return prepare(*asked)

    monkeypatch.setattr(OperationStore, "_prepare", watched)
    with RawSocket(sample_gateway.url).acknowledged() as client:
        client.send(_subscribe("1", COUNT + "#" + "x" * 5_000))
        assert _read(client)["type"] == "next"
    assert [name.startswith("prepare") for name in threads] == [True]


@pytest.mark.parametrize("kind", ["subscribe", "ping", "pong"])
def test_a_message_with_tens_of_thousands_of_objects_is_not_read(
    sample_gateway: Gateway, kind: str
) -> None:
    with RawSocket(sample_gateway.url).acknowledged() as client:
        client.send(message(kind, id="1", payload={"variables": [{}] * 100_000}))
        code, reason = client.read_close()
        assert code == 4400
        assert "at most 25000 objects" in reason


def test_operations_are_counted_and_timed(gateway: Gateway) -> None:
    with RawSocket(gateway.url).acknowledged() as client:
        client.send(_subscribe("1", COUNT) + _subscribe("2", "{ nothing }"))
        assert {_read(client)["type"] for _ in range(3)} == {"next", "complete", "error"}
    told = gateway.http.get("/metrics").text
    for status in ("next", "error"):
        labels = f'{{edge="websocket",method="SUBSCRIBE",status="{status}"}}'
        assert f"gateway_requests_total{labels} 1.0" in told
    assert 'gateway_request_seconds_count{edge="websocket",operation="other"} 2.0' in told


# Clients that do not read


@pytest.fixture
def filled(gateway_with: Callable[..., Gateway]) -> Gateway:
    gateway = gateway_with(send_timeout=1, max_subscriptions_per_connection=200)
    gateway.insert(SAMPLE[1]._replace(id=number, guid=f"g-{number}") for number in range(1, 1001))
    return gateway


def test_a_client_that_reads_nothing_is_cut_off_and_its_operations_are_not_run(
    filled: Gateway,
) -> None:
    with RawSocket(filled.url, buffer=4096).acknowledged() as client:
        client.send(b"".join(_subscribe(str(number), PAGE) for number in range(200)))
        wait_until(lambda: _is_gone(client))
    assert _answered(filled.url) < 100
    assert _taken(filled.url) == 0


def _is_gone(client: RawSocket) -> bool:
    """Whether the gateway has dropped a connection, from which nothing is read meanwhile."""
    try:
        client.send(message("pong"))
    except ConnectionError:
        return True
    return False


def test_a_client_that_reads_late_gets_every_answer(filled: Gateway) -> None:
    with RawSocket(filled.url, buffer=4096).acknowledged() as client:
        sent = threading.Thread(
            target=client.send,
            args=(b"".join(_subscribe(str(number), PAGE) for number in range(100)),),
        )
        sent.start()
        ended: list[str] = []
        while len(ended) < 100:
            told = _read(client)
            if told["type"] == "complete":
                ended.append(told["id"])
            else:
                assert len(told["payload"]["data"]["executions"]["nodes"]) == 1000
        sent.join()
    assert sorted(ended, key=int) == [str(number) for number in range(100)]


# Connections of unknown clients


def test_those_that_wait_longest_for_init_make_room(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(
        max_unacknowledged_connections=2, max_connections=1, connection_init_timeout=600
    )
    with (
        RawSocket(gateway.url).open() as first,
        RawSocket(gateway.url).open() as second,
        RawSocket(gateway.url).acknowledged() as known,
    ):
        code, reason = first.read_close()
        assert code == 1013
        assert "max_unacknowledged_connections" in reason
        known.send(_subscribe("1", COUNT))
        assert _read(known)["type"] == "next"
        second.send(frame(TEXT, INIT))
        code, reason = second.read_close()
        assert code == 1013
        assert "max_connections" in reason
