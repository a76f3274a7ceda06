"""How each root field is planned: where all reads and changes begin."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, OperationType
from graphql.type import GraphQLField

from resolvers.agentflows import (
    check_agentflows,
    plan_agentflow,
    plan_agentflows,
    plan_session,
)
from resolvers.arguments import Arguments
from resolvers.changes import (
    plan_delete_execution,
    plan_delete_executions,
    plan_delete_executions_matching,
    plan_update_execution,
    plan_update_executions,
    plan_update_executions_matching,
)
from resolvers.checks import (
    Check,
    check_connection,
    check_filter,
    check_guids,
    check_ids,
    check_matching,
    check_nothing,
    check_numbered_page,
)
from resolvers.connection import ConnectionPlan, NumberedPagePlan
from resolvers.context import Run
from resolvers.events import check_events, plan_event_cursor, plan_execution_events
from resolvers.nodes import plan_node, plan_nodes
from resolvers.objects import Planning, plan_objects
from resolvers.row_code import Columns
from resolvers.selections import object_of
from resolvers.statistics import plan_execution_stats
from resolvers.viewer import plan_viewer

RootAnswer = Callable[[Run, Arguments], Awaitable[Any]]
"""Returns the value of a root field for JSON. Raises GatewayError if that is impossible."""
PlanRoot = Callable[[Planning, list[FieldNode], GraphQLField], RootAnswer]
"""Plans a root field for its selection."""


@dataclass(frozen=True, slots=True)
class Root:
    """A root field: how it is planned, and how its arguments are checked before it runs."""

    plan: PlanRoot
    check: Check


def plan_execution(planning: Planning, nodes: list[FieldNode], field: GraphQLField) -> RootAnswer:
    """Plan ``execution``."""
    columns = Columns()
    objects = plan_objects(planning, nodes, object_of(field), columns)
    # Read at least one column, to learn whether the execution exists.
    fields = tuple(columns.names) or ("id",)

    async def answer(run: Run, arguments: Arguments) -> Any:
        row = await run.context.executions.find_fields(fields, arguments["guid"])
        return None if row is None else (await objects.answer(run, (row,)))[0]

    return answer


def plan_executions(planning: Planning, nodes: list[FieldNode], field: GraphQLField) -> RootAnswer:
    """Plan ``executions``."""
    connection = ConnectionPlan(planning, nodes, object_of(field))

    async def answer(run: Run, arguments: Arguments) -> Any:
        query = connection.query(arguments, run.context)
        page = await run.context.executions.page(query)
        return (await connection.answer(run, (page,), query.fields, query.order))[0]

    return answer


def plan_execution_page(
    planning: Planning, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``executionPage``."""
    return NumberedPagePlan(planning, nodes, object_of(field)).answer


ROOTS: Mapping[OperationType, Mapping[str, Root]] = {
    OperationType.QUERY: {
        "execution": Root(plan_execution, check_nothing),
        "executions": Root(plan_executions, check_connection),
        "executionPage": Root(plan_execution_page, check_numbered_page),
        "agentflow": Root(plan_agentflow, check_nothing),
        "agentflows": Root(plan_agentflows, check_agentflows),
        "session": Root(plan_session, check_nothing),
        "executionStats": Root(plan_execution_stats, check_filter),
        "node": Root(plan_node, check_nothing),
        "nodes": Root(plan_nodes, check_ids),
        "eventCursor": Root(plan_event_cursor, check_nothing),
        "viewer": Root(plan_viewer, check_nothing),
    },
    OperationType.MUTATION: {
        "updateExecution": Root(plan_update_execution, check_nothing),
        "updateExecutions": Root(plan_update_executions, check_guids),
        "deleteExecution": Root(plan_delete_execution, check_nothing),
        "deleteExecutions": Root(plan_delete_executions, check_guids),
        "updateExecutionsMatching": Root(plan_update_executions_matching, check_matching),
        "deleteExecutionsMatching": Root(plan_delete_executions_matching, check_matching),
    },
    OperationType.SUBSCRIPTION: {"executionEvents": Root(plan_execution_events, check_events)},
}
"""Every root field. That of a subscription returns a list, with a value for each event."""
