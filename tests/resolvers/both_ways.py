"""Operations run by their plans and by graphql-core, to be compared."""

import asyncio
from typing import Any

import orjson

from db.agentflows import Agentflows
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
from server.graphql.runner import OperationRunner
from server.graphql.subscriptions.broadcaster import Broadcaster
from server.operation.settings import Settings
from tests.places import Place

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
        log = EventLog(self._database)
        context = Context(
            Executions(self._database),
            Agentflows(self._database),
            Sessions(self._database),
            log,
            max_page_size=100,
            max_ids=1000,
        )
        self._by_plan, self._executed = (
            kind(
                SCHEMA,
                STORE,
                PersistedQueries(),
                context,
                Broadcaster(log, EventFeed(log, self._database)),
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
