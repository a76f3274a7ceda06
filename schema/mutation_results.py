"""What mutations answer. What a well-behaved client can run into is data, not an error."""

from typing import Annotated

import strawberry

from schema.execution import Execution
from schema.execution_state import ExecutionState


@strawberry.interface(description="Something that the caller can put right.")
class UserError:
    """Something that the caller can put right."""

    message: str = strawberry.field(description="What was wrong, for a person.")


@strawberry.type(description="No execution has this guid.")
class ExecutionNotFound(UserError):
    """No execution has this guid."""

    guid: strawberry.ID = strawberry.field(description="The guid that was asked for.")


@strawberry.type(description="The execution is in another state than expected; nothing changed.")
class ExecutionStateConflict(UserError):
    """The execution is in another state than expected."""

    execution: Execution = strawberry.field(description="The execution as it is.")
    expected_state: ExecutionState = strawberry.field(
        description="The state that the caller expected."
    )


@strawberry.type(description="The execution is as the caller wants it.")
class UpdateExecutionSuccess:
    """The execution is as the caller wants it."""

    execution: Execution = strawberry.field(description="The execution after the change.")


@strawberry.type(description="The execution is deleted.")
class DeleteExecutionSuccess:
    """The execution is deleted."""

    id: strawberry.ID = strawberry.field(
        description="The id that it had as an Execution, by which caches know it."
    )
    guid: strawberry.ID = strawberry.field(description="The guid it had.")


UpdateExecutionResult = Annotated[
    UpdateExecutionSuccess | ExecutionNotFound | ExecutionStateConflict,
    strawberry.union("UpdateExecutionResult", description="What became of an update."),
]
DeleteExecutionResult = Annotated[
    DeleteExecutionSuccess | ExecutionNotFound,
    strawberry.union("DeleteExecutionResult", description="What became of a deletion."),
]


@strawberry.type(description="What became of an update of many executions.")
class UpdateExecutionsPayload:
    """What became of an update of many executions."""

    affected: int = strawberry.field(
        description="How many executions are now as the caller wants them."
    )
    executions: list[Execution] = strawberry.field(
        description="Those executions, in the order of the guids."
    )
    not_found: list[strawberry.ID] = strawberry.field(description="The guids of no execution.")
    conflicts: list[Execution] = strawberry.field(
        description="Executions in another state than expected; they did not change."
    )


@strawberry.type(description="What became of a deletion of many executions.")
class DeleteExecutionsPayload:
    """What became of a deletion of many executions."""

    affected: int = strawberry.field(description="How many executions were deleted.")
    deleted: list[strawberry.ID] = strawberry.field(description="Their guids.")
    deleted_ids: list[strawberry.ID] = strawberry.field(
        description="The ids that they had as Executions, by which caches know them, in the same"
        " order."
    )
    not_found: list[strawberry.ID] = strawberry.field(description="The guids of no execution.")
