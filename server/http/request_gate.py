"""The gate that every HTTP request and WebSocket passes first.

It gives the request an id, which is in its response and in everything logged about it, and refuses
what the guard refuses. Exceptions that no edge has caught are logged and answered with an id. It
counts and times every response, and releases the request's slot.
"""

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from db.database import Metric
from db.errors import ServiceUnavailable
from server.access.authentication import Forbidden
from server.http.concurrency import release_slot
from server.http.direct_write import Header, writer_for
from server.http.error_responses import error_for_path
from server.http.errors import INTERNAL, INTERNAL_MESSAGE, log_unexpected
from server.http.guard import Guard, Refusal
from server.http.open_stream import OpenStream, StreamListener, open_stream
from server.observability.logs import log_as_request
from server.observability.metrics import OPERATION, Metrics

REQUEST_ID_HEADER = "x-request-id"

_NAME = REQUEST_ID_HEADER.encode()
_VALID_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_RETRY_AFTER_SECONDS = "1"
_SHUTDOWN_TIMEOUT = (
    "The gateway is shutting down and could not wait for the answer (shutdown_timeout); a write "
    "is made as a whole or not at all, so look before you try again"
)

Route = Callable[[Scope], ASGIApp]
"""Returns the application that answers a request."""


class _Responder:
    """Sends a response with the id of its request, and records its status (0 before it begins).

    ``send`` is ASGI's; ``write_response`` is that of ``server.http.direct_write``, and
    ``open_stream`` that of ``server.http.open_stream``.
    """

    __slots__ = ("_header", "_scope", "_send", "_write", "status")

    def __init__(self, scope: Scope, send: Send, header: Header) -> None:
        self._scope = scope
        self._send = send
        self._header = header
        self.status = 0
        self._write = writer_for(send)

    async def send(self, message: Message) -> None:
        """Send a message of ASGI."""
        if not self.status:
            self.status = message["status"]
            message["headers"] = [*message["headers"], self._header]
            # The work is done; a slow reader must not block others.
            release_slot(self._scope, is_sent=False)
        await self._send(message)

    def write_response(self, status: int, headers: bytes, body: bytes) -> bool:
        """Write a complete response; return whether that was possible."""
        if self._write is None or not self._write(
            status, b"%b%b: %b\r\n" % (headers, *self._header), body
        ):
            return False
        self.status = status
        return True

    def open_stream(self, headers: bytes, listener: StreamListener) -> OpenStream | None:
        """Begin a response that stays open; return None if the client has gone."""
        headers = b"%b%b: %b\r\n" % (headers, *self._header)
        stream = open_stream(self._send, headers, listener)
        if stream is not None:
            self.status = 200
        return stream


class RequestGate:
    """Passes what ``guard`` does not refuse to the application that ``route`` returns."""

    def __init__(self, route: Route, guard: Guard, metrics: Metrics) -> None:
        self._route = route
        self._guard = guard
        self._metrics = metrics
        self._under_way = 0
        metrics.watch(
            [
                Metric(
                    "gateway_requests_under_way",
                    "Requests that are worked on.",
                    {},
                    lambda: self._under_way,
                )
            ]
        )
        # Ids consist of a random prefix, unique to this process, and a number.
        self._prefix = secrets.token_hex(6).encode()
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, a WebSocket or a lifespan."""
        if scope["type"] != "http":
            await self._handle_other(scope, receive, send)
            return
        began = time.perf_counter()
        header = self._request_id(scope)
        responder = _Responder(scope, send, header)
        refusal = self._guard.refusal(scope)
        if refusal is not None:
            response = _error_response(refusal, scope)
            await response(scope, receive, responder.send)
            self._metrics.observe(
                scope["path"], scope["method"], refusal.status, time.perf_counter() - began
            )
            return
        self._under_way += 1
        try:
            await self._route(scope)(scope, receive, responder.send)
        except asyncio.CancelledError:
            # The server is stopping and has waited as long as it may.
            if responder.status:
                raise
            await self._unavailable(scope, receive, responder.send, _SHUTDOWN_TIMEOUT)
        except Exception as error:
            # Once a response has begun, all that is left is to close the connection.
            if responder.status:
                raise
            error_id = log_unexpected(error, f"{scope['method']} {scope['path'][:100]}")
            response = error_for_path(scope["path"], 500, INTERNAL, INTERNAL_MESSAGE, id=error_id)
            await response(scope, receive, responder.send)
        finally:
            self._under_way -= 1
            release_slot(scope)
            seconds = time.perf_counter() - began
            self._metrics.observe(
                scope["path"], scope["method"], responder.status, seconds, scope.get(OPERATION)
            )

    async def _handle_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a lifespan, or a WebSocket with an id."""
        if scope["type"] != "websocket":
            await self._route(scope)(scope, receive, send)
            return
        header = self._request_id(scope)

        async def send_on(message: Message) -> None:
            if message["type"] == "websocket.accept":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        refusal = self._guard.refusal(scope)
        if refusal is not None:
            response = _error_response(refusal, scope)
            response.raw_headers.append(header)
            await WebSocket(scope, receive, send).send_denial_response(response)
            return
        await self._route(scope)(scope, receive, send_on)

    def _request_id(self, scope: Scope) -> tuple[bytes, bytes]:
        """Accept the proxy's request id, or create one."""
        for name, value in scope["headers"]:
            if name == _NAME and _VALID_ID.fullmatch(value):
                request_id = value
                break
        else:
            request_id = b"%s-%x" % (self._prefix, next(self._numbers))
        log_as_request(request_id)
        return _NAME, request_id

    async def _unavailable(self, scope: Scope, receive: Receive, send: Send, message: str) -> None:
        response = error_for_path(scope["path"], 503, ServiceUnavailable.code, message)
        response.headers["retry-after"] = _RETRY_AFTER_SECONDS
        await response(scope, receive, send)


def _error_response(refusal: Refusal, scope: Scope) -> Response:
    return error_for_path(scope["path"], refusal.status, Forbidden.code, refusal.message)
