"""What the gateway's side must be, worked out in Python from what is in Flowise's tables."""

import re
import sqlite3
from datetime import UTC, datetime
from typing import Any

from db.contents.steps import error_in
from db.instants import EARLIEST_MS, LATEST_MS
from db.models import LONGEST_TEXT_BYTES, ExecutionState
from db.texts import bytes_of, is_broken, read_text
from tests.db.events.outbox import EVENTS, ROWS, Copy, Row, logged, replay
from tests.db.flowise.kept import KEPT, LEFT_OUT, Kept, check_kept

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[ Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))?", re.ASCII
)


def taken_over(row: dict[str, Any]) -> Kept | None:
    """What the gateway makes of a row of ``execution``; None if it leaves it out."""
    guid, flow, session = row["id"], row["agentflowId"], row["sessionId"]
    workspace, state = row.get("workspaceId"), row["state"]
    created_on, updated_on = (_kept_time(row[name]) for name in ("createdDate", "updatedDate"))
    is_right = (
        all(map(_is_text, (guid, flow)))
        and guid != ""
        and all(each is None or _is_text(each) for each in (session, workspace))
        and state in list(ExecutionState)
    )
    if not is_right or created_on is None or updated_on is None:
        return None
    error = None
    if state != "INPROGRESS" and isinstance(row["executionData"], str):
        error = error_in(row["executionData"])
    return Kept(guid, flow, session, state, created_on, updated_on, workspace or None, error)


def _is_text(value: object) -> bool:
    return (
        isinstance(value, str)
        and "\0" not in value
        and not is_broken(value)
        and len(bytes_of(value)) <= LONGEST_TEXT_BYTES
    )


def _kept_time(value: object) -> int | None:
    time = time_of(value)
    return time if time is not None and EARLIEST_MS <= time <= LATEST_MS else None


def time_of(value: object) -> int | None:
    """The epoch milliseconds of a stored time, if it is one."""
    if isinstance(value, int | float):
        return int(value) if abs(value) < 1e15 else None
    match = _TIME.fullmatch(value.partition("\0")[0]) if isinstance(value, str) else None
    if match is None:
        return None
    day, time, fraction, sign, hours, minutes = match.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC)
    except ValueError:
        return None
    offset = (int(hours) * 60 + int(minutes)) * 60_000 if sign else 0
    milliseconds = int((fraction or "")[:3].ljust(3, "0"))
    since_epoch = (at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return int(since_epoch) * 1000 + milliseconds + (offset if sign == "-" else -offset)


def check_sides(connection: sqlite3.Connection) -> None:
    """Compare both sides as a connection sees them."""
    connection.text_factory = read_text
    cursor = connection.execute("SELECT * FROM execution")
    names = [name for name, *_ in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    taken = {row["id"]: taken_over(row) for row in rows}
    stopped = {row["id"]: _kept_time(row["stoppedDate"]) for row in rows}
    left_out = [guid for (guid,) in connection.execute(LEFT_OUT)]
    check_kept(connection.execute(KEPT), left_out, taken, stopped)
    flows = connection.execute("SELECT id, name FROM chat_flow")
    of_flows = [(id_, name if _is_text(name) else None) for id_, name in flows if _is_text(id_)]
    assert sorted(of_flows) == sorted(connection.execute("SELECT id, name FROM agentflows"))


def check_events(connection: sqlite3.Connection, copy: Copy | None = None, after: int = 0) -> int:
    """Replay events after one, and compare the copy with the table; returns the last event."""
    copy = {} if copy is None else copy
    found = connection.execute(f"{EVENTS} WHERE id > ? ORDER BY id", [after])
    events = logged(found)
    replay(events, copy)
    assert copy == {row.guid: row for row in map(Row._make, connection.execute(ROWS))}
    return max([after, *(event.id for event in events)])
