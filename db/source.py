"""The columns that hold executions.

Statements name columns through an ``ExecutionSource``, so that executions in tables with another
structure need a second source and no second set of statements.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Table, select

from db.columns import STORED
from db.dialect import off_index
from db.models import Agentflow, Base, Execution, ExecutionState


class ExecutionRow(NamedTuple):
    """An execution as it is read from the database. Times are epoch milliseconds.

    ``finished_on`` and ``duration_ms`` are null while it is in progress. ``error`` is the beginning
    of the message of the first step that failed.
    """

    id: int
    guid: str
    agentflow_id: str
    agentflow_name: str | None
    session_id: str | None
    state: str
    created_on: int
    updated_on: int
    finished_on: int | None = None
    duration_ms: int | None = None
    workspace_id: str | None = None
    error: str | None = None

    def changed_to(self, state: ExecutionState, at: int) -> "ExecutionRow":
        """Return the execution once it has come into another state at a time."""
        is_running = state is ExecutionState.INPROGRESS
        return self._replace(
            state=str(state),
            updated_on=at,
            finished_on=None if is_running else at,
            duration_ms=None if is_running else at - self.created_on,
        )


def duration(
    finished_on: ColumnElement[Any], created_on: ColumnElement[Any]
) -> ColumnElement[int | None]:
    """Return the expression of a duration, which the index on durations has too."""
    difference: ColumnElement[int | None] = (finished_on - created_on).self_group()
    return difference


@dataclass(frozen=True, slots=True)
class ExecutionSource:
    """The columns of executions, in ``table``, and of agentflows."""

    table: FromClause
    id: ColumnElement[int]
    guid: ColumnElement[str]
    agentflow_id: ColumnElement[str]
    session_id: ColumnElement[str | None]
    state: ColumnElement[str]
    created_on: ColumnElement[int]
    updated_on: ColumnElement[int]
    finished_on: ColumnElement[int | None]
    duration_ms: ColumnElement[int | None]
    workspace_id: ColumnElement[str | None]
    error: ColumnElement[str | None]
    flow_key: ColumnElement[str]
    flow_name: ColumnElement[str | None]
    seeks: bool = False
    """Whether conditions on several states, and on names, should seek executions in an index.

    If not, executions can be read in an order without being sorted, as a page needs them.
    """

    @property
    def agentflow_name(self) -> ColumnElement[str | None]:
        """The current name of an execution's agentflow; null if the flow is gone."""
        return select(self.flow_name).where(self.flow_key == self.agentflow_id).scalar_subquery()

    def moved_to(self, table: FromClause) -> "ExecutionSource":
        """Return a source with the same columns of another table, as far as it has them."""
        moved: dict[str, Any] = {
            field: table.c[name] for field in STORED if (name := self.column(field).name) in table.c
        }
        return replace(self, table=table, **moved).with_duration()

    def with_duration(self) -> "ExecutionSource":
        """Return a source whose durations follow from its times."""
        return replace(self, duration_ms=duration(self.finished_on, self.created_on))

    def off_index(self, field: str) -> "ExecutionSource":
        """Return a source in which the planner should not use an index for a field."""
        changed: dict[str, Any] = {field: off_index(self.column(field))}
        return replace(self, **changed)

    def column(self, field: str) -> ColumnElement[Any]:
        """Return the column of a field of ``ExecutionRow``."""
        column: ColumnElement[Any] = getattr(self, field)
        return column

    @property
    def written(self) -> Table:
        """The table, if it can be written."""
        if not isinstance(self.table, Table):
            raise TypeError("This source can't be written")
        return self.table

    @property
    def columns(self) -> list[ColumnElement[Any]]:
        """The columns of ``ExecutionRow``, in order."""
        return [self.column(field) for field in ExecutionRow._fields]


_executions = Base.metadata.tables[Execution.__tablename__]
_agentflows = Base.metadata.tables[Agentflow.__tablename__]

_stored: dict[str, Any] = {field: _executions.c[field] for field in STORED}

NATIVE = ExecutionSource(
    table=_executions,
    **_stored,
    duration_ms=duration(_executions.c.finished_on, _executions.c.created_on),
    flow_key=_agentflows.c.id,
    flow_name=_agentflows.c.name,
)
"""The gateway's own tables."""
