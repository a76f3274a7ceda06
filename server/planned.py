"""The fast way of an operation: by its plan, where it has one and nothing goes wrong."""

from typing import Any

from graphql import GraphQLSchema
from strawberry.types import ExecutionResult

from db.errors import ServiceUnavailable
from resolvers.context import Access, Context
from server.operations import OperationStore


class PlannedExecution:
    """Runs operations by their plans."""

    def __init__(self, store: OperationStore, schema: GraphQLSchema) -> None:
        self._store = store
        self._schema = schema

    async def run(
        self,
        query: str,
        operation_name: str | None,
        variables: dict[str, Any] | None,
        context: Context,
        access: Access,
    ) -> ExecutionResult | None:
        """The answer of a query; None when the ordinary executor has to give it.

        That is so for whatever is refused or goes wrong too: the ordinary executor says how.
        Only a database that can't answer is not asked twice: that raises ServiceUnavailable.
        """
        prepared = self._store.prepare(query, self._schema)
        operation = prepared.find(operation_name)
        plan = operation.planner.plan(variables) if operation else None
        if operation is None or plan is None:
            return None
        cost = operation.cost(variables or {})
        if cost > self._store.limits.max_cost:
            return None
        try:
            access.require(*operation.scopes)
            data = await plan.run(context, variables)
        except ServiceUnavailable:
            raise
        except Exception:  # noqa: BLE001 - the ordinary executor finds it again and says what it is
            return None
        extensions = {"cost": self._store.cost_report(cost)} if context.reports_cost else None
        return ExecutionResult(data=data, errors=None, extensions=extensions)
