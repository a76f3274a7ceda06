"""The states of an execution, with their descriptions."""

import strawberry

from db.models import ExecutionState

__all__ = ["ExecutionState"]

_MEANINGS = {
    ExecutionState.INPROGRESS: "It is running.",
    ExecutionState.FINISHED: "It finished successfully.",
    ExecutionState.ERROR: "It failed.",
    ExecutionState.TERMINATED: "It was ended from outside before it finished.",
    ExecutionState.TIMEOUT: "It exceeded its time limit, or was in progress for too long.",
    ExecutionState.STOPPED: "A person or a program stopped it.",
}

strawberry.enum(ExecutionState, description="The state of an execution.")
for _value in ExecutionState.__strawberry_definition__.values:  # type: ignore[attr-defined]
    _value.description = _MEANINGS[ExecutionState(_value.value)]
