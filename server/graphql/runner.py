"""Run an operation, for every transport.

HTTP, batches, event streams and WebSockets all run operations here, so documents, limits, scopes,
costs, plans and metrics are the same for each of them.
"""

import functools
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from graphql import GraphQLError, OperationType
from strawberry.types.execution import ExecutionResult, PreExecutionError

from db.errors import (
    EventsExpired,
    GatewayError,
    InvalidInput,
    ServiceUnavailable,
    UncertainWrite,
)
from resolvers.changes import AlreadyCommitted
from resolvers.context import Context, Viewer
from resolvers.introspection import IntrospectionFailed
from resolvers.schema import Schema
from resolvers.selections import NotPlannable
from server.access.authentication import Principal
from server.graphql.documents import Documents
from server.graphql.errors import is_refused, limit_of, present_result
from server.graphql.lookup import Found, OnName, OperationLookup, Refused, UnsupportedKinds
from server.graphql.preparation import OperationStore
from server.graphql.prepared import Prepared, PreparedOperation
from server.graphql.request import GraphQLRequest
from server.graphql.subscriptions.broadcaster import Broadcaster
from server.graphql.subscriptions.planned import PlannedEvents
from server.graphql.subscriptions.sink import Sink, Subscription
from server.http.errors import INTERNAL, INTERNAL_MESSAGE, OnLimit, log_unexpected

logger = logging.getLogger("gateway.plans")

_MOST_CONTEXTS = 200
"""How many contexts are kept ready, one for each name of a key with its scopes."""

_ONLY_SUBSCRIPTIONS: UnsupportedKinds = dict.fromkeys(
    (OperationType.QUERY, OperationType.MUTATION), "The operation is no subscription"
)
_NO_SUBSCRIPTIONS: UnsupportedKinds = {
    OperationType.SUBSCRIPTION: "A subscription is not answered once, but with events as they come"
}
_Done = TypeVar("_Done")


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
        broadcaster: Broadcaster,
        *,
        on_limit: OnLimit,
    ) -> None:
        self._schema = schema
        self._core = schema._schema  # noqa: SLF001 - Strawberry has no public way to it
        self._store = store
        self._documents = documents
        self._context = context
        self._seen_everywhere = functools.lru_cache(_MOST_CONTEXTS)(context.seen_by)
        self._lookup = OperationLookup(self._core, store, documents)
        self._broadcaster = broadcaster
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
        context = self._context_of(principal)
        try:
            found = await self._lookup.find(
                asked,
                principal,
                unsupported={**unsupported, **_NO_SUBSCRIPTIONS},
                reports_cost=reports_cost,
                on_name=on_name,
            )
        except Refused as refusal:
            return self._refused(refusal)
        if not found.operation.planner.needs_snapshot:
            return await self._answer(found, asked, context)
        async with context.snapshot():
            return await self._answer(found, asked, context)

    def _context_of(self, principal: Principal) -> Context:
        viewer = Viewer(principal.name, principal.scopes, principal.workspace)
        # What is seen within a workspace is a view of its own each time.
        see = self._seen_everywhere if viewer.workspace is None else self._context.seen_by
        return see(viewer)

    async def _answer(
        self, found: Found, asked: GraphQLRequest, context: Context
    ) -> OperationResult:
        operation, variables, extensions = found.operation, found.variables, found.extensions
        try:
            data, failure = await self._planned(operation, variables, context)
        except _Failed as failed:
            return self._presented(failed.result, extensions)
        if data is None:
            find_errors = (
                self._argument_errors_in_thread if found.has_many_values else self._argument_errors
            )
            refusal = await find_errors(operation, variables, context)
            if refusal is not None:
                return self._presented(refusal, extensions)
            result = await self._execute(found.prepared, asked, context, extensions)
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
        return await self._caught(
            self.run(
                asked,
                principal,
                unsupported=unsupported,
                reports_cost=reports_cost,
                on_name=on_name,
            )
        )

    async def subscribe(
        self,
        asked: GraphQLRequest,
        principal: Principal,
        sink: Sink,
        *,
        resume_after: str | None = None,
        on_name: OnName | None = None,
    ) -> Subscription | OperationResult:
        """Begin a subscription, whose events are written to ``sink``.

        ``resume_after`` is a cursor that replaces the argument ``after``. Returns a result with
        errors if the operation is refused, or is no subscription. Counts all exceeded limits.
        """
        return await self._caught(self._subscribe(asked, principal, sink, resume_after, on_name))

    async def _subscribe(
        self,
        asked: GraphQLRequest,
        principal: Principal,
        sink: Sink,
        resume_after: str | None,
        on_name: OnName | None,
    ) -> Subscription | OperationResult:
        try:
            found = await self._lookup.find(
                asked, principal, unsupported=_ONLY_SUBSCRIPTIONS, on_name=on_name
            )
        except Refused as refusal:
            return self._refused(refusal)
        context = self._context_of(principal)
        operation, variables = found.operation, found.variables
        plan = await self._store.plan(operation, variables)
        try:
            events = PlannedEvents.of(
                plan,
                operation.planner,
                variables,
                context,
                # What is read and written at a time costs no more than one operation may.
                max(1, self._store.limits.max_cost // max(1, operation.cost(variables))),
            )
        except (NotPlannable, GatewayError, GraphQLError) as reason:
            found_errors = await self._argument_errors_in_thread(operation, variables, context)
            if found_errors is None:
                found_errors = _refusal(InvalidInput(f"The subscription can't run: {reason}"))
            return self._presented(found_errors, None)
        after = ("after", events.after)
        if resume_after is not None:
            after = ("Last-Event-ID", resume_after)
        try:
            return await self._broadcaster.subscribe(events.encoder, events.filter, *after, sink)
        except (EventsExpired, InvalidInput) as error:
            return self._presented(_refusal(error, events.key), None)

    async def _caught(self, work: Coroutine[Any, Any, _Done]) -> "_Done | OperationResult":
        """Return what work returns, or a result with its error."""
        try:
            return await work
        except GatewayError as error:
            self._on_limit(error.limit)
            return refused(error)
        except Exception as error:  # noqa: BLE001 - the others must be answered
            error_id = log_unexpected(error, "A GraphQL operation")
            extensions = {"code": INTERNAL, "id": error_id}
            failure = {"message": INTERNAL_MESSAGE, "extensions": extensions}
            return OperationResult({"errors": [failure]}, is_refused=True, is_valid=False)

    async def _planned(
        self, operation: PreparedOperation, variables: Mapping[str, Any], context: Context
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
            return await plan.run(context, variables), None
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
        self, operation: PreparedOperation, variables: Mapping[str, Any], context: Context
    ) -> ExecutionResult | None:
        """Return all errors in the arguments of an operation's root fields."""
        errors = operation.planner.argument_errors(variables, context)
        return PreExecutionError(data=None, errors=errors) if errors else None

    async def _argument_errors_in_thread(
        self, operation: PreparedOperation, variables: Mapping[str, Any], context: Context
    ) -> ExecutionResult | None:
        """The same, with the errors in the variables, computed in a thread."""
        definition = operation.definition
        errors = await self._store.in_thread(lambda: self._schema.errors_in(variables, definition))
        if errors:
            return ExecutionResult(data=None, errors=errors)
        errors = await self._store.in_thread(
            lambda: operation.planner.argument_errors(variables, context)
        )
        return PreExecutionError(data=None, errors=errors) if errors else None

    async def _execute(
        self,
        prepared: Prepared,
        asked: GraphQLRequest,
        context: Context,
        extensions: dict[str, Any] | None,
    ) -> OperationResult:
        result = await self._schema.run(
            prepared.document, asked.variables, asked.operation_name, context
        )
        return self._presented(result, extensions)

    def _refused(self, refusal: Refused) -> OperationResult:
        errors = list(refusal.errors)
        return self._presented(PreExecutionError(data=None, errors=errors), refusal.extensions)

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


def _refusal(error: GatewayError, key: str | None = None) -> PreExecutionError:
    path: list[str | int] | None = None if key is None else [key]
    failure = GraphQLError(error.message, path=path, original_error=error)
    return PreExecutionError(data=None, errors=[failure])
