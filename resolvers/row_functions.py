"""From the row of an execution to what is answered of it, by a function made for a selection."""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from db.instants import format_ms
from resolvers.selections import NotPlannable, Selected
from schema.execution import global_id

Row = tuple[Any, ...]
RowFunction = Callable[[Row], Any]
"""Makes one value of an answer from one row."""

TYPENAME = "__typename"
_LARGEST_INT = 2**31 - 1

_FIELDS: dict[str, tuple[str, Callable[[Any], Any] | None]] = {
    "id": ("guid", lambda guid: global_id("Execution", guid)),
    "databaseId": ("id", None),
    "guid": ("guid", None),
    "state": ("state", None),
    "agentflowId": ("agentflow_id", None),
    "agentflowName": ("agentflow_name", None),
    "sessionId": ("session_id", None),
    "createdOn": ("created_on", format_ms),
    "updatedOn": ("updated_on", format_ms),
}
"""Every field of an execution: the field of its row, and what is made of that."""


class Columns:
    """The fields that a plan reads of each row, and where they stand in it."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def place(self, name: str) -> int:
        """Where a field stands; it is read from now on if it was not before."""
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


def execution_function(selected: Selected, columns: Columns) -> RowFunction:
    """Make the function that answers what is selected of an execution.

    Raises NotPlannable for a field that it does not know.
    """
    places: list[int] = []
    conversions: list[tuple[str, Callable[[Any], Any]]] = []
    constants: dict[str, str] = {}
    for key, nodes in selected.items():
        name = nodes[0].name.value
        if name == TYPENAME:
            constants[key] = "Execution"
            places.append(columns.place("id"))
            continue
        if name not in _FIELDS:
            raise NotPlannable(f"the field {name} of an execution")
        column, convert = _FIELDS[name]
        places.append(columns.place(column))
        if convert is not None:
            conversions.append((key, convert))
    return _assemble(tuple(selected), places, conversions, constants)


def _assemble(
    keys: tuple[str, ...],
    places: list[int],
    conversions: list[tuple[str, Callable[[Any], Any]]],
    constants: dict[str, str],
) -> RowFunction:
    take = _taking(places)
    if take is None:

        def plain(row: Row) -> dict[str, Any]:
            # Of a row that goes on behind what is selected, the rest is left.
            return dict(zip(keys, row, strict=False))

    else:

        def plain(row: Row) -> dict[str, Any]:
            return dict(zip(keys, take(row), strict=True))

    if not conversions and not constants:
        return plain
    if len(conversions) == 1 and take is None and not constants:
        # What nearly everyone selects, without a call for each part of it.
        [(only, convert_only)] = conversions

        def converted_once(row: Row) -> dict[str, Any]:
            answer = dict(zip(keys, row, strict=False))
            answer[only] = convert_only(answer[only])
            return answer

        return converted_once

    def converted(row: Row) -> dict[str, Any]:
        answer = plain(row)
        for key, convert in conversions:
            answer[key] = convert(answer[key])
        if constants:
            answer.update(constants)
        return answer

    return converted


def _taking(places: list[int]) -> Callable[[Row], Row] | None:
    """What takes a row's values from their places; None if they are its first, in order."""
    if places == list(range(len(places))):
        return None
    if len(places) == 1:
        [only] = places
        return lambda row: (row[only],)
    return itemgetter(*places)


def graphql_int(value: int) -> int:
    """A number that GraphQL's Int holds. Raises NotPlannable for a larger one."""
    if value > _LARGEST_INT:
        raise NotPlannable("a number that GraphQL's Int does not hold")
    return value
