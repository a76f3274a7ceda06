"""Operations as server-sent events: the distinct connections mode of graphql-sse."""

import functools
from collections.abc import AsyncIterator

from graphql import OperationType
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from db.errors import GatewayError, InvalidInput, ServiceUnavailable
from db.keys import Scope
from resolvers.context import watch_end
from server.access.authentication import Principal
from server.graphql.cost_report import reports_cost
from server.graphql.event_stream import (
    COMPLETE,
    COMPLETE_EVENT,
    END,
    HEADERS,
    EventStream,
    WrittenEvents,
    come_back,
    next_event,
)
from server.graphql.lookup import UnsupportedKinds
from server.graphql.request import GraphQLRequest, read_requests
from server.graphql.runner import OperationResult, OperationRunner
from server.graphql.subscriptions.admission import Admission
from server.http.bodies import BodyReader
from server.http.concurrency import ConcurrencyLimit, release_slot
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
    ) -> None:
        self._max_batch = max_batch
        self._runner = runner
        self._bodies = bodies
        self._concurrency = concurrency
        self._streams = streams
        self._admission = admission
        self._heartbeats = heartbeats
        self._written = WrittenEvents()

    async def respond(self, request: HttpRequest, principal: Principal) -> ASGIApp:
        """Return the response to a request. Raises GatewayError if there is to be no stream."""
        if _last_id(request) == COMPLETE:
            return Response(status_code=204)
        self._concurrency.expect_free()
        asked = await read_requests(request, self._bodies, self._max_batch)
        if isinstance(asked, list):
            raise InvalidInput("A batch can't be sent as events; send operations one by one")
        # An unknown document is refused with a status, before the stream begins.
        self._runner.text_of(asked)
        self._concurrency.acquire_for(request.scope)
        if await self._runner.kind_of(asked) is OperationType.SUBSCRIPTION:
            if request.method == "HEAD":
                principal.require(Scope.READ)
                return DirectResponse(b"", HEADERS)
            return await self._subscribe(request, asked, principal)
        release_slot(request.scope)
        self._streams.acquire_for(request.scope)
        watch_end(end_of(request.receive))
        return self._run(request, asked, principal)

    async def _subscribe(
        self,
        request: HttpRequest,
        asked: GraphQLRequest,
        principal: Principal,
    ) -> ASGIApp:
        stream = EventStream(self._written, self._heartbeats)
        authorization = request.header(b"authorization")
        stream.take(self._admission.enter(authorization, principal, stream))
        try:
            begun = await self._runner.subscribe(
                asked,
                principal,
                stream,
                resume_after=_last_id(request),
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


def come_back_later(request: HttpRequest, error: GatewayError) -> ASGIApp | None:
    """Return the response to an EventSource that is refused now, or None for other clients.

    It gives up for good at any status but 200.
    """
    if not isinstance(error, ServiceUnavailable) or _last_id(request) is None:
        return None
    return DirectResponse(come_back(error.message, _RETRY_MILLISECONDS), HEADERS)


def _last_id(request: HttpRequest) -> str | None:
    return request.header(b"last-event-id") or None


def _expect_available(result: OperationResult) -> None:
    for error in result.body["errors"]:
        if error["extensions"]["code"] == ServiceUnavailable.code:
            raise ServiceUnavailable(error["message"])
