"""The answers to GraphQL requests over HTTP: their bodies, statuses and headers."""

from collections.abc import Iterable
from typing import Any

import orjson
from strawberry.types import ExecutionResult

from server.access import Forbidden, Unauthenticated
from server.errors import INTERNAL, is_refused, present_result
from server.exchange import Answer
from server.refusals import JSON

RESPONSE_JSON = "application/graphql-response+json"

_HEADERS = {
    kind: ((b"content-type", f"{kind}; charset=utf-8".encode()), (b"vary", b"Accept"))
    for kind in (JSON, RESPONSE_JSON)
}
_STATUS_BY_CODE = {
    Unauthenticated.code: 401,
    Forbidden.code: 403,
    "SERVICE_UNAVAILABLE": 503,
    INTERNAL: 500,
}


def answer(results: list[ExecutionResult], media_type: str, *, batch: bool) -> Answer:
    """Answer one operation, or a batch of them with an array."""
    bodies = [present_result(result) for result in results]
    if batch:
        return _json(bodies, 200, media_type)
    return _json(bodies[0], _status(results[0], bodies[0], media_type), media_type)


def _status(result: ExecutionResult, body: dict[str, Any], media_type: str) -> int:
    # A request error is 400 in the GraphQL media type, and in JSON 200, as clients from before
    # that media type expect (GraphQL over HTTP, section 6.4). What is wrong with more than the
    # document has a status of its own in both.
    if body.get("data") is None:
        for code in _codes(body.get("errors", ())):
            if code in _STATUS_BY_CODE:
                return _STATUS_BY_CODE[code]
    return 400 if media_type == RESPONSE_JSON and is_refused(result) else 200


def _codes(errors: Iterable[dict[str, Any]]) -> Iterable[str]:
    return (error["extensions"]["code"] for error in errors)


def planned_answer(body: dict[str, Any], media_type: str) -> Answer:
    """Answer what went well."""
    return Answer(orjson.dumps(body), _HEADERS.get(media_type, _HEADERS[JSON]))


def _json(body: Any, status: int, media_type: str) -> Answer:
    headers = [*_HEADERS.get(media_type, _HEADERS[JSON])]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    return Answer(orjson.dumps(body), headers, status)
