"""How each root field is planned: where all reads and changes begin."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, OperationType
from graphql.type import GraphQLField

from resolvers.arguments import Arguments
from resolvers.changes import (
    plan_delete_execution,
    plan_delete_executions,
    plan_update_execution,
    plan_update_executions,
)
from resolvers.checks import (
    Check,
    check_connection,
    check_guids,
    check_nothing,
    check_numbered_page,
)
from resolvers.connection import ConnectionPlan, NumberedPagePlan
from resolvers.context import Run
from resolvers.objects import plan_objects
from resolvers.row_code import Columns
from resolvers.selections import Selections, object_of

RootAnswer = Callable[[Run, Arguments], Awaitable[Any]]
"""Returns the value of a root field for JSON. Raises GatewayError if that is impossible."""
PlanRoot = Callable[[Selections, list[FieldNode], GraphQLField], RootAnswer]
"""Plans a root field for its selection."""


@dataclass(frozen=True, slots=True)
class Root:
    """A root field: how it is planned, and how its arguments are checked before it runs."""

    plan: PlanRoot
    check: Check


def plan_execution(
    selections: Selections, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``execution``."""
    columns = Columns()
    objects = plan_objects(selections, nodes, object_of(field), columns)
    # Read at least one column, to learn whether the execution exists.
    fields = tuple(columns.names) or ("id",)

    async def answer(run: Run, arguments: Arguments) -> Any:
        row = await run.context.executions.find_fields(fields, arguments["guid"])
        return None if row is None else (await objects.answer(run, (row,)))[0]

    return answer


def plan_executions(
    selections: Selections, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``executions``."""
    connection = ConnectionPlan(selections, nodes, object_of(field))

    async def answer(run: Run, arguments: Arguments) -> Any:
        query = connection.query(arguments, run.context)
        page = await run.context.executions.page(query)
        return (await connection.answer(run, (page,), query.fields, query.order))[0]

    return answer


def plan_execution_page(
    selections: Selections, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``executionPage``."""
    return NumberedPagePlan(selections, nodes, object_of(field)).answer


ROOTS: Mapping[OperationType, Mapping[str, Root]] = {
    OperationType.QUERY: {
        "execution": Root(plan_execution, check_nothing),
        "executions": Root(plan_executions, check_connection),
        "executionPage": Root(plan_execution_page, check_numbered_page),
    },
    OperationType.MUTATION: {
        "updateExecution": Root(plan_update_execution, check_nothing),
        "updateExecutions": Root(plan_update_executions, check_guids),
        "deleteExecution": Root(plan_delete_execution, check_nothing),
        "deleteExecutions": Root(plan_delete_executions, check_guids),
    },
}
"""Every root field of queries and mutations."""
