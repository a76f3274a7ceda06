"""Read the executions of a list: as the REST API writes them, or as Flowise does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from db.errors import quote
from db.instants import floor_ms, parse_lenient
from db.models import ExecutionState
from server.cli.import_files import Row, read_object

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Item:
    """An execution in a list: its row, or why it has none.

    ``updated_on`` is None in lists that do not tell it. ``mark`` changes whenever the execution
    moves to another place of its list.
    """

    guid: str
    mark: tuple[str, str]
    updated_on: int | None
    row: Row | None
    problem: str | None = None

    @property
    def created_on(self) -> int | None:
        """When the execution was created, in epoch milliseconds, if it can be read."""
        return self.row[0].created_on if self.row else None


def read_item(value: Any) -> Item:
    """Read one execution of a list; never raises for what a server sent."""
    if not isinstance(value, dict):
        return Item("?", ("?", "?"), None, None, f"it is no JSON object: {quote(value)}")
    guid = value.get("guid", value.get("id"))
    # In quotes if it has a line break, which would be printed as one.
    is_plain = isinstance(guid, str) and not {"\n", "\t"} & set(guid)
    shown = str(guid)[:_LONGEST_NAME] if is_plain else quote(guid)
    mark = (shown, quote(value.get("updatedDate")))
    updated_on = _instant(value.get("updatedDate"))
    try:
        row = read_object(_from_flowise(value) if _is_flowise(value) else value)
    except ValueError as error:
        return Item(shown, mark, updated_on, None, str(error))
    return Item(shown, mark, updated_on, row)


def too_large(guid: str | None, most: int) -> Item:
    """Return an execution that alone is larger than the import reads."""
    name = guid or "?"
    return Item(name, (name, "?"), None, None, f"it has more than {most:,} bytes")


def _is_flowise(value: Mapping[str, Any]) -> bool:
    return "guid" not in value and "createdDate" in value


def _from_flowise(value: Mapping[str, Any]) -> dict[str, Any]:
    flow = value.get("agentflow")
    state, updated = value.get("state"), value.get("updatedDate")
    # Only STOPPED, which waits for a person, has a time of its own.
    stopped = value.get("stoppedDate") if state == ExecutionState.STOPPED else None
    return {
        "guid": value.get("id"),
        "agentflow_id": value.get("agentflowId"),
        "agentflow_name": flow.get("name") if isinstance(flow, dict) else None,
        "session_id": value.get("sessionId"),
        "state": state,
        "created_on": value.get("createdDate"),
        "updated_on": updated,
        "finished_on": None if state == ExecutionState.INPROGRESS else stopped or updated,
        "workspace_id": value.get("workspaceId"),
        "data": value.get("executionData"),
    }


def _instant(value: Any) -> int | None:
    try:
        return floor_ms(parse_lenient(value)) if isinstance(value, str) else None
    except ValueError:
        return None
