"""The responses of the REST edge, in the format that its clients know."""

import math
from collections.abc import AsyncIterator, Callable, Iterable
from operator import attrgetter
from typing import Any

import orjson
from starlette.responses import Response

from db.contents.json_text import on_one_line
from db.contents.shown import ShownContent
from db.errors import quote
from server.http.direct_write import Header
from server.http.error_responses import rest_error
from server.http.errors import METHOD_NOT_ALLOWED, NOT_FOUND
from server.http.json_text import write_json
from server.http.response import DirectResponse
from server.rest.parameters import Paging

_CONTENT_TYPE = (b"content-type", b"application/json")
FIELDS = ("id", "guid", "agentflow_id", "agentflow_name", "session_id", "state", "created_on")
"""The fields that are read of each execution."""
fields_of = attrgetter(*FIELDS)


def as_json(row: Iterable[Any]) -> dict[str, Any]:
    """Return an execution as the REST API writes it, from a row of ``FIELDS``.

    ``created_on`` is epoch milliseconds.
    """
    # A literal takes half as long as zipping names and values.
    number, guid, agentflow_id, agentflow_name, session_id, state, created_on = row
    return {
        "id": number,
        "guid": guid,
        "agentflowId": agentflow_id,
        "agentflowName": agentflow_name,
        "sessionId": session_id,
        "state": state,
        "created_on": created_on,
    }


def content_as_json(content: ShownContent) -> dict[str, Any]:
    """Return the keys that the content of an execution adds to it."""
    data = None if content.data is None else orjson.Fragment(on_one_line(content.data))
    problem = {} if content.problem is None else {"dataProblem": content.problem}
    return {"data": data, **problem}


def not_allowed(method: str, allowed: str) -> Response:
    """Return the response to a method that a path does not support."""
    return rest_error(
        405,
        METHOD_NOT_ALLOWED,
        f"{method} is not allowed here; use one of {allowed}",
        {"allow": allowed},
    )


def json_answer(content: object, headers: Iterable[Header] = ()) -> DirectResponse:
    """Return a response of 200 with a value as JSON."""
    return DirectResponse(write_json(content), (_CONTENT_TYPE, *headers))


async def nothing() -> AsyncIterator[bytes]:
    """Yield nothing: the body of a response to HEAD."""
    return
    yield b""


def deleted_answer(affected: int) -> DirectResponse:
    """Return the response to a deletion."""
    return json_answer({"raw": [], "affected": affected})


def not_found(guid: str) -> Response:
    """Return the response for a guid that has no execution."""
    return rest_error(404, NOT_FOUND, f"Execution {quote(guid)} not found")


def links(url: Callable[[str], str], other_parameters: str, paging: Paging, total: int) -> str:
    """Return the ``Link`` header of a page (RFC 8288): first, previous, next and last page."""
    last = max(1, math.ceil(total / paging.limit))
    targets = {"first": 1}
    if paging.page > 1:
        targets["prev"] = min(paging.page - 1, last)
    if paging.page < last:
        targets["next"] = paging.page + 1
    targets["last"] = last
    beginning = url(f"{other_parameters}page=")
    return ", ".join(
        f'<{beginning}{page}&limit={paging.limit}>; rel="{relation}"'
        for relation, page in targets.items()
    )
