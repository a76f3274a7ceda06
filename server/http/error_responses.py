"""Error responses, in the format of the edge whose client gets them."""

import secrets
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from db.errors import InvalidInput, ServiceUnavailable
from server.http.json_text import write_json

GRAPHQL_PATH = "/graphql"
JSON = "application/json"


def rest_error(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, **more: str
) -> Response:
    """Return an error in the format of the REST API."""
    body = {"statusCode": status, "success": False, "code": code, "message": message, **more}
    return _json(body, status, headers, JSON)


def graphql_error(
    status: int,
    code: str,
    message: str,
    headers: dict[str, str] | None = None,
    *,
    media_type: str = JSON,
    **more: str,
) -> Response:
    """Return a GraphQL response with one error and no data."""
    body = {"errors": [{"message": message, "extensions": {"code": code, **more}}]}
    headers = {"vary": "Accept", **(headers or {})}
    return _json(body, status, headers, f"{media_type}; charset=utf-8")


def error_for_path(path: str, status: int, code: str, message: str, **more: str) -> Response:
    """Return an error in the format that clients of a path expect."""
    if path.rstrip("/") == GRAPHQL_PATH:
        return graphql_error(status, code, message, None, **more)
    return rest_error(status, code, message, None, **more)


def error_on_wire(
    path: str,
    status: int,
    message: str,
    default_headers: Sequence[tuple[bytes, bytes]],
    **headers: str,
) -> bytes:
    """Return an error as bytes of HTTP/1.1, for input that never becomes a request.

    It closes the connection.
    """
    code = ServiceUnavailable.code if status == 503 else InvalidInput.code
    response = error_for_path(path, status, code, message)
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
