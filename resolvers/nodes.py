"""Objects by their global ids: Relay's ``node`` and ``nodes``."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, GraphQLObjectType, get_named_type
from graphql.type import GraphQLField, is_interface_type

from db.agentflows import AgentflowRow
from db.reading.paging import Row
from db.sessions import SessionRow
from resolvers.arguments import Arguments
from resolvers.context import Context, Run, repeated
from resolvers.objects import Objects, Planning, plan_objects
from resolvers.page_arguments import check_number
from resolvers.row_code import Columns
from resolvers.selections import NotPlannable
from schema.node import read_global_id

Find = Callable[[Context, tuple[str, ...], Sequence[str]], Awaitable[Sequence[Row | None]]]
"""Reads some columns of the rows with these keys, in one statement; None where there is none."""


@dataclass(frozen=True, slots=True)
class NodeType:
    """A type that can be found by global id; without ``columns`` those that are selected."""

    find: Find
    columns: tuple[str, ...] = ()


async def _find_executions(
    context: Context, fields: tuple[str, ...], keys: Sequence[str]
) -> Sequence[Row | None]:
    return await context.executions.find_many(fields, keys)


async def _find_agentflows(
    context: Context, _fields: tuple[str, ...], keys: Sequence[str]
) -> Sequence[Row | None]:
    return await context.agentflows.find_many(keys)


async def _find_sessions(
    context: Context, _fields: tuple[str, ...], keys: Sequence[str]
) -> Sequence[Row | None]:
    return await context.sessions.find_many(keys)


NODE_TYPES: Mapping[str, NodeType] = {
    "Execution": NodeType(_find_executions),
    "Agentflow": NodeType(_find_agentflows, AgentflowRow._fields),
    "Session": NodeType(_find_sessions, SessionRow._fields),
}
"""Every type that implements Node."""


class NodePlan:
    """The selection in objects of one type, which are found by their keys."""

    def __init__(self, planning: Planning, nodes: list[FieldNode], kind: GraphQLObjectType) -> None:
        self._type = NODE_TYPES[kind.name]
        columns = Columns(self._type.columns)
        self._objects: Objects = plan_objects(planning, nodes, kind, columns)
        # Read at least one column, to learn whether the object exists.
        self._fields = tuple(columns.names) or ("id",)

    async def answer(self, run: Run, keys: Sequence[str]) -> list[Any]:
        """Return the object of each key, each given once; None where there is none."""
        rows = await run.in_turn(lambda: self._type.find(run.context, self._fields, keys))
        found = iter(await self._objects.answer(run, [row for row in rows if row is not None]))
        return [None if row is None else next(found) for row in rows]


class NodesPlan:
    """The selection in objects of any type, which are found by their global ids."""

    def __init__(self, planning: Planning, nodes: list[FieldNode], field: GraphQLField) -> None:
        interface = get_named_type(field.type)
        if not is_interface_type(interface):
            raise NotPlannable("a field that is no interface")
        self._plans = {
            kind.name: NodePlan(planning, nodes, kind)
            for kind in planning.schema.get_possible_types(interface)
        }

    async def answer(self, run: Run, ids: Sequence[str]) -> list[Any]:
        """Return the object of each id; None where there is none, or the id is none of ours."""
        read = [read_global_id(id_) for id_ in ids]
        keys: dict[str, dict[str, Any]] = {}
        for each in read:
            if each is not None and each[0] in self._plans:
                keys.setdefault(each[0], {})[each[1]] = None
        # An object is in the response once for each time that its id was given.
        most = max(Counter(filter(None, read)).values(), default=1)
        with repeated(most):
            for name, found in keys.items():
                wanted = list(found)
                found.update(zip(wanted, await self._plans[name].answer(run, wanted), strict=True))
        return [None if each is None else keys.get(each[0], {}).get(each[1]) for each in read]


def plan_node(planning: Planning, nodes: list[FieldNode], field: GraphQLField) -> Any:
    """Plan ``node``."""
    plan = NodesPlan(planning, nodes, field)

    async def answer(run: Run, arguments: Arguments) -> Any:
        return (await plan.answer(run, (arguments["id"],)))[0]

    return answer


def plan_nodes(planning: Planning, nodes: list[FieldNode], field: GraphQLField) -> Any:
    """Plan ``nodes``."""
    plan = NodesPlan(planning, nodes, field)

    async def answer(run: Run, arguments: Arguments) -> Any:
        ids = arguments["ids"]
        check_number("ids", ids, run.context.max_ids)
        return await plan.answer(run, ids)

    return answer
