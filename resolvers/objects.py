"""The objects that rows become: each GraphQL type of rows, field by field.

A field is a leaf, made from a column of its row, or nested: read for all rows at once by a step of
its own, so that its statements do not grow with the rows.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, GraphQLObjectType
from graphql.type import GraphQLField

from db.instants import format_ms
from db.reading.paging import Row
from resolvers.context import Run
from resolvers.row_code import Columns, MakeObjects, RowCode
from resolvers.selections import TYPENAME, Selections
from schema.execution import global_id

Step = Callable[[Run, Sequence[Row]], Awaitable[Sequence[Any]]]
"""Reads what a nested field answers, for all parents at once.

It is handed the key of each parent, and returns the value for each, in the same order.
"""
PlanStep = Callable[[Selections, list[FieldNode], GraphQLField], Step]
"""Plans the step of a nested field for what is selected of it."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field made from a column; ``convert`` makes of its value what JSON holds."""

    column: str
    convert: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Nested:
    """A field that is read for all rows at once; ``key`` are the columns that it needs of each."""

    key: tuple[str, ...]
    plan: PlanStep


RowType = Mapping[str, Leaf | Nested]
"""The fields of a GraphQL type whose objects are rows."""

EXECUTION: RowType = {
    "id": Leaf("guid", lambda guid: global_id("Execution", guid)),
    "databaseId": Leaf("id"),
    "guid": Leaf("guid"),
    "state": Leaf("state"),
    "agentflowId": Leaf("agentflow_id"),
    "agentflowName": Leaf("agentflow_name"),
    "sessionId": Leaf("session_id"),
    "createdOn": Leaf("created_on", format_ms),
    "updatedOn": Leaf("updated_on", format_ms),
}
ROW_TYPES: Mapping[str, RowType] = {"Execution": EXECUTION}
"""Every GraphQL type whose objects are rows."""


class Objects:
    """Objects of an answer, made of rows as a selection says; see ``ObjectsBuilder``."""

    def __init__(self, make: MakeObjects, beside: Sequence["_Nested | None"]) -> None:
        self._make = make
        self._beside = beside

    async def answer(self, run: Run, rows: Sequence[Row], cursors: Sequence[str] = ()) -> list[Any]:
        """Make an object of each row; ``cursors`` are theirs, if the selection has any in it."""
        if not self._beside:
            return self._make(rows)
        steps = [nested.read(run, rows) for nested in self._beside if nested is not None]
        values = iter(await asyncio.gather(*steps)) if steps else iter(())
        beside = [cursors if nested is None else next(values) for nested in self._beside]
        return self._make(rows, *beside)


class ObjectsBuilder:
    """Builds the objects of one selection; ``columns`` becomes what has to be read for them."""

    def __init__(self, selections: Selections, columns: Columns) -> None:
        self._selections = selections
        self._columns = columns
        self._code = RowCode(columns)
        self._beside: list[_Nested | None] = []

    def object(self, nodes: list[FieldNode], kind: GraphQLObjectType) -> str:
        """The expression of an object that is the row."""
        row_type = ROW_TYPES[kind.name]
        entries = []
        for key, inner in self._selections.below(nodes, kind).items():
            name = inner[0].name.value
            if name == TYPENAME:
                entries.append((key, self.text(kind.name)))
                continue
            described = row_type[name]
            if isinstance(described, Nested):
                entries.append((key, self._nested(described, inner, kind.fields[name])))
            else:
                value = self._code.column(described.column)
                convert = described.convert
                entries.append((key, self._code.call(convert, value) if convert else value))
        return self.entries(entries)

    def cursor(self) -> str:
        """The expression of the row's cursor."""
        self._beside.append(None)
        return self._code.beside()

    def _nested(self, nested: Nested, nodes: list[FieldNode], field: GraphQLField) -> str:
        places = [self._columns.place(name) for name in nested.key]
        step = nested.plan(self._selections, nodes, field)
        self._beside.append(_Nested(places, step))
        return self._code.beside()

    text = staticmethod(RowCode.text)
    entries = staticmethod(RowCode.object)

    def build(self, expression: str) -> Objects:
        """The objects that an expression of this builder makes."""
        return Objects(self._code.make(expression), tuple(self._beside))


class _Nested:
    """The values of a nested field: which columns are the key of a row, and the step."""

    def __init__(self, places: Sequence[int], step: Step) -> None:
        self._places = places
        self._step = step

    def read(self, run: Run, rows: Sequence[Row]) -> Awaitable[Sequence[Any]]:
        keys = [tuple([row[place] for place in self._places]) for row in rows]
        return self._step(run, keys)


def plan_objects(
    selections: Selections, nodes: list[FieldNode], kind: GraphQLObjectType, columns: Columns
) -> Objects:
    """Plan the objects of a field that answers rows, or a list of them."""
    builder = ObjectsBuilder(selections, columns)
    return builder.build(builder.object(nodes, kind))
