"""Objects of rows: every field of the schema has one description, and nested ones read once."""

from collections.abc import Sequence
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    parse,
)
from graphql.type import GraphQLField

from db.reading.page_query import Page, PageQuery
from db.reading.paging import Row
from resolvers.argument_errors import nested_check
from resolvers.arguments import ArgumentsOf
from resolvers.changes import PAYLOADS
from resolvers.checks import check_nothing
from resolvers.connection import CONNECTION, EDGE, NUMBERED_PAGE, PAGE_INFO, ConnectionPlan
from resolvers.context import Run
from resolvers.objects import Leaf, Nested, Planning, RowType, plan_objects
from resolvers.roots import ROOTS
from resolvers.row_code import Columns
from resolvers.row_types import ROW_TYPES
from resolvers.schema import build_schema as build_gateway_schema
from resolvers.selections import object_of
from resolvers.statistics import STATE_COUNTS, STATISTICS

SCHEMA = build_gateway_schema()._schema
_PAGES = {
    "AgentflowConnection": CONNECTION,
    "AgentflowEdge": EDGE,
    "ExecutionConnection": CONNECTION,
    "ExecutionEdge": EDGE,
    "ExecutionPage": {"items", *NUMBERED_PAGE},
    "PageInfo": PAGE_INFO,
    "ExecutionStats": STATISTICS,
    "StateCount": STATE_COUNTS[0],
}
_RUN: Any = None


def _described(kind: GraphQLObjectType) -> set[str]:
    for operation in OperationType:
        if SCHEMA.get_root_type(operation) is kind:
            return set(ROOTS[operation])
    tables: dict[str, Any] = {**ROW_TYPES, **PAYLOADS, **_PAGES}
    return set(tables[kind.name])


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in SCHEMA.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
    ],
    ids=str,
)
def test_every_field_of_the_schema_is_described(kind: GraphQLObjectType) -> None:
    assert set(kind.fields) == _described(kind)


_NESTED_WITH_ARGUMENTS = [
    (kind, name)
    for kind in SCHEMA.type_map.values()
    if isinstance(kind, GraphQLObjectType)
    and not kind.name.startswith("__")
    and kind not in (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type)
    for name, field in kind.fields.items()
    if field.args
]


@pytest.mark.parametrize(("kind", "name"), _NESTED_WITH_ARGUMENTS, ids=str)
def test_every_nested_field_with_arguments_has_a_check(kind: GraphQLObjectType, name: str) -> None:
    assert nested_check(kind, name)


# A family, whose members name each other.

FAMILY = build_schema("""
    type Query { people: [Person!]! }
    type Person { id: ID! name: String! children: PersonConnection! parent: Person }
    type PersonConnection { nodes: [Person!]! edges: [PersonEdge!]! totalCount: Int! }
    type PersonEdge { node: Person! }
""")
# The columns id, name and parent.
PEOPLE: list[Row] = [(1, "Ada", 0), (2, "Ben", 1), (3, "Cleo", 1), (4, "Dan", 2), (5, "Eva", 3)]
_COLUMNS = ("id", "name", "parent")


class _Family:
    """Reads the family, and notes for whom it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[int]]] = []

    def plan_parent(
        self,
        planning: Planning,
        nodes: list[FieldNode],
        field: GraphQLField,
        _arguments: ArgumentsOf,
    ) -> Any:
        columns = Columns(_COLUMNS)
        parents = plan_objects(planning, nodes, object_of(field), columns)

        async def read(run: Run, keys: Sequence[int]) -> Sequence[Any]:
            self.asked.append(("parent", list(keys)))
            found = [row for row in PEOPLE if row[0] in keys]
            made = dict(
                zip([row[0] for row in found], await parents.answer(run, found), strict=True)
            )
            return [made.get(parent) for parent in keys]

        return read

    def plan_children(
        self,
        planning: Planning,
        nodes: list[FieldNode],
        field: GraphQLField,
        _arguments: ArgumentsOf,
    ) -> Any:
        connection = ConnectionPlan(planning, nodes, object_of(field))

        async def read(run: Run, keys: Sequence[int]) -> Sequence[Any]:
            self.asked.append(("children", list(keys)))
            query = PageQuery(connection.fields)
            pages = []
            for id_ in keys:
                rows = [row for row in PEOPLE if row[2] == id_]
                pages.append(Page([_picked(row, query.fields) for row in rows], len(rows)))
            return await connection.answer(run, pages, query.fields, query.order)

        return read

    async def people(self, selection: str) -> list[Any]:
        """Everybody, with this selection."""
        operation = parse(f"{{ people {{ {selection} }} }}").definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        [people] = operation.selection_set.selections
        assert isinstance(people, FieldNode)
        assert FAMILY.query_type
        person: RowType = {
            "id": Leaf("id", str),
            "name": Leaf("name"),
            "children": Nested("id", self.plan_children, check_nothing),
            "parent": Nested("parent", self.plan_parent, check_nothing),
        }
        planning = Planning(FAMILY, {}, {}, {"Person": person})
        kind = object_of(FAMILY.query_type.fields["people"])
        planned = plan_objects(planning, [people], kind, Columns(_COLUMNS))
        return await planned.answer(_RUN, PEOPLE)


def _picked(row: Row, fields: Sequence[str]) -> Row:
    return tuple(row[_COLUMNS.index(field)] for field in fields)


@pytest.fixture
def family() -> _Family:
    return _Family()


pytestmark = pytest.mark.anyio


async def test_a_nested_field_is_read_once_for_all_rows(family: _Family) -> None:
    people = await family.people("name parent { name }")
    assert [person["parent"] and person["parent"]["name"] for person in people] == [
        None,
        "Ada",
        "Ada",
        "Ben",
        "Cleo",
    ]
    assert family.asked == [("parent", [0, 1, 2, 3])]


async def test_a_nested_field_of_no_rows_reads_nothing(family: _Family) -> None:
    deep = "id"
    for _ in range(9):
        deep = f"children {{ nodes {{ {deep} }} }}"
    people = await family.people(deep)
    assert people[3] == {"children": {"nodes": []}}
    # There are no great-grandchildren of anybody who has children.
    assert [keys for _, keys in family.asked] == [
        [1, 2, 3, 4, 5],
        [2, 3, 4, 5],
        [4, 5],
    ]


async def test_a_connection_in_a_connection_is_read_once_for_each_level(family: _Family) -> None:
    people = await family.people(
        "name children { totalCount nodes { name children { nodes { name } } } }"
    )
    assert people[0] == {
        "name": "Ada",
        "children": {
            "totalCount": 2,
            "nodes": [
                {"name": "Ben", "children": {"nodes": [{"name": "Dan"}]}},
                {"name": "Cleo", "children": {"nodes": [{"name": "Eva"}]}},
            ],
        },
    }
    assert people[4] == {"name": "Eva", "children": {"totalCount": 0, "nodes": []}}
    assert family.asked == [
        ("children", [1, 2, 3, 4, 5]),
        ("children", [2, 3, 4, 5]),
    ]


async def test_aliases_of_a_nested_field_are_each_answered_in_their_place(
    family: _Family,
) -> None:
    [_, ben, *_] = await family.people("b: parent { id } name a: parent { name } again: name")
    assert list(ben.items()) == [
        ("b", {"id": "1"}),
        ("name", "Ben"),
        ("a", {"name": "Ada"}),
        ("again", "Ben"),
    ]
    assert len(family.asked) == 2


async def test_edges_and_nodes_of_one_page_may_select_differently(family: _Family) -> None:
    [ada, *_] = await family.people("children { edges { node { parent { name } } } nodes { id } }")
    assert ada["children"] == {
        "edges": [{"node": {"parent": {"name": "Ada"}}}, {"node": {"parent": {"name": "Ada"}}}],
        "nodes": [{"id": "2"}, {"id": "3"}],
    }
    assert [name for name, _ in family.asked] == ["children", "parent"]
