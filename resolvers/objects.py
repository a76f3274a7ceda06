"""The GraphQL types whose objects are rows, field by field.

A field is a leaf, made from a column of its row, or nested: a step reads it for all rows at once,
so the number of statements does not grow with the rows.
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
"""Reads the values of a nested field for all parents at once.

It takes the keys of the parents, each once, and returns a value for each, in the same order.
"""
PlanStep = Callable[[Selections, list[FieldNode], GraphQLField], Step]
"""Plans the step of a nested field for its selection."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field made from a column; ``convert`` turns its value into a JSON value."""

    column: str
    convert: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Nested:
    """A field that is read for all rows at once; ``key`` names the columns that it needs."""

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
    """Builds the objects of a selection from rows; see ``ObjectsBuilder``."""

    def __init__(self, make: MakeObjects, extras: Sequence["_NestedValues | None"]) -> None:
        self._make = make
        self._extras = extras

    async def answer(self, run: Run, rows: Sequence[Row], cursors: Sequence[str] = ()) -> list[Any]:
        """Return an object for each row; ``cursors`` are those of the rows, if selected."""
        if not self._extras:
            return self._make(rows)
        steps = [nested.read(run, rows) for nested in self._extras if nested is not None]
        values = iter(await asyncio.gather(*steps)) if steps else iter(())
        extras = [cursors if nested is None else next(values) for nested in self._extras]
        return self._make(rows, *extras)


class ObjectsBuilder:
    """Plans the objects of a selection; ``columns`` collects the columns to read."""

    def __init__(self, selections: Selections, columns: Columns) -> None:
        self._selections = selections
        self._columns = columns
        self._code = RowCode(columns)
        self._extras: list[_NestedValues | None] = []

    def object(self, nodes: list[FieldNode], kind: GraphQLObjectType) -> str:
        """Return the expression of an object made from the row."""
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
        """Return the expression of the row's cursor."""
        self._extras.append(None)
        return self._code.extra()

    def _nested(self, nested: Nested, nodes: list[FieldNode], field: GraphQLField) -> str:
        indexes = [self._columns.index_of(name) for name in nested.key]
        step = nested.plan(self._selections, nodes, field)
        self._extras.append(_NestedValues(indexes, step))
        return self._code.extra()

    text = staticmethod(RowCode.text)
    entries = staticmethod(RowCode.object)

    def build(self, expression: str) -> Objects:
        """Compile an expression of this builder."""
        return Objects(self._code.make(expression), tuple(self._extras))


class _NestedValues:
    """The values of a nested field, one for each row."""

    def __init__(self, indexes: Sequence[int], step: Step) -> None:
        self._indexes = indexes
        self._step = step

    async def read(self, run: Run, rows: Sequence[Row]) -> Sequence[Any]:
        """Run the step once for each key that the rows have; without rows, not at all."""
        keys = [tuple([row[index] for index in self._indexes]) for row in rows]
        distinct = list(dict.fromkeys(keys))
        if not distinct:
            return ()
        values = dict(zip(distinct, await self._step(run, distinct), strict=True))
        return [values[key] for key in keys]


def plan_objects(
    selections: Selections, nodes: list[FieldNode], kind: GraphQLObjectType, columns: Columns
) -> Objects:
    """Plan the objects of a field of rows, or of a list of them."""
    builder = ObjectsBuilder(selections, columns)
    return builder.build(builder.object(nodes, kind))
