"""The root fields of queries; ``roots`` says how they run."""

# mypy: disable-error-code="empty-body"

from typing import Annotated

import strawberry
from strawberry import UNSET

from db.keys import Scope
from schema.agentflow import Agentflow
from schema.agentflow_connection import AgentflowConnection
from schema.connection import (
    DEFAULT_PAGE_SIZE,
    EXECUTIONS_METADATA,
    ExecutionPage,
    executions_argument_list,
)
from schema.declarations import IdList, PageSize, declare
from schema.execution import Execution
from schema.inputs import (
    AfterArgument,
    FilterArgument,
    FirstArgument,
    OrderArgument,
    StringFilter,
)
from schema.node import Node
from schema.session import Session
from schema.statistics import STATS_METADATA, ExecutionStats
from schema.viewer import Viewer

_WITHOUT_ROWS = ("totalCount", "totalPages", "page", "limit")
_ID = strawberry.argument(description="The id of an object, as its field id returns it.")


@strawberry.type(description="Read executions, agentflows and sessions.")
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

    executions = strawberry.field(
        resolver=executions_argument_list,
        description=(
            "Executions, page by page with cursors: the first ones after a cursor, or the last "
            "ones before one. Without first and last, the first 50."
        ),
        metadata=EXECUTIONS_METADATA,
    )

    @strawberry.field(
        description=(
            "Executions, by page number. Pages shift while executions come and go, and far pages "
            "take longer: prefer executions for paging through many."
        ),
        metadata=declare(Scope.READ, PageSize(("limit",), DEFAULT_PAGE_SIZE, _WITHOUT_ROWS)),
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

    @strawberry.field(
        description=(
            "An agentflow by its id; null if there is none. One that is gone is still found while "
            "it has executions."
        ),
        metadata=declare(Scope.READ),
    )
    def agentflow(
        self,
        agentflow_id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")],
    ) -> Agentflow | None:
        """One agentflow by its id."""

    @strawberry.field(
        description=(
            "The agentflows by name, page by page, those without a name first. Without first, the "
            "first 50. An agentflow that is gone is not among them."
        ),
        metadata=declare(Scope.READ, PageSize(("first",), DEFAULT_PAGE_SIZE)),
    )
    def agentflows(
        self,
        name: Annotated[
            StringFilter | None,
            strawberry.argument(description="Only those whose name meets these conditions."),
        ] = UNSET,
        first: FirstArgument = UNSET,
        after: AfterArgument = UNSET,
    ) -> AgentflowConnection:
        """The agentflows, page by page with cursors."""

    @strawberry.field(
        description="A session by its id; null if no execution belongs to it.",
        metadata=declare(Scope.READ),
    )
    def session(
        self,
        session_id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")],
    ) -> Session | None:
        """One session by its id."""

    @strawberry.field(
        description="Numbers of executions: in all, by state, agentflow and time of creation.",
        metadata=STATS_METADATA,
    )
    def execution_stats(
        self,
        filter: FilterArgument = UNSET,  # noqa: A002 - the contract names it so
    ) -> ExecutionStats:
        """Return numbers of executions."""

    @strawberry.field(
        description=(
            "An object of any type by its id; null if there is none. Select the fields of a type "
            "in a fragment on it, such as ... on Execution { state }."
        ),
        metadata=declare(Scope.READ),
    )
    def node(
        self,
        id: Annotated[strawberry.ID, _ID],  # noqa: A002 - Relay names it so
    ) -> Node | None:
        """One object by its global id."""

    @strawberry.field(
        description=(
            "The position of this response among all events: a subscription after it misses "
            "nothing of what came after what the same request reads, and repeats nothing of it."
        ),
        metadata=declare(Scope.READ),
    )
    def event_cursor(self) -> str:
        """Return the position of what the operation reads."""

    @strawberry.field(
        description=(
            "Objects of any type by their ids, in the order of the ids; null where there is none."
        ),
        metadata=declare(Scope.READ, rows=IdList("ids")),
    )
    def nodes(
        self,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="The ids.")],
    ) -> list[Node | None]:
        """Many objects by their global ids."""

    @strawberry.field(
        description="Who is asking, and what they may do.",
        metadata=declare(Scope.READ),
    )
    def viewer(self) -> Viewer:
        """Return who is asking."""
