"""Rows of executions between two positions of an order, and how a database can find them."""

import enum
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from db.models import ExecutionState
from db.reading.counts import is_on_dimensions
from db.reading.filter_statements import cache_key_of
from db.reading.filters import Condition, Filter, conjuncts
from db.reading.paging import Order, Position
from db.reading.statement_cache import Statement, nulls_of, present

SCAN_AT_LEAST = 1_000
"""How many executions a walk passes before it gives up."""
SCAN_PER_ROW = 20
"""The same, for each row that is wanted."""

_IDENTIFIERS = ("guid", "session_id")
_LEADING = ("state", "agentflow_id")
"""What indexes in the order of creation begin with."""
TIMES = ("created_on", "updated_on")
"""The fields that are points in time."""


class Service(enum.Enum):
    """How rows can be found."""

    BOUNDED = "an index has its rows and few others, one after the other"
    SERVED = "an index has what matches in this order, or so little that it may be sorted"
    SEARCHED = "it is looked for on a walk, and then where its conditions find it"


@dataclass(slots=True)
class RowQuery:
    """Some fields of the matching executions between two positions of an order.

    With ``inclusive`` the one that stands at ``after`` is among them.
    """

    fields: tuple[str, ...]
    filter: Filter
    order: Order
    limit: int | None = None
    offset: int | None = None
    after: Position | None = None
    before: Position | None = None
    inclusive: bool = False
    read: tuple[Statement, tuple[Any, ...]] | None = field(
        default=None, init=False, repr=False, compare=False
    )
    """The statement that finds the rows and its parameters, once they are known."""

    def cache_key(self, values: list[Any]) -> Hashable:
        """What makes its statements; what does not is added to ``values``, in their order."""
        cache_key = (
            self.fields,
            cache_key_of(self.filter, values),
            self.order,
            nulls_of(self.after),
            nulls_of(self.before),
            self.inclusive,
            self.limit is None,
            self.offset is None,
        )
        for position in (self.after, self.before):
            values += present(position or ())
        values += [self.limit, self.offset or 0, self.wanted, self.scan]
        return cache_key

    @property
    def wanted(self) -> int:
        """How many rows are wanted, those that are skipped included."""
        return (self.limit or 0) + (self.offset or 0)

    @property
    def scan(self) -> int:
        """How many executions are passed at most to fill it."""
        return max(SCAN_AT_LEAST, SCAN_PER_ROW * self.wanted)

    def service(self) -> Service:
        """How its rows can be found."""
        if self.limit is None or not self.order:
            return Service.SERVED
        parts = conjuncts(self.filter)
        if any(_is_equal(part, _IDENTIFIERS) for part in parts):
            return Service.SERVED
        first = self.order[0].field
        leading = _LEADING if first == "created_on" else ()
        ranged = [field for field in TIMES if field == first]
        if not all(_is_equal(part, leading) or is_about(part, ranged) for part in parts):
            return Service.SEARCHED
        has_index = len(self.order) == 2 and self.offset is None
        return Service.BOUNDED if has_index else Service.SERVED

    def is_in_few_stretches(self) -> bool:
        """Whether what matches lies in a few stretches of an index, each in this order.

        To merge them reads no more rows than a walk would, which may be in vain. That depends on
        how many values are listed, so it is no part of the cache_key.
        """
        if self.order[0].field != "created_on":
            return False
        most = {"agentflow_id": SCAN_PER_ROW + 1, "state": len(ExecutionState)}
        for part in conjuncts(self.filter):
            if _names_values(part):
                named = len(part.value) if part.operator == "in" else 1
                most[part.field] = min(most[part.field], named)
            elif not is_about(part, ("created_on",)):
                return False
        return most["agentflow_id"] * most["state"] <= SCAN_PER_ROW

    def is_on_dimensions(self) -> bool:
        """Whether it filters by states and agentflows."""
        return any(map(is_on_dimensions, conjuncts(self.filter)))


def _is_equal(part: Filter, fields: Sequence[str]) -> bool:
    return is_about(part, fields) and isinstance(part, Condition) and part.operator == "eq"


def _names_values(part: Filter) -> TypeGuard[Condition]:
    return (
        isinstance(part, Condition)
        and part.field in _LEADING
        and part.operator in ("eq", "in")
        and not part.ignore_case
    )


def is_about(part: Filter, fields: Sequence[str]) -> bool:
    """Whether a part of a filter is a condition on one of some fields."""
    return isinstance(part, Condition) and part.field in fields
