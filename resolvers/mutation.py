"""The root fields of mutations; ``roots`` says how they run."""

# mypy: disable-error-code="empty-body"

from typing import Annotated

import strawberry
from strawberry import UNSET

from db.keys import Scope
from schema.declarations import NamedRows, declare
from schema.inputs import ExecutionFilter, UpdateExecutionInput
from schema.mutation_results import (
    DeleteExecutionResult,
    DeleteExecutionsMatchingPayload,
    DeleteExecutionsPayload,
    UpdateExecutionResult,
    UpdateExecutionsMatchingPayload,
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
_Matching = Annotated[
    ExecutionFilter,
    strawberry.argument(
        description="Which executions. A filter with no condition in it, or with one that every "
        "execution meets because of its form, is refused."
    ),
]
_DryRun = Annotated[
    bool, strawberry.argument(description="Change nothing, and return how many would be affected.")
]
_Limit = Annotated[
    int | None,
    strawberry.argument(
        description="How many executions to affect at most; which of them is not specified."
    ),
]
_IN_BATCHES = (
    "They are found at once and changed in batches, each a transaction: executions created "
    "meanwhile are not affected, and neither are those that no longer match when their batch "
    "comes. Ends after some seconds, or when the client goes away; call again while hasMore is "
    "true."
)


@strawberry.type(
    description=(
        "Change executions. Each mutation is one transaction, except for those of all executions "
        "that match a filter. The mutations of an operation run one after the other, once the "
        "arguments of all of them are valid; one that fails is null, and earlier ones stay done."
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

    @strawberry.mutation(
        description=f"Update all executions that match a filter. {_IN_BATCHES}",
        metadata=declare(Scope.UPDATE),
    )
    def update_executions_matching(
        self,
        filter: _Matching,  # noqa: A002 - the contract names it so
        input: _Change,  # noqa: A002 - the same
        dry_run: _DryRun = False,  # noqa: FBT002 - the same
        limit: _Limit = UNSET,
    ) -> UpdateExecutionsMatchingPayload | None:
        """Update all executions that match a filter."""

    @strawberry.mutation(
        description=f"Delete all executions that match a filter permanently. {_IN_BATCHES}",
        metadata=declare(Scope.DELETE),
    )
    def delete_executions_matching(
        self,
        filter: _Matching,  # noqa: A002 - the contract names it so
        dry_run: _DryRun = False,  # noqa: FBT002 - the same
        limit: _Limit = UNSET,
    ) -> DeleteExecutionsMatchingPayload | None:
        """Delete all executions that match a filter."""
