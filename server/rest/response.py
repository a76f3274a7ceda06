"""What the REST edge answers, in the spelling and the shapes that its clients know."""

import math
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

from starlette.responses import Response

from db.errors import quote
from db.reading.paging import Row
from server.http.direct_write import Header
from server.http.error_responses import rest_error
from server.http.errors import METHOD_NOT_ALLOWED, NOT_FOUND
from server.http.json_text import write_json
from server.http.response import DirectResponse
from server.rest.parameters import Paging

_CONTENT_TYPE = (b"content-type", b"application/json")

FIELDS = ("id", "guid", "agentflow_id", "agentflow_name", "session_id", "state", "created_on")
"""What is read of each execution."""
fields_of = attrgetter(*FIELDS)


def as_json(row: Iterable[Any]) -> dict[str, Any]:
    """An execution in the spelling of the REST API, from a row of ``FIELDS``.

    ``created_on`` is epoch milliseconds.
    """
    # Written out: zipping names and values takes twice as long.
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


def not_allowed(method: str, allowed: str) -> Response:
    """The answer to a method that a path does not have."""
    return rest_error(
        405,
        METHOD_NOT_ALLOWED,
        f"{method} is not allowed here; use one of {allowed}",
        {"allow": allowed},
    )


def json_answer(content: object, headers: Iterable[Header] = ()) -> DirectResponse:
    """An answer of 200 that holds a value as JSON."""
    return DirectResponse(write_json(content), (_CONTENT_TYPE, *headers))


async def array(first: bytes, batches: AsyncIterator[Sequence[Row]]) -> AsyncIterator[bytes]:
    """A JSON array in parts: members that are written already, then those of the batches."""
    yield b"[" + first
    async for rows in batches:
        yield b"," + members(rows)
    yield b"]"


def members(rows: Sequence[Row]) -> bytes:
    """Executions as members of a JSON array."""
    return write_json([as_json(row) for row in rows])[1:-1]


async def nothing() -> AsyncIterator[bytes]:
    """The body of an answer to HEAD."""
    return
    yield b""


def deleted_answer(affected: int) -> DirectResponse:
    """The answer to a deletion of so many executions."""
    return json_answer({"raw": [], "affected": affected})


def not_found(guid: str) -> Response:
    """The answer where there is no execution of a guid."""
    return rest_error(404, NOT_FOUND, f"Execution {quote(guid)} not found")


def links(url: Callable[[str], str], other_parameters: str, paging: Paging, total: int) -> str:
    """The ``Link`` header of a page (RFC 8288): the first, previous, next and last one."""
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
