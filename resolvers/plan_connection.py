"""The plan of a connection of executions: its edges, nodes, page information and count."""

import functools
from collections.abc import Awaitable, Callable, Sequence
from operator import itemgetter
from typing import Any

from graphql import FieldNode, GraphQLObjectType
from graphql.type import GraphQLField

from db.reading.cursors import cursor_encoder
from db.reading.paging import Order, Position, reverse
from resolvers.context import Reading
from resolvers.pages import Window
from resolvers.plan_arguments import Arguments
from resolvers.row_functions import (
    TYPENAME,
    Columns,
    Row,
    RowFunction,
    execution_function,
    graphql_int,
)
from resolvers.selections import NotPlannable, Selections, object_of

RootAnswer = Callable[[Reading, Arguments], Awaitable[Any]]
"""Answers a root field."""
# Clients choose among thousands of orders, and use few.
_LAYOUTS_KEPT = 16
_Part = Callable[["_Page"], Awaitable[Any]]


class _Page:
    """A page of a connection while it is answered."""

    __slots__ = (
        "arguments",
        "asked",
        "cursor_of",
        "has_more",
        "position_of",
        "reading",
        "rows",
        "total",
    )

    def __init__(
        self,
        reading: Reading,
        arguments: Arguments,
        asked: Window,
        rows: Sequence[Row],
        position_of: Callable[[Row], Position],
        total: int,
        *,
        has_more: bool,
    ) -> None:
        self.reading = reading
        self.arguments = arguments
        self.asked = asked
        self.rows = rows
        self.position_of = position_of
        self.total = total
        self.cursor_of = cursor_encoder(arguments.order)
        self.has_more = has_more


def plan_executions(
    selections: Selections, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan the connection ``executions``."""
    kind = object_of(field)
    columns = Columns()
    below = selections.below(nodes, kind)
    parts = [
        (key, _connection_part(selections, inner, kind, columns)) for key, inner in below.items()
    ]
    has_total = any(inner[0].name.value == "totalCount" for inner in below.values())
    selected = tuple(columns.names)

    @functools.lru_cache(_LAYOUTS_KEPT)
    def layout(order: Order) -> tuple[tuple[str, ...], Callable[[Row], Position]]:
        names = [term.field for term in order]
        fields = (*selected, *(name for name in names if name not in selected))
        return fields, itemgetter(*map(fields.index, names))

    async def answer(reading: Reading, arguments: Arguments) -> Any:
        order = arguments.order
        asked = arguments.window(reading.max_page_size)
        fields, position_of = layout(order)
        filter_ = arguments.filter(reading.max_ids)
        read = fields, filter_, reverse(order) if asked.backward else order
        between: Any = {
            "limit": asked.size + 1,
            "after": asked.before if asked.backward else asked.after,
            "before": asked.after if asked.backward else asked.before,
        }
        total = 0
        if has_total:
            found, total = await reading.executions.select_with_total(*read, **between)
        else:
            found = await reading.executions.select(*read, **between)
        rows = found[: asked.size]
        if asked.backward:
            rows = rows[::-1]
        has_more = len(found) > asked.size
        page = _Page(reading, arguments, asked, rows, position_of, total, has_more=has_more)
        return {key: await part(page) for key, part in parts}

    return answer


def _connection_part(
    selections: Selections, nodes: list[FieldNode], kind: GraphQLObjectType, columns: Columns
) -> _Part:
    name = nodes[0].name.value
    match name:
        case "nodes":
            node = object_of(kind.fields[name])
            make = execution_function(selections.below(nodes, node), columns)
            return _nodes(make)
        case "edges":
            return _edges(selections, nodes, object_of(kind.fields[name]), columns)
        case "pageInfo":
            return _page_info(selections, nodes, object_of(kind.fields[name]))
        case "totalCount":
            return _total_count
        case "__typename":
            return _constant(kind.name)
    raise NotPlannable(f"the field {name} of a connection")


def _edges(
    selections: Selections, nodes: list[FieldNode], kind: GraphQLObjectType, columns: Columns
) -> _Part:
    selected = selections.below(nodes, kind)
    makers: list[tuple[str, Callable[[Row, Callable[[Row], str]], Any]]] = []
    nodes_of: list[RowFunction] = []
    kinds = [below[0].name.value for below in selected.values()]
    for key, below in selected.items():
        match below[0].name.value:
            case "cursor":
                makers.append((key, lambda row, cursor: cursor(row)))
            case "node":
                node = selections.below(below, object_of(kind.fields["node"]))
                nodes_of.append(execution_function(node, columns))
                makers.append((key, _ignoring_cursor(nodes_of[-1])))
            case "__typename":
                makers.append((key, lambda _row, _cursor: kind.name))
            case name:
                raise NotPlannable(f"the field {name} of an edge")
    if [len(selected), *kinds] == [2, "cursor", "node"]:
        (cursor_key, node_key), node_of = selected, nodes_of[0]
        return _cursors_and_nodes(cursor_key, node_key, node_of)
    return _per_row(lambda row, cursor: {key: make(row, cursor) for key, make in makers})


def _cursors_and_nodes(cursor_key: str, node_key: str, node_of: RowFunction) -> _Part:
    # What nearly everyone selects, without a call for each key.
    async def part(page: _Page) -> Any:
        encode, position_of = page.cursor_of, page.position_of
        return [{cursor_key: encode(position_of(row)), node_key: node_of(row)} for row in page.rows]

    return part


def _nodes(make: RowFunction) -> _Part:
    async def part(page: _Page) -> Any:
        return [make(row) for row in page.rows]

    return part


def _ignoring_cursor(make: RowFunction) -> Callable[[Row, Callable[[Row], str]], Any]:
    return lambda row, _cursor: make(row)


def _per_row(make: Callable[[Row, Callable[[Row], str]], Any]) -> _Part:
    async def part(page: _Page) -> Any:
        encode, position_of = page.cursor_of, page.position_of

        def cursor(row: Row) -> str:
            return encode(position_of(row))

        return [make(row, cursor) for row in page.rows]

    return part


def _page_info(selections: Selections, nodes: list[FieldNode], kind: GraphQLObjectType) -> _Part:
    known: dict[str, _Part] = {
        "startCursor": _cursor_at(0),
        "endCursor": _cursor_at(-1),
        "hasNextPage": _has_next_page,
        "hasPreviousPage": _has_previous_page,
        TYPENAME: _constant(kind.name),
    }
    parts = []
    for key, below in selections.below(nodes, kind).items():
        name = below[0].name.value
        if name not in known:
            raise NotPlannable(f"the field {name} of a page's information")
        parts.append((key, known[name]))

    async def part(page: _Page) -> Any:
        return {key: await answer(page) for key, answer in parts}

    return part


def _cursor_at(place: int) -> _Part:
    async def part(page: _Page) -> str | None:
        return page.cursor_of(page.position_of(page.rows[place])) if page.rows else None

    return part


async def _has_next_page(page: _Page) -> bool:
    if not page.asked.backward:
        return page.has_more
    return await _beyond(page, page.arguments.order, -1, page.asked.before)


async def _has_previous_page(page: _Page) -> bool:
    if page.asked.backward:
        return page.has_more
    return await _beyond(page, reverse(page.arguments.order), 0, page.asked.after)


async def _beyond(page: _Page, order: Order, place: int, cursor: Position | None) -> bool:
    # Without a cursor the page began at the end of the list, so there is nothing beyond.
    if cursor is None:
        return False
    position = page.position_of(page.rows[place]) if page.rows else cursor
    return await page.reading.executions.any_beyond(
        page.arguments.filter(page.reading.max_ids), order, position, inclusive=not page.rows
    )


async def _total_count(page: _Page) -> int:
    return graphql_int(page.total)


def _constant(value: str) -> _Part:
    async def part(_page: _Page) -> str:
        return value

    return part
