"""Operations as server-sent events: the distinct connections mode of graphql-sse."""

import functools
from collections.abc import AsyncIterator

from graphql import OperationType
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from db.errors import InvalidInput, ServiceUnavailable
from resolvers.context import watch_end
from server.access.authentication import Principal
from server.graphql.cost_report import reports_cost
from server.graphql.event_stream import (
    COMPLETE,
    COMPLETE_EVENT,
    END,
    HEADERS,
    EventFrames,
    EventStream,
    come_back,
    next_event,
)
from server.graphql.lookup import UnsupportedKinds
from server.graphql.request import GraphQLRequest, read_requests
from server.graphql.runner import OperationResult, OperationRunner
from server.graphql.subscriptions.admission import Admission
from server.http.bodies import BodyReader
from server.http.concurrency import ConcurrencyLimit, release_slot
from server.http.errors import OnLimit
from server.http.heartbeats import Heartbeats
from server.http.json_text import write_json
from server.http.presence import end_of
from server.http.request import HttpRequest
from server.http.response import DirectResponse
from server.observability.metrics import OPERATION

# Following a link must not change data (GraphQL over HTTP, section 6.1).
NO_MUTATION_BY_GET: UnsupportedKinds = {
    OperationType.MUTATION: "A mutation must be sent with POST, not GET"
}
_RETRY_MILLISECONDS = 5_000


class EventsEndpoint:
    """Answers requests of authenticated clients that prefer an event stream.

    Subscriptions have the limits of ``admission``, other operations that of ``streams``.
    """

    def __init__(
        self,
        runner: OperationRunner,
        bodies: BodyReader,
        concurrency: ConcurrencyLimit,
        streams: ConcurrencyLimit,
        admission: Admission,
        heartbeats: Heartbeats,
        *,
        max_batch: int,
        on_limit: OnLimit,
    ) -> None:
        self._max_batch = max_batch
        self._runner = runner
        self._bodies = bodies
        self._concurrency = concurrency
        self._streams = streams
        self._admission = admission
        self._heartbeats = heartbeats
        self._on_limit = on_limit
        self._frames = EventFrames()

    async def respond(self, request: HttpRequest, principal: Principal) -> ASGIApp:
        """Return the response to a request. Raises GatewayError if there is to be no stream."""
        last_id = request.header(b"last-event-id") or None
        if last_id == COMPLETE:
            return Response(status_code=204)
        try:
            return await self._respond(request, principal, last_id)
        except ServiceUnavailable as error:
            if last_id is None:
                raise
            # An EventSource gives up at any status but 200, and graphql-sse at errors.
            self._on_limit(error.limit)
            return DirectResponse(come_back(error.message, _RETRY_MILLISECONDS), HEADERS)

    async def _respond(
        self, request: HttpRequest, principal: Principal, last_id: str | None
    ) -> ASGIApp:
        self._concurrency.expect_free()
        asked = await read_requests(request, self._bodies, self._max_batch)
        if isinstance(asked, list):
            raise InvalidInput("A batch can't be sent as events; send operations one by one")
        # An unknown document is refused with a status, before the stream begins.
        self._runner.text_of(asked)
        self._concurrency.acquire_for(request.scope)
        if await self._runner.kind_of(asked) is OperationType.SUBSCRIPTION:
            if request.method == "HEAD":
                return DirectResponse(b"", HEADERS)
            return await self._subscribe(request, asked, principal, last_id)
        release_slot(request.scope)
        self._streams.acquire_for(request.scope)
        watch_end(end_of(request.receive))
        return self._run(request, asked, principal)

    async def _subscribe(
        self,
        request: HttpRequest,
        asked: GraphQLRequest,
        principal: Principal,
        last_id: str | None,
    ) -> ASGIApp:
        stream = EventStream(self._frames, self._heartbeats)
        authorization = request.header(b"authorization")
        stream.take(self._admission.enter(authorization, principal, stream))
        try:
            begun = await self._runner.subscribe(
                asked,
                principal,
                stream,
                resume_after=last_id,
                on_name=functools.partial(request.scope.__setitem__, OPERATION),
            )
        except BaseException:
            stream.leave()
            raise
        if not isinstance(begun, OperationResult):
            stream.begin(begun)
            return stream
        stream.leave()
        _expect_available(begun)
        return DirectResponse(next_event(write_json(begun.body)) + END, HEADERS)

    def _run(self, request: HttpRequest, asked: GraphQLRequest, principal: Principal) -> Response:
        unsupported = {} if request.method == "POST" else NO_MUTATION_BY_GET

        async def events() -> AsyncIterator[bytes]:
            result = await self._runner.result(
                asked, principal, unsupported=unsupported, reports_cost=reports_cost(request)
            )
            yield next_event(write_json(result.body))
            yield COMPLETE_EVENT

        headers = {name.decode(): value.decode() for name, value in HEADERS}
        return StreamingResponse(events(), headers=headers)


def _expect_available(result: OperationResult) -> None:
    for error in result.body["errors"]:
        if error["extensions"]["code"] == ServiceUnavailable.code:
            raise ServiceUnavailable(error["message"])
