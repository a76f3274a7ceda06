"""The operations of a connection: how many are under way, and what those leave that have ended."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import pytest
from graphql import OperationType

from server.access.authentication import ANYONE, Principal
from server.graphql.request import GraphQLRequest
from server.graphql.runner import OperationResult, OperationRunner
from server.graphql.subscriptions.admission import Admission
from server.graphql.websocket.connection import ConnectionLimits
from server.graphql.websocket.endpoint import GraphQLWebSocket
from server.graphql.websocket.operations import Operations, Services, TooManyOperations
from server.http.concurrency import ConcurrencyLimit
from server.http.origins import Origins
from server.observability.metrics import Metrics
from tests.places import Place
from tests.server.graphql.subscriptions.running import EVENTS, subscriptions
from tests.waiting import in_time

pytestmark = pytest.mark.anyio


class _Runner:
    """Runs operations that come to their end when they are told to."""

    def __init__(self) -> None:
        self.begun: list[str | None] = []
        self.may_end = asyncio.Event()

    async def kind_of(self, _asked: Any) -> OperationType:
        return OperationType.QUERY

    async def result(self, asked: Any, *_: Any, **__: Any) -> OperationResult:
        self.begun.append(asked.query)
        if asked.query == "slow":
            await self.may_end.wait()
        return OperationResult({"data": None})


class _OpenToAll:
    """Authenticates everybody as anyone."""

    async def authenticate(self, _authorization: str | None) -> Principal:
        return ANYONE


class _Wire:
    """A wire whose client reads everything at once."""

    is_writable = True

    def limit_unread(self) -> None:
        pass


class _Connection:
    """A connection whose tasks are those of the test."""

    def __init__(self) -> None:
        self.wire: Any = _Wire()

    def start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(coroutine)

    async def send(self, text: bytes) -> None:
        raise AssertionError(text)


def _services(runner: OperationRunner, concurrency: ConcurrencyLimit) -> Services:
    authenticator: Any = _OpenToAll()
    admission = Admission(authenticator, maximum=9, maximum_per_key=9)
    metrics = Metrics("")
    return Services(runner, authenticator, concurrency, admission, metrics, lambda _limit: None)


def _concurrency() -> ConcurrencyLimit:
    return ConcurrencyLimit(100, "max_concurrent_requests", "requests", lambda: None)


async def test_a_subscription_takes_one_place_of_its_connection_at_any_moment(place: Place) -> None:
    async with subscriptions(place) as live:
        operations = Operations(_services(live.runner, _concurrency()), 2, _Connection())
        operations.begin("1", GraphQLRequest(EVENTS, None, {}, None), 100, None)
        async with in_time("the subscription does not begin"):
            while operations.are_running:
                operations.expect_room()
                await asyncio.sleep(0)
        operations.begin("2", GraphQLRequest(EVENTS, None, {}, None), 100, None)
        with pytest.raises(TooManyOperations):
            operations.expect_room()
        operations.end()


async def test_a_slow_query_that_is_completed_leaves_its_place_its_turn_and_its_id() -> None:
    concurrency = _concurrency()
    runner: Any = _Runner()
    services = _services(runner, concurrency)
    limits = ConnectionLimits(max_operations=5, init_timeout=60, send_timeout=60, timeout=60)
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope: dict[str, Any] = {"type": "websocket", "headers": [], "subprotocols": []}
    scope["subprotocols"] = ["graphql-transport-ws"]

    async def send(event: Any) -> None:
        sent.put_nowait(event)

    endpoint = GraphQLWebSocket(
        services, limits, max_connections=1, max_unacknowledged=1, origins=Origins(())
    )

    def tell(kind: str, **members: Any) -> None:
        text = json.dumps({"type": kind, **members})
        incoming.put_nowait({"type": "websocket.receive", "text": text})

    async def answer() -> Any:
        return json.loads((await sent.get())["text"])

    incoming.put_nowait({"type": "websocket.connect"})
    serving = asyncio.create_task(endpoint(scope, incoming.get, send))
    assert (await sent.get())["type"] == "websocket.accept"
    tell("connection_init")
    assert await answer() == {"type": "connection_ack"}
    for _ in range(20):
        for number in range(5):
            tell("subscribe", id=str(number), payload={"query": "slow"})
        tell("ping")
        assert await answer() == {"type": "pong"}
        for number in range(5):
            tell("complete", id=str(number))
        tell("ping")
        assert await answer() == {"type": "pong"}
    tell("subscribe", id="1", payload={"query": "quick"})
    assert await answer() == {"id": "1", "type": "next", "payload": {"data": None}}
    assert await answer() == {"id": "1", "type": "complete"}
    assert concurrency.taken == 0
    incoming.put_nowait({"type": "websocket.disconnect"})
    await serving
