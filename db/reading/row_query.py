"""Queries for the rows between two positions of an order, and how to find them."""

import enum
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from db.columns import RANGED
from db.models import ExecutionState
from db.reading.counts import is_on_dimensions
from db.reading.filter_statements import cache_key_of
from db.reading.filters import Condition, Filter, conjuncts
from db.reading.index_choice import is_of_errors
from db.reading.paging import Order, Position
from db.reading.statement_cache import Statement, nulls_of, present
from db.reading.workspaces import is_of_workspace

SCAN_AT_LEAST = 1_000
"""How many executions a bounded scan reads at least before it gives up."""
SCAN_PER_ROW = 20
"""How many executions a bounded scan reads for each wanted row."""

_IDENTIFIERS = ("guid", "session_id")
_LEADING = ("state", "agentflow_id")
"""The leading columns of indexes that end in the time of creation."""
_LEADING_OF_WORKSPACE = ("workspace_id", "agentflow_id")
"""Those of indexes of the executions of one workspace."""


class AccessPath(enum.Enum):
    """How to find the rows of a query."""

    INDEX_RANGE = "a range of one index, which has few other rows"
    INDEXED = "an index, in this order or with so few rows that they may be sorted"
    SCANNED = "a bounded scan of the order, and if that is not enough, the filter's conditions"


@dataclass(slots=True)
class RowQuery:
    """A query for some fields of the matching executions between two positions of an order.

    With ``inclusive`` they include the row at ``after``.
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
    """The compiled statement and its parameters, once they are known."""

    def cache_key(self, values: list[Any]) -> Hashable:
        """Return the cache key of the statements; append the bind values to ``values``."""
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
        """The number of rows to find, including those that are skipped."""
        return (self.limit or 0) + (self.offset or 0)

    @property
    def scan(self) -> int:
        """The largest number of executions that a bounded scan reads."""
        return max(SCAN_AT_LEAST, SCAN_PER_ROW * self.wanted)

    def access_path(self) -> AccessPath:
        """Return how to find the rows."""
        if self.limit is None or not self.order:
            return AccessPath.INDEXED
        parts = conjuncts(self.filter)
        if any(_is_equal(part, _IDENTIFIERS) for part in parts):
            return AccessPath.INDEXED
        first = self.order[0].field
        if first == "created_on" and any(map(is_of_errors, parts)):
            return AccessPath.INDEXED
        leading: Sequence[str] = ()
        if first == "created_on":
            leading = _LEADING_OF_WORKSPACE if self.is_of_workspace else _LEADING
        ranged = [field for field in RANGED if field == first]
        if not all(_is_equal(part, leading) or is_about(part, ranged) for part in parts):
            return AccessPath.SCANNED
        has_index = first in RANGED and len(self.order) == 2 and self.offset is None
        return AccessPath.INDEX_RANGE if has_index else AccessPath.INDEXED

    @property
    def is_of_workspace(self) -> bool:
        """Whether the filter names a workspace."""
        return any(map(is_of_workspace, conjuncts(self.filter)))

    def is_in_order(self, part: Filter) -> bool:
        """Whether an index of workspaces has what passes a part of the filter, in this order."""
        return (
            self.order[0].field == "created_on"
            and _is_equal(part, _LEADING_OF_WORKSPACE)
            and self.is_of_workspace
        )

    def is_in_few_index_ranges(self) -> bool:
        """Whether the rows are in a few ranges of an index, each in this order.

        Merging them reads no more rows than a bounded scan, which may be in vain. It depends on the
        number of listed values, so it is not part of the cache key.
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
        """Whether the filter has a part on states and agentflows."""
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


def is_named(part: Filter, fields: Sequence[str]) -> bool:
    """Whether a part of a filter lists the values of one of some fields."""
    return is_about(part, fields) and isinstance(part, Condition) and part.operator in ("eq", "in")


def is_about(part: Filter, fields: Sequence[str]) -> bool:
    """Whether a part of a filter is a condition on one of some fields."""
    return isinstance(part, Condition) and part.field in fields
