"""Run an operation, for every transport.

HTTP, batches, event streams and WebSockets all run operations here, so documents, limits, scopes,
costs, plans and metrics are the same for each of them.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, OperationType
from strawberry.types.execution import ExecutionResult, PreExecutionError

from db.errors import GatewayError, InvalidInput, ServiceUnavailable, UncertainWrite, quote
from resolvers.changes import AlreadyCommitted
from resolvers.context import Context
from resolvers.introspection import IntrospectionFailed
from resolvers.schema import Schema
from resolvers.selections import NotPlannable
from server.access.authentication import Forbidden, Principal
from server.graphql.documents import Documents
from server.graphql.errors import is_refused, limit_of, present_result
from server.graphql.limits import TooComplex
from server.graphql.preparation import OperationStore
from server.graphql.prepared import Prepared, PreparedOperation, name_needed
from server.graphql.request import GraphQLRequest
from server.graphql.variables import count_values
from server.http.errors import INTERNAL, INTERNAL_MESSAGE, OnLimit, log_unexpected
from server.observability.logs import log_as_operation

logger = logging.getLogger("gateway.plans")

UnsupportedKinds = Mapping[OperationType, str]
"""The kinds of operations that a transport does not support, with the message for clients."""
# From this many values on, looking for errors blocks the loop for milliseconds.
_MANY_VALUES = 500
OnName = Callable[[str | None], None]
"""Called with the operation's name in metrics, or None."""


class UnsupportedKind(GatewayError):
    """The transport does not support operations of this kind."""

    code = InvalidInput.code

    def __init__(self, message: str, kind: OperationType) -> None:
        super().__init__(message)
        self.kind = kind


class _Failed(Exception):
    """A plan failed and graphql-core must not run the operation again; ``result`` says why."""

    def __init__(self, result: ExecutionResult) -> None:
        super().__init__()
        self.result = result


@dataclass(slots=True)
class OperationResult:
    """The result of an operation, ready to be serialized as JSON.

    ``is_refused`` says that nothing was executed; ``is_valid`` that the operation is valid, as far
    as that is known without the values of its variables; ``is_uncertain`` that a write has an
    unknown outcome, or was made although its result could not be read.
    """

    body: dict[str, Any]
    is_refused: bool = False
    is_valid: bool = True
    is_uncertain: bool = False


class OperationRunner:
    """Runs operations: by their plans, or without a plan by graphql-core."""

    def __init__(
        self,
        schema: Schema,
        store: OperationStore,
        documents: Documents,
        context: Context,
        *,
        on_limit: OnLimit,
    ) -> None:
        self._schema = schema
        self._core = schema._schema  # noqa: SLF001 - Strawberry has no public way to it
        self._store = store
        self._documents = documents
        self._context = context
        self._on_limit = on_limit

    def text_of(self, asked: GraphQLRequest) -> str:
        """Return the document that a request means. Raises GatewayError if there is none."""
        return self._documents.text_of(asked)

    async def kind_of(self, asked: GraphQLRequest) -> OperationType | None:
        """Return the kind of the operation that a request asks for, or None if there is none."""
        try:
            query = self._documents.text_of(asked)
        except GatewayError:
            return None
        prepared = await self._store.prepare_async(query, self._core)
        definition = prepared.definition(asked.operation_name)
        return None if definition is None else definition.operation

    async def run(
        self,
        asked: GraphQLRequest,
        principal: Principal,
        *,
        unsupported: UnsupportedKinds,
        reports_cost: bool = False,
        on_name: OnName | None = None,
    ) -> OperationResult:
        """Run a query or a mutation.

        Errors in the document, its cost or its variables are in the result. Raises UnsupportedKind
        for a kind in ``unsupported``, and another GatewayError if there is no such document or
        operation, or the database can't answer. Counts exceeded limits that are in the result, but
        not those of an exception.
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
            return self._explain_not_runnable(prepared, asked.operation_name, unsupported)
        if operation.kind in unsupported:
            raise UnsupportedKind(unsupported[operation.kind], operation.kind)
        try:
            principal.require_all(operation.scopes)
        except Forbidden as error:
            return self._refused([_error_of(error)])
        cost = operation.cost(variables)
        extensions = {"cost": self._store.cost_report(cost)} if reports_cost else None
        maximum = limits.max_cost
        if cost > maximum:
            return self._refused([TooComplex("max_cost", f"a cost of {cost}", maximum)], extensions)
        try:
            data, failure = await self._planned(operation, variables)
        except _Failed as failed:
            return self._presented(failed.result, extensions)
        if data is None:
            find_errors = (
                self._argument_errors_in_thread if values > _MANY_VALUES else self._argument_errors
            )
            refusal = await find_errors(operation, variables)
            if refusal is not None:
                return self._presented(refusal, extensions)
            result = await self._execute(prepared, asked, extensions)
            if failure is not None and "errors" not in result.body:
                # An error that graphql-core met too is logged with the id that its client has.
                logger.error("A plan failed where graphql-core did not", exc_info=failure)
            return result
        return OperationResult(
            {"data": data} if extensions is None else {"data": data, "extensions": extensions}
        )

    async def result(
        self,
        asked: GraphQLRequest,
        principal: Principal,
        *,
        unsupported: UnsupportedKinds,
        reports_cost: bool = False,
        on_name: OnName | None = None,
    ) -> OperationResult:
        """Run an operation among others: every error becomes its result.

        Counts all exceeded limits.
        """
        try:
            return await self.run(
                asked,
                principal,
                unsupported=unsupported,
                reports_cost=reports_cost,
                on_name=on_name,
            )
        except GatewayError as error:
            self._on_limit(error.limit)
            return refused(error)
        except Exception as error:  # noqa: BLE001 - the others must be answered
            error_id = log_unexpected(error, "A GraphQL operation")
            extensions = {"code": INTERNAL, "id": error_id}
            failure = {"message": INTERNAL_MESSAGE, "extensions": extensions}
            return OperationResult({"errors": [failure]}, is_refused=True, is_valid=False)

    def _explain_not_runnable(
        self, prepared: Prepared, name: str | None, unsupported: UnsupportedKinds
    ) -> OperationResult:
        """Return, or raise, why a document has no operation that can run."""
        definition = prepared.definition(name)
        if definition is None and not prepared.is_unreadable:
            raise InvalidInput(_no_such_operation(name))
        if definition is not None and definition.operation in unsupported:
            raise UnsupportedKind(unsupported[definition.operation], definition.operation)
        if prepared.errors:
            return self._refused(prepared.errors)
        return self._refused([_error_of(name_needed(prepared))])

    async def _planned(
        self, operation: PreparedOperation, variables: Mapping[str, Any]
    ) -> tuple[dict[str, Any] | None, Exception | None]:
        """Return the data of an operation by its plan, or None if graphql-core has to answer.

        That includes everything that is refused: graphql-core says why, and where. If the plan
        itself has failed, its exception is returned too. Raises ServiceUnavailable, because a
        database that can't answer should not be asked twice, and AlreadyCommitted or _Failed,
        because a change must not be made twice.
        """
        plan = (
            await self._store.plan(operation, variables)
            if operation.is_large
            else operation.planner.plan(variables)
        )
        if plan is None:
            return None, None
        try:
            return await plan.run(self._context, variables), None
        except ServiceUnavailable:
            raise
        except IntrospectionFailed as failed:
            raise _Failed(ExecutionResult(data=None, errors=failed.errors)) from failed
        except AlreadyCommitted as committed:
            if committed.reason is None:
                raise
            error = GraphQLError(str(committed), path=[committed.key], original_error=committed)
            raise _Failed(ExecutionResult({committed.key: None}, [error])) from committed
        except (NotPlannable, GatewayError, GraphQLError):
            return None, None
        except Exception as error:  # noqa: BLE001 - logged in the end
            return None, error

    async def _argument_errors(
        self, operation: PreparedOperation, variables: Mapping[str, Any]
    ) -> ExecutionResult | None:
        """Return all errors in the arguments of an operation's root fields."""
        errors = operation.planner.argument_errors(variables, self._context)
        return PreExecutionError(data=None, errors=errors) if errors else None

    async def _argument_errors_in_thread(
        self, operation: PreparedOperation, variables: Mapping[str, Any]
    ) -> ExecutionResult | None:
        """The same, with the errors in the variables, computed in a thread."""
        definition = operation.definition
        errors = await self._store.in_thread(lambda: self._schema.errors_in(variables, definition))
        if errors:
            return ExecutionResult(data=None, errors=errors)
        errors = await self._store.in_thread(
            lambda: operation.planner.argument_errors(variables, self._context)
        )
        return PreExecutionError(data=None, errors=errors) if errors else None

    async def _execute(
        self,
        prepared: Prepared,
        asked: GraphQLRequest,
        extensions: dict[str, Any] | None,
    ) -> OperationResult:
        result = await self._schema.run(
            prepared.document, asked.variables, asked.operation_name, self._context
        )
        return self._presented(result, extensions)

    def _refused(
        self, errors: Iterable[GraphQLError], extensions: dict[str, Any] | None = None
    ) -> OperationResult:
        return self._presented(PreExecutionError(data=None, errors=list(errors)), extensions)

    def _presented(
        self, result: ExecutionResult, extensions: dict[str, Any] | None
    ) -> OperationResult:
        for failure in result.errors or ():
            self._on_limit(limit_of(failure))
        result.extensions = extensions
        is_valid = not isinstance(result, PreExecutionError)
        is_uncertain = any(
            isinstance(failure.original_error, UncertainWrite | AlreadyCommitted)
            for failure in result.errors or ()
        )
        return OperationResult(present_result(result), is_refused(result), is_valid, is_uncertain)


def refused(error: GatewayError) -> OperationResult:
    """Return the result of an operation that is refused with a caller's error."""
    failure = {"message": error.message, "extensions": {"code": error.code}}
    return OperationResult({"errors": [failure]}, is_refused=True, is_valid=False)


def _error_of(error: GatewayError) -> GraphQLError:
    return GraphQLError(error.message, original_error=error)


def _no_such_operation(name: str | None) -> str:
    if name is None:
        return "The document has no operation to run"
    return f"operationName must be one of the document's operations; got {quote(name)}"
