"""Every error that a client can see: its status, its code and its headers.

    GatewayError                    status  code
    ├── InvalidInput                   400  BAD_USER_INPUT
    │   ├── BodyTimeout                408  BAD_USER_INPUT
    │   ├── PayloadTooLarge            413  BAD_USER_INPUT
    │   └── UnsupportedMediaType       415  BAD_USER_INPUT
    ├── EventsExpired                  400  EVENTS_EXPIRED
    ├── Unauthenticated                401  UNAUTHENTICATED
    ├── Forbidden                      403  FORBIDDEN
    └── ServiceUnavailable             503  SERVICE_UNAVAILABLE
    nothing at a path, no execution    404  NOT_FOUND
    a method that a path has not       405  METHOD_NOT_ALLOWED
    anything else                      500  INTERNAL_SERVER_ERROR

GraphQL has further codes for documents that can't run: GRAPHQL_PARSE_FAILED,
GRAPHQL_VALIDATION_FAILED, OPERATION_TOO_COMPLEX, PERSISTED_QUERY_NOT_FOUND and
PERSISTED_QUERY_NOT_IN_LIST. Their status depends on the media type (``server.graphql.response``).

A caller's error is answered with its message and the code of its class. Any other exception is a
bug: it is logged with an id, and the response has that id and no details.
"""

import logging
import secrets
from collections.abc import Callable

from db.errors import GatewayError, ServiceUnavailable, UncertainWrite
from server.access.authentication import Forbidden, Unauthenticated
from server.http.bodies import (
    BodyTimeout,
    PayloadTooLarge,
    UnsupportedContentCoding,
    UnsupportedMediaType,
)
from server.http.content_coding import ACCEPTED

logger = logging.getLogger("gateway")

NOT_FOUND = "NOT_FOUND"
METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
INTERNAL = "INTERNAL_SERVER_ERROR"
INTERNAL_MESSAGE = "Internal server error"

OnLimit = Callable[[str | None], None]
"""Called for each refusal with the setting whose limit was exceeded, or None."""

_STATUS = {
    Unauthenticated: 401,
    Forbidden: 403,
    BodyTimeout: 408,
    PayloadTooLarge: 413,
    UnsupportedMediaType: 415,
    ServiceUnavailable: 503,
}
STATUS_BY_CODE = {
    **{kind.code: _STATUS[kind] for kind in (Unauthenticated, Forbidden, ServiceUnavailable)},
    INTERNAL: 500,
}
"""The status of a GraphQL response all of whose data is missing because of such an error."""


def status_of(error: GatewayError) -> int:
    """Return the HTTP status of a caller's error, which is the same at every edge."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 400)


def headers_of(error: GatewayError) -> dict[str, str]:
    """Return the headers that go with an error: how to authenticate, when to try again."""
    if isinstance(error, Unauthenticated):
        return {"www-authenticate": "Bearer"}
    # A client that repeats an uncertain write without checking may make it twice.
    if isinstance(error, ServiceUnavailable) and not isinstance(error, UncertainWrite):
        return {"retry-after": "1"}
    if isinstance(error, UnsupportedContentCoding):
        return {"accept-encoding": ACCEPTED}
    if isinstance(error, BodyTimeout | PayloadTooLarge):
        # The rest of the body is not read, so the connection can't be used again.
        return {"connection": "close"}
    return {}


def log_unexpected(error: BaseException, what: str) -> str:
    """Log a bug and return the id under which it is in the log."""
    error_id = secrets.token_hex(8)
    logger.error(
        "%s failed, error id %s", what, error_id, extra={"error_id": error_id}, exc_info=error
    )
    return error_id
