"""The states of an execution, as GraphQL describes them."""

import strawberry

from db.models import ExecutionState

__all__ = ["ExecutionState"]

_MEANINGS = {
    ExecutionState.INPROGRESS: "It is running.",
    ExecutionState.FINISHED: "It ran to its end.",
    ExecutionState.ERROR: "It failed.",
    ExecutionState.TERMINATED: "It was ended from outside before its end.",
    ExecutionState.TIMEOUT: "It took longer than it was allowed to.",
    ExecutionState.STOPPED: "A person or a program stopped it.",
}

strawberry.enum(ExecutionState, description="What has become of an execution.")
for _value in ExecutionState.__strawberry_definition__.values:  # type: ignore[attr-defined]
    _value.description = _MEANINGS[ExecutionState(_value.value)]
