"""The columns of the table of events, and how a row of it is read as an event."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, select

from db.events.event import EventType, ExecutionEvent
from db.events.position import Position
from db.models import EventEpoch, LoggedEvent
from db.source import NATIVE, ExecutionRow

LOGGED: Any = LoggedEvent.__table__
"""The table of events."""

_EPOCHS: Any = EventEpoch.__table__
_TYPES = {str(each): each for each in EventType}
_STORED = ("session_id", "state", "created_on", "updated_on", "finished_on", "error")
_FIRST_OLD = 14


def event_columns(row: Any) -> list[ColumnElement[Any]]:
    """Return what ``read_event`` reads: an event's row, with the current names of agentflows.

    ``row`` are the columns of the table of events, or of what returns rows of it.
    """
    return [
        row.id,
        row.type,
        row.occurred_on,
        row.execution_id,
        row.guid,
        row.agentflow_id,
        _name_of(row.agentflow_id),
        *(row[name] for name in _STORED),
        row.workspace_id,
        row.old_execution_id,
        row.old_agentflow_id,
        _name_of(row.old_agentflow_id),
        *(row[f"old_{name}"] for name in _STORED),
    ]


def epoch_column() -> ScalarSelect[str]:
    """Return the epoch of the outbox, which differs from that of every other outbox."""
    return select(_EPOCHS.c.epoch).limit(1).scalar_subquery()


def _name_of(agentflow_id: ColumnElement[Any]) -> ColumnElement[Any]:
    named = select(NATIVE.flow_name).where(NATIVE.flow_key == agentflow_id).scalar_subquery()
    labelled: ColumnElement[Any] = named.label(f"name_of_{agentflow_id.key}")
    return labelled


def read_event(row: Sequence[Any], position: Position, writer: int = 0) -> ExecutionEvent:
    """Make an event of a row that begins with ``event_columns``."""
    type_ = _TYPES[row[1]]
    guid = row[4]
    workspace_id = row[_FIRST_OLD - 1]
    last = _execution(row[3], guid, row[5 : _FIRST_OLD - 1], workspace_id)
    before = after = None
    if type_ is EventType.DELETED:
        before = last
    else:
        after = last
        if type_ is EventType.UPDATED:
            # In another workspace it would be another execution.
            old = row[_FIRST_OLD + 1 : _FIRST_OLD + 9]
            before = _execution(row[_FIRST_OLD], guid, old, workspace_id)
    return ExecutionEvent(position, type_, row[2], before, after, writer)


def _execution(
    id_: int, guid: str, stored: Sequence[Any], workspace_id: str | None
) -> ExecutionRow:
    *rest, error = stored
    created_on, finished_on = rest[4], rest[6]
    duration = None if finished_on is None else finished_on - created_on
    return ExecutionRow._make((id_, guid, *rest, duration, workspace_id, error))
