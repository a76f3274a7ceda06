"""Pages of executions: the Relay connection, and pages by number."""

import strawberry

from schema.execution import Execution


@strawberry.type(description="Where a page lies in the whole list, as Relay defines it.")
class PageInfo:
    """Relay's page information."""

    start_cursor: str | None = strawberry.field(
        description="The cursor of the first execution of this page; null when it is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last execution of this page; null when it is empty."
    )
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(
        description="Whether there is more before this page."
    )


@strawberry.type(description="An execution in its place in a list.")
class ExecutionEdge:
    """One edge of a connection."""

    cursor: str = strawberry.field(
        description="Pass it as after or before to page from here, with the same orderBy."
    )
    node: Execution = strawberry.field(description="The execution.")


@strawberry.type(
    description=(
        "A page of executions, by Relay's cursor connections specification. Cursors name a "
        "place in the order, not a number of rows: they stay right while executions come and go."
    )
)
class ExecutionConnection:
    """One page of executions."""

    edges: list[ExecutionEdge] = strawberry.field(
        description="The executions of this page, with their cursors."
    )
    nodes: list[Execution] = strawberry.field(description="The executions of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the whole list.")
    total_count: int = strawberry.field(
        description="How many executions match the filter, on all pages."
    )


@strawberry.type(description="A page of executions, by its number.")
class ExecutionPage:
    """One numbered page of executions."""

    items: list[Execution] = strawberry.field(description="The executions of this page.")
    page: int = strawberry.field(description="The number of this page, from 1.")
    limit: int = strawberry.field(description="How many executions a page holds at most.")
    total_count: int = strawberry.field(
        description="How many executions match the filter, on all pages."
    )
    total_pages: int = strawberry.field(
        description="How many pages there are; 0 when nothing matches."
    )
