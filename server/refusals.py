"""The answers to a request that is refused, in the shape that its clients know."""

import secrets
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from db.errors import GatewayError, InvalidInput, ServiceUnavailable, UncertainWrite
from server.access import Forbidden, Unauthenticated
from server.bodies import (
    BodyTimeout,
    PayloadTooLarge,
    UnsupportedContentCoding,
    UnsupportedMediaType,
)
from server.content_coding import ACCEPTED
from server.json_text import write_json

GRAPHQL_PATH = "/graphql"
JSON = "application/json"

_STATUS = {
    Unauthenticated: 401,
    Forbidden: 403,
    BodyTimeout: 408,
    PayloadTooLarge: 413,
    UnsupportedMediaType: 415,
    ServiceUnavailable: 503,
}


def status_of(error: GatewayError) -> int:
    """The HTTP status that an error of the caller has at every edge."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 400)


def headers_of(error: GatewayError) -> dict[str, str]:
    """The headers that go with it: how to authenticate, when to try again."""
    if isinstance(error, Unauthenticated):
        return {"www-authenticate": "Bearer"}
    # Whoever sends an uncertain write again without a look may make it twice.
    if isinstance(error, ServiceUnavailable) and not isinstance(error, UncertainWrite):
        return {"retry-after": "1"}
    if isinstance(error, UnsupportedContentCoding):
        return {"accept-encoding": ACCEPTED}
    if isinstance(error, BodyTimeout | PayloadTooLarge):
        # The rest of the body is not read, so the connection can't be used again.
        return {"connection": "close"}
    return {}


def rest_refusal(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, **more: str
) -> Response:
    """An error in the shape that REST clients know."""
    body = {"statusCode": status, "success": False, "code": code, "message": message, **more}
    return _json(body, status, headers, JSON)


def graphql_refusal(
    status: int,
    code: str,
    message: str,
    headers: dict[str, str] | None = None,
    *,
    media_type: str = JSON,
    **more: str,
) -> Response:
    """A GraphQL answer that holds one error and no data."""
    body = {"errors": [{"message": message, "extensions": {"code": code, **more}}]}
    headers = {"vary": "Accept", **(headers or {})}
    return _json(body, status, headers, f"{media_type}; charset=utf-8")


def refusal_for_path(path: str, status: int, code: str, message: str, **more: str) -> Response:
    """An error in the shape that the clients of a path know."""
    if path.rstrip("/") == GRAPHQL_PATH:
        return graphql_refusal(status, code, message, None, **more)
    return rest_refusal(status, code, message, None, **more)


def refusal_on_wire(
    path: str,
    status: int,
    message: str,
    default_headers: Sequence[tuple[bytes, bytes]],
    **headers: str,
) -> bytes:
    """An error as the bytes of HTTP/1.1, for what never becomes a request of the application.

    It ends the connection.
    """
    code = ServiceUnavailable.code if status == 503 else InvalidInput.code
    response = refusal_for_path(path, status, code, message)
    headers |= {"connection": "close", "x-request-id": secrets.token_hex(8)}
    fields = [
        *default_headers,
        *response.raw_headers,
        *((name.encode(), value.encode("latin-1")) for name, value in headers.items()),
    ]
    lines = b"".join(b"%b: %b\r\n" % field for field in fields)
    phrase = HTTPStatus(status).phrase.encode()
    return b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, phrase, lines, bytes(response.body))


def _json(body: Any, status: int, headers: dict[str, str] | None, media_type: str) -> Response:
    return Response(write_json(body), status, headers=headers, media_type=media_type)
