"""The REST edge: the documented routes of executions, unchanged for the clients that exist."""

import functools
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

import orjson
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from db.errors import GatewayError, quote
from db.executions import Executions
from db.filters import Filter
from db.keys import Scope
from db.paging import NEWEST_FIRST
from db.source import ExecutionRow
from server.access import Gatekeeper
from server.bodies import BodyReader
from server.errors import INTERNAL, INTERNAL_MESSAGE, log_unexpected
from server.refusals import headers_of, rest_refusal, status_of
from server.rest_parameters import (
    Paging,
    read_filter,
    read_guids,
    read_paging,
    read_update,
)

_Handler = Callable[[Request], Awaitable[Response]]


_SCOPES = {
    "GET": Scope.READ,
    "HEAD": Scope.READ,
    "PUT": Scope.UPDATE,
    "DELETE": Scope.DELETE,
}


class _GuidConvertor(Convertor[str]):
    """Any text at all; Starlette's own convertors stop at a line break."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("guid", _GuidConvertor())


class RestEdge:
    """The routes of executions below a prefix."""

    def __init__(
        self,
        executions: Executions,
        gatekeeper: Gatekeeper,
        bodies: BodyReader,
        *,
        prefix: str,
        max_page_size: int,
        max_ids: int,
    ) -> None:
        self._executions = executions
        self._gatekeeper = gatekeeper
        self._bodies = bodies
        self._path = f"{prefix}/executions"
        self._max_page_size = max_page_size
        self._max_ids = max_ids

    def routes(self) -> list[Route]:
        """What to mount. A trailing slash makes no difference, as with the clients' old server."""
        many = {"GET": self.find_many, "HEAD": self.find_many, "DELETE": self.delete_many}
        one = {
            "GET": self.find_one,
            "HEAD": self.find_one,
            "PUT": self.update_one,
            "DELETE": self.delete_one,
        }
        return [
            Route(self._path, self._by_method(many)),
            Route(f"{self._path}/", self._by_method(many)),
            Route(f"{self._path}/{{guid:guid}}", self._by_method(one)),
        ]

    async def find_many(self, request: Request) -> Response:
        """The whole list as a stream, or one page of it."""
        filter_ = read_filter(request.query_params)
        paging = read_paging(request.query_params, self._max_page_size)
        if paging is not None:
            return await self._page(request, filter_, paging)
        batches = self._executions.stream(filter_)
        # Read before the answer begins, so that it can still say that the database is away.
        first = b""
        async for rows in batches:
            first = _members(rows)
            break
        content = _nothing() if request.method == "HEAD" else _array(first, batches)
        return StreamingResponse(content, media_type="application/json")

    async def _page(self, request: Request, filter_: Filter, paging: Paging) -> Response:
        total = await self._executions.count(filter_)
        rows = await self._executions.find_offset(
            filter_, NEWEST_FIRST, offset=paging.offset, limit=paging.limit
        )
        response = _json([as_json(row) for row in rows])
        response.headers["x-total-count"] = str(total)
        response.headers["link"] = _links(request, paging, total)
        return response

    async def find_one(self, request: Request) -> Response:
        """One execution by its guid."""
        guid = self._guid(request)
        row = await self._executions.find(guid)
        return _not_found(guid) if row is None else _json(as_json(row))

    async def update_one(self, request: Request) -> Response:
        """Set the state of one execution."""
        state = read_update(await self._bodies.read(request))
        guid = self._guid(request)
        outcome = await self._executions.update([guid], state)
        return _not_found(guid) if outcome.not_found else _json(as_json(outcome.updated[0]))

    async def delete_one(self, request: Request) -> Response:
        """Delete one execution."""
        guid = self._guid(request)
        outcome = await self._executions.delete([guid])
        return _deleted(1) if outcome.deleted else _not_found(guid)

    async def delete_many(self, request: Request) -> Response:
        """Delete the executions that the body names."""
        guids = read_guids(await self._bodies.read(request), self._max_ids)
        outcome = await self._executions.delete(guids)
        return _deleted(len(outcome.deleted))

    def _by_method(self, handlers: Mapping[str, _Handler]) -> Any:
        allowed = ", ".join(sorted({*handlers, "OPTIONS"}))

        async def dispatch(request: Request) -> Response:
            if request.method == "OPTIONS":
                return Response(status_code=204, headers={"allow": allowed})
            handler = handlers.get(request.method)
            if handler is None:
                return not_allowed(request.method, allowed)
            try:
                access = await self._gatekeeper.admit(request.headers.get("authorization"))
                access.require(_SCOPES[request.method])
                return await handler(request)
            except GatewayError as error:
                return rest_refusal(status_of(error), error.code, error.message, headers_of(error))
            except Exception as error:  # noqa: BLE001 - the edge's last line of defence
                error_id = log_unexpected(error, f"{request.method} of executions")
                return rest_refusal(500, INTERNAL, INTERNAL_MESSAGE, id=error_id)

        return _AnyMethod(dispatch)

    def _guid(self, request: Request) -> str:
        # Decoded here, because a guid may have a slash in it, which is written %2F; a slash
        # that is written as one at the end is no part of it.
        before = request.scope.get("root_path", "") + self._path
        raw: bytes = request.scope["raw_path"]
        written = raw.split(b"/", before.count("/") + 1)[-1]
        return unquote_to_bytes(written.removesuffix(b"/")).decode(errors="replace")


def as_json(row: ExecutionRow) -> dict[str, Any]:
    """An execution in the spelling of the REST API; ``created_on`` is epoch milliseconds."""
    return {
        "id": row.id,
        "guid": row.guid,
        "agentflowId": row.agentflow_id,
        "agentflowName": row.agentflow_name,
        "sessionId": row.session_id,
        "state": row.state,
        "created_on": row.created_on,
    }


def not_allowed(method: str, allowed: str) -> Response:
    """The answer to a method that a path does not have."""
    return rest_refusal(
        405,
        "METHOD_NOT_ALLOWED",
        f"{method} is not allowed here; use one of {allowed}",
        {"allow": allowed},
    )


class _AnyMethod:
    """An ASGI endpoint, which Starlette hands every method, known to it or not."""

    def __init__(self, dispatch: _Handler) -> None:
        functools.update_wrapper(self, dispatch)
        self._dispatch = dispatch

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        response = await self._dispatch(Request(scope, receive))
        await response(scope, receive, send)


def _json(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(content), status_code=status, headers=headers, media_type="application/json"
    )


async def _array(
    first: bytes, batches: AsyncIterator[Sequence[ExecutionRow]]
) -> AsyncIterator[bytes]:
    yield b"[" + first
    async for rows in batches:
        yield b"," + _members(rows)
    yield b"]"


def _members(rows: Sequence[ExecutionRow]) -> bytes:
    return orjson.dumps([as_json(row) for row in rows])[1:-1]


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _deleted(affected: int) -> Response:
    return _json({"raw": [], "affected": affected})


def _not_found(guid: str) -> Response:
    return rest_refusal(404, "NOT_FOUND", f"Execution {quote(guid)} not found")


def _links(request: Request, paging: Paging, total: int) -> str:
    last = max(1, math.ceil(total / paging.limit))
    targets = {"first": 1, "last": last}
    if paging.page > 1:
        targets["prev"] = min(paging.page - 1, last)
    if paging.page < last:
        targets["next"] = paging.page + 1
    others = [
        (name, value)
        for name, value in request.query_params.multi_items()
        if name not in ("page", "limit")
    ]

    def link(relation: str) -> str:
        query = urlencode([*others, ("page", targets[relation]), ("limit", paging.limit)])
        return f'<{request.url.replace(query=query)}>; rel="{relation}"'

    return ", ".join(link(name) for name in ("first", "prev", "next", "last") if name in targets)
