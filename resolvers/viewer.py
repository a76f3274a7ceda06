"""Who is asking, which is known without a read."""

from typing import Any

from graphql import FieldNode
from graphql.type import GraphQLField

from db.keys import Scope
from resolvers.arguments import Arguments
from resolvers.context import Run, Viewer
from resolvers.objects import Leaf, Planning, RowType, plan_objects
from resolvers.row_code import Columns
from resolvers.selections import object_of


def _names(scopes: frozenset[Scope]) -> list[str]:
    return [scope.name for scope in Scope if scope in scopes]


VIEWER: RowType = {
    "name": Leaf("name"),
    "scopes": Leaf("scopes", _names),
    "workspaceId": Leaf("workspace"),
}


def plan_viewer(planning: Planning, nodes: list[FieldNode], field: GraphQLField) -> Any:
    """Plan ``viewer``."""
    objects = plan_objects(planning, nodes, object_of(field), Columns(Viewer._fields))

    async def answer(run: Run, _arguments: Arguments) -> Any:
        return (await objects.answer(run, (run.context.viewer,)))[0]

    return answer
