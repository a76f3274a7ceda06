"""The answers to a request that is refused, in the shape that its clients know."""

from typing import Any

import orjson
from starlette.responses import Response

from db.errors import GatewayError, ServiceUnavailable
from server.access import Forbidden, Unauthenticated
from server.bodies import (
    BodyTimeout,
    PayloadTooLarge,
    UnsupportedContentCoding,
    UnsupportedMediaType,
)
from server.content_coding import ACCEPTED

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
    if isinstance(error, ServiceUnavailable):
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


def _json(body: Any, status: int, headers: dict[str, str] | None, media_type: str) -> Response:
    return Response(orjson.dumps(body), status, headers=headers, media_type=media_type)
