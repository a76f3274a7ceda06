"""The plans of the root fields that answer executions."""

from collections.abc import Callable
from typing import Any

from graphql import FieldNode
from graphql.type import GraphQLField

from resolvers.context import Reading
from resolvers.plan_arguments import Arguments
from resolvers.plan_connection import RootAnswer, plan_executions
from resolvers.row_functions import (
    TYPENAME,
    Columns,
    RowFunction,
    execution_function,
    graphql_int,
)
from resolvers.selections import Selections, object_of


def plan_execution(
    selections: Selections, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``execution(guid:)``."""
    columns = Columns()
    make = execution_function(selections.below(nodes, object_of(field)), columns)
    # Whether there is one must be read, even if nothing of it is selected.
    fields = tuple(columns.names) or ("id",)

    async def answer(reading: Reading, arguments: Arguments) -> Any:
        row = await reading.executions.find_fields(fields, arguments["guid"])
        return None if row is None else make(row)

    return answer


def plan_execution_page(
    selections: Selections, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``executionPage``."""
    kind = object_of(field)
    columns = Columns()
    selected = selections.below(nodes, kind)
    makers: dict[str, RowFunction] = {}
    for key, below in selected.items():
        if below[0].name.value == "items":
            item = object_of(kind.fields["items"])
            makers[key] = execution_function(selections.below(below, item), columns)
    columns.place("id")
    fields = tuple(columns.names)
    names = {below[0].name.value for below in selected.values()}
    has_total = bool(names & {"totalCount", "totalPages"})

    async def answer(reading: Reading, arguments: Arguments) -> Any:
        page, limit = arguments["page"], arguments["limit"]
        asked: Any = {"limit": limit, "offset": arguments.offset(reading.max_page_size)}
        read = fields, arguments.filter(reading.max_ids), arguments.order
        total = 0
        if has_total:
            rows, total = await reading.executions.select_with_total(*read, **asked)
        else:
            rows = await reading.executions.select_numbered(*read, **asked)
        answered: dict[str, Any] = {}
        for key, below in selected.items():
            match below[0].name.value:
                case "items":
                    make = makers[key]
                    answered[key] = [make(row) for row in rows]
                case "totalCount":
                    answered[key] = graphql_int(total)
                case "totalPages":
                    answered[key] = graphql_int(-(-total // limit))
                case name:
                    answered[key] = {"page": page, "limit": limit, TYPENAME: kind.name}[name]
        return answered

    return answer


PlanRoot = Callable[[Selections, list[FieldNode], GraphQLField], RootAnswer]
"""Plans a root field. Raises NotPlannable."""

ROOT_PLANS: dict[str, PlanRoot] = {
    "execution": plan_execution,
    "executions": plan_executions,
    "executionPage": plan_execution_page,
}
"""How each root field is planned."""
