"""What belongs to a workspace: the condition that decides what a bound key sees.

An API key may be bound to a workspace. ``Executions``, ``Agentflows`` and ``Sessions`` are then
used through their views ``within`` it, which add the condition of this module to whatever they
read, count or change. So an execution of another workspace, or of none, is not there for its
client, by whatever name it asks.
"""

from typing import Any

from sqlalchemy import ColumnElement

from db.dialect import off_index
from db.reading.filters import AllOf, AnyOf, Condition, Filter
from db.source import ExecutionSource

_FIELD = "workspace_id"


def within(filter_: Filter, workspace: str | None) -> Filter:
    """Return the filter for the executions of a workspace that match another filter.

    Without a workspace, that is the filter itself. The normal form of a filter stays one.
    """
    # An empty text is a workspace too: only None means all of them.
    if workspace is None or _is_nothing(filter_):
        return filter_
    own = Condition(_FIELD, "eq", workspace)
    if not isinstance(filter_, AllOf):
        return AllOf((own, filter_))
    return AllOf((own, *filter_.parts)) if filter_.parts else own


def is_of_workspace(part: Filter) -> bool:
    """Whether a part of a filter names one workspace."""
    return isinstance(part, Condition) and part.field == _FIELD and part.operator == "eq"


def is_own(source: ExecutionSource, workspace: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a row that is found by something else is of a workspace."""
    return off_index(source.workspace_id) == workspace


def _is_nothing(filter_: Filter) -> bool:
    return isinstance(filter_, AnyOf) and not filter_.parts
