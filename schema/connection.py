"""Pages of executions: the Relay connection, and numbered pages."""

# mypy: disable-error-code="empty-body"

from typing import Annotated

import strawberry
from strawberry import UNSET

from db.keys import Scope
from schema.declarations import PageSize, declare
from schema.execution import Execution
from schema.inputs import AfterArgument, FilterArgument, FirstArgument, OrderArgument

DEFAULT_PAGE_SIZE = 50
"""How many rows a connection answers when neither first nor last is given."""


@strawberry.type(description="The page's position in the whole list, as Relay defines it.")
class PageInfo:
    """Relay's page information."""

    start_cursor: str | None = strawberry.field(
        description="The cursor of the first node on this page; null if the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last node on this page; null if the page is empty."
    )
    has_next_page: bool = strawberry.field(description="Whether there are more after this page.")
    has_previous_page: bool = strawberry.field(
        description="Whether there are more before this page."
    )


@strawberry.type(description="An execution and its cursor.")
class ExecutionEdge:
    """An edge of a connection."""

    cursor: str = strawberry.field(
        description="Pass it as after or before to continue from here, with the same orderBy."
    )
    node: Execution = strawberry.field(description="The execution.")


@strawberry.type(
    description=(
        "A page of executions, as in Relay's cursor connections specification. Cursors mark a "
        "position in the order, not a row number: they stay valid while executions come and go."
    )
)
class ExecutionConnection:
    """A page of executions, by cursors."""

    edges: list[ExecutionEdge] = strawberry.field(
        description="The executions on this page, with their cursors."
    )
    nodes: list[Execution] = strawberry.field(description="The executions on this page.")
    page_info: PageInfo = strawberry.field(description="This page's position in the whole list.")
    total_count: int = strawberry.field(
        description="How many executions match the filter, on all pages."
    )


def executions_argument_list(
    filter: FilterArgument = UNSET,  # noqa: A002 - the contract names it so
    order_by: OrderArgument = UNSET,
    first: FirstArgument = UNSET,
    after: AfterArgument = UNSET,
    last: Annotated[int | None, strawberry.argument(description="How many, from the end.")] = UNSET,
    before: Annotated[
        str | None, strawberry.argument(description="Only those before this cursor.")
    ] = UNSET,
) -> ExecutionConnection:
    """Declare the arguments of every connection of executions."""


EXECUTIONS_METADATA = declare(Scope.READ, PageSize(("first", "last"), DEFAULT_PAGE_SIZE))
"""The metadata of every connection of executions."""


@strawberry.type(description="A page of executions, by its number.")
class ExecutionPage:
    """One numbered page of executions."""

    items: list[Execution] = strawberry.field(description="The executions on this page.")
    page: int = strawberry.field(description="The number of this page, from 1.")
    limit: int = strawberry.field(description="The maximum number of executions on a page.")
    total_count: int = strawberry.field(
        description="How many executions match the filter, on all pages."
    )
    total_pages: int = strawberry.field(description="The number of pages; 0 if nothing matches.")
