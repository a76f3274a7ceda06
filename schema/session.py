"""The session as clients see it."""

import strawberry

from schema.connection import EXECUTIONS_METADATA, ExecutionConnection, executions_argument_list
from schema.node import Node
from schema.statistics import STATS_METADATA, ExecutionStats, stats_argument_list


@strawberry.type(description="A session: the executions that belong together, such as a chat.")
class Session(Node):
    """A session in GraphQL."""

    session_id: strawberry.ID = strawberry.field(
        description="The id by which engines and clients know the session."
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
