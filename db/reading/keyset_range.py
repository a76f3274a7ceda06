"""A range of an order, as conditions with which an index seeks to its beginning.

An index range has one lower and one upper bound. If a filter and a cursor both bound the number by
which a list is ordered, the tighter bound must be used: which one that is depends on their values,
so the statement takes the least or the greatest of them.

Rows in which that number is null are a range of their own, before or after all others.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, false, literal

from db.columns import NULLABLE, RANGED
from db.dialect import greatest, least
from db.reading.filter_statements import where
from db.reading.filters import Condition, Filter
from db.reading.paging import BoundPosition, Order, beyond, branches_beyond, is_uniform, reverse
from db.source import ExecutionSource

_LESS_THAN_ANY = -(2**63)


@dataclass(frozen=True, slots=True)
class Part:
    """A range of an index; ``is_tied`` if the order's first field is the same in all its rows."""

    conditions: list[ColumnElement[bool]]
    is_tied: bool = False


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
        self._is_by_number = len(order) == 2 and order[0].field in RANGED
        self._is_nullable = self._is_by_number and order[0].field in NULLABLE

    @property
    def is_uniform(self) -> bool:
        """Whether one comparison of row values selects the rows beyond a position."""
        return is_uniform(self._order)

    def limit(self, condition: Filter, bound: list[ColumnElement[Any]]) -> None:
        """Add a condition on the first field of the order, with its bind parameters."""
        self._limits.append((condition, bound))

    def whole(self, source: ExecutionSource) -> list[ColumnElement[bool]]:
        """Return the range as a single index range; further conditions filter its rows."""
        if not self._is_by_number:
            return [*self._conditions(source), *self._beyond_after(source), *self._ends(source)]
        if self._has_nulls():
            return [*self._beyond_after(source), *self._ends(source)]
        off_index = source.off_index(self._order[0].field)
        more_than, less_than = self._bounds()
        self._bound(self._after, more_than, less_than, is_upper=self._order[0].descending, at=True)
        column = source.column(self._order[0].field)
        return [
            *_range(column, more_than, less_than),
            *self._beyond_after(off_index),
            *self._ends(off_index),
        ]

    def parts(self, source: ExecutionSource) -> list[Part]:
        """Return the range as index ranges in order, each of which an index can seek to."""
        if self._is_nullable and (self._after or self._before):
            nulls = [self._nulls(source)] if self._has_nulls() else []
            numbers = self._numbers(source) if self._has_numbers() else []
            parts = [*numbers, *nulls] if self._order[0].descending else [*nulls, *numbers]
            return parts or [Part([false()])]
        if self._after is None:
            return [Part(self.whole(source))]
        if self._is_by_number:
            return self._numbers(source)
        branches = branches_beyond(self._order, self._after, source, inclusive=self._inclusive)
        rest = [*self._conditions(source), *self._ends(source)]
        return [Part([branch, *rest]) for branch in branches]

    def _numbers(self, source: ExecutionSource) -> list[Part]:
        """Return the ranges of rows with a number: those that tie with ``after``, then others."""
        field, is_descending = self._order[0].field, self._order[0].descending
        off_index = source.off_index(field)
        more_than, less_than = self._bounds()
        ends = self._ends(off_index)
        parts = []
        if self._after is not None and self._after[0] is not None:
            branches = branches_beyond(self._order, self._after, source, inclusive=self._inclusive)
            within = _range(off_index.column(field), more_than, less_than)
            parts.append(Part([branches[0], *within, *ends], is_tied=True))
            self._bound(self._after, more_than, less_than, is_upper=is_descending, at=False)
        elif not more_than and not less_than:
            # An index can't seek to what is not null, but to a range.
            more_than.append(literal(_LESS_THAN_ANY, BigInteger))
        within = _range(source.column(field), more_than, less_than)
        return [*parts, Part([*within, *ends])]

    def _nulls(self, source: ExecutionSource) -> Part:
        """Return the range of rows without a number, which are ordered by their ids."""
        conditions: list[ColumnElement[bool]] = [source.column(self._order[0].field).is_(None)]
        by_id = self._order[1:]
        for position, order, is_inclusive in (
            (self._after, by_id, self._inclusive),
            (self._before, reverse(by_id), False),
        ):
            if position is not None and position[0] is None:
                conditions += branches_beyond(order, position[1:], source, inclusive=is_inclusive)
        return Part(conditions, is_tied=True)

    def _has_nulls(self) -> bool:
        """Whether rows without a number may be in the range."""
        # A condition on a null is false.
        if not self._is_nullable or self._limits:
            return False
        beyond_nulls = self._before if self._order[0].descending else self._after
        return beyond_nulls is None or beyond_nulls[0] is None

    def _has_numbers(self) -> bool:
        """Whether rows with a number may be in the range."""
        at_nulls = self._after if self._order[0].descending else self._before
        return at_nulls is None or at_nulls[0] is not None

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
        """Return what the number must be more than, and what it must be less than."""
        more_than: list[Any] = []
        less_than: list[Any] = []
        for condition, [at] in self._limits:
            match condition:
                case Condition(_, "gt"):
                    more_than.append(at)
                case Condition(_, "gte"):
                    more_than.append(at - 1)
                case Condition(_, "lt"):
                    less_than.append(at)
                case Condition(_, "lte"):
                    less_than.append(at + 1)
        is_upper = not self._order[0].descending
        self._bound(self._before, more_than, less_than, is_upper=is_upper, at=True)
        return more_than, less_than

    @staticmethod
    def _bound(
        position: BoundPosition | None,
        more_than: list[Any],
        less_than: list[Any],
        *,
        is_upper: bool,
        at: bool,
    ) -> None:
        """Bound the number by a position; ``at`` says whether rows with the same may be included.

        A null bounds nothing.
        """
        moment: Any = None if position is None else position[0]
        if moment is None:
            return
        if is_upper:
            less_than.append(moment + 1 if at else moment)
        else:
            more_than.append(moment - 1 if at else moment)


def _range(
    column: ColumnElement[Any], more_than: list[Any], less_than: list[Any]
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if more_than:
        conditions.append(column > greatest(more_than))
    if less_than:
        conditions.append(column < least(less_than))
    return conditions
