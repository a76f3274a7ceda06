"""Pages of rows as objects: the Relay connection, and numbered pages."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from graphql import FieldNode, GraphQLError, GraphQLObjectType

from db.reading.cursors import PageEncoder, page_encoder
from db.reading.page_query import Page, PageQuery
from db.reading.paging import Order
from resolvers.arguments import Arguments
from resolvers.context import Context, Run
from resolvers.objects import Objects, ObjectsBuilder, Planning, plan_objects
from resolvers.row_code import Columns
from resolvers.selections import TYPENAME, object_of

_LARGEST_INT = 2**31 - 1
_WITH_CURSORS = frozenset({"startCursor", "endCursor", "hasNextPage", "hasPreviousPage"})
_ENDS = {"startCursor": 0, "endCursor": -1}


class _BuiltPage:
    """A page with the objects of its rows, from which a connection's fields are built."""

    __slots__ = ("cursors", "encode", "lists", "page")

    def __init__(
        self,
        page: Page,
        lists: Sequence[list[Any]],
        cursors: Sequence[str],
        encode: PageEncoder | None,
    ) -> None:
        self.page = page
        self.lists = lists
        self.cursors = cursors
        """The cursors of the rows, or only those of the first and the last that are selected.

        If there are none, ``encode`` writes them.
        """
        self.encode = encode


_Part = Callable[[_BuiltPage], Any]
"""Returns the value of a field of a connection."""


class ConnectionPlan:
    """The selection of a connection: what to read of a page, and how to build its fields.

    ``columns`` are read in any case, before those that are selected.
    """

    def __init__(
        self,
        planning: Planning,
        nodes: list[FieldNode],
        kind: GraphQLObjectType,
        columns: Iterable[str] = (),
    ) -> None:
        self._planning = planning
        self._kind = kind
        self._columns = Columns(columns)
        self._lists: list[Objects] = []
        self._has_cursors = self._has_edge_cursors = False
        self.with_total = False
        """Whether the total is selected."""
        self.with_rows = False
        """Whether anything is selected that needs the page's rows."""
        self._sides: set[str] = set()
        self._parts = [
            (key, self._part(inner)) for key, inner in planning.below(nodes, kind).items()
        ]
        self.fields = tuple(self._columns.names)
        """The columns to read, without those for cursors."""

    def query(self, arguments: Arguments, context: Context) -> PageQuery:
        """Return the query for a page of executions.

        Raises InvalidInput if the arguments are invalid.
        """
        if context.workspace is not None:
            # What is kept is for the clients that see everything.
            return self._query(arguments, context)
        if arguments.query is None or arguments.query[0] is not context:
            arguments.query = context, self._query(arguments, context)
        return arguments.query[1]

    def _query(self, arguments: Arguments, context: Context) -> PageQuery:
        page = arguments.page(context.max_page_size)
        order = arguments.order
        return PageQuery(
            self._fields_for(order),
            arguments.filter(context.max_ids),
            order,
            page.size,
            after=page.after,
            before=page.before,
            from_end=page.from_end,
            with_rows=self.with_rows,
            with_more=self._with_side(is_next=not page.from_end),
            with_total=self.with_total,
            with_both_sides=self.with_both_sides(from_end=page.from_end),
        )

    def with_both_sides(self, *, from_end: bool) -> bool:
        """Whether it is selected if there are rows on the side at which reading begins."""
        return self._with_side(is_next=from_end)

    def _with_side(self, *, is_next: bool) -> bool:
        return ("hasNextPage" if is_next else "hasPreviousPage") in self._sides

    def _fields_for(self, order: Order) -> tuple[str, ...]:
        if not self._has_cursors:
            return self.fields or ("id",)
        return _with_fields_of(order, self.fields)

    async def answer(
        self, run: Run, pages: Sequence[Page], fields: tuple[str, ...], order: Order
    ) -> list[Any]:
        """Build a connection of each page; their rows have the same fields and order."""
        rows = pages[0].rows if len(pages) == 1 else [row for page in pages for row in page.rows]
        encode = page_encoder(order, fields) if self._has_cursors else None
        cursors = encode(rows) if encode and self._has_edge_cursors else ()
        lists = [await objects.answer(run, rows, cursors) for objects in self._lists]
        if len(pages) == 1:
            return [self._object(_BuiltPage(pages[0], lists, cursors, encode))]
        ends = self._encode_ends(pages, encode) if encode and not cursors else [()] * len(pages)
        connections = []
        end = 0
        for page, own_ends in zip(pages, ends, strict=True):
            begin, end = end, end + len(page.rows)
            own = [made[begin:end] for made in lists]
            own_cursors = cursors[begin:end] or own_ends
            connections.append(self._object(_BuiltPage(page, own, own_cursors, encode)))
        return connections

    def _encode_ends(self, pages: Sequence[Page], encode: PageEncoder) -> list[Sequence[str]]:
        """Encode the cursors that page information needs of all pages together.

        One by one would take several times as long.
        """
        indexes = [index for name, index in _ENDS.items() if name in self._sides]
        rows = [page.rows[index] for page in pages if page.rows for index in indexes]
        cursors = iter(encode(rows))
        return [[next(cursors) for _ in indexes] if page.rows else () for page in pages]

    def _object(self, built: _BuiltPage) -> dict[str, Any]:
        return {key: part(built) for key, part in self._parts}

    def _part(self, nodes: list[FieldNode]) -> _Part:
        name = nodes[0].name.value
        if name == TYPENAME:
            return _constant(self._kind.name)
        self.with_rows |= name != "totalCount"
        return CONNECTION[name](self, nodes)

    def plan_total_count(self, _nodes: list[FieldNode]) -> _Part:
        """Plan the number of rows on all pages."""
        self.with_total = True
        return lambda built: graphql_int(built.page.total)

    def plan_nodes(self, nodes: list[FieldNode]) -> _Part:
        """Plan the rows of the page."""
        kind = object_of(self._kind.fields["nodes"])
        return self._list(plan_objects(self._planning, nodes, kind, self._columns))

    def _list(self, objects: Objects) -> _Part:
        index = len(self._lists)
        self._lists.append(objects)
        return lambda built: built.lists[index]

    def plan_edges(self, nodes: list[FieldNode]) -> _Part:
        """Plan the rows of the page with their cursors."""
        kind = object_of(self._kind.fields["edges"])
        builder = ObjectsBuilder(self._planning, self._columns)
        entries = []
        for key, inner in self._planning.below(nodes, kind).items():
            name = inner[0].name.value
            if name == TYPENAME:
                entries.append((key, builder.text(kind.name)))
            elif EDGE[name]:
                self._has_cursors = self._has_edge_cursors = True
                entries.append((key, builder.cursor()))
            else:
                entries.append((key, builder.object(inner, object_of(kind.fields[name]))))
        return self._list(builder.build(builder.entries(entries)))

    def plan_page_info(self, nodes: list[FieldNode]) -> _Part:
        """Plan the page information."""
        kind = object_of(self._kind.fields["pageInfo"])
        parts = []
        for key, inner in self._planning.below(nodes, kind).items():
            name = inner[0].name.value
            self._has_cursors |= name in _WITH_CURSORS
            self._sides.add(name)
            parts.append((key, _constant(kind.name) if name == TYPENAME else PAGE_INFO[name]))
        return lambda built: {key: part(built) for key, part in parts}


@functools.lru_cache(maxsize=1_000)
def _with_fields_of(order: Order, fields: tuple[str, ...]) -> tuple[str, ...]:
    """Return fields, and those of an order that are not among them."""
    names = (term.field for term in order)
    return (*fields, *(name for name in names if name not in fields))


def _cursor_at(index: int) -> _Part:
    def part(built: _BuiltPage) -> str | None:
        if built.cursors:
            return built.cursors[index]
        rows, encode = built.page.rows, built.encode
        return encode((rows[index],))[0] if rows and encode else None

    return part


CONNECTION: Mapping[str, Callable[[ConnectionPlan, list[FieldNode]], _Part]] = {
    "edges": ConnectionPlan.plan_edges,
    "nodes": ConnectionPlan.plan_nodes,
    "pageInfo": ConnectionPlan.plan_page_info,
    "totalCount": ConnectionPlan.plan_total_count,
}
"""Every field of a connection, and how it is planned."""

EDGE = {"cursor": True, "node": False}
"""Every field of an edge, and whether it is the cursor."""

PAGE_INFO = {
    **{name: _cursor_at(index) for name, index in _ENDS.items()},
    "hasNextPage": lambda built: built.page.has_next,
    "hasPreviousPage": lambda built: built.page.has_previous,
}
"""Every field of ``PageInfo``."""


def _constant(value: str) -> _Part:
    return lambda _built: value


class NumberedPagePlan:
    """The selection of a numbered page."""

    def __init__(self, planning: Planning, nodes: list[FieldNode], kind: GraphQLObjectType) -> None:
        columns = Columns()
        self._kind = kind
        self._items: dict[str, Objects] = {}
        self._names: dict[str, str] = {}
        for key, inner in planning.below(nodes, kind).items():
            self._names[key] = inner[0].name.value
            if self._names[key] == "items":
                item = object_of(kind.fields["items"])
                self._items[key] = plan_objects(planning, inner, item, columns)
        self._with_total = not {"totalCount", "totalPages"}.isdisjoint(self._names.values())
        self._fields = tuple(columns.names) or ("id",)

    async def answer(self, run: Run, arguments: Arguments) -> dict[str, Any]:
        """Read the page and build its object.

        Raises InvalidInput if there is no such page.
        """
        context = run.context
        limit = arguments["limit"]
        query = PageQuery(
            self._fields,
            arguments.filter(context.max_ids),
            arguments.order,
            limit,
            arguments.offset(context.max_page_size),
            with_rows=bool(self._items),
            with_total=self._with_total,
        )
        page = await context.executions.page(query)
        answered: dict[str, Any] = {}
        for key, name in self._names.items():
            if key in self._items:
                answered[key] = await self._items[key].answer(run, page.rows)
            elif name == TYPENAME:
                answered[key] = self._kind.name
            else:
                answered[key] = graphql_int(NUMBERED_PAGE[name](arguments, page))
        return answered


NUMBERED_PAGE: Mapping[str, Callable[[Arguments, Page], int]] = {
    "page": lambda arguments, _: arguments["page"],
    "limit": lambda arguments, _: arguments["limit"],
    "totalCount": lambda _, page: page.total,
    "totalPages": lambda arguments, page: -(-page.total // arguments["limit"]),
}
"""Every field of a numbered page but its items."""


def graphql_int(value: int) -> int:
    """Return a number that GraphQL's Int holds.

    Raises GraphQLError for a larger one (GraphQL, section 3.5.1).
    """
    if value > _LARGEST_INT:
        raise GraphQLError(f"Int cannot represent non 32-bit signed integer value: {value}")
    return value
