"""How many operations of a connection are under way."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from server.access.authentication import ANYONE, Principal
from server.graphql.request import GraphQLRequest
from server.graphql.subscriptions.admission import Admission
from server.graphql.websocket.operations import Operations, Services, TooManyOperations
from server.http.concurrency import ConcurrencyLimit
from server.observability.metrics import Metrics
from tests.places import Place
from tests.server.graphql.subscriptions.running import EVENTS, Subscriptions, subscriptions

pytestmark = pytest.mark.anyio


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


def _operations(live: Subscriptions, maximum: int) -> Operations:
    authenticator: Any = _OpenToAll()
    services = Services(
        live.runner,
        authenticator,
        ConcurrencyLimit(9, "max_concurrent_operations", "operations", lambda: None),
        Admission(authenticator, maximum=9, maximum_per_key=9),
        Metrics(""),
        lambda _limit: None,
    )
    return Operations(services, maximum, _Connection())


async def test_a_subscription_takes_one_place_of_its_connection_at_any_moment(place: Place) -> None:
    async with subscriptions(place) as live:
        operations = _operations(live, maximum=2)
        operations.begin("1", GraphQLRequest(EVENTS, None, {}, None), 100, None)
        while operations.are_running:
            operations.expect_room()
            await asyncio.sleep(0)
        operations.begin("2", GraphQLRequest(EVENTS, None, {}, None), 100, None)
        with pytest.raises(TooManyOperations):
            operations.expect_room()
        operations.end()
