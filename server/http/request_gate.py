"""What every HTTP request passes on its way in and out, in one step.

It gets an id, which its answer and everything that is logged about it carry. What the guard refuses
goes no further. What no edge has caught is logged, and answered with an id. What was answered, and
how soon, is counted, and the place that it had is given back.
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
from server.http.concurrency import leave_place
from server.http.direct_write import Header, writer_for
from server.http.error_responses import error_for_path
from server.http.errors import INTERNAL, INTERNAL_MESSAGE, log_unexpected
from server.http.guard import Guard, Refusal
from server.observability.logs import log_as_request
from server.observability.metrics import OPERATION, Metrics

REQUEST_ID_HEADER = "x-request-id"

_NAME = REQUEST_ID_HEADER.encode()
_ACCEPTABLE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_RETRY_AFTER_SECONDS = "1"
_CUT_OFF = (
    "The gateway is shutting down and could not wait for the answer (shutdown_timeout); a write "
    "is made as a whole or not at all, so look before you try again"
)

Route = Callable[[Scope], ASGIApp]
"""Says which application answers a request."""


class _WayOut:
    """Where an answer goes: it gets the id of its request, and its status is noted (0: none yet).

    ``send`` is ASGI's, and ``write_response`` stands beside it.
    """

    __slots__ = ("_header", "_scope", "_send", "_write", "status")

    def __init__(self, scope: Scope, send: Send, header: Header) -> None:
        self._scope = scope
        self._send = send
        self._header = header
        self.status = 0
        self._write = writer_for(send)

    async def send(self, message: Message) -> None:
        """Pass on a message of ASGI."""
        if not self.status:
            self.status = message["status"]
            message["headers"] = [*message["headers"], self._header]
            # The work is done; a client that reads slowly keeps nobody else waiting.
            leave_place(self._scope, is_sent=False)
        await self._send(message)

    def write_response(self, status: int, headers: bytes, body: bytes) -> bool:
        """Write a response in one step; returns whether it did."""
        if self._write is None or not self._write(
            status, b"%b%b: %b\r\n" % (headers, *self._header), body
        ):
            return False
        self.status = status
        return True


class RequestGate:
    """Passes on to where ``route`` says what ``guard`` does not refuse, WebSockets included."""

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
        # Ids are told apart by a random beginning, which no other process has, and a number.
        self._beginning = secrets.token_hex(6).encode()
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """DirectResponse a request, or what else comes in."""
        if scope["type"] != "http":
            await self._pass_on(scope, receive, send)
            return
        began = time.perf_counter()
        header = self._name(scope)
        way_out = _WayOut(scope, send, header)
        refusal = self._guard.refusal(scope)
        if refusal is not None:
            response = _answer_to(refusal, scope)
            await response(scope, receive, way_out.send)
            self._metrics.observe(
                scope["path"], scope["method"], refusal.status, time.perf_counter() - began
            )
            return
        self._under_way += 1
        try:
            await self._route(scope)(scope, receive, way_out.send)
        except asyncio.CancelledError:
            # A server that stops has waited as long as it may.
            if way_out.status:
                raise
            await self._unavailable(scope, receive, way_out.send, _CUT_OFF)
        except Exception as error:
            # One that comes after the answer began can only end the connection.
            if way_out.status:
                raise
            error_id = log_unexpected(error, f"{scope['method']} {scope['path'][:100]}")
            response = error_for_path(scope["path"], 500, INTERNAL, INTERNAL_MESSAGE, id=error_id)
            await response(scope, receive, way_out.send)
        finally:
            self._under_way -= 1
            leave_place(scope)
            seconds = time.perf_counter() - began
            self._metrics.observe(
                scope["path"], scope["method"], way_out.status, seconds, scope.get(OPERATION)
            )

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no HTTP request: a WebSocket gets an id too."""
        if scope["type"] != "websocket":
            await self._route(scope)(scope, receive, send)
            return
        header = self._name(scope)

        async def send_on(message: Message) -> None:
            if message["type"] == "websocket.accept":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        refusal = self._guard.refusal(scope)
        if refusal is not None:
            response = _answer_to(refusal, scope)
            response.raw_headers.append(header)
            await WebSocket(scope, receive, send).send_denial_response(response)
            return
        await self._route(scope)(scope, receive, send_on)

    def _name(self, scope: Scope) -> tuple[bytes, bytes]:
        """Accept the proxy's request id, or create one."""
        for name, value in scope["headers"]:
            if name == _NAME and _ACCEPTABLE.fullmatch(value):
                request_id = value
                break
        else:
            request_id = b"%s-%x" % (self._beginning, next(self._numbers))
        log_as_request(request_id)
        return _NAME, request_id

    async def _unavailable(self, scope: Scope, receive: Receive, send: Send, message: str) -> None:
        response = error_for_path(scope["path"], 503, ServiceUnavailable.code, message)
        response.headers["retry-after"] = _RETRY_AFTER_SECONDS
        await response(scope, receive, send)


def _answer_to(refusal: Refusal, scope: Scope) -> Response:
    return error_for_path(scope["path"], refusal.status, Forbidden.code, refusal.message)
