"""What can be done. Each mutation is one transaction."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from db.keys import Scope
from db.models import ExecutionState
from resolvers.context import Info
from resolvers.declarations import NamedRows, declare
from resolvers.messages import conflict_message, not_found_message
from resolvers.pages import check_number
from schema.execution import Execution, global_id
from schema.inputs import UpdateExecutionInput
from schema.mutation_results import (
    DeleteExecutionResult,
    DeleteExecutionsPayload,
    DeleteExecutionSuccess,
    ExecutionNotFound,
    ExecutionStateConflict,
    UpdateExecutionResult,
    UpdateExecutionsPayload,
    UpdateExecutionSuccess,
)
from schema.turns import in_turns

_Guid = Annotated[strawberry.ID, strawberry.argument(description="Its guid.")]
_Guids = Annotated[
    list[strawberry.ID],
    strawberry.argument(description="Their guids; one that comes twice counts once."),
]
_Change = Annotated[
    UpdateExecutionInput, strawberry.argument(description="What to change, and on what condition.")
]


@strawberry.type(
    description=(
        "What can be done. Each mutation is one transaction. Those of one operation are done one "
        "after the other, once the arguments of all of them are found to be right; one that fails "
        "all the same is null, and those before it stay done."
    )
)
class Mutation:
    """What can be done."""

    @strawberry.mutation(description="Change one execution.", metadata=declare(Scope.UPDATE))
    async def update_execution(
        self,
        info: Info,
        guid: _Guid,
        input: _Change,  # noqa: A002 - the contract names it so
    ) -> UpdateExecutionResult | None:
        """Change one execution."""
        state, expected = _change(input)
        outcome = await info.context.executions.update([guid], state, expected)
        if outcome.not_found:
            return _not_found(guid)
        if outcome.conflicts and expected:
            current = Execution.from_row(outcome.conflicts[0])
            return ExecutionStateConflict(
                message=conflict_message(current.state, expected),
                execution=current,
                expected_state=expected,
            )
        return UpdateExecutionSuccess(execution=Execution.from_row(outcome.updated[0]))

    @strawberry.mutation(
        description="Change many executions alike.",
        metadata=declare(Scope.UPDATE, named_rows=NamedRows("guids", "guid")),
    )
    async def update_executions(
        self,
        info: Info,
        guids: _Guids,
        input: _Change,  # noqa: A002 - the contract names it so
    ) -> UpdateExecutionsPayload | None:
        """Change many executions alike."""
        check_number(guids, info.context.max_ids)
        outcome = await info.context.executions.update(guids, *_change(input))
        return UpdateExecutionsPayload(
            affected=len(outcome.updated),
            executions=in_turns(Execution.from_row(row) for row in outcome.updated),
            not_found=[strawberry.ID(guid) for guid in outcome.not_found],
            conflicts=in_turns(Execution.from_row(row) for row in outcome.conflicts),
        )

    @strawberry.mutation(
        description="Delete one execution, for good.", metadata=declare(Scope.DELETE)
    )
    async def delete_execution(self, info: Info, guid: _Guid) -> DeleteExecutionResult | None:
        """Delete one execution."""
        outcome = await info.context.executions.delete([guid])
        if not outcome.deleted:
            return _not_found(guid)
        return DeleteExecutionSuccess(id=global_id("Execution", guid), guid=guid)

    @strawberry.mutation(
        description="Delete many executions, for good.", metadata=declare(Scope.DELETE)
    )
    async def delete_executions(self, info: Info, guids: _Guids) -> DeleteExecutionsPayload | None:
        """Delete many executions."""
        check_number(guids, info.context.max_ids)
        outcome = await info.context.executions.delete(guids)
        return DeleteExecutionsPayload(
            affected=len(outcome.deleted),
            deleted=[strawberry.ID(guid) for guid in outcome.deleted],
            deleted_ids=[global_id("Execution", guid) for guid in outcome.deleted],
            not_found=[strawberry.ID(guid) for guid in outcome.not_found],
        )


def _change(given: UpdateExecutionInput) -> tuple[ExecutionState | None, ExecutionState | None]:
    state = None if given.state is UNSET else given.state
    expected = None if given.expected_state is UNSET else given.expected_state
    return state, expected


def _not_found(guid: strawberry.ID) -> ExecutionNotFound:
    return ExecutionNotFound(message=not_found_message(guid), guid=guid)
