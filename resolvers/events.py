"""The events of a subscription, and the position from which one begins."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from graphql import FieldNode
from graphql.type import GraphQLField

from db.errors import EventsExpired, GatewayError, InvalidInput
from db.events.cursors import decode_cursor
from db.events.event import ExecutionEvent
from db.instants import format_ms
from db.source import ExecutionRow
from resolvers.arguments import Arguments
from resolvers.checks import check_filter
from resolvers.contents import CONTENT_KEY
from resolvers.context import Context, Run
from resolvers.objects import Leaf, Planning, RowType, SameRow, plan_objects
from resolvers.row_code import Columns
from resolvers.selections import object_of

EVENT_CURSOR = "eventCursor"
"""The root field with the position of what an operation reads."""


class SeenEvent(NamedTuple):
    """An event as a subscription sees it: with its cursor, and whether its filter matches now."""

    event: ExecutionEvent
    cursor: str
    matches: bool


EXECUTION_EVENT: RowType = {
    "cursor": Leaf("cursor"),
    "type": Leaf("type"),
    "matches": Leaf("matches"),
    "guid": Leaf("guid"),
    "execution": SameRow("guid"),
    "previousState": Leaf("previous_state"),
    "occurredOn": Leaf("occurred_on", format_ms),
}
_OWN_COLUMNS = ("cursor", "type", "matches", "previous_state", "occurred_on", CONTENT_KEY)


def plan_execution_events(planning: Planning, nodes: list[FieldNode], field: GraphQLField) -> Any:
    """Plan ``executionEvents``: its answer is a list with an object for each event of the run."""
    columns = Columns((*_OWN_COLUMNS, *ExecutionRow._fields))
    objects = plan_objects(planning, nodes, object_of(field), columns)

    async def answer(run: Run, _arguments: Arguments) -> list[Any]:
        return await objects.answer(run, [_row_of(seen) for seen in run.events])

    return answer


def _row_of(seen: SeenEvent) -> tuple[Any, ...]:
    event = seen.event
    before = event.before
    row = event.after or before
    return (
        seen.cursor,
        event.type,
        seen.matches,
        before.state if before is not None else None,
        event.occurred_on,
        # What is deleted has no content, although it may be there for others.
        event.after and event.after.id,
        *(row or ()),
    )


def check_events(arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    """Check a filter, and that the text of a cursor is one."""
    yield from check_filter(arguments, context)
    after = arguments.given.get("after")
    if after is not None:
        try:
            decode_cursor(after, "", "after")
        except InvalidInput as error:
            yield error
        except EventsExpired:
            pass  # only the database knows the cursors that are its own


def plan_event_cursor(_planning: Planning, _nodes: list[FieldNode], _field: GraphQLField) -> Any:
    """Plan ``eventCursor``."""

    async def answer(run: Run, _arguments: Arguments) -> str:
        events = run.context.events
        return events.cursor(await events.here(), run.context.workspace)

    return answer
