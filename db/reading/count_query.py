"""Queries for the number of matching executions, from counters where possible."""

from collections.abc import Hashable
from typing import Any

from sqlalchemy import Select, func, select

from db.reading.counts import plan_count
from db.reading.filter_statements import cache_key_of, where
from db.reading.filters import Filter
from db.reading.index_choice import for_filter
from db.reading.statement_cache import BindParameters, Statement
from db.source import ExecutionSource


class CountQuery:
    """A query for the number of executions that match a filter."""

    __slots__ = ("_filter", "_plan", "read")

    def __init__(self, filter_: Filter) -> None:
        self._filter = filter_
        self._plan = plan_count(filter_)
        self.read: tuple[Statement, tuple[Any, ...]] | None = None
        """The compiled statement and its parameters, once they are known."""

    @property
    def is_zero(self) -> bool:
        """Whether nothing can match, so that no query is needed."""
        return self._plan is not None and not self._plan.edges and not self._plan.sums

    @property
    def is_short(self) -> bool:
        """Whether counting is quick."""
        return self._plan is not None and self._plan.is_short

    def cache_key(self, values: list[Any]) -> Hashable:
        """Return the cache key of its statement; append the bind values to ``values``."""
        if self._plan is None:
            return ("rows", cache_key_of(self._filter, values))
        return ("counts", self._plan.cache_key(values))

    def build(self, parameters: BindParameters, source: ExecutionSource) -> Select[Any]:
        """Build the statement, binding values in the order of ``cache_key``."""
        if self._plan is not None:
            return self._plan.build(parameters, source)
        counted = select(func.count()).select_from(source.table)
        filtered = for_filter(source, self._filter)
        return counted.where(where(self._filter, filtered, parameters.bind))
