"""The statements that find the rows of a page.

If an index serves the page in its order, one statement reads it. Otherwise (several states, a part
of a name, an ``or``) a bounded scan of the order comes first, which fills most pages. Only if it
does not, the executions are found by their states and agentflows, or by the filter's other
conditions, and sorted: the cost depends on the number of matching rows, however many others there
are.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import ColumnElement, FromClause, Select, select, true, union_all

from db.columns import STORED
from db.dialect import enters_row_values, has_lateral, keeps_order, leaves_out_ties, off_index
from db.reading.counts import is_on_dimensions, pairs_of
from db.reading.filter_statements import bind_all, where
from db.reading.filters import ROOM, Filter, check, conjuncts
from db.reading.index_choice import for_filter, is_of_errors
from db.reading.keyset_range import KeysetRange
from db.reading.paging import BoundPosition, Position, order_by
from db.reading.row_query import RowQuery, is_about
from db.reading.statement_cache import BindParameters
from db.source import ExecutionSource

PageForm = Callable[[RowQuery, BindParameters, ExecutionSource], Any]
"""Builds one form of a query's statement."""


class KeysOfRows(Protocol):
    """Keys as rows of a statement, whose own rows are selected for each of them."""

    @property
    def table(self) -> FromClause:
        """The keys."""

    @property
    def fields(self) -> Collection[str]:
        """The fields that all rows of a key have in common."""

    def fixed_in(self, source: ExecutionSource) -> ExecutionSource:
        """Return a source with the columns of the key for those that are fixed by it."""


class PageStatement:
    """A query while it becomes a statement; binds its values in the order of ``cache_key``."""

    def __init__(self, query: RowQuery, parameters: BindParameters) -> None:
        check(query.filter, room=ROOM)
        self.query = query
        self.parameters = parameters
        self._parts: list[tuple[Filter, list[ColumnElement[Any]]]] = []
        for part in conjuncts(query.filter):
            self._parts.append((part, bind_all(part, parameters.bind)))
        self.range = KeysetRange(
            query.order,
            after=self._position(query.after),
            before=self._position(query.before),
            inclusive=query.inclusive,
        )
        for part, bound in self._parts:
            if self.is_on_order(part):
                self.range.limit(part, bound)
        self.limit = parameters.bind_number()
        self.offset = parameters.bind_number()
        self.wanted = parameters.bind_number()
        self.scan = parameters.bind_number()

    def _position(self, position: Position | None) -> BoundPosition | None:
        order = self.query.order
        return None if position is None else self.parameters.bind_position(order, position)

    def is_on_order(self, part: Filter) -> bool:
        """Whether a part of the filter limits the range of the order."""
        order = self.query.order
        return bool(order) and is_about(part, [order[0].field])

    def where(
        self,
        source: ExecutionSource,
        is_meant: Callable[[Filter], bool] = lambda _: True,
        *,
        with_range: bool = False,
    ) -> list[ColumnElement[bool]]:
        """Return the conditions of parts that ``is_meant`` selects.

        Those of the range are among them only ``with_range``.
        """
        conditions = []
        source = for_filter(source, self.query.filter)
        for part, bound in self._parts:
            if is_meant(part) and (with_range or not self.is_on_order(part)):
                in_turn = iter(bound)
                conditions.append(where(part, source, lambda _: next(in_turn)))  # noqa: B023
        return conditions

    def columns(self, source: ExecutionSource) -> list[ColumnElement[Any]]:
        """Return the columns of the query's fields."""
        return [source.column(field).label(field) for field in self.query.fields]

    def paged(self, statement: Select[Any]) -> Select[Any]:
        """Add the query's limit and offset to a statement."""
        if self.query.limit is not None:
            statement = statement.limit(self.limit)
        return statement if self.query.offset is None else statement.offset(self.offset)

    def in_order(
        self,
        columns: Sequence[ColumnElement[Any]],
        conditions: Sequence[ColumnElement[bool]],
        limit: ColumnElement[Any],
        source: ExecutionSource,
        keys: KeysOfRows | None = None,
    ) -> Any:
        """Select rows from the start of the range, seeking an index at exactly that position.

        With ``keys``, which ``conditions`` then refer to, rows of one key are selected.
        """
        order = self.query.order
        can_seek = enters_row_values(self.parameters.dialect) and self.range.is_uniform
        found = select(*columns).select_from(source.table).where(*conditions).limit(limit)
        fixed: Collection[str] = ()
        if keys is not None:
            found = found.correlate(keys.table)
            source = keys.fixed_in(source)
            fixed = keys.fields
            can_seek &= not any(term.field in fixed for term in order)
            order = tuple(term for term in order if term.field not in fixed)
        if can_seek:
            return found.where(*self.range.whole(source)).order_by(*order_by(order, source))
        parts = []
        for part in self.range.parts(source):
            terms = order
            if part.is_tied and order[0].field not in STORED:
                terms = order[1:] if leaves_out_ties(self.parameters.dialect) else order
            parts.append(found.where(*part.conditions).order_by(*order_by(terms, source)))
        if len(parts) == 1:
            return parts[0]
        # The parts follow each other in the order.
        if keeps_order(self.parameters.dialect):
            return union_all(*(select(*each.subquery().c) for each in parts)).limit(limit)
        names = {term.field: f"by_{term.field}" for term in order}
        by = [source.column(field).label(name) for field, name in names.items()]
        ordered = [part.add_columns(*by).subquery() for part in parts]
        together = union_all(*(select(*each.c) for each in ordered)).subquery("parts")
        moved: Any = {field: together.c[name] for field, name in names.items()}
        found = select(*list(together.c)[: len(columns)])
        return found.order_by(*order_by(order, replace(source, **moved))).limit(limit)


def index_page(query: RowQuery, parameters: BindParameters, source: ExecutionSource) -> Any:
    """Read the page through an index."""
    bound = PageStatement(query, parameters)
    conditions = bound.where(source)
    if query.order and query.limit is not None and query.offset is None:
        return bound.in_order(bound.columns(source), conditions, bound.limit, source)
    found = select(*bound.columns(source)).select_from(source.table)
    found = found.where(*conditions, *bound.range.whole(source))
    return bound.paged(found.order_by(*order_by(query.order, source)))


def bounded_scan(query: RowQuery, parameters: BindParameters, source: ExecutionSource) -> Any:
    """Find rows of the page among the next ``scan`` executions of the order.

    If an index has those of a workspace in the order, they are the next ones of the workspace.
    """
    bound = PageStatement(query, parameters)
    passed = bound.in_order(
        list(source.table.c), bound.where(source, query.is_in_order), bound.scan, source
    ).subquery("passed")
    found = source.moved_to(passed)
    statement = select(*bound.columns(found)).select_from(passed).where(*bound.where(found))
    if not keeps_order(parameters.dialect):
        statement = statement.order_by(*order_by(query.order, found))
    # The rows keep the order of the scan, which ends as soon as the page is full.
    return bound.paged(statement)


def beyond_bounded_scan(
    query: RowQuery, parameters: BindParameters, source: ExecutionSource
) -> Any:
    """Find out whether the order goes on after the bounded scan."""
    bound = PageStatement(query, parameters)
    passed = bound.where(source, query.is_in_order)
    one_more = bound.in_order([source.id], passed, bound.scan + 1, source).subquery("passed")
    return select(one_more.c.id).offset(bound.scan).limit(1)


def merge_by_group(query: RowQuery, parameters: BindParameters, source: ExecutionSource) -> Any:
    """Merge the page from the first rows of each agentflow in each state."""
    bound = PageStatement(query, parameters)
    pairs, pair = pairs_of(source, parameters)
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
    if has_lateral(parameters.dialect):
        firsts = first.lateral("firsts")
        found = found.join(firsts, true()).join(source.table, source.id == firsts.c.id)
    else:
        found = found.join(source.table, source.id.in_(first))
    found = found.where(*bound.where(pair, is_on_dimensions))
    return bound.paged(found.order_by(*order_by(query.order, source)))


def full_sort(query: RowQuery, parameters: BindParameters, source: ExecutionSource) -> Any:
    """Find all matching rows by the filter's own conditions, and sort them."""
    bound = PageStatement(query, parameters)
    table = source.table
    conditions = [*bound.where(source), *bound.range.whole(source)]
    if any(map(is_of_errors, conjuncts(query.filter))):
        # Found first: PostgreSQL would read executions in the order until it has a page of them.
        failed = select(*table.c).where(*conditions).cte("failed")
        table, conditions = failed.prefix_with("MATERIALIZED", dialect="postgresql"), []
        source = source.moved_to(table)
    found = select(*bound.columns(source)).select_from(table).where(*conditions)
    sorted_by: Any = {term.field: off_index(source.column(term.field)) for term in query.order}
    return bound.paged(found.order_by(*order_by(query.order, replace(source, **sorted_by))))
