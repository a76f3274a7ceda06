"""Objects made from rows, field by field.

A field of a type whose objects are rows is a leaf, made from a column of its row; an object or a
list made from the same row; or nested: a step reads it for all rows at once, so the number of
statements does not grow with the rows.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphql import FieldNode, GraphQLObjectType
from graphql.type import GraphQLField

from db.reading.paging import Row
from resolvers.arguments import ArgumentsOf, arguments_of
from resolvers.checks import Check
from resolvers.context import Run, repeated
from resolvers.row_code import Columns, MakeObjects, RowCode
from resolvers.selections import TYPENAME, Selections, object_of

_AT_A_TIME = 1_000
"""How many objects are made before the event loop does something else."""

Step = Callable[[Run, Sequence[Any]], Awaitable[Sequence[Any]]]
"""Reads the values of a nested field for all parents at once.

It takes the keys of the parents, each once and none of them null, and returns a value for each, in
the same order.
"""
PlanStep = Callable[["Planning", list[FieldNode], GraphQLField, ArgumentsOf], Step]
"""Plans the step of a nested field for its selection."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field made from a column; ``convert`` turns its value into a JSON value.

    With ``is_nullable``, nulls are not converted.
    """

    column: str
    convert: Callable[[Any], Any] | None = None
    is_nullable: bool = False


@dataclass(frozen=True, slots=True)
class SameRow:
    """A field whose object is made from the same row; null if the column ``key`` is null."""

    key: str


@dataclass(frozen=True, slots=True)
class SameRows:
    """A field whose list is made from the same row: an object by each of some row types."""

    row_types: "tuple[RowType, ...]"


@dataclass(frozen=True, slots=True)
class Constant:
    """A field that is the same text in every row."""

    value: str


@dataclass(frozen=True, slots=True)
class Nested:
    """A field that is read for all rows at once; null if the column ``key`` is null.

    ``check`` finds errors in its arguments before anything is read or changed.
    """

    key: str
    plan: PlanStep
    check: Check


class ReadTogether(Protocol):
    """Several fields of a selection that are read as one."""

    def add(self, nodes: list[FieldNode], field: GraphQLField) -> int:
        """Add a field; return the index of its values in what ``read`` returns for a key."""

    async def read(self, run: Run, keys: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Return the values of all fields for each key; see ``Step``."""

    def nothing(self) -> Sequence[Any]:
        """Return the values of all fields where the key is null."""


@dataclass(frozen=True, slots=True)
class Together:
    """A field that is read with others for all rows at once, and has no arguments.

    ``begin`` begins to plan those of one selection. The key is the first of the columns ``keys``
    that rows have.
    """

    keys: tuple[str, ...]
    begin: "Callable[[Planning], ReadTogether]"


Described = Leaf | SameRow | SameRows | Constant | Nested | Together
RowType = Mapping[str, Described]
"""The fields of a GraphQL type whose objects are rows."""


@dataclass(frozen=True, slots=True)
class Planning(Selections):
    """The selections of an operation, and what planning them needs and finds."""

    row_types: Mapping[str, RowType]
    checks: list[tuple[ArgumentsOf, Check]] = field(default_factory=list)
    """The arguments of the fields below the root, and how they are checked."""
    content_fields: list[object] = field(default_factory=list)
    """What shows the contents of executions."""

    def arguments(
        self,
        field: GraphQLField,
        node: FieldNode,
        check: Check,
        parent: ArgumentsOf | None = None,
    ) -> ArgumentsOf:
        """Return the function that reads the arguments of a field below the root.

        ``parent`` reads those of the field above it, if the check needs them.
        """
        read = arguments_of(field, node, parent)
        self.checks.append((read, check))
        return read


class Objects:
    """Builds the objects of a selection from rows; see ``ObjectsBuilder``."""

    def __init__(self, make: MakeObjects, extras: Sequence["_NestedValues | None"]) -> None:
        self._make = make
        self._extras = extras

    async def answer(self, run: Run, rows: Sequence[Row], cursors: Sequence[str] = ()) -> list[Any]:
        """Return an object for each row; ``cursors`` are those of the rows, if selected."""
        if not self._extras:
            if len(rows) <= _AT_A_TIME:
                return self._make(rows)
            return await self._make_in_parts(rows)
        steps = [nested.read(run, rows) for nested in self._extras if nested is not None]
        values = iter(await asyncio.gather(*steps)) if steps else iter(())
        extras = [cursors if nested is None else next(values) for nested in self._extras]
        return self._make(rows, *extras)

    async def _make_in_parts(self, rows: Sequence[Row]) -> list[Any]:
        made: list[Any] = []
        for start in range(0, len(rows), _AT_A_TIME):
            made += self._make(rows[start : start + _AT_A_TIME])
            await asyncio.sleep(0)
        return made


class ObjectsBuilder:
    """Plans the objects of a selection; ``columns`` collects the columns to read."""

    def __init__(self, planning: Planning, columns: Columns) -> None:
        self._planning = planning
        self._columns = columns
        self._code = RowCode(columns)
        self._extras: list[_NestedValues | None] = []
        self._together: dict[Any, tuple[ReadTogether, str]] = {}

    def object(
        self, nodes: list[FieldNode], kind: GraphQLObjectType, row_type: RowType | None = None
    ) -> str:
        """Return the expression of an object made from the row, by the type's row type."""
        row_type = row_type or self._planning.row_types[kind.name]
        entries = []
        for key, inner in self._planning.below(nodes, kind).items():
            name = inner[0].name.value
            if name == TYPENAME:
                entries.append((key, self.text(kind.name)))
            else:
                entries.append((key, self._field(row_type[name], inner, kind.fields[name])))
        return self.entries(entries)

    def objects(
        self, nodes: list[FieldNode], kind: GraphQLObjectType, row_types: Sequence[RowType]
    ) -> str:
        """Return the expression of a list of objects made from the row, by some row types."""
        return self._code.list(self.object(nodes, kind, row_type) for row_type in row_types)

    def cursor(self) -> str:
        """Return the expression of the row's cursor."""
        self._extras.append(None)
        return self._code.extra()

    def _field(
        self,
        described: Described,
        nodes: list[FieldNode],
        field: GraphQLField,
    ) -> str:
        if isinstance(described, Nested):
            arguments = self._planning.arguments(field, nodes[0], described.check)
            step = described.plan(self._planning, nodes, field, arguments)
            self._extras.append(_NestedValues(self._columns.index_of(described.key), step))
            return self._code.extra()
        if isinstance(described, Together):
            return self._read_together(described, nodes, field)
        if isinstance(described, SameRow):
            made = self.object(nodes, object_of(field))
            return self._code.unless_null(self._code.column(described.key), made)
        if isinstance(described, SameRows):
            return self.objects(nodes, object_of(field), described.row_types)
        if isinstance(described, Constant):
            return self.text(described.value)
        value = self._code.column(described.column)
        if described.convert is None:
            return value
        converted = self._code.call(described.convert, value)
        return self._code.unless_null(value, converted) if described.is_nullable else converted

    def _read_together(
        self, described: Together, nodes: list[FieldNode], field: GraphQLField
    ) -> str:
        if described.begin not in self._together:
            key = next((key for key in described.keys if key in self._columns.names), None)
            index = self._columns.index_of(key or described.keys[-1])
            together = described.begin(self._planning)
            self._extras.append(_NestedValues(index, together.read, together.nothing))
            self._together[described.begin] = together, self._code.extra()
        together, values = self._together[described.begin]
        return self._code.item(values, together.add(nodes, field))

    text = staticmethod(RowCode.text)
    entries = staticmethod(RowCode.object)

    def build(self, expression: str) -> Objects:
        """Compile an expression of this builder."""
        return Objects(self._code.make(expression), tuple(self._extras))


class _NestedValues:
    """The values of a nested field, one for each row."""

    def __init__(self, index: int, step: Step, nothing: Callable[[], Any] = lambda: None) -> None:
        self._index = index
        self._step = step
        self._nothing = nothing

    async def read(self, run: Run, rows: Sequence[Row]) -> Sequence[Any]:
        """Run the step once for each key that the rows have; without keys, not at all."""
        keys = [row[self._index] for row in rows]
        counts = Counter(keys)
        counts.pop(None, None)
        distinct = [*counts]
        values: dict[Any, Any] = {None: self._nothing()}
        if distinct:
            # What it reads will be in the response once for each row that has the key.
            with repeated(max(counts.values())):
                found = await self._step(run, distinct)
            values.update(zip(distinct, found, strict=True))
        return [values[key] for key in keys]


def plan_objects(
    planning: Planning, nodes: list[FieldNode], kind: GraphQLObjectType, columns: Columns
) -> Objects:
    """Plan the objects of a field of rows, or of a list of them."""
    builder = ObjectsBuilder(planning, columns)
    return builder.build(builder.object(nodes, kind))
