"""Responses to GraphQL requests over HTTP: bodies, statuses and headers."""

from collections.abc import Iterable
from typing import Any

from server.graphql.runner import OperationResult
from server.http.direct_write import Header
from server.http.error_responses import JSON
from server.http.errors import STATUS_BY_CODE
from server.http.json_text import write_json
from server.http.response import DirectResponse

RESPONSE_JSON = "application/graphql-response+json"

_HEADERS: dict[str, tuple[Header, ...]] = {
    kind: ((b"content-type", f"{kind}; charset=utf-8".encode()), (b"vary", b"Accept"))
    for kind in (JSON, RESPONSE_JSON)
}


def answer(result: OperationResult, media_type: str) -> DirectResponse:
    """Return the response to an operation."""
    if "errors" not in result.body:
        return DirectResponse(write_json(result.body), _HEADERS.get(media_type, _HEADERS[JSON]))
    return _json(
        result.body,
        _status(result, media_type),
        media_type,
        is_uncertain=result.is_uncertain,
    )


def batch_answer(results: Iterable[OperationResult], media_type: str) -> DirectResponse:
    """Return the response to a batch of operations, an array."""
    return _json([result.body for result in results], 200, media_type)


def _status(result: OperationResult, media_type: str) -> int:
    # A request error is 400 in the GraphQL media type, but 200 in JSON, as older clients expect
    # (GraphQL over HTTP, section 6.4). Errors that concern more than the document have their own
    # status in both.
    if not any(value is not None for value in (result.body.get("data") or {}).values()):
        for code in _codes(result.body["errors"]):
            if code in STATUS_BY_CODE:
                return STATUS_BY_CODE[code]
    return 400 if media_type == RESPONSE_JSON and result.is_refused else 200


def _codes(errors: Iterable[dict[str, Any]]) -> Iterable[str]:
    return (error["extensions"]["code"] for error in errors)


def _json(body: Any, status: int, media_type: str, *, is_uncertain: bool = False) -> DirectResponse:
    headers = _HEADERS.get(media_type, _HEADERS[JSON])
    # A client that repeats an uncertain write without checking may make it twice.
    if status == 503 and not is_uncertain:
        headers = (*headers, (b"retry-after", b"1"))
    if status == 401:
        headers = (*headers, (b"www-authenticate", b"Bearer"))
    return DirectResponse(write_json(body), headers, status)
