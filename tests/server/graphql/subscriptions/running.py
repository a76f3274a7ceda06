"""Subscriptions in this process, with clients that read as fast as a test lets them."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from db.agentflows import Agentflows
from db.database import Database
from db.events.feed import EventFeed
from db.events.log import EventLog
from db.executions import Executions
from db.opening import open_database
from db.sessions import Sessions
from resolvers.context import Context
from resolvers.schema import build_schema
from server.access.authentication import ANYONE
from server.graphql.documents import PersistedQueries
from server.graphql.preparation import OperationStore
from server.graphql.request import GraphQLRequest
from server.graphql.runner import OperationResult, OperationRunner
from server.graphql.subscriptions.broadcaster import Broadcaster
from server.graphql.subscriptions.sink import Ending, EventMessage, Subscription
from server.operation.settings import Settings
from tests.gateway import run_sql
from tests.places import Place

EVENTS = """subscription ($filter: ExecutionFilter, $after: String) {
  executionEvents(filter: $filter, after: $after) {
    cursor type matches guid previousState execution { guid state }
  }
}"""


class Client:
    """The client of a subscription. It reads ``room`` events, and then nothing more."""

    def __init__(self, room: float = float("inf")) -> None:
        self.room = room
        self.messages: list[EventMessage] = []
        self.ending: Ending | None = None
        self.subscription: Subscription | None = None

    def write(self, messages: Sequence[EventMessage]) -> bool:
        assert self.ending is None, "an event after the end"
        self.messages += messages
        self.room -= len(messages)
        return self.room > 0

    def end(self, ending: Ending) -> None:
        assert self.ending is None, "a second end"
        self.ending = ending

    def read_on(self, room: float = float("inf")) -> None:
        """Read some more of what there is."""
        assert self.subscription is not None
        self.room = room
        self.subscription.resume()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it was told of, in the order in which it came."""
        return [
            orjson.loads(message.payload)["data"]["executionEvents"] for message in self.messages
        ]


@dataclass
class Subscriptions:
    """Where clients subscribe."""

    runner: OperationRunner
    broadcaster: Broadcaster
    feed: EventFeed
    log: EventLog

    async def refused(self, query: str, **variables: Any) -> list[dict[str, Any]]:
        """The errors of a subscription that can't begin."""
        result = await self._subscribe(Client(), query, variables)
        assert isinstance(result, OperationResult), result
        assert "data" not in result.body
        errors: list[dict[str, Any]] = result.body["errors"]
        return errors

    async def begin(
        self, client: Client | None = None, query: str = EVENTS, **variables: Any
    ) -> Client:
        """Subscribe, and return the client."""
        client = client or Client()
        subscription = await self._subscribe(client, query, variables)
        assert not isinstance(subscription, OperationResult), subscription.body
        client.subscription = subscription
        return client

    async def _subscribe(
        self, client: Client, query: str, variables: dict[str, Any]
    ) -> Subscription | OperationResult:
        asked = GraphQLRequest(query, None, variables, None)
        return await self.runner.subscribe(asked, ANYONE, client)

    def count(self, name: str) -> float:
        """The sum of a metric."""
        return sum(each.value() for each in self.broadcaster.metrics() if each.name == name)


@contextlib.asynccontextmanager
async def subscriptions(
    place: Place, *, max_page_size: int = 100, max_filter_bytes: int = 2**20, **options: Any
) -> AsyncIterator[Subscriptions]:
    """Serve subscriptions to what is in a place; ``options`` are those of the feed."""
    database = open_database(place.url)
    async with _closing(database):
        log = EventLog(database)
        feed = EventFeed(log, database, **options)
        broadcaster = Broadcaster(log, feed, max_filter_bytes=max_filter_bytes)
        context = Context(
            Executions(database),
            Agentflows(database),
            Sessions(database),
            log,
            max_page_size=max_page_size,
            max_ids=1000,
            snapshot=database.snapshot,
        )
        runner = OperationRunner(
            build_schema(),
            OperationStore(Settings(_env_file=None).limits),
            PersistedQueries(),
            context,
            broadcaster,
            on_limit=lambda _limit: None,
        )
        async with feed.running():
            yield Subscriptions(runner, broadcaster, feed, log)


@contextlib.asynccontextmanager
async def _closing(database: Database) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await database.close()


_INSERT = (
    "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
    " VALUES (?, ?, ?, ?, 1700000000000)"
)


def create(place: Place, guid: str, state: str = "INPROGRESS", session: str = "s-1") -> None:
    run_sql(place, _INSERT, guid, "flow-a", session, state)


def move(place: Place, guid: str, state: str) -> None:
    run_sql(place, "UPDATE executions SET state = ? WHERE guid = ?", state, guid)


def delete(place: Place, guid: str) -> None:
    run_sql(place, "DELETE FROM executions WHERE guid = ?", guid)


def has_read(client: Client, count: int) -> bool:
    return len(client.messages) >= count
