"""Orders, and positions in them.

A page begins after (or ends before) a position, which is the order's values of one row.
That is found through an index however deep it lies, and stays right while rows come and
go (keyset paging).
"""

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, false, or_, tuple_

from db.source import ExecutionRow, ExecutionSource

SORTABLE = ("created_on", "updated_on", "state", "agentflow_id", "session_id")
"""The fields that executions can be ordered by."""

LAST_PAGE = 2**31 - 1
"""The highest number that a numbered page may have."""

_NULLABLE = frozenset({"session_id"})


class Term(NamedTuple):
    """One field of an order. Null is smaller than any value."""

    field: str
    descending: bool


Order = tuple[Term, ...]
Position = tuple[Any, ...]
Row = tuple[Any, ...]
"""The values of some fields of an execution, in an order that is known beside it."""
BoundPosition = tuple[ColumnElement[Any] | None, ...]

NEWEST_FIRST: Order = (Term("created_on", True), Term("id", True))
"""The order when none is asked for."""


def total_order(terms: Iterable[Term]) -> Order:
    """Make an order in which no two rows are equal.

    Ties are broken by the time of creation, unless a time is among the terms, and then by id;
    both go the way of the last term. A field that comes again orders nothing. Without any term
    it is ``NEWEST_FIRST``.
    """
    given = tuple(terms)
    if not given:
        return NEWEST_FIRST
    last = given[-1].descending
    first_of_field: dict[str, Term] = {}
    for term in given:
        first_of_field.setdefault(term.field, term)
    if not first_of_field.keys() & {"created_on", "updated_on"}:
        first_of_field["created_on"] = Term("created_on", last)
    return (*first_of_field.values(), Term("id", last))


def reverse(order: Order) -> Order:
    """The same order from its other end."""
    return tuple(Term(term.field, not term.descending) for term in order)


def order_by(order: Order, source: ExecutionSource) -> list[ColumnElement[Any]]:
    """The ORDER BY of an order."""
    return [_ordered(source.column(term.field), term) for term in order]


def _ordered(column: ColumnElement[Any], term: Term) -> ColumnElement[Any]:
    ordered = column.desc() if term.descending else column.asc()
    if term.field not in _NULLABLE:
        return ordered
    # Said aloud, because databases differ in what they take null for.
    return ordered.nulls_last() if term.descending else ordered.nulls_first()


@functools.lru_cache(maxsize=1_000)
def position_getter(fields: tuple[str, ...], order: Order) -> Callable[[Row], Position]:
    """The function that says where a row of some fields stands in an order.

    Those of the order must be among the fields.
    """
    return operator.itemgetter(*(fields.index(term.field) for term in order))


def position_of(row: ExecutionRow, order: Order) -> Position:
    """Where a row stands in an order."""
    return tuple(getattr(row, term.field) for term in order)


def beyond(
    order: Order, bound: BoundPosition, source: ExecutionSource, *, inclusive: bool = False
) -> ColumnElement[bool]:
    """The rows that come after a position in an order, or with ``inclusive`` stand at it.

    ``bound`` are the places of the position's values in the statement, and None for a null.
    """
    if is_uniform(order):
        columns = tuple_(*(source.column(term.field) for term in order))
        position = tuple_(*bound)
        if order[0].descending:
            return columns <= position if inclusive else columns < position
        return columns >= position if inclusive else columns > position
    return _beyond_terms(order, bound, source, inclusive=inclusive)


def branches_beyond(
    order: Order, bound: BoundPosition, source: ExecutionSource, *, inclusive: bool = False
) -> list[ColumnElement[bool]]:
    """The same rows in parts, nearest first; each part is one range of an index."""
    branches = []
    for place in reversed(range(len(order))):
        same = [
            _same(source.column(term.field), value)
            for term, value in zip(order[:place], bound[:place], strict=True)
        ]
        column, value, term = source.column(order[place].field), bound[place], order[place]
        is_last = place == len(order) - 1
        if inclusive and is_last:
            branches.append(and_(*same, column <= value if term.descending else column >= value))
        elif value is None:
            branches += [] if term.descending else [and_(*same, column.is_not(None))]
        else:
            branches.append(and_(*same, column < value if term.descending else column > value))
            if term.descending and term.field in _NULLABLE:
                branches.append(and_(*same, column.is_(None)))
    return branches


def _same(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    same: ColumnElement[bool] = column.is_(None) if value is None else column == value
    return same


def is_uniform(order: Order) -> bool:
    """Whether all terms go one way and none can be null."""
    directions = {term.descending for term in order}
    return len(directions) == 1 and not any(term.field in _NULLABLE for term in order)


def _beyond_terms(
    order: Order, bound: BoundPosition, source: ExecutionSource, *, inclusive: bool
) -> ColumnElement[bool]:
    column = source.column(order[0].field)
    value = bound[0]
    further = _further(column, value, order[0])
    same = _same(column, value)
    if len(order) == 1:
        return or_(further, same) if inclusive else further
    rest = _beyond_terms(order[1:], bound[1:], source, inclusive=inclusive)
    # Said again without the rest, so that an index can be entered at the position.
    return and_(or_(further, same), or_(further, and_(same, rest)))


def _further(column: ColumnElement[Any], value: Any, term: Term) -> ColumnElement[bool]:
    if value is None:
        return false() if term.descending else column.is_not(None)
    further: ColumnElement[bool] = column < value if term.descending else column > value
    return (
        or_(further, column.is_(None)) if term.descending and term.field in _NULLABLE else further
    )
