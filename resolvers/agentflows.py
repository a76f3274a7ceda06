"""Plan the root fields that read agentflows and sessions."""

from collections.abc import Iterator
from typing import Any

from graphql import FieldNode
from graphql.type import GraphQLField

from db.agentflows import BY_NAME, AgentflowRow
from db.errors import GatewayError, InvalidInput
from db.reading.page_query import PageQuery
from resolvers.arguments import Arguments
from resolvers.connection import ConnectionPlan
from resolvers.context import Context, Run
from resolvers.nodes import NodePlan
from resolvers.objects import Planning
from resolvers.page_arguments import page_argument_errors
from resolvers.selections import object_of


def plan_agentflow(planning: Planning, nodes: list[FieldNode], field: GraphQLField) -> Any:
    """Plan ``agentflow``."""
    return _plan_one(planning, nodes, field, "agentflowId")


def plan_session(planning: Planning, nodes: list[FieldNode], field: GraphQLField) -> Any:
    """Plan ``session``."""
    return _plan_one(planning, nodes, field, "sessionId")


def _plan_one(
    planning: Planning, nodes: list[FieldNode], field: GraphQLField, argument: str
) -> Any:
    plan = NodePlan(planning, nodes, object_of(field))

    async def answer(run: Run, arguments: Arguments) -> Any:
        return (await plan.answer(run, (arguments[argument],)))[0]

    return answer


def plan_agentflows(planning: Planning, nodes: list[FieldNode], field: GraphQLField) -> Any:
    """Plan ``agentflows``."""
    fields = AgentflowRow._fields
    connection = ConnectionPlan(planning, nodes, object_of(field), fields)

    async def answer(run: Run, arguments: Arguments) -> Any:
        context = run.context
        page = arguments.page(context.max_page_size, BY_NAME)
        query = PageQuery(
            fields,
            arguments.name_filter(context.max_ids),
            BY_NAME,
            page.size,
            after=page.after,
            with_total=connection.with_total,
            with_both_sides=connection.with_both_sides(from_end=False),
        )
        found = await context.agentflows.page(query)
        return (await connection.answer(run, (found,), fields, BY_NAME))[0]

    return answer


def check_agentflows(arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    """Check a filter of names and the paging arguments of a connection of agentflows."""
    try:
        arguments.name_filter(context.max_ids)
    except InvalidInput as error:
        yield error
    yield from page_argument_errors(BY_NAME, context.max_page_size, arguments.given)
