"""The root fields of mutations; ``roots`` says how they run."""

# mypy: disable-error-code="empty-body"

from typing import Annotated

import strawberry

from db.keys import Scope
from schema.declarations import NamedRows, declare
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
    strawberry.argument(description="Their guids; duplicates count once."),
]
_Change = Annotated[
    UpdateExecutionInput, strawberry.argument(description="The change, and its condition.")
]


@strawberry.type(
    description=(
        "Change executions. Each mutation is one transaction. The mutations of an operation run "
        "one after the other, once the arguments of all of them are valid; one that fails is null, "
        "and earlier ones stay done."
    )
)
class Mutation:
    """The root fields of mutations."""

    @strawberry.mutation(description="Update one execution.", metadata=declare(Scope.UPDATE))
    def update_execution(
        self,
        guid: _Guid,
        input: _Change,  # noqa: A002 - the contract names it so
    ) -> UpdateExecutionResult | None:
        """Update one execution."""

    @strawberry.mutation(
        description="Update many executions in the same way.",
        metadata=declare(Scope.UPDATE, NamedRows("guids", "guid")),
    )
    def update_executions(
        self,
        guids: _Guids,
        input: _Change,  # noqa: A002 - the contract names it so
    ) -> UpdateExecutionsPayload | None:
        """Update many executions in the same way."""

    @strawberry.mutation(
        description="Delete one execution permanently.", metadata=declare(Scope.DELETE)
    )
    def delete_execution(self, guid: _Guid) -> DeleteExecutionResult | None:
        """Delete one execution."""

    @strawberry.mutation(
        description="Delete many executions permanently.", metadata=declare(Scope.DELETE)
    )
    def delete_executions(self, guids: _Guids) -> DeleteExecutionsPayload | None:
        """Delete many executions."""
