"""Statistics of executions: totals, states, agentflows, and timelines."""

# mypy: disable-error-code="empty-body"

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import UNSET

from db.keys import Scope
from db.models import ExecutionState as _States
from db.reading.time_buckets import TimeBucket
from schema.declarations import AtMost, PageSize, declare, declare_enum
from schema.execution_state import ExecutionState
from schema.inputs import FilterArgument
from schema.scalars import DateTime

if TYPE_CHECKING:
    from schema.agentflow import Agentflow

__all__ = ["AgentflowCount", "ExecutionStats", "StateCount", "TimeBucket", "TimelineBucket"]

DEFAULT_TOP = 10
"""How many agentflows ``byAgentflow`` answers unless told otherwise."""
_USUAL_BUCKETS = 100
"""How many buckets a timeline counts as in costs: they are read from counts, not from rows."""

_MEANINGS = {
    TimeBucket.HOUR: "Hours.",
    TimeBucket.DAY: "Days, from midnight in UTC.",
    TimeBucket.WEEK: "Weeks, from Monday.",
    TimeBucket.MONTH: "Months of the calendar.",
}

declare_enum(TimeBucket, "How long the buckets of a timeline are, in UTC.", _MEANINGS)


@strawberry.type(description="How many executions are in a state.")
class StateCount:
    """A state and its number of executions."""

    state: ExecutionState = strawberry.field(description="The state.")
    count: int = strawberry.field(description="How many of the executions are in this state now.")


@strawberry.type(description="How many executions an agentflow has.")
class AgentflowCount:
    """An agentflow and its number of executions."""

    agentflow: Annotated["Agentflow", strawberry.lazy("schema.agentflow")] = strawberry.field(
        description="The agentflow. If it is gone, it has its id and no name."
    )
    count: int = strawberry.field(description="How many of its executions match the filter.")


_BY_STATE = "How many of them are in each state: all six states, in the order of the enum."


@strawberry.type(description="The executions that were created within a period of time.")
class TimelineBucket:
    """A bucket of a timeline."""

    start: DateTime = strawberry.field(description="When the period begins, in UTC.")
    total_count: int = strawberry.field(
        description="How many matching executions were created in it."
    )
    by_state: list[StateCount] = strawberry.field(
        description=_BY_STATE, metadata=declare(rows=AtMost(len(_States)))
    )


@strawberry.type(
    description=(
        "Numbers of the executions that match a filter. They are exact, and of one moment: the "
        "total is the sum of the states, and of the timeline."
    )
)
class ExecutionStats:
    """Statistics of executions."""

    total_count: int = strawberry.field(description="How many executions match the filter.")
    by_state: list[StateCount] = strawberry.field(
        description=_BY_STATE, metadata=declare(rows=AtMost(len(_States)))
    )

    @strawberry.field(
        description=(
            "The agentflows with the most executions, most first; those with equally many in the "
            "order of their ids."
        ),
        metadata=declare(rows=PageSize(("first",), DEFAULT_TOP)),
    )
    def by_agentflow(
        self,
        first: Annotated[
            int, strawberry.argument(description="How many agentflows, at most.")
        ] = DEFAULT_TOP,
    ) -> list[AgentflowCount]:
        """Return the agentflows with the most executions."""

    @strawberry.field(
        description=(
            "How many executions were created in each hour, day, week or month, earliest first "
            "and without gaps. It reaches over the range of createdOn in the filter (at its top "
            "level or below and); where that is open, from the first or to the last matching "
            "execution. At most 10,000 buckets, and 20,000 in an operation."
        ),
        metadata=declare(rows=AtMost(_USUAL_BUCKETS)),
    )
    def timeline(
        self,
        bucket: Annotated[
            TimeBucket, strawberry.argument(description="How long each period is.")
        ] = TimeBucket.DAY,
    ) -> list[TimelineBucket]:
        """Return how many executions were created when."""


def stats_argument_list(
    filter: FilterArgument = UNSET,  # noqa: A002 - the contract names it so
) -> ExecutionStats:
    """Declare the arguments of all statistics."""


STATS_METADATA = declare(Scope.READ)
"""The metadata of all statistics."""
