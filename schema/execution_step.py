"""A step of an execution as clients see it."""

import strawberry

from schema.scalars import JSON, BigInt, DateTime


@strawberry.type(
    description=(
        "What one node of an agentflow did in an execution, as the engine tells it. What it does "
        "not tell is null."
    )
)
class ExecutionStep:
    """A step in GraphQL."""

    node_id: strawberry.ID = strawberry.field(description="The node, by its id in the agentflow.")
    label: str = strawberry.field(description="What the node is called in the agentflow.")
    name: str | None = strawberry.field(description="The kind of the node, such as llmAgentflow.")
    status: str | None = strawberry.field(
        description="How it ended, such as FINISHED, ERROR, STOPPED or TERMINATED."
    )
    started_on: DateTime | None = strawberry.field(description="When it began.")
    finished_on: DateTime | None = strawberry.field(description="When it ended.")
    duration_ms: BigInt | None = strawberry.field(description="How many milliseconds it took.")
    error: str | None = strawberry.field(description="Why it failed, or was ended.")
    input: JSON | None = strawberry.field(description="What the node was given.")
    output: JSON | None = strawberry.field(description="What the node made of it.")
    previous: list[strawberry.ID] = strawberry.field(
        description="The nodes that lead to this one, by their ids."
    )
    parent: strawberry.ID | None = strawberry.field(
        description="The iteration node that this one is in, if any, by its id."
    )
    iteration: int | None = strawberry.field(
        description="Which iteration of its parent this was, from 0."
    )
    input_tokens: int | None = strawberry.field(description="How many tokens a model was sent.")
    output_tokens: int | None = strawberry.field(description="How many tokens it answered with.")
    total_tokens: int | None = strawberry.field(
        description="How many tokens there were in all, those of tool calls included."
    )
    cost: float | None = strawberry.field(
        description="What that cost, in US dollars, by the engine's list of prices."
    )
