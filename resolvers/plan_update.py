"""The plan of ``updateExecution``."""

from collections.abc import Callable
from typing import Any

from graphql import FieldNode, GraphQLObjectType, get_named_type, is_union_type
from graphql.type import GraphQLField

from db.models import ExecutionState
from db.source import ExecutionRow
from db.writing.changes import UpdateOutcome
from resolvers.context import Reading
from resolvers.messages import conflict_message, not_found_message
from resolvers.plan_arguments import Arguments
from resolvers.plan_connection import RootAnswer
from resolvers.row_functions import Columns, execution_function
from resolvers.selections import NotPlannable, Selections, object_of

_Maker = Callable[[str, ExecutionRow | None, ExecutionState | None], Any]
"""Makes one entry of a result, of the guid, the execution and the state that was expected."""
_Makers = dict[str, _Maker]


class BrokenAfterChange(Exception):
    """A change was made and can't be answered: it must not be made again."""


def plan_update_execution(
    selections: Selections, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``updateExecution``."""
    union = get_named_type(field.type)
    if not is_union_type(union):
        raise NotPlannable("a result that is no union")
    makers = {kind.name: _makers(selections, nodes, kind) for kind in union.types}

    async def answer(reading: Reading, arguments: Arguments) -> Any:
        guid, given = arguments["guid"], arguments["input"]
        expected = given.get("expectedState")
        outcome = await reading.executions.update([guid], given.get("state"), expected)
        try:
            name, row = _what_became(outcome)
            return {key: make(guid, row, expected) for key, make in makers[name].items()}
        except Exception as error:
            raise BrokenAfterChange from error

    return answer


def _what_became(outcome: UpdateOutcome) -> tuple[str, ExecutionRow | None]:
    if outcome.not_found:
        return "ExecutionNotFound", None
    if outcome.conflicts:
        return "ExecutionStateConflict", outcome.conflicts[0]
    return "UpdateExecutionSuccess", outcome.updated[0]


def _makers(selections: Selections, nodes: list[FieldNode], kind: GraphQLObjectType) -> _Makers:
    return {
        key: _maker(selections, below, kind) for key, below in selections.below(nodes, kind).items()
    }


def _maker(selections: Selections, nodes: list[FieldNode], kind: GraphQLObjectType) -> _Maker:
    match kind.name, nodes[0].name.value:
        case name, "__typename":
            return lambda _guid, _row, _expected: name
        case _, "execution":
            return _execution(selections, nodes, kind)
        case _, "guid":
            return lambda guid, _row, _expected: guid
        case "ExecutionNotFound", "message":
            return lambda guid, _row, _expected: not_found_message(guid)
        case _, "message":
            return lambda _guid, row, expected: conflict_message(row and row.state, expected)
        case _, "expectedState":
            return lambda _guid, _row, expected: expected and expected.value
    raise NotPlannable("an unknown field of a result")


def _execution(selections: Selections, nodes: list[FieldNode], kind: GraphQLObjectType) -> _Maker:
    columns = Columns()
    execution = object_of(kind.fields["execution"])
    make = execution_function(selections.below(nodes, execution), columns)
    places = [ExecutionRow._fields.index(name) for name in columns.names]
    return lambda _guid, row, _expected: row and make(tuple(row[place] for place in places))


MUTATION_PLANS = {"updateExecution": plan_update_execution}
"""How each root field of a mutation is planned."""
