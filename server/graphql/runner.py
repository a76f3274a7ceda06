"""Running one operation of a client, whichever transport it came by.

HTTP, batches, event streams and WebSockets all run operations here, so that documents, limits,
scopes, costs, plans and metrics are the same for each of them.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, OperationType
from strawberry.types.execution import ExecutionResult, PreExecutionError

from db.errors import GatewayError, InvalidInput, ServiceUnavailable, UncertainWrite, quote
from db.executions import Executions
from resolvers.changes import AlreadyCommitted
from resolvers.context import Context
from resolvers.schema import Schema
from resolvers.selections import NotPlannable
from server.access.authentication import Forbidden, Principal
from server.graphql.documents import Documents
from server.graphql.errors import is_refused, limit_of, present_result
from server.graphql.limits import TooComplex
from server.graphql.preparation import OperationStore, Prepared, PreparedOperation, name_needed
from server.graphql.request import GraphQLRequest
from server.graphql.variables import count_values
from server.http.errors import INTERNAL, INTERNAL_MESSAGE, OnLimit, log_unexpected
from server.observability.logs import log_as_operation

logger = logging.getLogger("gateway.plans")

NotTaken = Mapping[OperationType, str]
"""The kinds of operations that a transport does not take, and what its clients are told."""
# From so many on, finding what is wrong with them keeps others waiting for milliseconds.
_MANY_VALUES = 500
OnName = Callable[[str | None], None]
"""Is told the name that an operation has in the metrics, if it has one."""


class KindNotTaken(GatewayError):
    """The transport does not take operations of this kind."""

    code = InvalidInput.code

    def __init__(self, message: str, kind: OperationType) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(slots=True)
class OperationResult:
    """The result of an operation, ready to be written as JSON.

    ``is_refused`` says that nothing of it was executed; ``is_valid`` that it could be, for all that
    is known without the values of its variables; ``is_uncertain`` that nobody knows whether it
    changed something.
    """

    body: dict[str, Any]
    is_refused: bool = False
    is_valid: bool = True
    is_uncertain: bool = False


class OperationRunner:
    """Runs operations: by their plans, or by graphql-core where there is none."""

    def __init__(
        self,
        schema: Schema,
        store: OperationStore,
        documents: Documents,
        executions: Executions,
        *,
        max_page_size: int,
        max_ids: int,
        on_limit: OnLimit,
    ) -> None:
        self._schema = schema
        self._core = schema._schema  # noqa: SLF001 - Strawberry has no public way to it
        self._store = store
        self._documents = documents
        self._context = Context(executions, max_page_size, max_ids)
        self._on_limit = on_limit

    def text_of(self, asked: GraphQLRequest) -> str:
        """The document that a request means. Raises GatewayError when there is none."""
        return self._documents.text_of(asked)

    async def is_mutation(self, asked: GraphQLRequest) -> bool:
        """Whether a request would change something, if it can be run."""
        try:
            query = self._documents.text_of(asked)
        except GatewayError:
            return False
        prepared = await self._store.prepare_apart(query, self._core)
        definition = prepared.definition(asked.operation_name)
        return definition is not None and definition.operation is OperationType.MUTATION

    async def run(
        self,
        asked: GraphQLRequest,
        principal: Principal,
        *,
        not_taken: NotTaken,
        reports_cost: bool = False,
        on_name: OnName | None = None,
    ) -> OperationResult:
        """Run a query or a mutation.

        What is wrong with the document, its cost or its variables is in the result. Raises
        KindNotTaken for a kind in ``not_taken``, and another GatewayError when there is no such
        document or operation, or the database can't answer. Limits that the result tells of are
        counted; those of an exception are not.
        """
        log_as_operation(asked.operation_name)
        variables = asked.variables or {}
        limits = self._store.limits
        values = count_values(variables, limits.max_input_values, limits.max_input_objects)
        query = self._documents.text_of(asked)
        if on_name is not None:
            on_name(self._documents.name_of(query, asked.operation_name))
        prepared = await self._store.prepare_apart(query, self._core)
        operation = prepared.find(asked.operation_name)
        if operation is None:
            return self._not_runnable(prepared, asked.operation_name, not_taken)
        if operation.kind in not_taken:
            raise KindNotTaken(not_taken[operation.kind], operation.kind)
        try:
            principal.require(*operation.scopes)
        except Forbidden as error:
            return self._refused([_error_of(error)])
        cost = operation.cost(variables)
        extensions = {"cost": self._store.cost_report(cost)} if reports_cost else None
        maximum = limits.max_cost
        if cost > maximum:
            return self._refused([TooComplex("max_cost", f"a cost of {cost}", maximum)], extensions)
        data = await self._planned(operation, variables)
        if data is None and operation.asks_for_schema_alone:
            introspected = await self._store.apart(
                lambda: self._schema.describe(
                    prepared.document, asked.variables, asked.operation_name
                )
            )
            return self._presented(introspected, extensions)
        if data is None:
            faults = self._faults_in_thread if values > _MANY_VALUES else self._faults
            refusal = await faults(operation, variables)
            if refusal is not None:
                return self._presented(refusal, extensions)
            return await self._execute(prepared, asked, extensions)
        return OperationResult(
            {"data": data} if extensions is None else {"data": data, "extensions": extensions}
        )

    async def result(
        self,
        asked: GraphQLRequest,
        principal: Principal,
        *,
        not_taken: NotTaken,
        reports_cost: bool = False,
        on_name: OnName | None = None,
    ) -> OperationResult:
        """Run an operation that has its place among others: whatever goes wrong is its result.

        All limits that were passed are counted.
        """
        try:
            return await self.run(
                asked, principal, not_taken=not_taken, reports_cost=reports_cost, on_name=on_name
            )
        except GatewayError as error:
            self._on_limit(error.limit)
            return refused(error)
        except Exception as error:  # noqa: BLE001 - the others must be answered
            error_id = log_unexpected(error, "A GraphQL operation")
            extensions = {"code": INTERNAL, "id": error_id}
            failure = {"message": INTERNAL_MESSAGE, "extensions": extensions}
            return OperationResult({"errors": [failure]}, is_refused=True, is_valid=False)

    def _not_runnable(
        self, prepared: Prepared, name: str | None, not_taken: NotTaken
    ) -> OperationResult:
        """Why a document has no operation that can be run."""
        definition = prepared.definition(name)
        if definition is None and not prepared.is_unreadable:
            raise InvalidInput(_no_such_operation(name))
        if definition is not None and definition.operation in not_taken:
            raise KindNotTaken(not_taken[definition.operation], definition.operation)
        if prepared.errors:
            return self._refused(prepared.errors)
        return self._refused([_error_of(name_needed(prepared))])

    async def _planned(
        self, operation: PreparedOperation, variables: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """The data of an operation by its plan; None where graphql-core has to answer.

        That is so for what is refused too: graphql-core says why, and where. A database that can't
        answer is not asked twice, which raises ServiceUnavailable, and a change that was made is
        not made twice, which raises AlreadyCommitted.
        """
        plan = operation.planner.plan(variables)
        if plan is None:
            return None
        try:
            return await plan.run(self._context, variables)
        except (ServiceUnavailable, AlreadyCommitted):
            raise
        except (NotPlannable, GatewayError, GraphQLError):
            return None
        except Exception:
            # It is answered with the id of its error when graphql-core meets it again.
            logger.exception("A plan failed; graphql-core runs the operation")
            return None

    async def _faults(
        self, operation: PreparedOperation, variables: Mapping[str, Any]
    ) -> ExecutionResult | None:
        """Everything that is wrong with the arguments of an operation's root fields."""
        faults = operation.planner.faults(variables, self._context)
        return PreExecutionError(data=None, errors=faults) if faults else None

    async def _faults_in_thread(
        self, operation: PreparedOperation, variables: Mapping[str, Any]
    ) -> ExecutionResult | None:
        """The same, and what is wrong with the variables, found in a thread."""
        definition = operation.definition
        errors = await self._store.apart(lambda: self._schema.errors_in(variables, definition))
        if errors:
            return ExecutionResult(data=None, errors=errors)
        faults = await self._store.apart(lambda: operation.planner.faults(variables, self._context))
        return PreExecutionError(data=None, errors=faults) if faults else None

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
            isinstance(failure.original_error, UncertainWrite) for failure in result.errors or ()
        )
        return OperationResult(present_result(result), is_refused(result), is_valid, is_uncertain)


def refused(error: GatewayError) -> OperationResult:
    """The result of an operation that was refused with an error of the caller."""
    failure = {"message": error.message, "extensions": {"code": error.code}}
    return OperationResult({"errors": [failure]}, is_refused=True, is_valid=False)


def _error_of(error: GatewayError) -> GraphQLError:
    return GraphQLError(error.message, original_error=error)


def _no_such_operation(name: str | None) -> str:
    if name is None:
        return "The document has no operation to run"
    return f"operationName must be one of the document's operations; got {quote(name)}"
