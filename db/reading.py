"""The statements that read a page of executions.

A page that an index serves in its order is read in one go. What a filter asks beyond an index
(several states, a part of a name, an ``or``) is looked for on a bounded walk through the order
first, which fills most pages. Only where it does not, the executions are read from where their
states and agentflows, or the filter's other conditions, find them, and sorted: what that costs
is bounded by what matches, however many others there are.
"""

import enum
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, select, union_all

from db.counts import is_on_dimensions, pairs_of
from db.dialect import off_index
from db.filters import Condition, Filter, check, conjuncts, shape_of, where
from db.paging import Order, Position, beyond, branches_beyond, order_by, reverse
from db.source import ExecutionSource
from db.statements import Places, nulls_of, present

WALK_AT_LEAST = 1_000
"""How many executions a walk passes before it gives up."""
WALK_PER_ROW = 20
"""The same, for each row that is wanted."""

_IDENTIFIERS = ("guid", "session_id")
_LEADING = ("state", "agentflow_id")
"""What indexes in the order of creation begin with."""
_TIMES = ("created_on", "updated_on")


class Service(enum.Enum):
    """How a page can be had."""

    BOUNDED = "an index has its rows and few others, one after the other"
    SERVED = "an index has what matches in this order, or so little that it may be sorted"
    SEARCHED = "it is looked for on a walk, and then where its conditions find it"


@dataclass(slots=True)
class PageQuery:
    """Some fields of the matching executions between two positions of an order.

    With ``or_at`` the one that stands at ``after`` is among them.
    """

    fields: tuple[str, ...]
    filter: Filter
    order: Order
    limit: int | None = None
    offset: int | None = None
    after: Position | None = None
    before: Position | None = None
    or_at: bool = False

    def shape(self, values: list[Any]) -> Hashable:
        """What makes its statements; what does not is added to ``values``, in their order."""
        shape = (
            self.fields,
            shape_of(self.filter, values),
            self.order,
            nulls_of(self.after),
            nulls_of(self.before),
            self.or_at,
            self.limit is None,
            self.offset is None,
        )
        for position in (self.after, self.before):
            values += present(position or ())
        values += [self.limit, self.offset or 0, self.wanted, self.walk]
        return shape

    @property
    def wanted(self) -> int:
        """How many rows fill the page, those that it skips included."""
        return (self.limit or 0) + (self.offset or 0)

    @property
    def walk(self) -> int:
        """How many executions are passed at most to fill it."""
        return max(WALK_AT_LEAST, WALK_PER_ROW * self.wanted)

    def service(self) -> Service:
        """How it can be had."""
        if self.limit is None or not self.order:
            return Service.SERVED
        parts = list(conjuncts(self.filter))
        if any(_is_equal(part, _IDENTIFIERS) for part in parts):
            return Service.SERVED
        first = self.order[0].field
        leading = _LEADING if first == "created_on" else ()
        ranged = [field for field in _TIMES if field == first]
        if not all(_is_equal(part, leading) or _is_about(part, ranged) for part in parts):
            return Service.SEARCHED
        has_index = len(self.order) == 2 and self.offset is None
        return Service.BOUNDED if has_index else Service.SERVED

    def is_on_dimensions(self) -> bool:
        """Whether it filters by states and agentflows."""
        return any(map(is_on_dimensions, conjuncts(self.filter)))


PageForm = Callable[[PageQuery, Places, ExecutionSource], Any]
"""Makes one form of a query's statement."""


class _Bound:
    """A query in one statement; its values are bound in the order of ``shape``."""

    def __init__(self, query: PageQuery, places: Places) -> None:
        check(query.filter)
        self.query = query
        self._parts: list[tuple[Filter, list[ColumnElement[Any]]]] = []
        for part in conjuncts(query.filter):
            parameters: list[Any] = []
            shape_of(part, parameters)
            self._parts.append((part, [places.bind(value) for value in parameters]))
        self.after = None if query.after is None else places.bind_position(query.after)
        self.before = None if query.before is None else places.bind_position(query.before)
        self.limit = places.bind(query.limit)
        self.offset = places.bind(query.offset or 0)
        self.wanted = places.bind(query.wanted)
        self.walk = places.bind(query.walk)

    def where(
        self, source: ExecutionSource, is_meant: Callable[[Filter], bool] = lambda _: True
    ) -> list[ColumnElement[bool]]:
        """Those parts of the filter that are meant, as conditions on a source."""
        conditions = []
        for part, bound in self._parts:
            if is_meant(part):
                in_turn = iter(bound)
                conditions.append(where(part, source, lambda _: next(in_turn)))  # noqa: B023
        return conditions

    def columns(self, source: ExecutionSource) -> list[ColumnElement[Any]]:
        return [source.column(field).label(field) for field in self.query.fields]

    def ends(self, source: ExecutionSource) -> list[ColumnElement[bool]]:
        """Where the part of the list ends that is read."""
        if self.before is None:
            return []
        return [beyond(reverse(self.query.order), self.before, source)]

    def between(self, source: ExecutionSource) -> list[ColumnElement[bool]]:
        """Which part of the list is read."""
        ends = self.ends(source)
        if self.after is None:
            return ends
        return [beyond(self.query.order, self.after, source, or_at=self.query.or_at), *ends]

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
        order = order_by(self.query.order, source)
        found = select(*columns).select_from(source.table)
        found = found.where(*conditions, *self.ends(source)).order_by(*order).limit(limit)
        if self.after is None:
            return found
        or_at = self.query.or_at
        branches = [
            select(*found.where(branch).subquery().c)
            for branch in branches_beyond(self.query.order, self.after, source, or_at=or_at)
        ]
        # SQLite runs the parts of a UNION ALL one after the other, and each of these lies
        # before the next in the order.
        return union_all(*branches).limit(limit)


def served(query: PageQuery, places: Places, source: ExecutionSource) -> Any:
    """The page, where an index serves it."""
    bound = _Bound(query, places)
    if query.after is not None and query.limit is not None and query.offset is None:
        return bound.in_order(bound.columns(source), bound.where(source), bound.limit, source)
    found = select(*bound.columns(source)).select_from(source.table)
    found = found.where(*bound.where(source), *bound.between(source))
    return bound.paged(found.order_by(*order_by(query.order, source)))


def on_a_walk(query: PageQuery, places: Places, source: ExecutionSource) -> Any:
    """What of the page is found among the next ``walk`` executions of the order."""
    bound = _Bound(query, places)
    passed = _passed(bound, list(source.table.c), source).subquery("passed")
    found = source.moved_to(passed)
    # The rows come out in the order of the walk, which ends as soon as the page is full.
    statement = select(*bound.columns(found)).select_from(passed)
    return bound.paged(statement.where(*bound.where(found, _not_on_order(query))))


def beyond_a_walk(query: PageQuery, places: Places, source: ExecutionSource) -> Any:
    """Whether the order goes on where the walk ends."""
    bound = _Bound(query, places)
    one_more = _passed(bound, [source.id], source, bound.walk + 1).subquery("passed")
    return select(one_more.c.id).offset(bound.walk).limit(1)


def merged(query: PageQuery, places: Places, source: ExecutionSource) -> Any:
    """The page out of the first rows of each agentflow in each state."""
    bound = _Bound(query, places)
    pairs, pair = pairs_of(source)
    each = source.moved_to(source.table.alias("each"))
    first = (
        select(each.id)
        .where(
            each.agentflow_id == pair.agentflow_id,
            each.state == pair.state,
            *bound.where(each, lambda part: not is_on_dimensions(part)),
            *bound.between(each),
        )
        .order_by(*order_by(query.order, each))
        .limit(bound.wanted)
        .correlate(pairs)
    )
    found = (
        select(*bound.columns(source)).select_from(pairs).join(source.table, source.id.in_(first))
    )
    found = found.where(*bound.where(pair, is_on_dimensions))
    return bound.paged(found.order_by(*order_by(query.order, source)))


def ranked(query: PageQuery, places: Places, source: ExecutionSource) -> Any:
    """The page out of all that matches, found by the filter's own conditions and sorted."""
    bound = _Bound(query, places)
    found = select(*bound.columns(source)).select_from(source.table)
    found = found.where(*bound.where(source), *bound.between(source))
    hidden = [
        off_index(source.column(term.field)).desc()
        if term.descending
        else off_index(source.column(term.field)).asc()
        for term in query.order
    ]
    return bound.paged(found.order_by(*hidden))


def _passed(
    bound: _Bound,
    columns: Sequence[ColumnElement[Any]],
    source: ExecutionSource,
    limit: ColumnElement[Any] | None = None,
) -> Any:
    on_order = bound.where(source, lambda part: not _not_on_order(bound.query)(part))
    return bound.in_order(columns, on_order, bound.walk if limit is None else limit, source)


def _not_on_order(query: PageQuery) -> Callable[[Filter], bool]:
    """Tells which parts of a filter say nothing of where a walk begins and ends."""
    return lambda part: not _is_about(part, [query.order[0].field])


def _is_equal(part: Filter, fields: Sequence[str]) -> bool:
    return _is_about(part, fields) and isinstance(part, Condition) and part.operator == "eq"


def _is_about(part: Filter, fields: Sequence[str]) -> bool:
    return isinstance(part, Condition) and part.field in fields
