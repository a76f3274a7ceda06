"""The GraphQL edge: HTTP, server-sent events, WebSocket, and GraphiQL for browsers.

HTTP follows the GraphQL over HTTP specification; WebSocket is graphql-transport-ws;
server-sent events are the distinct connections mode of graphql-sse.
"""

from collections.abc import AsyncIterator

import orjson
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from db.errors import GatewayError, InvalidInput
from resolvers.schema import Schema
from server.access import Access, Forbidden, Gatekeeper
from server.bodies import BodyReader
from server.bundle import Bundle
from server.errors import (
    INTERNAL,
    INTERNAL_MESSAGE,
    OnLimit,
    limit_of,
    log_unexpected,
    present_result,
)
from server.exchange import OPERATION, HttpRequest
from server.graphiql import graphiql_page
from server.graphql_answers import RESPONSE_JSON, answer, planned_answer
from server.graphql_contexts import Contexts, reports_cost
from server.graphql_request import GraphQLRequest, read_requests
from server.logs import log_as_operation
from server.media_types import preferred
from server.origins import Origins
from server.pages import html_page
from server.persisted import Documents, PersistedQueryNotFound
from server.planned import PlannedExecution
from server.refusals import JSON, graphql_refusal, headers_of, status_of

EVENTS = "text/event-stream"
HTML = "text/html"

_MACHINES = (JSON, RESPONSE_JSON, EVENTS)
_MACHINES_AND_PEOPLE = (*_MACHINES, HTML)
_ALLOWED = "GET, HEAD, OPTIONS, POST"
# What changes data must not be reachable by following a link (GraphQL over HTTP, section 6.1).
_BY_GET = {OperationType.QUERY}
_BY_POST = {OperationType.QUERY, OperationType.MUTATION}
_STREAMED = {OperationType.QUERY, OperationType.MUTATION, OperationType.SUBSCRIPTION}


class _Refused(Exception):
    """A request has its answer already."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class GraphQLEdge:
    """An ASGI application that answers everything sent to ``/graphql`` over HTTP."""

    def __init__(
        self,
        schema: Schema,
        planned: PlannedExecution,
        contexts: Contexts,
        gatekeeper: Gatekeeper,
        bodies: BodyReader,
        documents: Documents,
        bundle: Bundle,
        *,
        max_batch: int,
        get_queries: bool,
        origins: Origins,
        on_limit: OnLimit,
    ) -> None:
        self._on_limit = on_limit
        self._schema = schema
        self._planned = planned
        self._contexts = contexts
        self._gatekeeper = gatekeeper
        self._bodies = bodies
        self._documents = documents
        self._bundle = bundle
        self._max_batch = max_batch
        self._get_queries = get_queries
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._respond(HttpRequest(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: HttpRequest) -> ASGIApp:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": _ALLOWED})
        if request.method not in ("GET", "HEAD", "POST"):
            return _not_allowed(f"{request.method} is not allowed here; use GET or POST", _ALLOWED)
        media_type = preferred(request.header(b"accept") or "", _offers(request))
        if media_type is None:
            return _refusal(406, f"Accept must allow {RESPONSE_JSON} or {JSON}")
        if media_type == HTML:
            return html_page(graphiql_page(self._bundle, request.scope["path"]))
        try:
            return await self._answer(request, media_type)
        except _Refused as refused:
            return refused.response
        except PersistedQueryNotFound as error:
            # Apollo's clients expect 200, and send the text as soon as they read this code.
            status = 400 if media_type == RESPONSE_JSON else 200
            headers = {"cache-control": "no-store"}
            return _refused(error, status, headers, media_type)
        except GatewayError as error:
            self._on_limit(error.limit)
            return _refused(error, status_of(error), headers_of(error), media_type)
        except Exception as error:  # noqa: BLE001 - the edge's last line of defence
            error_id = log_unexpected(error, "A GraphQL request")
            return graphql_refusal(500, INTERNAL, INTERNAL_MESSAGE, id=error_id)

    async def _answer(self, request: HttpRequest, media_type: str) -> ASGIApp:
        # Who asks is known before anything that was sent is looked at.
        access = await self._gatekeeper.admit(request.header(b"authorization"))
        self._refuse_what_other_sites_send(request)
        asked = await read_requests(request, self._bodies, self._max_batch)
        if media_type == EVENTS:
            if isinstance(asked, list):
                raise InvalidInput("A batch can't be sent as events; send operations one by one")
            return self._stream(request, asked, access)
        if isinstance(asked, list):
            results = [
                await self._run(request, self._documents.text_of(one), one, access, media_type)
                for one in asked
            ]
            return answer(results, media_type, batch=True)
        log_as_operation(asked.operation_name)
        query = self._documents.text_of(asked)
        request.scope[OPERATION] = self._documents.name_of(query, asked.operation_name)
        planned = await self._planned.run(
            query,
            asked,
            access,
            may_change=request.method == "POST",
            reports_cost=reports_cost(request),
        )
        if planned is not None:
            return planned_answer(planned, media_type)
        result = await self._run(request, query, asked, access, media_type)
        return answer([result], media_type, batch=False)

    def _refuse_what_other_sites_send(self, request: HttpRequest) -> None:
        """Refuse what a page of another site makes a browser send without asking first.

        A POST has to be JSON, for which browsers do ask; a GET can come from any link.
        """
        if request.method == "POST":
            return
        if not self._get_queries:
            message = "Queries are not taken by GET here (get_queries); use POST"
            raise _Refused(_not_allowed(message, "POST"))
        allowed = self._origins.allow(request.header(b"origin"))
        if request.header(b"sec-fetch-site") in ("cross-site", "same-site") and not allowed:
            raise Forbidden("A page of another site may not send this (cors_origins); use POST")

    async def _run(
        self,
        request: HttpRequest,
        query: str,
        asked: GraphQLRequest,
        access: Access,
        media_type: str,
    ) -> ExecutionResult:
        context = self._contexts.of_request(request, access)
        try:
            result = await self._schema.execute(
                query,
                variable_values=asked.variables,
                context_value=context,
                operation_name=asked.operation_name,
                allowed_operation_types=_BY_POST if request.method == "POST" else _BY_GET,
            )
        except InvalidOperationTypeError as error:
            refusal = _not_by(request.method, error.operation_type, media_type)
            raise _Refused(refusal) from None
        except (CannotGetOperationTypeError, MissingQueryError):
            raise InvalidInput(_no_such_operation(asked)) from None
        for failure in result.errors or ():
            self._on_limit(limit_of(failure))
        return result

    def _stream(self, request: HttpRequest, asked: GraphQLRequest, access: Access) -> Response:
        query = self._documents.text_of(asked)

        async def events() -> AsyncIterator[bytes]:
            log_as_operation(asked.operation_name)
            results = await self._schema.stream(
                query,
                variable_values=asked.variables,
                context_value=self._contexts.of_request(request, access),
                operation_name=asked.operation_name,
                allowed_operation_types=_STREAMED if request.method == "POST" else _BY_GET,
            )
            async for result in results:
                body = orjson.dumps(present_result(result))  # type: ignore[arg-type]
                yield b"event: next\ndata: " + body + b"\n\n"
            yield b"event: complete\ndata:\n\n"

        return StreamingResponse(events(), media_type=EVENTS, headers={"cache-control": "no-store"})


def _offers(request: HttpRequest) -> tuple[str, ...]:
    # A client that accepts anything gets JSON; a browser says first of all that it wants HTML.
    return _MACHINES if request.method == "POST" else _MACHINES_AND_PEOPLE


def _refusal(
    status: int, message: str, headers: dict[str, str] | None = None, media_type: str = JSON
) -> Response:
    kind = media_type if media_type == RESPONSE_JSON else JSON
    return graphql_refusal(status, InvalidInput.code, message, headers, media_type=kind)


def _refused(
    error: GatewayError, status: int, headers: dict[str, str], media_type: str
) -> Response:
    kind = media_type if media_type == RESPONSE_JSON else JSON
    return graphql_refusal(status, error.code, error.message, headers, media_type=kind)


def _not_allowed(message: str, allowed: str, media_type: str = JSON) -> Response:
    return _refusal(405, message, {"allow": allowed}, media_type)


def _not_by(method: str, kind: OperationType, media_type: str) -> Response:
    if kind is OperationType.SUBSCRIPTION:
        message = f"A subscription needs a WebSocket, or Accept: {EVENTS}"
        return _refusal(400, message, media_type=media_type)
    name = kind.value.lower()
    return _not_allowed(f"A {name} must be sent with POST, not {method}", "POST", media_type)


def _no_such_operation(asked: GraphQLRequest) -> str:
    if asked.operation_name is None:
        return "The document has no operation to run"
    return f"operationName must be one of the document's operations; got {asked.operation_name!r}"
