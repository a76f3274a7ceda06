"""The plans of changes of many executions: ``updateExecutions`` and ``deleteExecutions``.

The ordinary executor takes microseconds for each field of each row, and a change may name ten
thousand rows.
"""

from collections.abc import Callable, Iterable
from typing import Any

from graphql import FieldNode, GraphQLObjectType
from graphql.type import GraphQLField

from db.source import ExecutionRow
from db.writing.changes import DeleteOutcome, UpdateOutcome
from resolvers.context import Reading
from resolvers.pages import check_number
from resolvers.plan_arguments import Arguments
from resolvers.plan_connection import RootAnswer
from resolvers.plan_update import BrokenAfterChange
from resolvers.row_functions import TYPENAME, Columns, execution_function, graphql_int
from resolvers.selections import NotPlannable, Selections, object_of

_Part = Callable[[Any], Any]
"""Makes one entry of a payload, of what became of the executions."""

_UPDATE_LISTS: dict[str, Callable[[UpdateOutcome], Iterable[ExecutionRow]]] = {
    "executions": lambda outcome: outcome.updated,
    "conflicts": lambda outcome: outcome.conflicts,
}
_UPDATE_VALUES: dict[str, Callable[[UpdateOutcome], Any]] = {
    "affected": lambda outcome: graphql_int(len(outcome.updated)),
    "notFound": lambda outcome: outcome.not_found,
}
_DELETE_VALUES: dict[str, Callable[[DeleteOutcome], Any]] = {
    "affected": lambda outcome: graphql_int(len(outcome.deleted)),
    "deleted": lambda outcome: outcome.deleted,
    "notFound": lambda outcome: outcome.not_found,
}


def plan_update_executions(
    selections: Selections, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``updateExecutions``."""
    payload = object_of(field)
    parts = {
        key: _update_part(selections, below, payload)
        for key, below in selections.below(nodes, payload).items()
    }

    async def answer(reading: Reading, arguments: Arguments) -> Any:
        guids, given = arguments["guids"], arguments["input"]
        check_number(guids, reading.max_ids)
        outcome = await reading.executions.update(
            guids, given.get("state"), given.get("expectedState")
        )
        return _answered(parts, outcome)

    return answer


def plan_delete_executions(
    selections: Selections, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``deleteExecutions``."""
    payload = object_of(field)
    parts = {
        key: _value_part(below, payload, _DELETE_VALUES)
        for key, below in selections.below(nodes, payload).items()
    }

    async def answer(reading: Reading, arguments: Arguments) -> Any:
        guids = arguments["guids"]
        check_number(guids, reading.max_ids)
        return _answered(parts, await reading.executions.delete(guids))

    return answer


def _answered(parts: dict[str, _Part], outcome: Any) -> dict[str, Any]:
    try:
        return {key: part(outcome) for key, part in parts.items()}
    except Exception as error:
        raise BrokenAfterChange from error


def _update_part(
    selections: Selections, nodes: list[FieldNode], payload: GraphQLObjectType
) -> _Part:
    name = nodes[0].name.value
    rows = _UPDATE_LISTS.get(name)
    if rows is None:
        return _value_part(nodes, payload, _UPDATE_VALUES)
    columns = Columns()
    execution = object_of(payload.fields[name])
    make = execution_function(selections.below(nodes, execution), columns)
    places = [ExecutionRow._fields.index(column) for column in columns.names]

    def part(outcome: UpdateOutcome) -> list[Any]:
        return [make(tuple([row[place] for place in places])) for row in rows(outcome)]

    return part


def _value_part(
    nodes: list[FieldNode],
    payload: GraphQLObjectType,
    values: dict[str, Callable[[Any], Any]],
) -> _Part:
    name = nodes[0].name.value
    if name == TYPENAME:
        return lambda _outcome: payload.name
    if name not in values:
        raise NotPlannable("an unknown field of a result")
    return values[name]


PLANS_OF_MANY = {
    "updateExecutions": plan_update_executions,
    "deleteExecutions": plan_delete_executions,
}
"""How each root field that changes many executions is planned."""
