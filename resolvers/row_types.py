"""The GraphQL types whose objects are rows, field by field."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import FieldNode
from graphql.type import GraphQLField

from db.instants import format_ms
from resolvers.arguments import ArgumentsOf
from resolvers.checks import check_connection
from resolvers.connection import ConnectionPlan
from resolvers.contents import CONTENT, EXECUTION_STEP
from resolvers.context import Run
from resolvers.events import EXECUTION_EVENT
from resolvers.objects import Leaf, Nested, Planning, PlanStep, RowType, SameRow, Step
from resolvers.selections import object_of
from resolvers.statistics import AGENTFLOW_COUNT, TIMELINE_BUCKET, stats_of
from resolvers.viewer import VIEWER
from schema.node import global_id


def _executions_of(by: str) -> Nested:
    """Return the connection of the executions whose field ``by`` is the row's."""

    def plan(
        planning: Planning, nodes: list[FieldNode], field: GraphQLField, arguments: ArgumentsOf
    ) -> Step:
        connection = ConnectionPlan(planning, nodes, object_of(field))

        async def read(run: Run, keys: Sequence[Any]) -> Sequence[Any]:
            query = connection.query(arguments(run.variables), run.context)
            pages = await run.in_turn(lambda: run.context.executions.pages(query, by, keys))
            return await connection.answer(run, pages, query.fields, query.order)

        return read

    planned: PlanStep = plan
    return Nested(by, planned, check_connection)


EXECUTION: RowType = {
    "id": Leaf("guid", lambda guid: global_id("Execution", guid)),
    "databaseId": Leaf("id"),
    "guid": Leaf("guid"),
    "state": Leaf("state"),
    "agentflowId": Leaf("agentflow_id"),
    "agentflowName": Leaf("agentflow_name"),
    "sessionId": Leaf("session_id"),
    "createdOn": Leaf("created_on", format_ms),
    "updatedOn": Leaf("updated_on", format_ms),
    "finishedOn": Leaf("finished_on", format_ms, is_nullable=True),
    "durationMs": Leaf("duration_ms"),
    "workspaceId": Leaf("workspace_id"),
    "error": Leaf("error"),
    "agentflow": SameRow("agentflow_id"),
    "session": SameRow("session_id"),
    **CONTENT,
}
# The columns are named as those of executions, whose rows contain their agentflow and session.
AGENTFLOW: RowType = {
    "id": Leaf("agentflow_id", lambda agentflow_id: global_id("Agentflow", agentflow_id)),
    "agentflowId": Leaf("agentflow_id"),
    "name": Leaf("agentflow_name"),
    "executions": _executions_of("agentflow_id"),
    "stats": stats_of("agentflow_id"),
}
SESSION: RowType = {
    "id": Leaf("session_id", lambda session_id: global_id("Session", session_id)),
    "sessionId": Leaf("session_id"),
    "executions": _executions_of("session_id"),
    "stats": stats_of("session_id"),
}
ROW_TYPES: Mapping[str, RowType] = {
    "Execution": EXECUTION,
    "Agentflow": AGENTFLOW,
    "Session": SESSION,
    "AgentflowCount": AGENTFLOW_COUNT,
    "TimelineBucket": TIMELINE_BUCKET,
    "ExecutionEvent": EXECUTION_EVENT,
    "ExecutionStep": EXECUTION_STEP,
    "Viewer": VIEWER,
}
"""Every GraphQL type whose objects are rows."""
