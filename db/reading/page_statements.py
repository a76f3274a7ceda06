"""The statements that read a page of executions.

A page that an index serves in its order is read in one go. What a filter asks beyond an index
(several states, a part of a name, an ``or``) is looked for on a bounded walk through the order
first, which fills most pages. Only where it does not, the executions are read from where their
states and agentflows, or the filter's other conditions, find them, and sorted: what that costs
is bounded by what matches, however many others there are.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, select, true, union_all

from db.dialect import enters_row_values, has_lateral, keeps_order, off_index
from db.reading.counts import is_on_dimensions, pairs_of
from db.reading.filter_statements import bind_all, where
from db.reading.filters import Filter, check, conjuncts
from db.reading.keyset_range import KeysetRange
from db.reading.paging import BoundPosition, Position, order_by
from db.reading.row_query import RowQuery, is_about
from db.reading.statement_cache import BindParameters
from db.source import ExecutionSource

PageForm = Callable[[RowQuery, BindParameters, ExecutionSource], Any]
"""Makes one form of a query's statement."""


class _PageStatement:
    """A query in one statement; its values are bound in the order of ``cache_key``."""

    def __init__(self, query: RowQuery, places: BindParameters) -> None:
        check(query.filter)
        self.query = query
        self.places = places
        self._parts: list[tuple[Filter, list[ColumnElement[Any]]]] = []
        for part in conjuncts(query.filter):
            self._parts.append((part, bind_all(part, places.bind)))
        self.range = KeysetRange(
            query.order,
            after=self._position(query.after),
            before=self._position(query.before),
            inclusive=query.inclusive,
        )
        for part, bound in self._parts:
            if self.is_on_order(part):
                self.range.limit(part, bound)
        self.limit = places.bind_number()
        self.offset = places.bind_number()
        self.wanted = places.bind_number()
        self.scan = places.bind_number()

    def _position(self, position: Position | None) -> BoundPosition | None:
        order = self.query.order
        return None if position is None else self.places.bind_position(order, position)

    def is_on_order(self, part: Filter) -> bool:
        """Whether a part of the filter says where in the order the list begins and ends."""
        order = self.query.order
        return bool(order) and is_about(part, [order[0].field])

    def where(
        self, source: ExecutionSource, is_meant: Callable[[Filter], bool] = lambda _: True
    ) -> list[ColumnElement[bool]]:
        """Those parts of the filter that are meant, of what does not belong to the window."""
        conditions = []
        for part, bound in self._parts:
            if is_meant(part) and not self.is_on_order(part):
                in_turn = iter(bound)
                conditions.append(where(part, source, lambda _: next(in_turn)))  # noqa: B023
        return conditions

    def columns(self, source: ExecutionSource) -> list[ColumnElement[Any]]:
        return [source.column(field).label(field) for field in self.query.fields]

    def paged(self, statement: Select[Any]) -> Select[Any]:
        """A statement with the query's limit and offset."""
        if self.query.limit is not None:
            statement = statement.limit(self.limit)
        return statement if self.query.offset is None else statement.offset(self.offset)

    def in_order(
        self,
        columns: Sequence[ColumnElement[Any]],
        conditions: Sequence[ColumnElement[bool]],
        limit: ColumnElement[Any],
        source: ExecutionSource,
    ) -> Any:
        """Rows from a position on, out of an index that is entered at that very position."""
        found = select(*columns).select_from(source.table).where(*conditions)
        found = found.order_by(*order_by(self.query.order, source)).limit(limit)
        if enters_row_values(self.places.dialect) and self.range.is_uniform:
            return found.where(*self.range.whole(source))
        parts = [found.where(*each) for each in self.range.parts(source)]
        if len(parts) == 1:
            return parts[0]
        # Each part lies before the next in the order.
        if keeps_order(self.places.dialect):
            return union_all(*(select(*each.subquery().c) for each in parts)).limit(limit)
        places_of = {term.field: f"by_{term.field}" for term in self.query.order}
        terms = [source.column(field).label(name) for field, name in places_of.items()]
        ordered = [part.add_columns(*terms).subquery() for part in parts]
        together = union_all(*(select(*each.c) for each in ordered)).subquery("parts")
        moved: Any = {field: together.c[name] for field, name in places_of.items()}
        found = select(*list(together.c)[: len(columns)])
        return found.order_by(*order_by(self.query.order, replace(source, **moved))).limit(limit)


def index_page(query: RowQuery, places: BindParameters, source: ExecutionSource) -> Any:
    """The page, where an index serves it."""
    bound = _PageStatement(query, places)
    conditions = bound.where(source)
    if query.order and query.limit is not None and query.offset is None:
        return bound.in_order(bound.columns(source), conditions, bound.limit, source)
    found = select(*bound.columns(source)).select_from(source.table)
    found = found.where(*conditions, *bound.range.whole(source))
    return bound.paged(found.order_by(*order_by(query.order, source)))


def bounded_scan(query: RowQuery, places: BindParameters, source: ExecutionSource) -> Any:
    """What of the page is found among the next ``walk`` executions of the order."""
    bound = _PageStatement(query, places)
    passed = bound.in_order(list(source.table.c), [], bound.scan, source).subquery("passed")
    found = source.moved_to(passed)
    statement = select(*bound.columns(found)).select_from(passed).where(*bound.where(found))
    if not keeps_order(places.dialect):
        statement = statement.order_by(*order_by(query.order, found))
    # The rows come out in the order of the walk, which ends as soon as the page is full.
    return bound.paged(statement)


def beyond_bounded_scan(query: RowQuery, places: BindParameters, source: ExecutionSource) -> Any:
    """Whether the order goes on where the walk ends."""
    bound = _PageStatement(query, places)
    one_more = bound.in_order([source.id], [], bound.scan + 1, source).subquery("passed")
    return select(one_more.c.id).offset(bound.scan).limit(1)


def merge_by_group(query: RowQuery, places: BindParameters, source: ExecutionSource) -> Any:
    """The page out of the first rows of each agentflow in each state."""
    bound = _PageStatement(query, places)
    pairs, pair = pairs_of(source, places)
    each = source.moved_to(source.table.alias("each"))
    first = (
        select(each.id)
        .where(
            each.agentflow_id == pair.agentflow_id,
            each.state == pair.state,
            *bound.where(each, lambda part: not is_on_dimensions(part)),
            *bound.range.whole(each),
        )
        .order_by(*order_by(query.order, each))
        .limit(bound.wanted)
        .correlate(pairs)
    )
    found = select(*bound.columns(source)).select_from(pairs)
    if has_lateral(places.dialect):
        firsts = first.lateral("firsts")
        found = found.join(firsts, true()).join(source.table, source.id == firsts.c.id)
    else:
        found = found.join(source.table, source.id.in_(first))
    found = found.where(*bound.where(pair, is_on_dimensions))
    return bound.paged(found.order_by(*order_by(query.order, source)))


def full_sort(query: RowQuery, places: BindParameters, source: ExecutionSource) -> Any:
    """The page out of all that matches, found by the filter's own conditions and sorted."""
    bound = _PageStatement(query, places)
    found = select(*bound.columns(source)).select_from(source.table)
    found = found.where(*bound.where(source), *bound.range.whole(source))
    hidden: Any = {term.field: off_index(source.column(term.field)) for term in query.order}
    return bound.paged(found.order_by(*order_by(query.order, replace(source, **hidden))))
