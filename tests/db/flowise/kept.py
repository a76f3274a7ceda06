"""What both databases are held to: what the gateway keeps of Flowise's executions."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Kept(NamedTuple):
    """An execution as the gateway keeps it; without its number and its end."""

    guid: str
    agentflow_id: str
    session_id: str | None
    state: str
    created_on: int
    updated_on: int
    workspace_id: str | None
    error: str | None


KEPT = f"SELECT {', '.join(Kept._fields)}, finished_on FROM executions"
"""What is kept, each with its end."""
LEFT_OUT = "SELECT guid FROM flowise_left_out"


def check_kept(
    found: Iterable[Iterable[object]],
    left_out: Iterable[str],
    taken: Mapping[str, Kept | None],
    stopped: Mapping[str, int | None],
) -> None:
    """Compare what ``KEPT`` and ``LEFT_OUT`` find with what must be taken over of each row.

    ``stopped`` has when the rows were stopped, of those whose time the gateway can keep.
    """
    kept: dict[str, Kept] = {}
    ended: dict[str, object] = {}
    for row in found:
        *values, finished_on = row
        execution = Kept._make(values)
        kept[execution.guid] = execution
        ended[execution.guid] = finished_on
    assert kept == {guid: execution for guid, execution in taken.items() if execution}
    assert set(left_out) == {guid for guid, execution in taken.items() if execution is None}
    for guid, execution in kept.items():
        assert (ended[guid] is None) == (execution.state == "INPROGRESS")
        if execution.state == "STOPPED":
            stopped_on = stopped[guid]
            assert ended[guid] == (execution.updated_on if stopped_on is None else stopped_on)
