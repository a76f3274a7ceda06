"""Events as triggers log them, and a copy of the executions that follows from them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.gateway import run_sql
from tests.places import Place

ROW = (
    "id",
    "guid",
    "agentflow_id",
    "session_id",
    "state",
    "created_on",
    "updated_on",
    "finished_on",
    "workspace_id",
    "error",
)
_LOGGED = [f"execution_{name}" if name == "id" else name for name in ROW]
# An event is about one execution, which has a guid and a workspace.
_IDENTITY = ("guid", "workspace_id")
_BEFORE = [name if name in _IDENTITY else f"old_{name}" for name in _LOGGED]
ROWS = f"SELECT {', '.join(ROW)} FROM executions"
EVENTS = f"SELECT id, type, occurred_on, {', '.join(_LOGGED + _BEFORE)} FROM execution_events"


class Row(NamedTuple):
    """An execution, as it is stored."""

    id: int
    guid: str
    agentflow_id: str
    session_id: str | None
    state: str
    created_on: int
    updated_on: int
    finished_on: int | None
    workspace_id: str | None
    error: str | None


Copy = dict[str, Row]


class Logged(NamedTuple):
    """An event. ``before`` has the old values, and is None if they are all null."""

    id: int
    type: str
    occurred_on: int
    row: Row
    before: Row | None


def logged(rows: Iterable[tuple[Any, ...]]) -> list[Logged]:
    """Return the events that are the rows of ``EVENTS``."""
    events = []
    for id_, type_, occurred_on, *values in rows:
        row, before = Row(*values[: len(ROW)]), Row(*values[len(ROW) :])
        told = before._asdict()
        for name in _IDENTITY:
            del told[name]
        is_told = any(value is not None for value in told.values())
        events.append(Logged(id_, type_, occurred_on, row, before if is_told else None))
    return events


def replay(events: Iterable[Logged], copy: Copy) -> None:
    """Change a copy as events tell, each of which must be about what the copy has."""
    for event in events:
        row = event.row
        known = copy.pop(row.guid, None)
        expected: dict[str, tuple[Any, ...]] = {
            "CREATED": (None, None),
            "UPDATED": (event.before, event.before),
            "DELETED": (row, None),
        }
        assert (known, event.before) == expected[event.type], event
        if event.type == "UPDATED":
            assert known is not None
            assert known != row, event
            assert known.workspace_id == row.workspace_id, event
        if event.type != "DELETED":
            copy[row.guid] = row


def rows_in(place: Place) -> Copy:
    """Return the executions of a database, by their guids."""
    return {row.guid: row for row in (Row(*values) for values in run_sql(place, ROWS))}


def events_in(place: Place, after: int = 0) -> list[Logged]:
    """Return the events of a database whose ids follow one, in their order."""
    return logged(run_sql(place, f"{EVENTS} WHERE id > ? ORDER BY id", after))
