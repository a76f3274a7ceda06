"""Find the operation that a request means, and check that its client may run it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, GraphQLSchema, OperationType

from db.errors import GatewayError, InvalidInput, quote
from server.access.authentication import Forbidden, Principal
from server.graphql.documents import Documents
from server.graphql.limits import TooComplex
from server.graphql.preparation import OperationStore
from server.graphql.prepared import Prepared, PreparedOperation, name_needed
from server.graphql.request import GraphQLRequest
from server.graphql.variables import count_values
from server.observability.logs import log_as_operation

UnsupportedKinds = Mapping[OperationType, str]
"""The kinds of operations that a transport does not support, with the message for clients."""
OnName = Callable[[str | None], None]
"""Called with the operation's name in metrics, or None."""
# From this many values on, looking for errors blocks the loop for milliseconds.
_MANY_VALUES = 500


class UnsupportedKind(GatewayError):
    """The transport does not support operations of this kind."""

    code = InvalidInput.code

    def __init__(self, message: str, kind: OperationType) -> None:
        super().__init__(message)
        self.kind = kind


class Refused(Exception):
    """An operation is refused before anything of it runs, for these errors."""

    def __init__(
        self, errors: Sequence[GraphQLError], extensions: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.errors = errors
        self.extensions = extensions


@dataclass(frozen=True, slots=True)
class Found:
    """An operation that may run, with its variables as they were sent.

    ``has_many_values`` says that looking for errors in the variables takes long. ``extensions`` are
    those of the response.
    """

    prepared: Prepared
    operation: PreparedOperation
    variables: Mapping[str, Any]
    has_many_values: bool
    extensions: dict[str, Any] | None


class OperationLookup:
    """Finds operations in documents, and checks their limits, scopes and costs."""

    def __init__(self, core: GraphQLSchema, store: OperationStore, documents: Documents) -> None:
        self._core = core
        self._store = store
        self._documents = documents

    async def find(
        self,
        asked: GraphQLRequest,
        principal: Principal,
        *,
        unsupported: UnsupportedKinds,
        reports_cost: bool = False,
        on_name: OnName | None = None,
    ) -> Found:
        """Return the operation that a request means.

        Raises Refused for what is wrong with the document, its scopes or its cost; UnsupportedKind
        for a kind in ``unsupported``; and another GatewayError if there is no such document or
        operation.
        """
        log_as_operation(asked.operation_name)
        variables = asked.variables or {}
        limits = self._store.limits
        values = count_values(variables, limits.max_input_values, limits.max_input_objects)
        query = self._documents.text_of(asked)
        if on_name is not None:
            on_name(self._documents.name_of(query, asked.operation_name))
        prepared = await self._store.prepare_async(query, self._core)
        operation = await self._store.find_operation(prepared, query, asked.operation_name)
        if operation is None:
            raise _reason_why_not(prepared, asked.operation_name, unsupported)
        if operation.kind in unsupported:
            raise UnsupportedKind(unsupported[operation.kind], operation.kind)
        try:
            principal.require_all(operation.scopes)
        except Forbidden as error:
            raise Refused([error_of(error)]) from None
        cost = operation.cost(variables)
        extensions = {"cost": self._store.cost_report(cost)} if reports_cost else None
        limit, maximum = limits.highest_cost(operation.kind)
        if cost > maximum:
            raise Refused([TooComplex(limit, f"a cost of {cost}", maximum)], extensions)
        return Found(prepared, operation, variables, values > _MANY_VALUES, extensions)


def error_of(error: GatewayError) -> GraphQLError:
    """Return an error of the response for a caller's error that has no place in the document."""
    return GraphQLError(error.message, original_error=error)


def _reason_why_not(
    prepared: Prepared, name: str | None, unsupported: UnsupportedKinds
) -> Exception:
    """Return why a document has no operation that can run."""
    definition = prepared.definition(name)
    if prepared.is_unreadable:
        return Refused(prepared.errors)
    if definition is None:
        return InvalidInput(_no_such_operation(name))
    if definition.operation in unsupported:
        return UnsupportedKind(unsupported[definition.operation], definition.operation)
    if prepared.errors:
        return Refused(prepared.errors)
    return Refused([error_of(name_needed(prepared))])


def _no_such_operation(name: str | None) -> str:
    if name is None:
        return "The document has no operation to run"
    return f"operationName must be one of the document's operations; got {quote(name)}"
