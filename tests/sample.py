"""Twenty-four executions that have every property a filter or an order can meet."""

from db.models import ExecutionState
from db.source import ExecutionRow

START = 1_700_000_000_000
"""2023-11-14T22:13:20.000Z, when the first of them was created."""

FLOWS = {
    "flow-a": "Support agent",
    "flow-b": "ÄRGER und Größe",
    "flow-c": "100% of_everything",
    "flow-d": "Отчёт 日本",
    "flow-e": "support AGENT",
    "flow-gone": None,
}
"""The agentflows and their names; the last one is in no table."""


ERRORS = ("It broke", "Zeit ÜBERSCHRITTEN: 100% of_it", "it BROKE again", None)
"""What steps of some of them failed with."""


def as_kept(row: ExecutionRow) -> ExecutionRow:
    """What the database makes of a row that is written with these times."""
    if row.state == ExecutionState.INPROGRESS:
        return row._replace(finished_on=None, duration_ms=None)
    finished_on = row.updated_on if row.finished_on is None else row.finished_on
    return row._replace(finished_on=finished_on, duration_ms=finished_on - row.created_on)


# Some last as long as others, and one ends before it begins.
_LASTED = (500, 0, 61_000, 500, 1000, -200, 1000)


def _row(number: int) -> ExecutionRow:
    flow = list(FLOWS)[number % len(FLOWS)]
    # Some are created in the same millisecond, so that only the id tells them apart.
    created_on = START + (number // 3) * 1000 + (number % 3 == 2)
    row = ExecutionRow(
        id=number + 1,
        guid=f"guid-{(number * 7) % 24:02d}" + (" /%é'\"" if number % 8 == 0 else ""),
        agentflow_id=flow,
        agentflow_name=FLOWS[flow],
        session_id=None if number % 5 == 0 else f"session-{number % 4}",
        state=list(ExecutionState)[(number * 5) % 6].value,
        created_on=created_on,
        updated_on=created_on + (number % 7) * 500,
        finished_on=created_on + _LASTED[number % len(_LASTED)],
        workspace_id=None if number % 3 == 0 else f"workspace-{number % 2}",
        error=ERRORS[number % len(ERRORS)] if number % 3 else None,
    )
    return as_kept(row)


SAMPLE = [_row(number) for number in range(24)]
