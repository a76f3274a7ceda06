"""Pages of executions: the Relay connection, and pages by number."""

from collections.abc import Awaitable, Callable

import strawberry

from db.reading.cursors import encode_cursor
from db.reading.paging import Order, position_of
from db.source import ExecutionRow
from schema.execution import Execution
from schema.turns import in_turns

Count = Callable[[], Awaitable[int]]
"""Counts when it is called, and not before: a count nobody selected costs nothing."""
Ask = Callable[[], Awaitable[bool]]
"""Finds out when it is called, and not before."""


def known(*, answer: bool) -> Ask:
    """An answer that needs no finding out."""

    async def answered() -> bool:
        return answer

    return answered


@strawberry.type(description="Where a page lies in the whole list, as Relay defines it.")
class PageInfo:
    """Relay's page information."""

    start_cursor: str | None = strawberry.field(
        description="The cursor of the first execution of this page; null when it is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last execution of this page; null when it is empty."
    )
    next_page: strawberry.Private[Ask]
    previous_page: strawberry.Private[Ask]

    @strawberry.field(description="Whether there is more after this page.")
    async def has_next_page(self) -> bool:
        """Whether there is more after this page."""
        return await self.next_page()

    @strawberry.field(description="Whether there is more before this page.")
    async def has_previous_page(self) -> bool:
        """Whether there is more before this page."""
        return await self.previous_page()


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

    rows: strawberry.Private[tuple[ExecutionRow, ...]]
    order: strawberry.Private[Order]
    next_page: strawberry.Private[Ask]
    previous_page: strawberry.Private[Ask]
    count: strawberry.Private[Count]

    @strawberry.field(description="The executions of this page, with their cursors.")
    def edges(self) -> list[ExecutionEdge]:
        """The executions of this page, with their cursors."""
        return in_turns(
            ExecutionEdge(cursor=self._cursor(row), node=Execution.from_row(row))
            for row in self.rows
        )

    @strawberry.field(description="The executions of this page.")
    def nodes(self) -> list[Execution]:
        """The executions of this page."""
        return in_turns(Execution.from_row(row) for row in self.rows)

    @strawberry.field(description="Where this page lies in the whole list.")
    def page_info(self) -> PageInfo:
        """Where this page lies in the whole list."""
        return PageInfo(
            start_cursor=self._cursor(self.rows[0]) if self.rows else None,
            end_cursor=self._cursor(self.rows[-1]) if self.rows else None,
            next_page=self.next_page,
            previous_page=self.previous_page,
        )

    @strawberry.field(description="How many executions match the filter, on all pages.")
    async def total_count(self) -> int:
        """How many executions match the filter, on all pages."""
        return await self.count()

    def _cursor(self, row: ExecutionRow) -> str:
        return encode_cursor(position_of(row, self.order), self.order)


@strawberry.type(description="A page of executions, by its number.")
class ExecutionPage:
    """One numbered page of executions."""

    items: list[Execution] = strawberry.field(description="The executions of this page.")
    page: int = strawberry.field(description="The number of this page, from 1.")
    limit: int = strawberry.field(description="How many executions a page holds at most.")
    count: strawberry.Private[Count]

    @strawberry.field(description="How many executions match the filter, on all pages.")
    async def total_count(self) -> int:
        """How many executions match the filter, on all pages."""
        return await self.count()

    @strawberry.field(description="How many pages there are; 0 when nothing matches.")
    async def total_pages(self) -> int:
        """How many pages there are; 0 when nothing matches."""
        return -(-await self.count() // self.limit)
