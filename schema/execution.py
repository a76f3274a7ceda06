"""The execution as clients see it."""

import base64

import strawberry

from db.instants import from_ms
from db.models import ExecutionState
from db.source import ExecutionRow
from db.texts import bytes_of
from schema.scalars import BigInt, DateTime

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


@strawberry.type(description="One run of an agentflow, which is a graph of LLM agents.")
class Execution:
    """An execution, as GraphQL answers it."""

    id: strawberry.ID = strawberry.field(
        description="An opaque id, unique among everything in this API."
    )
    database_id: BigInt = strawberry.field(description="The number that the REST API calls id.")
    guid: strawberry.ID = strawberry.field(
        description="The name that engines and clients know the execution by."
    )
    state: ExecutionState = strawberry.field(description="What has become of it.")
    agentflow_id: strawberry.ID = strawberry.field(description="The id of the agentflow that ran.")
    agentflow_name: str | None = strawberry.field(
        description="The present name of that agentflow; null when the agentflow is gone."
    )
    session_id: strawberry.ID | None = strawberry.field(
        description="The session that it belongs to, if any."
    )
    created_on: DateTime = strawberry.field(description="When it was created.")
    updated_on: DateTime = strawberry.field(description="When it was last changed.")

    @classmethod
    def from_row(cls, row: ExecutionRow) -> "Execution":
        """Show a stored execution."""
        return cls(
            id=global_id("Execution", row.guid),
            database_id=BigInt(row.id),
            guid=strawberry.ID(row.guid),
            state=ExecutionState(row.state),
            agentflow_id=strawberry.ID(row.agentflow_id),
            agentflow_name=row.agentflow_name,
            session_id=None if row.session_id is None else strawberry.ID(row.session_id),
            created_on=DateTime(from_ms(row.created_on)),
            updated_on=DateTime(from_ms(row.updated_on)),
        )


def global_id(type_name: str, key: str) -> strawberry.ID:
    """An id that is unique among all types, as Relay's object identification asks for."""
    return strawberry.ID(base64.urlsafe_b64encode(bytes_of(f"{type_name}:{key}")).decode())
