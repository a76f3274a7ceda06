"""What can be asked."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from db.keys import Scope
from resolvers.context import Info
from resolvers.declarations import PageSize, declare
from resolvers.pages import DEFAULT_PAGE_SIZE, connection, given, offset_of, window
from schema.connection import ExecutionConnection, ExecutionPage
from schema.execution import Execution
from schema.inputs import ExecutionFilter, ExecutionOrder, to_filter, to_order
from schema.turns import in_turns

_FilterArgument = Annotated[
    ExecutionFilter | None,
    strawberry.argument(description="Which executions; all of them if left out."),
]
_OrderArgument = Annotated[
    list[ExecutionOrder] | None,
    strawberry.argument(description="What to order by; newest first if left out."),
]


@strawberry.type(description="What can be asked.")
class Query:
    """What can be asked."""

    @strawberry.field(
        description="One execution by its guid; null when there is none.",
        metadata=declare(Scope.READ),
    )
    async def execution(
        self,
        info: Info,
        guid: Annotated[strawberry.ID, strawberry.argument(description="Its guid.")],
    ) -> Execution | None:
        """One execution by its guid."""
        row = await info.context.executions.find(guid)
        return None if row is None else Execution.from_row(row)

    @strawberry.field(
        description=(
            "Executions, page by page with cursors: the first ones after a cursor, or the last "
            "ones before one. Without first and last, the first 50."
        ),
        metadata=declare(Scope.READ, PageSize(("first", "last"), DEFAULT_PAGE_SIZE)),
    )
    async def executions(
        self,
        info: Info,
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
        context = info.context
        order = to_order(order_by)
        asked = window(
            order,
            context.max_page_size,
            first=given(first),
            after=given(after),
            last=given(last),
            before=given(before),
        )
        return await connection(
            context.executions, to_filter(filter, context.max_ids), order, asked
        )

    @strawberry.field(
        description=(
            "Executions, page by page with numbers. Pages shift while executions come and go, "
            "and far pages take longer: prefer executions for paging through many."
        ),
        metadata=declare(Scope.READ, PageSize(("limit",), DEFAULT_PAGE_SIZE)),
    )
    async def execution_page(
        self,
        info: Info,
        filter: _FilterArgument = UNSET,  # noqa: A002 - the contract names it so
        order_by: _OrderArgument = UNSET,
        page: Annotated[int, strawberry.argument(description="Which page, from 1.")] = 1,
        limit: Annotated[int, strawberry.argument(description="How many on a page.")] = 50,
    ) -> ExecutionPage:
        """Executions, page by page with numbers."""
        executions = info.context.executions
        offset = offset_of(page, limit, info.context.max_page_size)
        chosen = to_filter(filter, info.context.max_ids)
        rows = await executions.find_offset(chosen, to_order(order_by), offset=offset, limit=limit)
        return ExecutionPage(
            items=in_turns(Execution.from_row(row) for row in rows),
            page=page,
            limit=limit,
            count=lambda: executions.count(chosen),
        )
