"""The GraphQL edge over HTTP, and GraphiQL for browsers.

HTTP follows the GraphQL over HTTP specification. What is asked for as server-sent events is passed
on to ``events_endpoint``.
"""

import functools

from graphql import OperationType
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from db.errors import GatewayError, InvalidInput
from resolvers.context import watch_end
from server.access.authentication import Authenticator, Forbidden, Principal
from server.graphql.cost_report import reports_cost
from server.graphql.documents import PersistedQueryNotFound
from server.graphql.events_endpoint import NO_MUTATION_BY_GET, EventsEndpoint, come_back_later
from server.graphql.graphiql import graphiql_page
from server.graphql.lookup import UnsupportedKind, UnsupportedKinds
from server.graphql.request import Batch, read_requests
from server.graphql.response import RESPONSE_JSON, answer, batch_answer
from server.graphql.runner import OperationRunner, refused
from server.http.bodies import BodyReader
from server.http.bundle import Bundle
from server.http.concurrency import ConcurrencyLimit
from server.http.error_responses import JSON, graphql_error
from server.http.errors import (
    INTERNAL,
    INTERNAL_MESSAGE,
    OnLimit,
    headers_of,
    log_unexpected,
    status_of,
)
from server.http.html_pages import html_page
from server.http.media_types import preferred
from server.http.origins import Origins
from server.http.presence import end_of
from server.http.request import HttpRequest
from server.observability.logs import log_as_operation
from server.observability.metrics import OPERATION

EVENTS = "text/event-stream"
HTML = "text/html"

_MACHINES = (JSON, RESPONSE_JSON, EVENTS)
_MACHINES_AND_PEOPLE = (*_MACHINES, HTML)
_ALLOWED = "GET, HEAD, OPTIONS, POST"
_NO_SUBSCRIPTION = f"A subscription needs a WebSocket, or Accept: {EVENTS}"
_UNSUPPORTED_BY_POST = {OperationType.SUBSCRIPTION: _NO_SUBSCRIPTION}
_UNSUPPORTED_BY_GET = {**NO_MUTATION_BY_GET, **_UNSUPPORTED_BY_POST}


class _Refused(Exception):
    """A request that is refused, with its response."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class GraphQLEdge:
    """An ASGI application that answers all HTTP requests to ``/graphql``."""

    def __init__(
        self,
        runner: OperationRunner,
        authenticator: Authenticator,
        bodies: BodyReader,
        concurrency: ConcurrencyLimit,
        events: EventsEndpoint,
        bundle: Bundle,
        *,
        max_batch: int,
        get_queries: bool,
        origins: Origins,
        on_limit: OnLimit,
    ) -> None:
        self._on_limit = on_limit
        self._runner = runner
        self._authenticator = authenticator
        self._bodies = bodies
        self._concurrency = concurrency
        self._events = events
        self._bundle = bundle
        self._max_batch = max_batch
        self._get_queries = get_queries
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request."""
        response = await self._respond(HttpRequest(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: HttpRequest) -> ASGIApp:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": _ALLOWED})
        if request.method not in ("GET", "HEAD", "POST"):
            return _not_allowed(f"{request.method} is not allowed here; use GET or POST", _ALLOWED)
        media_type = preferred(request.header(b"accept") or "", _offers(request))
        if media_type is None:
            return _bad_request(406, f"Accept must allow {RESPONSE_JSON} or {JSON}")
        if media_type == HTML:
            page = graphiql_page(self._bundle, request.scope["path"])
            # Its editor adds styles for its colours and lines to the page.
            return html_page(page, adds_styles=True)
        try:
            return await self._answer(request, media_type)
        except _Refused as answered:
            return answered.response
        except PersistedQueryNotFound as error:
            # Apollo's clients expect 200, and send the text as soon as they read this code.
            status = 400 if media_type == RESPONSE_JSON else 200
            headers = {"cache-control": "no-store"}
            return _error_response(error, status, headers, media_type)
        except UnsupportedKind as error:
            status, headers = _unsupported_status(error)
            return _error_response(error, status, headers, media_type)
        except GatewayError as error:
            self._on_limit(error.limit)
            later = come_back_later(request, error) if media_type == EVENTS else None
            return later or _error_response(error, status_of(error), headers_of(error), media_type)
        except Exception as error:  # noqa: BLE001 - the edge's last line of defence
            error_id = log_unexpected(error, "A GraphQL request")
            return graphql_error(500, INTERNAL, INTERNAL_MESSAGE, id=error_id)

    async def _answer(self, request: HttpRequest, media_type: str) -> ASGIApp:
        # Authenticate before parsing anything that the client sent.
        principal = await self._authenticator.authenticate(request.header(b"authorization"))
        self._refuse_other_sites(request)
        if media_type == EVENTS:
            return await self._events.respond(request, principal)
        self._concurrency.expect_free()
        asked = await read_requests(request, self._bodies, self._max_batch)
        self._concurrency.acquire_for(request.scope)
        watch_end(end_of(request.receive))
        if isinstance(asked, list):
            return await self._answer_batch(request, asked, principal, media_type)
        result = await self._runner.run(
            asked,
            principal,
            unsupported=_unsupported_by(request),
            reports_cost=reports_cost(request),
            on_name=functools.partial(request.scope.__setitem__, OPERATION),
        )
        return answer(result, media_type)

    async def _answer_batch(
        self, request: HttpRequest, asked: Batch, principal: Principal, media_type: str
    ) -> ASGIApp:
        """Run the operations of a batch; errors stay in place, so that no result gets lost."""
        results = []
        for one in asked:
            if isinstance(one, InvalidInput):
                results.append(refused(one))
                continue
            result = await self._runner.result(
                one,
                principal,
                unsupported=_unsupported_by(request),
                reports_cost=reports_cost(request),
            )
            results.append(result)
        log_as_operation(None)
        return batch_answer(results, media_type)

    def _refuse_other_sites(self, request: HttpRequest) -> None:
        """Refuse what a page of another site can make a browser send without a preflight.

        A POST must be JSON, which needs a preflight; a GET can come from any link.
        """
        if request.method == "POST":
            return
        if not self._get_queries:
            message = "Queries are not taken by GET here (get_queries); use POST"
            raise _Refused(_not_allowed(message, "POST"))
        allowed = self._origins.allow(request.header(b"origin"))
        if request.header(b"sec-fetch-site") in ("cross-site", "same-site") and not allowed:
            raise Forbidden("A page of another site may not send this (cors_origins); use POST")


def _offers(request: HttpRequest) -> tuple[str, ...]:
    # A client that accepts anything gets JSON; browsers prefer HTML.
    return _MACHINES if request.method == "POST" else _MACHINES_AND_PEOPLE


def _bad_request(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return graphql_error(status, InvalidInput.code, message, headers, media_type=JSON)


def _error_response(
    error: GatewayError, status: int, headers: dict[str, str], media_type: str
) -> Response:
    kind = media_type if media_type == RESPONSE_JSON else JSON
    return graphql_error(status, error.code, error.message, headers, media_type=kind)


def _not_allowed(message: str, allowed: str) -> Response:
    return _bad_request(405, message, {"allow": allowed})


def _unsupported_by(request: HttpRequest) -> UnsupportedKinds:
    return _UNSUPPORTED_BY_POST if request.method == "POST" else _UNSUPPORTED_BY_GET


def _unsupported_status(error: UnsupportedKind) -> tuple[int, dict[str, str]]:
    return (405, {"allow": "POST"}) if error.kind is OperationType.MUTATION else (400, {})
