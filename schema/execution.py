"""The execution as clients see it, and global ids."""

import base64

import strawberry

from db.texts import bytes_of
from schema.execution_state import ExecutionState
from schema.scalars import BigInt, DateTime


@strawberry.type(description="One run of an agentflow, which is a graph of LLM agents.")
class Execution:
    """An execution in GraphQL."""

    id: strawberry.ID = strawberry.field(
        description="An opaque id, unique among everything in this API."
    )
    database_id: BigInt = strawberry.field(description="The number that the REST API calls id.")
    guid: strawberry.ID = strawberry.field(
        description="The id by which engines and clients know the execution."
    )
    state: ExecutionState = strawberry.field(description="The current state.")
    agentflow_id: strawberry.ID = strawberry.field(description="The id of the agentflow that ran.")
    agentflow_name: str | None = strawberry.field(
        description="The current name of that agentflow; null if the agentflow is gone."
    )
    session_id: strawberry.ID | None = strawberry.field(
        description="The session of the execution, if any."
    )
    created_on: DateTime = strawberry.field(description="When it was created.")
    updated_on: DateTime = strawberry.field(description="When it was last changed.")


def global_id(type_name: str, key: str) -> strawberry.ID:
    """Return an id that is unique among all types, as Relay's object identification requires."""
    return strawberry.ID(base64.urlsafe_b64encode(bytes_of(f"{type_name}:{key}")).decode())
