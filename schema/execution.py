"""The execution as clients see it."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from db.keys import Scope
from schema.declarations import AtMost, declare
from schema.execution_state import ExecutionState
from schema.node import Node
from schema.scalars import JSON, BigInt, DateTime

if TYPE_CHECKING:
    from schema.agentflow import Agentflow
    from schema.execution_step import ExecutionStep
    from schema.session import Session

_WEIGHT = 50
"""What it costs to read a content, which may be large."""
_USUAL_STEPS = AtMost(10)


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
        " none did, or the engine has recorded no data."
    )
    agentflow: Annotated["Agentflow", strawberry.lazy("schema.agentflow")] = strawberry.field(
        description="The agentflow that ran. If it is gone, it has its id and no name."
    )
    session: Annotated["Session", strawberry.lazy("schema.session")] | None = strawberry.field(
        description="The session of the execution, if any."
    )
    data: JSON | None = strawberry.field(
        description=(
            "The data that the engine recorded for the execution: a list of steps, as it wrote "
            "them. Null if it recorded none, or for the reason in dataProblem."
        ),
        metadata=declare(Scope.READ, weight=_WEIGHT),
    )
    data_problem: str | None = strawberry.field(
        description=(
            "Why data is null or steps is empty although the engine recorded data: the data is not "
            "a JSON list of steps, or too large to be read for this response."
        ),
        metadata=declare(Scope.READ, weight=_WEIGHT),
    )
    steps: list[Annotated["ExecutionStep", strawberry.lazy("schema.execution_step")]] = (
        strawberry.field(
            description="What the nodes did, in the order in which they ended.",
            metadata=declare(Scope.READ, _USUAL_STEPS, _WEIGHT),
        )
    )
