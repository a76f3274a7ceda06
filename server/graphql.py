"""The GraphQL edge: HTTP, server-sent events, WebSocket, and GraphiQL for browsers.

HTTP follows the GraphQL over HTTP specification; WebSocket is graphql-transport-ws;
server-sent events are the distinct connections mode of graphql-sse.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from db.errors import GatewayError, InvalidInput
from resolvers.context import Context
from resolvers.schema import Schema
from server.errors import INTERNAL, is_refused, present_result, status_of
from server.graphiql import graphiql_page
from server.graphql_request import GraphQLRequest, UnsupportedMediaType, read_request
from server.graphql_websocket import GraphQLWebSocket
from server.media_types import preferred

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
EVENTS = "text/event-stream"
HTML = "text/html"

_ALLOWED = "GET, HEAD, OPTIONS, POST"
# What changes data must not be reachable by following a link (GraphQL over HTTP, section 6.1).
_BY_GET = {OperationType.QUERY}
_BY_POST = {OperationType.QUERY, OperationType.MUTATION}
_STREAMED = {OperationType.QUERY, OperationType.MUTATION, OperationType.SUBSCRIPTION}

_STATUS_BY_CODE = {"SERVICE_UNAVAILABLE": 503, INTERNAL: 500}


class GraphQLEdge:
    """An ASGI application that answers everything sent to ``/graphql``."""

    def __init__(self, schema: Schema, make_context: Callable[[], Context]) -> None:
        self._schema = schema
        self._make_context = make_context
        self._websocket = GraphQLWebSocket(schema, make_context)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or one WebSocket."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
            return
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": _ALLOWED})
        if request.method not in ("GET", "HEAD", "POST"):
            return _refusal(405, f"{request.method} is not allowed here; use GET or POST")
        media_type = preferred(request.headers.get("accept", ""), _offers(request))
        if media_type is None:
            return _refusal(406, f"Accept must allow {RESPONSE_JSON} or {JSON}")
        if media_type == HTML:
            return HTMLResponse(graphiql_page())
        try:
            asked = await read_request(request)
        except UnsupportedMediaType as error:
            return _refusal(415, error.message)
        except InvalidInput as error:
            return _refusal(400, error.message, media_type)
        if media_type == EVENTS:
            return self._stream(asked, request.method)
        return await self._run(asked, request.method, media_type)

    async def _run(self, asked: GraphQLRequest, method: str, media_type: str) -> Response:
        allowed = _BY_POST if method == "POST" else _BY_GET
        try:
            result = await self._schema.execute(
                asked.query,
                variable_values=asked.variables,
                context_value=self._make_context(),
                operation_name=asked.operation_name,
                allowed_operation_types=allowed,
            )
        except InvalidOperationTypeError as error:
            return _not_by(method, error.operation_type, media_type)
        except (CannotGetOperationTypeError, MissingQueryError):
            return _refusal(400, _no_such_operation(asked), media_type)
        return _answer(result, media_type)

    def _stream(self, asked: GraphQLRequest, method: str) -> Response:
        async def events() -> AsyncIterator[bytes]:
            results = await self._schema.stream(
                asked.query,
                variable_values=asked.variables,
                context_value=self._make_context(),
                operation_name=asked.operation_name,
                allowed_operation_types=_STREAMED if method == "POST" else _BY_GET,
            )
            async for result in results:
                body = orjson.dumps(present_result(result))  # type: ignore[arg-type]
                yield b"event: next\ndata: " + body + b"\n\n"
            yield b"event: complete\ndata:\n\n"

        return StreamingResponse(events(), media_type=EVENTS, headers={"cache-control": "no-store"})


def _offers(request: Request) -> tuple[str, ...]:
    # A client that accepts anything gets JSON; a browser says first of all that it wants HTML.
    machine = (JSON, RESPONSE_JSON, EVENTS)
    return machine if request.method == "POST" else (*machine, HTML)


def _answer(result: ExecutionResult, media_type: str) -> Response:
    body = present_result(result)
    status = 200
    if media_type == RESPONSE_JSON and is_refused(result):
        status = 400
    if body.get("data") is None:
        codes = [error["extensions"]["code"] for error in body.get("errors", ())]
        status = next((_STATUS_BY_CODE[code] for code in codes if code in _STATUS_BY_CODE), status)
    return _json(body, status, media_type)


def _refusal(
    status: int, message: str, media_type: str = JSON, code: str = InvalidInput.code
) -> Response:
    body = {"errors": [{"message": message, "extensions": {"code": code}}]}
    response = _json(body, status, media_type)
    if status == 405:
        response.headers["allow"] = _ALLOWED
    return response


def refuse(error: GatewayError) -> Response:
    """Answer a request that was refused before it was read."""
    return _refusal(status_of(error), error.message, code=error.code)


def _not_by(method: str, kind: OperationType, media_type: str) -> Response:
    name = kind.value.lower()
    if kind is OperationType.SUBSCRIPTION:
        return _refusal(400, f"A subscription needs a WebSocket, or Accept: {EVENTS}", media_type)
    response = _refusal(405, f"A {name} must be sent with POST, not {method}", media_type)
    response.headers["allow"] = "POST"
    return response


def _no_such_operation(asked: GraphQLRequest) -> str:
    if asked.operation_name is None:
        return "The document has no operation to run"
    return f"operationName must be one of the document's operations; got {asked.operation_name!r}"


def _json(body: Any, status: int, media_type: str) -> Response:
    kind = media_type if media_type in (JSON, RESPONSE_JSON) else JSON
    return Response(
        orjson.dumps(body),
        status_code=status,
        headers={"content-type": f"{kind}; charset=utf-8", "vary": "Accept"},
    )
