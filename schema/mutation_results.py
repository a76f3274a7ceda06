"""The results of mutations. Expected failures are data, not errors."""

from typing import Annotated

import strawberry

from schema.execution import Execution
from schema.execution_state import ExecutionState


@strawberry.interface(description="A failure that the caller can correct.")
class UserError:
    """A failure that the caller can correct."""

    message: str = strawberry.field(description="The reason, for people to read.")


@strawberry.type(description="No execution has this guid.")
class ExecutionNotFound(UserError):
    """No execution has this guid."""

    guid: strawberry.ID = strawberry.field(description="The requested guid.")


@strawberry.type(description="The execution is in another state than expected; nothing changed.")
class ExecutionStateConflict(UserError):
    """The execution is in another state than expected."""

    execution: Execution = strawberry.field(description="The execution, unchanged.")
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
        description="The id that it had as an Execution, for client caches."
    )
    guid: strawberry.ID = strawberry.field(description="The guid it had.")


UpdateExecutionResult = Annotated[
    UpdateExecutionSuccess | ExecutionNotFound | ExecutionStateConflict,
    strawberry.union("UpdateExecutionResult", description="The result of an update."),
]
DeleteExecutionResult = Annotated[
    DeleteExecutionSuccess | ExecutionNotFound,
    strawberry.union("DeleteExecutionResult", description="The result of a deletion."),
]


@strawberry.type(description="The result of an update of many executions.")
class UpdateExecutionsPayload:
    """The result of an update of many executions."""

    affected: int = strawberry.field(
        description="How many executions are now as the caller wants them."
    )
    executions: list[Execution] = strawberry.field(
        description="Those executions, in the order of the guids."
    )
    not_found: list[strawberry.ID] = strawberry.field(description="The guids of no execution.")
    conflicts: list[Execution] = strawberry.field(
        description="Executions in another state than expected, unchanged."
    )


@strawberry.type(description="The result of a deletion of many executions.")
class DeleteExecutionsPayload:
    """The result of a deletion of many executions."""

    affected: int = strawberry.field(description="How many executions were deleted.")
    deleted: list[strawberry.ID] = strawberry.field(description="Their guids.")
    deleted_ids: list[strawberry.ID] = strawberry.field(
        description="The ids that they had as Executions, for client caches, in the same order."
    )
    not_found: list[strawberry.ID] = strawberry.field(description="The guids of no execution.")


@strawberry.type(description="The result of an update of all executions that match a filter.")
class UpdateExecutionsMatchingPayload:
    """The result of an update of all executions that match a filter."""

    affected: int = strawberry.field(
        description="How many executions are now as the caller wants them. While hasMore is true, "
        "and with a limit, those that had the state already are not counted, so that the numbers "
        "of calls add up."
    )
    has_more: bool = strawberry.field(
        description="Whether executions are left to change, so that another call should follow."
    )


@strawberry.type(description="The result of a deletion of all executions that match a filter.")
class DeleteExecutionsMatchingPayload:
    """The result of a deletion of all executions that match a filter."""

    affected: int = strawberry.field(description="How many executions were deleted.")
    has_more: bool = strawberry.field(
        description="Whether executions are left to delete, so that another call should follow."
    )
