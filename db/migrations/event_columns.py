"""The columns of an execution that events tell, as of each revision that changed them."""

from typing import NamedTuple


class EventColumns(NamedTuple):
    """The columns of an execution in events, besides its id and its times.

    A change of ``identity`` is a DELETED event and a CREATED one, so that whoever may know one of
    the two learns nothing of the other. A change of ``contents`` is an UPDATED event.
    """

    identity: tuple[str, ...]
    contents: tuple[str, ...]

    @property
    def row(self) -> tuple[str, ...]:
        """All columns, as the table of executions names them."""
        return ("id", *self.identity, *self.contents, *TIMES)

    @property
    def changing(self) -> tuple[str, ...]:
        """The columns that a change may change, each of which an event also has as ``old_…``."""
        return ("id", *self.contents, *TIMES)


TIMES = ("updated_on", "finished_on")
FIRST = EventColumns(("guid",), ("agentflow_id", "session_id", "state", "created_on"))
"""The columns of revision 0010."""
WITH_WORKSPACES = EventColumns(("guid", "workspace_id"), (*FIRST.contents, "error"))
"""The columns of revision 0011."""


def logged_as(column: str) -> str:
    """Return the name that the table of events has for a column of executions."""
    return "execution_id" if column == "id" else column
