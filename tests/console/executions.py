"""Executions of which a test of the overview says what matters."""

import time

from db.source import ExecutionRow

HOUR_MS = 3_600_000


def execution(number: int, state: str, created_on: int, flow: str = "billing") -> ExecutionRow:
    return ExecutionRow(
        id=number,
        guid=f"run-{number}",
        agentflow_id=flow,
        agentflow_name=f"The {flow} agent",
        session_id=None,
        state=state,
        created_on=created_on,
        updated_on=created_on,
    )


def of_this_hour(states: str, number: int = 1, *, hours_ago: float = 0.1) -> list[ExecutionRow]:
    """Executions in states, by their initials: F(inished), E(rror), I(n progress)."""
    names = {"F": "FINISHED", "E": "ERROR", "I": "INPROGRESS"}
    created_on = int(time.time() * 1000 - hours_ago * HOUR_MS)
    return [execution(number + at, names[each], created_on) for at, each in enumerate(states)]
