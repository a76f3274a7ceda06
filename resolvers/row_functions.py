"""From the row of an execution to what is answered of it, by a function made for a selection."""

from collections.abc import Callable, Sequence
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
    plain = _plain(keys, places)
    if not conversions and not constants:
        return plain
    if len(conversions) == 1 and not constants:
        # What nearly everyone selects, without a loop.
        [(only, convert_only)] = conversions

        def converted_once(row: Row) -> dict[str, Any]:
            answer = plain(row)
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


def _plain(keys: tuple[str, ...], places: list[int]) -> Callable[[Row], dict[str, Any]]:
    """Makes the values at their places into a dictionary, nothing converted.

    A written-out dictionary takes half the time of one that is zipped together. Three widths are
    enough: behind the last key of a selection it is set again to what it is.
    """
    for width, written_out in ((3, _three), (6, _six), (9, _nine)):
        if 0 < len(keys) <= width:
            more = width - len(keys)
            return written_out((*keys, *keys[-1:] * more), (*places, *places[-1:] * more))
    return lambda row: {key: row[place] for key, place in zip(keys, places, strict=True)}


def _three(keys: Sequence[str], places: Sequence[int]) -> Callable[[Row], dict[str, Any]]:
    a, b, c = keys
    p, q, r = places
    return lambda row: {a: row[p], b: row[q], c: row[r]}


def _six(keys: Sequence[str], places: Sequence[int]) -> Callable[[Row], dict[str, Any]]:
    a, b, c, d, e, f = keys
    p, q, r, s, t, u = places
    return lambda row: {a: row[p], b: row[q], c: row[r], d: row[s], e: row[t], f: row[u]}


def _nine(keys: Sequence[str], places: Sequence[int]) -> Callable[[Row], dict[str, Any]]:
    a, b, c, d, e, f, g, h, i = keys
    p, q, r, s, t, u, v, w, x = places
    return lambda row: {
        a: row[p],
        b: row[q],
        c: row[r],
        d: row[s],
        e: row[t],
        f: row[u],
        g: row[v],
        h: row[w],
        i: row[x],
    }


def graphql_int(value: int) -> int:
    """A number that GraphQL's Int holds. Raises NotPlannable for a larger one."""
    if value > _LARGEST_INT:
        raise NotPlannable("a number that GraphQL's Int does not hold")
    return value
