"""Translate errors of an operation into those of a response.

A caller's error is answered with its message. Any other exception is a bug: it is logged with an
id, and the response has that id and no details.
"""

from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError

from db.errors import GatewayError, InvalidInput
from resolvers.changes import AlreadyCommitted
from server.http.errors import INTERNAL, INTERNAL_MESSAGE, log_unexpected

# Messages of graphql-core repeat what was sent.
_LONGEST_MESSAGE = 500
_MOST_LOCATIONS = 10


def limit_of(error: GraphQLError) -> str | None:
    """Return the setting whose limit an error reports, if any."""
    cause = error.original_error
    if isinstance(cause, AlreadyCommitted):
        cause = cause.reason
    if isinstance(cause, GatewayError):
        return cause.limit
    return (error.extensions or {}).get("limit")


def present_result(result: ExecutionResult) -> dict[str, Any]:
    """Return the body of a response from a result, each error with its code.

    The entry ``data`` is missing if nothing was executed (GraphQL, section 7.1.1).
    """
    body: dict[str, Any] = {}
    if result.errors:
        code = code_without_cause(result)
        body["errors"] = [dict(present_error(error, code).formatted) for error in result.errors]
    if not is_refused(result):
        body["data"] = result.data
    if result.extensions:
        body["extensions"] = result.extensions
    return body


def is_refused(result: ExecutionResult) -> bool:
    """Whether a request was refused before any of it was executed."""
    if not result.errors:
        return False
    return isinstance(result, PreExecutionError) or (
        result.data is None and all(error.path is None for error in result.errors)
    )


def code_without_cause(result: ExecutionResult) -> str | None:
    """Return the code for errors that graphql-core itself found.

    None if it should not have found any, because everything was checked before.
    """
    if isinstance(result, PreExecutionError):
        return "GRAPHQL_VALIDATION_FAILED"
    return InvalidInput.code if is_refused(result) else None


def present_error(error: GraphQLError, code: str | None) -> GraphQLError:
    """Return an error with its code, without internal details.

    ``code`` is for an error without a cause of its own; see ``code_without_cause``. Long messages
    are cut off.
    """
    if error.extensions and "code" in error.extensions:
        return _with(error, error.message, **error.extensions)
    cause = error.original_error
    if isinstance(error, GraphQLSyntaxError):
        return _with(error, error.message, code="GRAPHQL_PARSE_FAILED")
    if isinstance(cause, GatewayError):
        return _with(error, cause.message, code=cause.code)
    if isinstance(cause, AlreadyCommitted) and cause.reason is not None:
        return _with(error, cause.message, code=cause.reason.code)
    if isinstance(cause, CannotGetOperationTypeError | InvalidOperationTypeError):
        return _with(error, error.message, code=InvalidInput.code)
    if isinstance(cause, RecursionError):
        return _with(error, "The request is nested too deep", code=InvalidInput.code)
    if code and (cause is None or isinstance(cause, GraphQLError)):
        return _with(error, error.message, code=code)
    error_id = log_unexpected(cause or error, "A GraphQL operation")
    return _with(error, INTERNAL_MESSAGE, code=INTERNAL, id=error_id)


def _with(error: GraphQLError, message: str, **extensions: Any) -> GraphQLError:
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}…"
    # graphql-core computes locations from the nodes, if there are any.
    return GraphQLError(
        message,
        nodes=error.nodes and error.nodes[:_MOST_LOCATIONS],
        source=error.source,
        positions=None if error.nodes else error.positions,
        path=error.path,
        extensions=extensions,
    )
