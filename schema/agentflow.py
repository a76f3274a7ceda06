"""The agentflow as clients see it."""

import strawberry

from schema.connection import EXECUTIONS_METADATA, ExecutionConnection, executions_argument_list
from schema.node import Node
from schema.statistics import STATS_METADATA, ExecutionStats, stats_argument_list


@strawberry.type(
    description="A graph of LLM agents, which executions run. Executions outlive their agentflow."
)
class Agentflow(Node):
    """An agentflow in GraphQL."""

    agentflow_id: strawberry.ID = strawberry.field(
        description="The id by which engines and clients know the agentflow."
    )
    name: str | None = strawberry.field(
        description="Its current name; null if it has none, or is gone."
    )
    executions: ExecutionConnection = strawberry.field(
        resolver=executions_argument_list,
        description="Its executions, page by page, as the root field executions lists them.",
        metadata=EXECUTIONS_METADATA,
    )
    stats: ExecutionStats = strawberry.field(
        resolver=stats_argument_list,
        description=(
            "Numbers of its executions: in all, by state, agentflow and time of creation."
        ),
        metadata=STATS_METADATA,
    )
