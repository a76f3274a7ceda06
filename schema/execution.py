"""The execution as clients see it."""

import base64

import strawberry

from db.texts import bytes_of
from schema.execution_state import ExecutionState
from schema.scalars import BigInt, DateTime


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


def global_id(type_name: str, key: str) -> strawberry.ID:
    """An id that is unique among all types, as Relay's object identification asks for."""
    return strawberry.ID(base64.urlsafe_b64encode(bytes_of(f"{type_name}:{key}")).decode())
