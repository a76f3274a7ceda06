"""The states of an execution, with their descriptions."""

from db.models import ExecutionState
from schema.declarations import declare_enum

__all__ = ["ExecutionState"]

_MEANINGS = {
    ExecutionState.INPROGRESS: "It is running.",
    ExecutionState.FINISHED: "It finished successfully.",
    ExecutionState.ERROR: "It failed.",
    ExecutionState.TERMINATED: "It was ended from outside before it finished.",
    ExecutionState.TIMEOUT: "It exceeded its time limit, or was in progress for too long.",
    ExecutionState.STOPPED: "A person or a program stopped it.",
}

declare_enum(ExecutionState, "The state of an execution.", _MEANINGS)
