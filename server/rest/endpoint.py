"""The REST edge: the documented routes of executions, unchanged for existing clients."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from db.bounded_store import BoundedStore
from db.contents.room import ContentRoom
from db.database import Metric
from db.errors import GatewayError
from db.executions import Executions
from db.keys import Scope as KeyScope
from db.reading.page_query import Page, PageQuery
from server.access.authentication import Authenticator
from server.http.bodies import BodyReader
from server.http.concurrency import ConcurrencyLimit
from server.http.direct_write import Header
from server.http.error_responses import rest_error
from server.http.errors import (
    INTERNAL,
    INTERNAL_MESSAGE,
    OnLimit,
    headers_of,
    log_unexpected,
    status_of,
)
from server.http.request import HttpRequest
from server.http.response import DirectResponse
from server.rest.formats import JSON, ListFormat, format_for
from server.rest.parameters import (
    ListRequest,
    Paging,
    read_guids,
    read_include,
    read_list,
    read_update,
)
from server.rest.response import (
    FIELDS,
    as_json,
    content_as_json,
    deleted_answer,
    fields_of,
    json_answer,
    links,
    not_allowed,
    not_found,
    nothing,
)

_Answer = Callable[[HttpRequest], Awaitable[ASGIApp]]
_Handler = Callable[[HttpRequest, Executions], Awaitable[ASGIApp]]
"""Answers a request, given the executions that its client sees."""


_LISTS_KEPT_BYTES = 2 * 1024 * 1024
_LIST_BYTES = 4_000
"""The size of a parsed list besides its query."""
_LONGEST_LINKED = 4_096
"""The longest query that is repeated in links; proxies reject longer headers."""
_SCOPES = {
    "GET": KeyScope.READ,
    "HEAD": KeyScope.READ,
    "PUT": KeyScope.UPDATE,
    "DELETE": KeyScope.DELETE,
}


class _GuidConvertor(Convertor[str]):
    """Any text; Starlette's own convertors stop at a line break."""

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
        authenticator: Authenticator,
        bodies: BodyReader,
        concurrency: ConcurrencyLimit,
        streams: ConcurrencyLimit,
        *,
        prefix: str,
        max_page_size: int,
        max_ids: int,
        max_parameters: int,
        max_data_bytes: int,
        on_limit: OnLimit,
    ) -> None:
        self._on_limit = on_limit
        self._executions = executions
        self._authenticator = authenticator
        self._bodies = bodies
        self._concurrency = concurrency
        self._streams = streams
        self._path = f"{prefix}/executions"
        # A few lists are requested again and again.
        self._lists: BoundedStore[bytes, tuple[ListRequest, PageQuery | None]] = BoundedStore(
            "rest_lists", max_bytes=_LISTS_KEPT_BYTES
        )
        self._max_page_size = max_page_size
        self._max_parameters = max_parameters
        self._max_ids = max_ids
        self._max_data_bytes = max_data_bytes

        many = {"GET": self.find_many, "HEAD": self.find_many, "DELETE": self.delete_many}
        one = {
            "GET": self.find_one,
            "HEAD": self.find_one,
            "PUT": self.update_one,
            "DELETE": self.delete_one,
        }
        self._many: ASGIApp = self._by_method(many)
        self._one: ASGIApp = self._by_method(one)

    def routes(self) -> list[Route]:
        """Return the routes. A trailing slash makes no difference, as with the old server."""
        return [
            Route(self._path, self._many),
            Route(f"{self._path}/", self._many),
            Route(f"{self._path}/{{guid:guid}}", self._one),
        ]

    def find(self, path: str) -> ASGIApp | None:
        """Return the application for a path, the same one as in the routes, or None."""
        if not path.startswith(self._path):
            return None
        rest = path[len(self._path) :]
        if rest in ("", "/"):
            return self._many
        return self._one if rest[0] == "/" else None

    def metrics(self) -> list[Metric]:
        """Return the use of the store of parsed lists."""
        return self._lists.metrics()

    def _read_list(self, query: bytes) -> "tuple[ListRequest, PageQuery | None]":
        known = self._lists.get(query)
        if known is None:
            asked = read_list(query, self._max_page_size, self._max_parameters)
            paging = asked.paging
            known = asked, None if paging is None else _page_query(asked, paging, FIELDS)
            # Parsed, the query takes several times its length.
            self._lists.put(query, known, _LIST_BYTES + 20 * len(query))
        return known

    async def find_many(self, request: HttpRequest, executions: Executions) -> ASGIApp:
        """Return the whole list as a stream, or one page of it, in the format that is preferred."""
        asked, query = self._read_list(request.scope["query_string"])
        format_ = format_for(request.header(b"accept"))
        if asked.paging is not None and query is not None:
            self._concurrency.acquire_for(request.scope)
            if format_ is not JSON:
                query = _page_query(asked, asked.paging, format_.fields)
            page = await executions.page(query)
            return self._page(request, asked, asked.paging, page, format_)
        self._streams.acquire_for(request.scope)
        batches = executions.stream(format_.fields, asked.filter)
        # Read the first batch before the response begins, so that an error can still be reported.
        first = b""
        async for rows in batches:
            first = format_.serialize(rows)
            break
        content = nothing() if request.method == "HEAD" else format_.parts(first, batches)
        response = StreamingResponse(content)
        response.raw_headers.extend(format_.headers)
        return response

    @staticmethod
    def _page(
        request: HttpRequest, asked: ListRequest, paging: Paging, page: Page, format_: ListFormat
    ) -> ASGIApp:
        headers: list[Header] = [*format_.headers, (b"x-total-count", b"%d" % page.total)]
        if len(asked.other_parameters) <= _LONGEST_LINKED:
            linked = links(request.url, asked.other_parameters, paging, page.total)
            headers.append((b"link", linked.encode("latin-1")))
        return DirectResponse(format_.complete(page.rows), tuple(headers))

    async def find_one(self, request: HttpRequest, executions: Executions) -> ASGIApp:
        """Return one execution by its guid, with its content if that is asked for."""
        includes_data = read_include(request.scope["query_string"], self._max_parameters)
        self._concurrency.acquire_for(request.scope)
        guid = self._guid(request)
        row = await executions.find_fields(FIELDS, guid)
        if row is None:
            return not_found(guid)
        execution = as_json(row)
        if includes_data:
            room = ContentRoom(self._max_data_bytes)
            reader = executions.content_reader
            [content] = await room.read(reader, [execution["id"]], with_steps=False)
            execution |= content_as_json(content)
        return json_answer(execution)

    async def update_one(self, request: HttpRequest, executions: Executions) -> ASGIApp:
        """Set the state of one execution."""
        self._concurrency.expect_free()
        state = read_update(await self._bodies.read(request))
        self._concurrency.acquire_for(request.scope)
        guid = self._guid(request)
        outcome = await executions.update([guid], state)
        return (
            not_found(guid)
            if outcome.not_found
            else json_answer(as_json(fields_of(outcome.updated[0])))
        )

    async def delete_one(self, request: HttpRequest, executions: Executions) -> ASGIApp:
        """Delete one execution."""
        self._concurrency.acquire_for(request.scope)
        guid = self._guid(request)
        outcome = await executions.delete([guid])
        return deleted_answer(1) if outcome.deleted else not_found(guid)

    async def delete_many(self, request: HttpRequest, executions: Executions) -> ASGIApp:
        """Delete the executions that the body names."""
        self._concurrency.expect_free()
        guids = read_guids(await self._bodies.read(request), self._max_ids)
        self._concurrency.acquire_for(request.scope)
        outcome = await executions.delete(guids)
        return deleted_answer(len(outcome.deleted))

    def _by_method(self, handlers: Mapping[str, _Handler]) -> Any:
        allowed = ", ".join(sorted({*handlers, "OPTIONS"}))

        async def answer(request: HttpRequest) -> ASGIApp:
            handler = handlers.get(request.method)
            if handler is None:
                if request.method == "OPTIONS":
                    return Response(status_code=204, headers={"allow": allowed})
                return not_allowed(request.method, allowed)
            principal = await self._authenticator.authenticate(request.header(b"authorization"))
            principal.require(_SCOPES[request.method])
            return await handler(request, self._executions.within(principal.workspace))

        return _Resource(answer, self._on_limit)

    def _guid(self, request: HttpRequest) -> str:
        raw: bytes = request.scope["raw_path"]
        before: str = request.scope.get("root_path", "") + self._path
        if b"%" not in raw:
            return raw[len(before) + 1 :].decode(errors="replace").removesuffix("/")
        # Decoded here, because a guid may contain a slash, written as %2F; a literal slash at the
        # end is not part of it.
        written = raw.split(b"/", before.count("/") + 1)[-1]
        return unquote_to_bytes(written.removesuffix(b"/")).decode(errors="replace")


def _page_query(asked: ListRequest, paging: Paging, fields: tuple[str, ...]) -> PageQuery:
    return PageQuery(
        fields, asked.filter, limit=paging.limit, offset=paging.offset, with_total=True
    )


class _Resource:
    """An ASGI endpoint, to which Starlette passes every method, known or not."""

    def __init__(self, answer: _Answer, on_limit: OnLimit) -> None:
        functools.update_wrapper(self, answer)
        self._answer = answer
        self._on_limit = on_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(HttpRequest(scope, receive))
        except GatewayError as error:
            self._on_limit(error.limit)
            answer = rest_error(status_of(error), error.code, error.message, headers_of(error))
        except Exception as error:  # noqa: BLE001 - the edge's last line of defence
            error_id = log_unexpected(error, f"{scope['method']} of executions")
            answer = rest_error(500, INTERNAL, INTERNAL_MESSAGE, id=error_id)
        await answer(scope, receive, send)
