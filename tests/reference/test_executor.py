"""The reference knows all of the schema, and what is drawn reaches all of it."""

import random
from pathlib import Path

import pytest
from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLSchema,
    ObjectFieldNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_introspection_type,
    parse,
    visit,
)

from tests.reference.drawing import DocumentDrawing
from tests.reference.executor import EVENTS, Reference
from tests.reference.orders import position_of, terms_of
from tests.reference.request import Request
from tests.reference.rows import flows_of
from tests.reference.table import Cursor, Table
from tests.reference.values import Choices, pools_of
from tests.sample import SAMPLE

SDL = Path("schema/schema.graphql").read_text()


TERMS = terms_of(None)


def _reference(sdl: str = SDL) -> Reference:
    cursors = {row.guid: Cursor.of(TERMS, position_of(row, TERMS)) for row in SAMPLE}
    table = Table(list(SAMPLE), flows_of(SAMPLE), max_page_size=40, max_ids=12, cursors=cursors)
    return Reference(sdl, table)


@pytest.fixture(scope="module")
def drawn() -> list[Request]:
    schema, numbers = _reference().schema, random.Random(1)
    cursors = {"executions": [(None, [row.guid for row in SAMPLE])]}
    return [
        request
        for kind in ["query"] * 250 + ["mutation"] * 200
        for request in DocumentDrawing(
            schema, Choices(numbers.randint), pools_of(SAMPLE), cursors
        ).requests(kind)
    ]


def test_every_field_of_the_schema_is_known() -> None:
    assert _reference().unknown == []


def test_a_field_that_is_new_is_unknown() -> None:
    sdl = SDL.replace("type Query {", "type Query {\n  other: Other\n")
    assert _reference(f"{sdl} type Other {{ x: Int }}").unknown == ["Query.other", "Other.x"]


class _Meeting(Visitor):
    """Notes which parts of the schema a document names."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self._info = info
        self.met: set[str] = set()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.met.add(f"{self._info.get_parent_type()}.{node.name.value}")

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        self.met.add(f"{self._info.get_parent_type()} {node.name.value}")

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> None:
        parent = get_named_type(self._info.get_parent_input_type())
        self.met.add(f"{parent}.{node.name.value}")


def _parts(schema: GraphQLSchema) -> set[str]:
    parts = set()
    for kind in schema.type_map.values():
        if is_introspection_type(kind) or not hasattr(kind, "fields") or kind.name in EVENTS:
            continue
        for name, each in kind.fields.items():
            if f"{kind.name}.{name}" in EVENTS:
                continue
            parts.add(f"{kind.name}.{name}")
            parts |= {f"{kind.name} {argument}" for argument in getattr(each, "args", ())}
    return parts


def test_every_field_argument_and_input_field_is_drawn(drawn: list[Request]) -> None:
    schema = _reference().schema
    info = TypeInfo(schema)
    meeting = _Meeting(info)
    for request in drawn:
        visit(parse(request.query), TypeInfoVisitor(info, meeting))
    assert _parts(schema) - meeting.met == set()


def test_most_of_what_is_drawn_is_executed(drawn: list[Request]) -> None:
    reference = _reference()
    some = drawn[::5]
    answers = [reference.run(each.query, each.variables, each.name) for each in some]
    refused = sum(bool(answer.faults) for answer in answers)
    assert len(some) / 10 < refused < len(some) / 2
