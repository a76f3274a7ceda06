"""What an event tells of a change."""

import enum
from typing import NamedTuple

from db.events.position import Position
from db.source import ExecutionRow


class EventType(enum.StrEnum):
    """What happened to an execution."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"


class ExecutionEvent(NamedTuple):
    """A committed change of one execution.

    ``before`` is the execution before the change, and None if it was created; ``after`` is the
    execution after it, and None if it was deleted. Names of agentflows are those of the time of
    reading. ``occurred_on`` is epoch milliseconds by the database's clock. ``writer`` is the
    transaction on PostgreSQL, and 0 on SQLite.
    """

    position: Position
    type: EventType
    occurred_on: int
    before: ExecutionRow | None
    after: ExecutionRow | None
    writer: int = 0
