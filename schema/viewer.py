"""Who is asking, and what they may do, as clients see it."""

import strawberry

from db.keys import Scope
from schema.declarations import declare_enum

_MEANINGS = {
    Scope.READ: "Read executions, agentflows, sessions and statistics, and be told of changes.",
    Scope.UPDATE: "Change the states of executions.",
    Scope.DELETE: "Delete executions.",
}

declare_enum(Scope, "What a key allows. No scope includes another.", _MEANINGS)


@strawberry.type(description="Who is asking: the API key of the request, and what it allows.")
class Viewer:
    """The viewer in GraphQL."""

    name: str | None = strawberry.field(
        description="The name of the key; null if the gateway takes requests without one."
    )
    scopes: list[Scope] = strawberry.field(
        description="What the key allows; everything if the gateway takes requests without one."
    )
    workspace_id: strawberry.ID | None = strawberry.field(
        description=(
            "The workspace that the key is for: there is nothing outside of it. Null if it sees "
            "everything."
        )
    )
