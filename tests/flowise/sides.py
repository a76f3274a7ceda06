"""Flowise's executions and the gateway's in one database, compared by the words of docs/flowise.md.

None of the gateway's own SQL is used, so that it can't agree with itself.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.places import Place, SQLitePlace

STATES = {"INPROGRESS", "FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Row(NamedTuple):
    """What both sides say of an execution."""

    agentflow_id: str
    session_id: str | None
    state: str
    created_on: int
    updated_on: int
    has_ended: bool
    workspace_id: str | None
    has_error: bool


def of_gateway(place: Place) -> dict[str, Row]:
    """The gateway's executions by their guids."""
    rows = run(
        place,
        "SELECT guid, agentflow_id, session_id, state, created_on, updated_on,"
        " finished_on IS NOT NULL, workspace_id, error IS NOT NULL FROM executions",
    )
    return {
        guid: Row(flow, session, state, created, updated, bool(ended), workspace, bool(failed))
        for guid, flow, session, state, created, updated, ended, workspace, failed in rows
    }


def of_flowise(place: Place) -> dict[str, Row]:
    """What the gateway's executions have to be, by their ids: all of which the state is known."""
    workspace = 'CAST("workspaceId" AS text)' if has_workspaces(place) else "NULL"
    rows = run(
        place,
        'SELECT CAST(id AS text), CAST("agentflowId" AS text), CAST("sessionId" AS text), state,'
        f' "createdDate", "updatedDate", "executionData", {workspace} FROM execution',
    )
    return dict(_mapped(rows))


def has_workspaces(place: Place) -> bool:
    """Whether this version of Flowise has them."""
    if isinstance(place, SQLitePlace):
        columns = "SELECT name FROM pragma_table_info('execution')"
    else:
        columns = (
            "SELECT CAST(attname AS text) FROM pg_attribute"
            " WHERE attrelid = CAST('execution' AS regclass)"
        )
    return ("workspaceId",) in run(place, columns)


def _mapped(rows: list[tuple[Any, ...]]) -> Iterator[tuple[str, Row]]:
    for guid, flow, session, state, created, updated, data, workspace in rows:
        created_on, updated_on = _milliseconds(created), _milliseconds(updated)
        if state not in STATES or created_on is None or updated_on is None:
            continue
        has_ended = state != "INPROGRESS"
        # Steps are written as JSON.stringify does, and texts in them have their quotes escaped.
        failed = has_ended and '"status":"ERROR"' in data
        yield (
            guid,
            Row(
                agentflow_id=flow,
                session_id=session,
                state=state,
                created_on=created_on,
                updated_on=updated_on,
                has_ended=has_ended,
                workspace_id=workspace or None,
                has_error=failed,
            ),
        )


def _milliseconds(time: Any) -> int | None:
    """Epoch milliseconds of a time as the driver gives it; None if it is none."""
    try:
        moment = time if isinstance(time, datetime) else datetime.fromisoformat(time)
    except ValueError:
        return None
    return (moment.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


def differences(place: Place) -> list[str]:
    """What one side has, and the other has not or otherwise."""
    flowise, gateway = of_flowise(place), of_gateway(place)
    return [
        f"{guid}: Flowise has {flowise.get(guid)}, the gateway {gateway.get(guid)}"
        for guid in sorted(flowise.keys() | gateway.keys())
        if flowise.get(guid) != gateway.get(guid)
    ] + _differing_flows(place)


def _differing_flows(place: Place) -> list[str]:
    flowise = set(run(place, "SELECT CAST(id AS text), name FROM chat_flow"))
    gateway = set(run(place, "SELECT id, name FROM agentflows"))
    return [f"agentflow {flow}" for flow in sorted(flowise ^ gateway)]


def run(place: Place, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement without parameters."""
    return place.run(statement, [()])
