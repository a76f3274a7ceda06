"""The root fields of mutations; ``roots`` says how they run."""

# mypy: disable-error-code="empty-body"

from typing import Annotated

import strawberry

from db.keys import Scope
from resolvers.declarations import NamedRows, declare
from schema.inputs import UpdateExecutionInput
from schema.mutation_results import (
    DeleteExecutionResult,
    DeleteExecutionsPayload,
    UpdateExecutionResult,
    UpdateExecutionsPayload,
)

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
    def update_execution(
        self,
        guid: _Guid,
        input: _Change,  # noqa: A002 - the contract names it so
    ) -> UpdateExecutionResult | None:
        """Change one execution."""

    @strawberry.mutation(
        description="Change many executions alike.",
        metadata=declare(Scope.UPDATE, named_rows=NamedRows("guids", "guid")),
    )
    def update_executions(
        self,
        guids: _Guids,
        input: _Change,  # noqa: A002 - the contract names it so
    ) -> UpdateExecutionsPayload | None:
        """Change many executions alike."""

    @strawberry.mutation(
        description="Delete one execution, for good.", metadata=declare(Scope.DELETE)
    )
    def delete_execution(self, guid: _Guid) -> DeleteExecutionResult | None:
        """Delete one execution."""

    @strawberry.mutation(
        description="Delete many executions, for good.", metadata=declare(Scope.DELETE)
    )
    def delete_executions(self, guids: _Guids) -> DeleteExecutionsPayload | None:
        """Delete many executions."""
