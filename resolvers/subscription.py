"""The root fields of subscriptions; ``roots`` says how their events are made."""

# mypy: disable-error-code="empty-body"

from typing import Annotated

import strawberry
from strawberry import UNSET

from db.keys import Scope
from schema.declarations import declare
from schema.execution_event import ExecutionEvent
from schema.inputs import FilterArgument


@strawberry.type(description="Watch executions.")
class Subscription:
    """The root fields of subscriptions."""

    @strawberry.field(
        description=(
            "Every committed change of the executions that match the filter before it or after it, "
            "whichever program made it, once and in one order for everybody."
        ),
        metadata=declare(Scope.READ),
    )
    def execution_events(
        self,
        filter: FilterArgument = UNSET,  # noqa: A002 - the contract names it so
        after: Annotated[
            str | None,
            strawberry.argument(
                description="The cursor of an event, or Query.eventCursor: begin with what came "
                "after it. Without it, begin with what comes from now on. If what came after it is "
                "no longer kept, the error EVENTS_EXPIRED says so: load the list anew."
            ),
        ] = UNSET,
    ) -> ExecutionEvent:
        """Every change of the executions that match."""
