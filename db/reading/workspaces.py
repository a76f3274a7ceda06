"""What belongs to a workspace: the condition that decides what a bound key sees.

An API key may be bound to a workspace. What reads or changes executions, and what leads to them,
is then used through its view ``within`` it, which adds the condition of this module to whatever it
reads, counts or changes. So an execution of another workspace, or of none, is not there for its
client, by whatever name it asks.
"""

import copy
from dataclasses import dataclass
from typing import Self

from sqlalchemy import ColumnElement

from db.dialect import off_index
from db.reading.filters import AllOf, AnyOf, Condition, Filter
from db.reading.statement_cache import BindParameters
from db.source import ExecutionSource

_FIELD = "workspace_id"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Whose executions are seen: those of the workspace with an id; None is everybody's.

    An empty text is the id of a workspace too.
    """

    id: str | None

    def only(self, filter_: Filter) -> Filter:
        """Return the filter for what is seen of the executions that match another filter.

        The normal form of a filter stays one, and for everybody's executions it is the same object.
        """
        if self.id is None or _is_nothing(filter_):
            return filter_
        own = Condition(_FIELD, "eq", self.id)
        if not isinstance(filter_, AllOf):
            return AllOf((own, filter_))
        return AllOf((own, *filter_.parts)) if filter_.parts else own

    @property
    def values(self) -> tuple[str, ...]:
        """The bind values of ``conditions``, as many as they are."""
        return () if self.id is None else (self.id,)

    def conditions(
        self, source: ExecutionSource, parameters: BindParameters, *, by_index: bool = False
    ) -> list[ColumnElement[bool]]:
        """Build what rows of a source must meet to be seen, which is nothing for everybody's.

        Rows are found by something else than the workspace, unless ``by_index``.
        """
        if self.id is None:
            return []
        column = source.workspace_id if by_index else off_index(source.workspace_id)
        return [column == parameters.bind(_FIELD)]


class Viewed:
    """What has a view of each workspace, and sees everything itself."""

    _workspace = Workspace(None)

    @property
    def workspace(self) -> str | None:
        """The id of the workspace that this is a view of; None if it sees everything."""
        return self._workspace.id

    def within(self, workspace: str | None) -> Self:
        """Return the view of what is in the workspace with an id; without one, this object.

        For a view, what is outside is not there, by whatever name. It shares everything else.
        """
        if workspace is None:
            return self
        view = copy.copy(self)
        view._workspace = Workspace(workspace)  # noqa: SLF001 - its own class
        return view


def is_of_workspace(part: Filter) -> bool:
    """Whether a part of a filter names one workspace."""
    return isinstance(part, Condition) and part.field == _FIELD and part.operator == "eq"


def _is_nothing(filter_: Filter) -> bool:
    return isinstance(filter_, AnyOf) and not filter_.parts
