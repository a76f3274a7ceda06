"""Queries for the numbers of matching executions of many keys, from counters where possible."""

from collections.abc import Hashable, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, select, union_all

from db.dialect import among_listed, each_listed, has_count_deltas
from db.reading.counts import (
    ALL_TIME,
    DELTAS,
    FLOW_COUNTS,
    CountPlan,
    is_everything,
    plan_count,
    sum_of_states,
)
from db.reading.filter_statements import bind_all, cache_key_of, where
from db.reading.filters import Filter
from db.reading.index_choice import for_filter
from db.reading.statement_cache import BindParameters
from db.source import ExecutionSource


class KeyCountQuery:
    """A query for the number of executions of each key that match a filter.

    ``by`` is the field that has the keys.
    """

    def __init__(self, filter_: Filter, by: str) -> None:
        self._filter = filter_
        self._by = by
        self._plan = plan_count(filter_, of_flows=True) if by == "agentflow_id" else None

    @property
    def is_zero(self) -> bool:
        """Whether nothing can match, so that no query is needed."""
        return self._plan is not None and not self._plan.edges and not self._plan.sums

    @property
    def is_short(self) -> bool:
        """Whether counting a key is quick."""
        return self._plan is not None and self._plan.is_short

    def cache_key(self, keys: Sequence[Any], values: list[Any]) -> Hashable:
        """Return the cache key of its statement; append the bind values to ``values``.

        ``keys`` are the parameters that list the keys.
        """
        values += keys
        if self._plan is None:
            return ("rows", self._by, len(keys), cache_key_of(self._filter, values))
        return ("counts", self._by, len(keys), self._plan.cache_key(values))

    def build(
        self, keys: Sequence[Any], parameters: BindParameters, source: ExecutionSource
    ) -> Select[Any]:
        """Build the statement, binding values in the order of ``cache_key``."""
        bound = tuple(parameters.bind(self._by) for _ in keys)
        if self._plan is not None:
            return _sums(self._plan, bound, parameters, source)
        # Sessions are short: their own index finds them.
        if self._by == "session_id":
            source = source.off_index("workspace_id")
            return _counted_one_by_one(self._filter, bound, parameters, source)
        key = source.column(self._by)
        counted = select(key, func.count()).select_from(source.table).group_by(key)
        filtered = for_filter(source, self._filter)
        condition = where(self._filter, filtered, parameters.bind)
        return counted.where(among_listed(key, bound), condition)


def _counted_one_by_one(
    filter_: Filter,
    keys: tuple[ColumnElement[Any], ...],
    parameters: BindParameters,
    source: ExecutionSource,
) -> Select[Any]:
    """Count the rows of each session, which are few, in its range of an index.

    Joined with the keys, they would be found by a scan of all executions.
    """
    listed = each_listed(keys)
    counted = select(func.count()).select_from(source.table)
    counted = counted.where(
        source.session_id == listed.c.value, where(filter_, source, parameters.bind)
    )
    return select(listed.c.value, counted.correlate(listed).scalar_subquery())


def _sums(
    plan: CountPlan,
    keys: tuple[ColumnElement[Any], ...],
    parameters: BindParameters,
    source: ExecutionSource,
) -> Select[Any]:
    """Add up the counts of agentflows, and their rows at the edges of a range of time."""
    parts: list[Any] = []
    for _ in plan.edges:
        since, until = parameters.bind_number(), parameters.bind_number()
        flow = source.agentflow_id
        conditions = [
            among_listed(flow, keys),
            source.created_on >= since,
            source.created_on < until,
            where(plan.rest, source, parameters.bind),
        ]
        counted = select(flow.label("key"), func.count().label("number"))
        parts.append(counted.where(*conditions).group_by(flow))
    tables = [FLOW_COUNTS]
    if has_count_deltas(parameters.dialect):
        tables.append(DELTAS)
    for flows, states, span in plan.sums:
        since, until = parameters.bind_number(), parameters.bind_number()
        bound = bind_all(flows, parameters.bind)
        for counts in tables:
            flow = counts.c.agentflow_id
            summed = select(flow.label("key"), sum_of_states(counts, states).label("number"))
            summed = summed.where(among_listed(flow, keys))
            if counts is FLOW_COUNTS:
                summed = summed.where(counts.c.width == span.width)
            # All of time is one bucket. With nothing to compare, PostgreSQL need not plan anew.
            if span.width != ALL_TIME:
                summed = summed.where(counts.c.start >= since, counts.c.start < until)
            if not is_everything(flows):
                in_turn = iter(bound)
                named = source.moved_to(counts)
                summed = summed.where(where(flows, named, lambda _: next(in_turn)))  # noqa: B023
            parts.append(summed)
    together = union_all(*parts).subquery("parts")
    return select(together.c.key, cast(func.sum(together.c.number), BigInteger)).group_by(
        together.c.key
    )
