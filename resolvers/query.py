"""The root fields of queries; ``roots`` says how they run."""

# mypy: disable-error-code="empty-body"

from typing import Annotated

import strawberry
from strawberry import UNSET

from db.keys import Scope
from schema.connection import DEFAULT_PAGE_SIZE, ExecutionConnection, ExecutionPage
from schema.declarations import PageSize, declare
from schema.execution import Execution
from schema.inputs import FilterArgument, OrderArgument


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
        filter: FilterArgument = UNSET,  # noqa: A002 - the contract names it so
        order_by: OrderArgument = UNSET,
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
        filter: FilterArgument = UNSET,  # noqa: A002 - the contract names it so
        order_by: OrderArgument = UNSET,
        page: Annotated[
            int, strawberry.argument(description="The number of the page, from 1.")
        ] = 1,
        limit: Annotated[
            int, strawberry.argument(description="The size of a page.")
        ] = DEFAULT_PAGE_SIZE,
    ) -> ExecutionPage:
        """Executions, by page number."""
