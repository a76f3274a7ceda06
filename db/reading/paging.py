"""Orders, and positions in them (keyset paging).

A page begins after, or ends before, a position: one row's values of the order's fields. An index
finds it at any depth, and it stays valid while rows come and go.
"""

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, and_, false, or_, tuple_

from db.columns import NULLABLE, RANGED
from db.source import ExecutionRow

LAST_PAGE = 2**31 - 1
"""The highest number of a numbered page."""


class Columns(Protocol):
    """The columns of rows that have an order."""

    def column(self, field: str) -> ColumnElement[Any]:
        """Return the column of a field."""


class Term(NamedTuple):
    """A field of an order. Null is smaller than any value."""

    field: str
    descending: bool


Order = tuple[Term, ...]
Position = tuple[Any, ...]
Row = tuple[Any, ...]
"""The values of some fields of an execution, whose order the caller knows."""
BoundPosition = tuple[ColumnElement[Any] | None, ...]

NEWEST_FIRST: Order = (Term("created_on", True), Term("id", True))
"""The default order."""


def total_order(terms: Iterable[Term]) -> Order:
    """Complete an order so that no two rows are equal.

    Ties are broken by the time of creation, unless a time or the duration is among the terms, and
    then by id; both in the direction of the last term. Repeated fields are ignored. Without terms
    the order is ``NEWEST_FIRST``.
    """
    given = tuple(terms)
    if not given:
        return NEWEST_FIRST
    last = given[-1].descending
    first_of_field: dict[str, Term] = {}
    for term in given:
        first_of_field.setdefault(term.field, term)
    if not first_of_field.keys() & set(RANGED):
        first_of_field["created_on"] = Term("created_on", last)
    return (*first_of_field.values(), Term("id", last))


def reverse(order: Order) -> Order:
    """Return the order from its other end."""
    return tuple(Term(term.field, not term.descending) for term in order)


def order_by(order: Order, source: Columns) -> list[ColumnElement[Any]]:
    """Return the ORDER BY of an order."""
    return [_ordered(source.column(term.field), term) for term in order]


def _ordered(column: ColumnElement[Any], term: Term) -> ColumnElement[Any]:
    ordered = column.desc() if term.descending else column.asc()
    if term.field not in NULLABLE:
        return ordered
    # Explicit, because databases differ in how they sort nulls.
    return ordered.nulls_last() if term.descending else ordered.nulls_first()


@functools.lru_cache(maxsize=1_000)
def position_getter(fields: tuple[str, ...], order: Order) -> Callable[[Row], Position]:
    """Return a function from a row of some fields to its position in an order.

    The fields must include those of the order.
    """
    return operator.itemgetter(*(fields.index(term.field) for term in order))


def position_of(row: ExecutionRow, order: Order) -> Position:
    """Return the position of a row in an order."""
    return tuple(getattr(row, term.field) for term in order)


def beyond(
    order: Order, bound: BoundPosition, source: Columns, *, inclusive: bool = False
) -> ColumnElement[bool]:
    """Return the condition for rows after a position in an order, or also at it if ``inclusive``.

    ``bound`` has the bind parameters of the position's values, and None for a null.
    """
    if is_uniform(order):
        columns = tuple_(*(source.column(term.field) for term in order))
        position = tuple_(*bound)
        if order[0].descending:
            return columns <= position if inclusive else columns < position
        return columns >= position if inclusive else columns > position
    return _beyond_terms(order, bound, source, inclusive=inclusive)


def branches_beyond(
    order: Order, bound: BoundPosition, source: Columns, *, inclusive: bool = False
) -> list[ColumnElement[bool]]:
    """Return the same condition in parts, nearest first; each is one range of an index."""
    branches = []
    for index in reversed(range(len(order))):
        same = [
            _same(source.column(term.field), value)
            for term, value in zip(order[:index], bound[:index], strict=True)
        ]
        column, value, term = source.column(order[index].field), bound[index], order[index]
        is_last = index == len(order) - 1
        if inclusive and is_last:
            branches.append(and_(*same, column <= value if term.descending else column >= value))
        elif value is None:
            branches += [] if term.descending else [and_(*same, column.is_not(None))]
        else:
            branches.append(and_(*same, column < value if term.descending else column > value))
            if term.descending and term.field in NULLABLE:
                branches.append(and_(*same, column.is_(None)))
    return branches


def _same(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    same: ColumnElement[bool] = column.is_(None) if value is None else column == value
    return same


def is_uniform(order: Order) -> bool:
    """Whether all terms have the same direction and none can be null."""
    directions = {term.descending for term in order}
    return len(directions) == 1 and not any(term.field in NULLABLE for term in order)


def _beyond_terms(
    order: Order, bound: BoundPosition, source: Columns, *, inclusive: bool
) -> ColumnElement[bool]:
    column = source.column(order[0].field)
    value = bound[0]
    further = _further(column, value, order[0])
    same = _same(column, value)
    if len(order) == 1:
        return or_(further, same) if inclusive else further
    rest = _beyond_terms(order[1:], bound[1:], source, inclusive=inclusive)
    # The first condition is redundant, but lets an index seek to the position.
    return and_(or_(further, same), or_(further, and_(same, rest)))


def _further(column: ColumnElement[Any], value: Any, term: Term) -> ColumnElement[bool]:
    if value is None:
        return false() if term.descending else column.is_not(None)
    further: ColumnElement[bool] = column < value if term.descending else column > value
    return or_(further, column.is_(None)) if term.descending and term.field in NULLABLE else further
