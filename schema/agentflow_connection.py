"""Pages of agentflows: the Relay connection."""

import strawberry

from schema.agentflow import Agentflow
from schema.connection import PageInfo


@strawberry.type(description="An agentflow and its cursor.")
class AgentflowEdge:
    """An edge of a connection."""

    cursor: str = strawberry.field(description="Pass it as after to continue from here.")
    node: Agentflow = strawberry.field(description="The agentflow.")


@strawberry.type(
    description="A page of agentflows, as in Relay's cursor connections specification."
)
class AgentflowConnection:
    """A page of agentflows, by cursors."""

    edges: list[AgentflowEdge] = strawberry.field(
        description="The agentflows on this page, with their cursors."
    )
    nodes: list[Agentflow] = strawberry.field(description="The agentflows on this page.")
    page_info: PageInfo = strawberry.field(description="This page's position in the whole list.")
    total_count: int = strawberry.field(
        description="How many agentflows match the filter, on all pages."
    )
