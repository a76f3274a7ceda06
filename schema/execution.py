"""The execution as clients see it."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.execution_state import ExecutionState
from schema.node import Node
from schema.scalars import BigInt, DateTime

if TYPE_CHECKING:
    from schema.agentflow import Agentflow
    from schema.session import Session


@strawberry.type(description="One run of an agentflow, which is a graph of LLM agents.")
class Execution(Node):
    """An execution in GraphQL."""

    database_id: BigInt = strawberry.field(description="The number that the REST API calls id.")
    guid: strawberry.ID = strawberry.field(
        description="The id by which engines and clients know the execution."
    )
    state: ExecutionState = strawberry.field(description="The current state.")
    agentflow_id: strawberry.ID = strawberry.field(description="The id of the agentflow that ran.")
    agentflow_name: str | None = strawberry.field(
        description="The current name of that agentflow; null if the agentflow is gone."
    )
    session_id: strawberry.ID | None = strawberry.field(
        description="The session of the execution, if any."
    )
    created_on: DateTime = strawberry.field(description="When it was created.")
    updated_on: DateTime = strawberry.field(description="When it was last changed.")
    finished_on: DateTime | None = strawberry.field(
        description="When it came into its present final state; null while it is in progress."
    )
    duration_ms: BigInt | None = strawberry.field(
        description="The milliseconds from createdOn to finishedOn; null while it is in progress."
    )
    workspace_id: strawberry.ID | None = strawberry.field(
        description="The workspace that the execution belongs to, if any."
    )
    error: str | None = strawberry.field(
        description="The message of the first step that failed, up to 500 characters of it; null if"
        " none did, or the engine has left no data."
    )
    agentflow: Annotated["Agentflow", strawberry.lazy("schema.agentflow")] = strawberry.field(
        description="The agentflow that ran. If it is gone, it has its id and no name."
    )
    session: Annotated["Session", strawberry.lazy("schema.session")] | None = strawberry.field(
        description="The session of the execution, if any."
    )
