"""From what went wrong in an operation to what its client is told.

What a caller did wrong is answered with its message. Anything else is ours: it is logged
with an id, and the answer carries that id and nothing of the inside.
"""

from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError

from db.errors import GatewayError, InvalidInput
from server.http.errors import INTERNAL, INTERNAL_MESSAGE, log_unexpected

# Messages of graphql-core repeat what was sent.
_LONGEST_MESSAGE = 500
_MOST_LOCATIONS = 10


def limit_of(error: GraphQLError) -> str | None:
    """The setting whose limit an error tells of, if it tells of one."""
    cause = error.original_error
    if isinstance(cause, GatewayError):
        return cause.limit
    return (error.extensions or {}).get("limit")


def present_result(result: ExecutionResult) -> dict[str, Any]:
    """Turn a result into the body of an answer, each error with its code.

    The entry ``data`` is left out when nothing was executed (GraphQL, section 7.1.1).
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
    """Whether a request was refused before anything of it was executed."""
    if not result.errors:
        return False
    return isinstance(result, PreExecutionError) or (
        result.data is None and all(error.path is None for error in result.errors)
    )


def code_without_cause(result: ExecutionResult) -> str | None:
    """The code of those errors of a result that graphql-core itself found.

    None when it should have found none, because everything was checked before.
    """
    if isinstance(result, PreExecutionError):
        return "GRAPHQL_VALIDATION_FAILED"
    return InvalidInput.code if is_refused(result) else None


def present_error(error: GraphQLError, code: str | None) -> GraphQLError:
    """Give an error its code, and take the inside out of one that the caller can't know.

    ``code`` is for an error without a cause of its own; see ``code_without_cause``. A message is
    cut off where it becomes long.
    """
    if error.extensions and "code" in error.extensions:
        return _with(error, error.message, **error.extensions)
    cause = error.original_error
    if isinstance(error, GraphQLSyntaxError):
        return _with(error, error.message, code="GRAPHQL_PARSE_FAILED")
    if isinstance(cause, GatewayError):
        return _with(error, cause.message, code=cause.code)
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
    # Locations are worked out of the nodes where there are any.
    return GraphQLError(
        message,
        nodes=error.nodes and error.nodes[:_MOST_LOCATIONS],
        source=error.source,
        positions=None if error.nodes else error.positions,
        path=error.path,
        extensions=extensions,
    )
