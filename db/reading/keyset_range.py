"""A range of an order, as conditions with which an index seeks to its beginning.

An index range has one lower and one upper bound. If a filter and a cursor both bound the time by
which a list is ordered, the tighter bound must be used: which one that is depends on their values,
so the statement takes the least or the greatest of them.
"""

from typing import Any

from sqlalchemy import ColumnElement

from db.dialect import greatest, least
from db.reading.filter_statements import where
from db.reading.filters import Condition, Filter
from db.reading.paging import BoundPosition, Order, beyond, branches_beyond, is_uniform, reverse
from db.reading.row_query import TIMES
from db.source import ExecutionSource


class KeysetRange:
    """The rows after one position of an order and before another, within a filter's bounds.

    With ``inclusive`` it includes the row at ``after``.
    """

    def __init__(
        self,
        order: Order,
        *,
        after: BoundPosition | None,
        before: BoundPosition | None,
        inclusive: bool,
    ) -> None:
        self._order = order
        self._after = after
        self._before = before
        self._inclusive = inclusive
        self._limits: list[tuple[Filter, list[ColumnElement[Any]]]] = []
        self._is_by_time = len(order) == 2 and order[0].field in TIMES

    @property
    def is_uniform(self) -> bool:
        """Whether one comparison of row values selects the rows beyond a position."""
        return is_uniform(self._order)

    def limit(self, condition: Filter, bound: list[ColumnElement[Any]]) -> None:
        """Add a condition on the first field of the order, with its bind parameters."""
        self._limits.append((condition, bound))

    def whole(self, source: ExecutionSource) -> list[ColumnElement[bool]]:
        """Return the range as a single index range; further conditions filter its rows."""
        if not self._is_by_time:
            return [*self._conditions(source), *self._beyond_after(source), *self._ends(source)]
        off_index = source.off_index(self._order[0].field)
        later_than, earlier_than = self._bounds()
        if self._after is not None:
            self._bound(
                self._after,
                later_than,
                earlier_than,
                is_upper=self._order[0].descending,
                at=True,
            )
        column = source.column(self._order[0].field)
        return [
            *_range(column, later_than, earlier_than),
            *self._beyond_after(off_index),
            *self._ends(off_index),
        ]

    def parts(self, source: ExecutionSource) -> list[list[ColumnElement[bool]]]:
        """Return the range as index ranges in order, each of which an index can seek to."""
        if self._after is None:
            return [self.whole(source)]
        branches = branches_beyond(self._order, self._after, source, inclusive=self._inclusive)
        if not self._is_by_time:
            rest = [*self._conditions(source), *self._ends(source)]
            return [[branch, *rest] for branch in branches]
        field, is_descending = self._order[0].field, self._order[0].descending
        off_index = source.off_index(field)
        later_than, earlier_than = self._bounds()
        ends = self._ends(off_index)
        ties = [branches[0], *_range(off_index.column(field), later_than, earlier_than), *ends]
        self._bound(self._after, later_than, earlier_than, is_upper=is_descending, at=False)
        return [ties, [*_range(source.column(field), later_than, earlier_than), *ends]]

    def _conditions(self, source: ExecutionSource) -> list[ColumnElement[bool]]:
        conditions = []
        for condition, bound in self._limits:
            in_turn = iter(bound)
            conditions.append(where(condition, source, lambda _: next(in_turn)))  # noqa: B023
        return conditions

    def _beyond_after(self, source: ExecutionSource) -> list[ColumnElement[bool]]:
        if self._after is None:
            return []
        return [beyond(self._order, self._after, source, inclusive=self._inclusive)]

    def _ends(self, source: ExecutionSource) -> list[ColumnElement[bool]]:
        if self._before is None:
            return []
        return [beyond(reverse(self._order), self._before, source)]

    def _bounds(self) -> tuple[list[Any], list[Any]]:
        """Return what the time must be later than, and what it must be earlier than."""
        later_than: list[Any] = []
        earlier_than: list[Any] = []
        for condition, [at] in self._limits:
            match condition:
                case Condition(_, "gt"):
                    later_than.append(at)
                case Condition(_, "gte"):
                    later_than.append(at - 1)
                case Condition(_, "lt"):
                    earlier_than.append(at)
                case Condition(_, "lte"):
                    earlier_than.append(at + 1)
        if self._before is not None:
            is_upper = not self._order[0].descending
            self._bound(self._before, later_than, earlier_than, is_upper=is_upper, at=True)
        return later_than, earlier_than

    @staticmethod
    def _bound(
        position: BoundPosition,
        later_than: list[Any],
        earlier_than: list[Any],
        *,
        is_upper: bool,
        at: bool,
    ) -> None:
        """Bound the time by a position; ``at`` says whether rows of that time may be included."""
        moment: Any = position[0]
        if is_upper:
            earlier_than.append(moment + 1 if at else moment)
        else:
            later_than.append(moment - 1 if at else moment)


def _range(
    column: ColumnElement[Any], later_than: list[Any], earlier_than: list[Any]
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if later_than:
        conditions.append(column > greatest(later_than))
    if earlier_than:
        conditions.append(column < least(earlier_than))
    return conditions
