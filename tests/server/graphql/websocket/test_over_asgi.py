"""WebSockets of servers that know nothing but ASGI's messages: here, uvicorn's own protocol."""

import asyncio
from collections.abc import Callable

import pytest
from starlette.types import Message
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from server.graphql.websocket.over_asgi import converse
from server.graphql.websocket.wire import Wire
from server.operation import serving
from tests.faults.programs import wait_until
from tests.gateway import Gateway
from tests.raw_websocket import RawSocket, frame, handshake
from tests.sample import SAMPLE
from tests.server.graphql.subscriptions.watchers import Watcher, now, value_of
from tests.waiting import until

_COUNT = "{ executions { totalCount } }"
_PAGE = "{ executions(first: 1000) { nodes { guid agentflowId agentflowName sessionId state } } }"
_INSERT = (
    "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
    " VALUES (?, 'flow', 's', 'ERROR', 1700000000000)"
)


@pytest.fixture
def elsewhere(
    gateway_with: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Gateway]:
    """A gateway on a server that offers nothing but ASGI to a WebSocket."""
    monkeypatch.setattr(serving, "GracefulWebSocketProtocol", WebSocketsSansIOProtocol)
    return gateway_with


def test_operations_are_answered(elsewhere: Callable[..., Gateway]) -> None:
    with Watcher(elsewhere().url) as client:
        client.subscribe("1", _COUNT)
        assert client.read()["payload"]["data"] == {"executions": {"totalCount": 0}}
        assert client.read() == {"id": "1", "type": "complete"}


def test_responses_wait_for_a_client_that_reads_late(elsewhere: Callable[..., Gateway]) -> None:
    gateway = elsewhere(max_subscriptions_per_connection=50)
    gateway.insert(SAMPLE[1]._replace(id=number, guid=f"g-{number}") for number in range(1, 1001))
    with Watcher(gateway.url, buffer=4096) as client:
        for number in range(50):
            client.subscribe(str(number), _PAGE)
        ended: set[str] = set()
        while len(ended) < 50:
            told = client.read()
            if told["type"] == "complete":
                ended.add(told["id"])
            else:
                assert len(told["payload"]["data"]["executions"]["nodes"]) == 1000


def test_events_arrive_and_end_with_the_connection(elsewhere: Callable[..., Gateway]) -> None:
    gateway = elsewhere()
    places = 'gateway_places_taken{limit="max_subscriptions"}'
    with Watcher(gateway.url) as client:
        client.subscribe("1", after=now(gateway))
        for guid in ("a", "b"):
            gateway.sql(_INSERT, guid)
            assert client.event()["guid"] == guid
        assert value_of(gateway, places) == 1
    wait_until(lambda: value_of(gateway, places) == 0)


class _Busy:
    """A conversation that takes no messages for now."""

    is_busy = True

    def __init__(self) -> None:
        self.ends = 0

    def begin(self, wire: Wire) -> None:
        self.wire = wire

    def take(self, message: str | bytes) -> None:
        raise AssertionError(message)

    def resume_writing(self) -> None:
        raise AssertionError

    def beat(self) -> None:
        raise AssertionError

    def stop(self) -> None:
        raise AssertionError

    def end(self) -> None:
        self.ends += 1


@pytest.mark.anyio
async def test_a_connection_that_is_closed_while_a_message_waits_is_left() -> None:
    conversation = _Busy()
    arriving: list[Message] = [
        {"type": "websocket.receive", "text": "later"},
        {"type": "websocket.disconnect", "code": 1013},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return arriving.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    conversing = asyncio.create_task(converse(conversation, receive, send))
    await until(lambda: len(arriving) == 1)
    conversation.wire.close(1013, "Fell behind")
    await asyncio.wait_for(conversing, 60)
    assert [message["type"] for message in sent] == ["websocket.close"]
    assert (arriving, conversation.ends) == ([], 1)


@pytest.mark.parametrize(
    ("sent", "code"),
    [(b"{", 4400), (b'{"type":"subscribe","id":"1","payload":{}}', 4401)],
)
def test_a_client_that_breaks_the_protocol_is_closed(
    elsewhere: Callable[..., Gateway], sent: bytes, code: int
) -> None:
    with RawSocket(elsewhere().url).open() as client:
        client.send(frame(1, sent))
        assert client.read_close()[0] == code


def test_another_protocol_is_closed(elsewhere: Callable[..., Gateway]) -> None:
    with RawSocket(elsewhere().url) as client:
        client.send(handshake(b"Sec-WebSocket-Protocol: graphql-ws"))
        assert client.read_head().startswith(b"HTTP/1.1 101 ")
        assert client.read_close()[0] == 4406
