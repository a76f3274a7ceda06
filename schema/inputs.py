"""Filters, orders and changes as GraphQL inputs.

The inputs repeat the tables of ``db.reading`` for GraphQL; a test compares them.
"""

import enum
from typing import Annotated, Any, Optional

import strawberry
from strawberry import UNSET

from db.reading.comparisons import FIELDS
from schema.execution_state import ExecutionState
from schema.scalars import BigInt, DateTime


def _operator(field: str, operator: str, name: str | None = None) -> Any:
    description = FIELDS[field].operators[operator].description
    return strawberry.field(default=UNSET, name=name, description=description)


def _field(field: str) -> Any:
    return strawberry.field(default=UNSET, description=FIELDS[field].description)


@strawberry.input(description="Conditions on an id. All given conditions must hold.")
class IDFilter:
    """Conditions on an id."""

    eq: strawberry.ID | None = _operator("guid", "eq")
    in_: list[strawberry.ID] | None = _operator("guid", "in", "in")
    not_in: list[strawberry.ID] | None = _operator("guid", "not_in")
    is_null: bool | None = _operator("guid", "is_null")


@strawberry.input(description="Conditions on a text. All given conditions must hold.")
class StringFilter:
    """Conditions on a text."""

    eq: str | None = _operator("agentflow_name", "eq")
    in_: list[str] | None = _operator("agentflow_name", "in", "in")
    contains: str | None = _operator("agentflow_name", "contains")
    starts_with: str | None = _operator("agentflow_name", "starts_with")
    case_sensitive: bool | None = strawberry.field(
        default=False,
        description="Whether case matters; if not, it is ignored in every script.",
    )


@strawberry.input(description="Conditions on a state. All given conditions must hold.")
class ExecutionStateFilter:
    """Conditions on a state."""

    eq: ExecutionState | None = _operator("state", "eq")
    in_: list[ExecutionState] | None = _operator("state", "in", "in")
    not_in: list[ExecutionState] | None = _operator("state", "not_in")


@strawberry.input(description="Conditions on an instant. All given conditions must hold.")
class DateTimeFilter:
    """Conditions on an instant."""

    gt: DateTime | None = _operator("created_on", "gt")
    gte: DateTime | None = _operator("created_on", "gte")
    lt: DateTime | None = _operator("created_on", "lt")
    lte: DateTime | None = _operator("created_on", "lte")


@strawberry.input(description="Conditions on a number. All given conditions must hold.")
class BigIntFilter:
    """Conditions on a number."""

    gt: BigInt | None = _operator("duration_ms", "gt")
    gte: BigInt | None = _operator("duration_ms", "gte")
    lt: BigInt | None = _operator("duration_ms", "lt")
    lte: BigInt | None = _operator("duration_ms", "lte")


@strawberry.input(
    description=(
        "A filter on executions. All given conditions must hold; a null condition is ignored. If "
        "a field has no value, a condition on it is false and its negation is true."
    )
)
class ExecutionFilter:
    """A filter on executions."""

    guid: IDFilter | None = _field("guid")
    agentflow_id: IDFilter | None = _field("agentflow_id")
    agentflow_name: StringFilter | None = _field("agentflow_name")
    session_id: IDFilter | None = _field("session_id")
    state: ExecutionStateFilter | None = _field("state")
    created_on: DateTimeFilter | None = _field("created_on")
    updated_on: DateTimeFilter | None = _field("updated_on")
    finished_on: DateTimeFilter | None = _field("finished_on")
    duration_ms: BigIntFilter | None = _field("duration_ms")
    workspace_id: IDFilter | None = _field("workspace_id")
    error: StringFilter | None = _field("error")
    and_: list["ExecutionFilter"] | None = strawberry.field(
        default=UNSET,
        name="and",
        description="All of these must hold; an empty list matches everything.",
    )
    or_: list["ExecutionFilter"] | None = strawberry.field(
        default=UNSET,
        name="or",
        description="At least one of these must hold; an empty list matches nothing.",
    )
    not_: Optional["ExecutionFilter"] = strawberry.field(
        default=UNSET, name="not", description="This must not hold."
    )


@strawberry.enum(description="The fields that executions can be ordered by.")
class ExecutionOrderField(enum.Enum):
    """The fields that executions can be ordered by."""

    CREATED_ON = strawberry.enum_value("created_on", description="When they were created.")
    UPDATED_ON = strawberry.enum_value("updated_on", description="When they were last changed.")
    FINISHED_ON = strawberry.enum_value(
        "finished_on",
        description="When they came into their final state; those in progress come first in ASC.",
    )
    DURATION = strawberry.enum_value(
        "duration_ms", description="How long they took; those in progress come first in ASC."
    )
    STATE = strawberry.enum_value("state", description="Their state, by its name.")
    AGENTFLOW_ID = strawberry.enum_value("agentflow_id", description="The id of their agentflow.")
    SESSION_ID = strawberry.enum_value(
        "session_id", description="Their session; executions without one come first in ASC."
    )


@strawberry.enum(description="The direction of an order.")
class OrderDirection(enum.Enum):
    """The direction of an order."""

    ASC = strawberry.enum_value("asc", description="Smallest or earliest first.")
    DESC = strawberry.enum_value("desc", description="Largest or latest first.")


@strawberry.input(
    description="A field to order by. The next one breaks ties; after the last, the time of"
    " creation does, unless the order has a time or the duration in it, and then the id, in the"
    " last direction."
)
class ExecutionOrder:
    """A field to order by, and a direction."""

    field: ExecutionOrderField = strawberry.field(description="The field.")
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.DESC, description="The direction."
    )


FilterArgument = Annotated[
    ExecutionFilter | None,
    strawberry.argument(description="Which executions; all of them if omitted."),
]
FirstArgument = Annotated[
    int | None, strawberry.argument(description="How many, from the beginning.")
]
AfterArgument = Annotated[
    str | None, strawberry.argument(description="Only those after this cursor.")
]
OrderArgument = Annotated[
    list[ExecutionOrder] | None,
    strawberry.argument(description="The order; newest first if omitted."),
]


@strawberry.input(description="A change of executions.")
class UpdateExecutionInput:
    """A change of executions."""

    state: ExecutionState | None = strawberry.field(
        default=UNSET, description="The new state; if omitted, the state does not change."
    )
    expected_state: ExecutionState | None = strawberry.field(
        default=UNSET, description="Change an execution only if this is its current state."
    )
