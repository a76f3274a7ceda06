"""Events: what a subscription tells of each change of an execution."""

import strawberry

from db.events.event import EventType
from schema.declarations import declare_enum
from schema.execution import Execution
from schema.execution_state import ExecutionState
from schema.scalars import DateTime

_MEANINGS = {
    EventType.CREATED: "It was created.",
    EventType.UPDATED: "It was changed, in its state or in anything else.",
    EventType.DELETED: "It was deleted.",
}

declare_enum(EventType, "What happened to an execution.", _MEANINGS, name="ExecutionEventType")


@strawberry.type(description="One committed change of one execution.")
class ExecutionEvent:
    """An event in GraphQL."""

    cursor: str = strawberry.field(
        description="The place of this event among all: a subscription after it goes on from here."
    )
    type: EventType = strawberry.field(description="What happened.")
    matches: bool = strawberry.field(
        description=(
            "Whether the execution matches the filter after the change; a deleted one does not. If "
            "not, it did before the change: take it out of a list of what matches."
        )
    )
    guid: strawberry.ID = strawberry.field(description="The guid of the execution.")
    execution: Execution | None = strawberry.field(
        description=(
            "The execution as it is after the change; after its deletion, what was last known of "
            "it. What it leads to, such as its session's executions, is as it is now."
        )
    )
    previous_state: ExecutionState | None = strawberry.field(
        description="Its state before the change; null if it was created."
    )
    occurred_on: DateTime = strawberry.field(description="When it was changed.")
