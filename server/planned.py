"""The fast way of an operation: by its plan, where it has one and nothing goes wrong."""

from typing import Any

from graphql import GraphQLSchema

from db.errors import ServiceUnavailable
from resolvers.context import Reading
from resolvers.plan_update import BrokenAfterChange
from server.access import Access
from server.graphql_request import GraphQLRequest
from server.operations import OperationStore


class PlannedExecution:
    """Runs operations by their plans."""

    def __init__(self, store: OperationStore, schema: GraphQLSchema, reading: Reading) -> None:
        self._store = store
        self._schema = schema
        self._reading = reading

    async def run(
        self,
        query: str,
        asked: GraphQLRequest,
        access: Access,
        *,
        may_change: bool = True,
        reports_cost: bool = False,
    ) -> dict[str, Any] | None:
        """The body that answers an operation; None when the ordinary executor has to give it.

        That is so for whatever is refused or goes wrong too: the ordinary executor says how.
        Only a database that can't answer is not asked twice, which raises ServiceUnavailable,
        and what was changed is not changed twice, which raises BrokenAfterChange.
        """
        variables = asked.variables or {}
        operation = self._store.prepare(query, self._schema).find(asked.operation_name)
        plan = operation.planner.plan(variables) if operation else None
        if operation is None or plan is None or not operation.scopes <= access.scopes:
            return None
        if operation.planner.is_mutation and not may_change:
            return None
        cost = operation.cost(variables)
        if cost > self._store.limits.max_cost:
            return None
        try:
            data = await plan.run(self._reading, variables)
        except (ServiceUnavailable, BrokenAfterChange):
            raise
        except Exception:  # noqa: BLE001 - the ordinary executor finds it again and says what it is
            return None
        if reports_cost:
            return {"data": data, "extensions": {"cost": self._store.cost_report(cost)}}
        return {"data": data}
