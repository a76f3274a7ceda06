"""The root fields of queries; ``roots`` says how they run."""

# mypy: disable-error-code="empty-body"

from typing import Annotated

import strawberry
from strawberry import UNSET

from db.keys import Scope
from resolvers.declarations import PageSize, declare
from resolvers.page_arguments import DEFAULT_PAGE_SIZE
from schema.connection import ExecutionConnection, ExecutionPage
from schema.execution import Execution
from schema.inputs import ExecutionFilter, ExecutionOrder

_FilterArgument = Annotated[
    ExecutionFilter | None,
    strawberry.argument(description="Which executions; all of them if omitted."),
]
_OrderArgument = Annotated[
    list[ExecutionOrder] | None,
    strawberry.argument(description="The order; newest first if omitted."),
]


@strawberry.type(description="Read executions.")
class Query:
    """The root fields of queries."""

    @strawberry.field(
        description="One execution by its guid; null if there is none.",
        metadata=declare(Scope.READ),
    )
    def execution(
        self,
        guid: Annotated[strawberry.ID, strawberry.argument(description="Its guid.")],
    ) -> Execution | None:
        """One execution by its guid."""

    @strawberry.field(
        description=(
            "Executions, page by page with cursors: the first ones after a cursor, or the last "
            "ones before one. Without first and last, the first 50."
        ),
        metadata=declare(Scope.READ, PageSize(("first", "last"), DEFAULT_PAGE_SIZE)),
    )
    def executions(
        self,
        filter: _FilterArgument = UNSET,  # noqa: A002 - the contract names it so
        order_by: _OrderArgument = UNSET,
        first: Annotated[
            int | None, strawberry.argument(description="How many, from the beginning.")
        ] = UNSET,
        after: Annotated[
            str | None, strawberry.argument(description="Only those after this cursor.")
        ] = UNSET,
        last: Annotated[
            int | None, strawberry.argument(description="How many, from the end.")
        ] = UNSET,
        before: Annotated[
            str | None, strawberry.argument(description="Only those before this cursor.")
        ] = UNSET,
    ) -> ExecutionConnection:
        """Executions, page by page with cursors."""

    @strawberry.field(
        description=(
            "Executions, by page number. Pages shift while executions come and go, and far pages "
            "take longer: prefer executions for paging through many."
        ),
        metadata=declare(Scope.READ, PageSize(("limit",), DEFAULT_PAGE_SIZE)),
    )
    def execution_page(
        self,
        filter: _FilterArgument = UNSET,  # noqa: A002 - the contract names it so
        order_by: _OrderArgument = UNSET,
        page: Annotated[
            int, strawberry.argument(description="The number of the page, from 1.")
        ] = 1,
        limit: Annotated[int, strawberry.argument(description="The size of a page.")] = 50,
    ) -> ExecutionPage:
        """Executions, by page number."""
