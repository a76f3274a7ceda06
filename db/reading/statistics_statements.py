"""Compile statistics to one statement, from counts where possible.

Where the filter is on states, agentflows and the time of creation, it adds up the counts that
triggers keep. For any other filter, and for sessions, it counts the matching rows, in one pass.

The statement returns the counts in each bucket of time (its sums) and of the agentflows with the
most executions (its tops), for each parent if there are several. The columns of its rows are the
parent, the agentflow's id and name, the start of the bucket, the total, and the counts by state.
"""

from collections.abc import Hashable
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    String,
    and_,
    cast,
    func,
    null,
    select,
    true,
    union_all,
)

from db.database import Rows
from db.dialect import MonthStart, among_listed, each_listed, has_lateral, listed
from db.models import ExecutionState
from db.reading.counts import sum_of_states
from db.reading.filter_statements import cache_key_of, where
from db.reading.filters import conjuncts
from db.reading.index_choice import for_filter, is_of_errors
from db.reading.normal_filters import NOTHING
from db.reading.spans import Spans
from db.reading.statement_cache import BindParameters
from db.reading.statistics import (
    MOST_BUCKETS,
    MOST_BUCKETS_TOGETHER,
    BucketBudget,
    BucketCounts,
    FlowCount,
    Statistics,
    StatisticsQuery,
    statistics_from,
    too_many_buckets,
)
from db.reading.statistics_counts import (
    STATE_COLUMNS,
    ZERO,
    CountsPlan,
    CountsRelations,
    floored,
    plan_counts,
    rows_by_state,
)
from db.reading.time_buckets import FIXED_WIDTHS, TimeBucket
from db.source import ExecutionSource

_DAYS_OF_WEEK = 7
_INDEXED = (
    "state",
    "agentflow_id",
    "updated_on",
    "finished_on",
    "duration_ms",
    "workspace_id",
)
_NO_TEXT: ColumnElement[Any] = cast(null(), String)
_COUNTED = ("total", *STATE_COLUMNS)
_BUCKET = slice(3, None)


class Parents(NamedTuple):
    """The objects that statistics are about: a field of executions, and its values."""

    by: str
    keys: tuple[str, ...]


class StatisticsStatement:
    """The statement that reads statistics; with ``parents``, those of each of them."""

    def __init__(self, query: StatisticsQuery, parents: Parents | None = None) -> None:
        self._query = query
        self._parents = parents
        self._by = parents.by if parents else None
        self._keys = listed(parents.keys) if parents else ()
        self._unit = _unit_of(query.buckets)
        self._is_of_flows = self._by == "agentflow_id"
        # An agentflow's top agentflow is itself.
        self._has_tops = query.top > 0 and not self._is_of_flows
        self._has_sums = query.with_states or bool(query.buckets) or self.sums_are_tops
        self._plan: CountsPlan | None = None
        if self._by is None or self._is_of_flows:
            self._plan = plan_counts(query.filter, self._unit, is_of_flows=self._is_of_flows)
        # The rows of parents are in ranges of their own indexes.
        self._spans = None if parents or self._plan is not None else Spans.of(query.filter)
        is_empty = (
            query.filter == NOTHING
            or query.range.is_empty
            or (self._plan is not None and self._plan.is_empty)
            or (self._spans is not None and not self._spans.ranges)
        )
        self.is_needed = not is_empty and (self._has_sums or self._has_tops)
        """Whether anything is wanted that may be more than zero."""

    @property
    def sums_are_tops(self) -> bool:
        """Whether the parents are agentflows, each of which is its own top one."""
        return self._query.top > 0 and self._is_of_flows

    @property
    def is_short(self) -> bool:
        """Whether the statement is quick."""
        is_of_one = self._parents is None and not self._has_tops
        return is_of_one and self._plan is not None and self._plan.has_few_sums

    @property
    def too_many_sums(self) -> int:
        """A number of sums that is reached only if timelines have too many buckets."""
        most = MOST_BUCKETS_TOGETHER if self._by else MOST_BUCKETS
        return most * (1 if self._unit in self._query.buckets else _DAYS_OF_WEEK) + 1

    def cache_key(self, values: list[Any]) -> Hashable:
        """Return the cache key of the statement; append the bind values to ``values``."""
        values += self._keys
        selected = (self._has_sums, self.sums_are_tops, self._has_tops)
        shape = (self._by, len(self._keys), self._unit, selected)
        key: Hashable
        if self._plan is not None:
            key = ("counts", self._plan.cache_key(values))
        elif self._spans is not None:
            key = ("spans", self._key_of_spans(self._spans, values))
        else:
            key = ("rows", cache_key_of(self._query.filter, values))
        values += (self.too_many_sums, self._query.top)
        return ("statistics", shape, key)

    @staticmethod
    def _key_of_spans(spans: Spans, values: list[Any]) -> Hashable:
        key: Hashable = None
        for range_ in spans.ranges:
            values += range_
            key = cache_key_of(spans.rest, values)
        return (len(spans.ranges), key)

    def build(self, parameters: BindParameters, source: ExecutionSource) -> Any:
        """Build the statement, binding values in the order of ``cache_key``."""
        keys = tuple([parameters.bind(self._by) for _ in self._keys] if self._by else ())
        relations = self._relations(parameters, source, keys)
        bounds = parameters.bind_number(), parameters.bind_number()
        selects: list[Select[Any]] = []
        if self._has_sums:
            of_flows = source if self.sums_are_tops else None
            selects.append(_sums_of(relations.sums(), self._unit, bounds[0], of_flows))
        if self._has_tops:
            selects.append(_tops_of(relations.tops(), source, bounds[1]))
        return selects[0] if len(selects) == 1 else union_all(*selects)

    def results(self, rows: Rows) -> list[Statistics]:
        """Return the statistics of each parent, or of everything, from the statement's rows.

        Raises InvalidInput if timelines have too many buckets.
        """
        parents = self._parents.keys if self._parents else (None,)
        sums: dict[str | None, list[BucketCounts]] = {parent: [] for parent in parents}
        tops: dict[str | None, list[FlowCount]] = {parent: [] for parent in parents}
        names: dict[str | None, str | None] = {}
        for row in rows:
            parent, flow = row[0], row[1]
            if flow is None:
                sums[parent].append(row[_BUCKET])
                names[parent] = row[2]
            else:
                tops[parent].append(FlowCount(flow, row[2], row[4]))
        if self._unit is not None and sum(map(len, sums.values())) >= self.too_many_sums:
            raise too_many_buckets(min(self._query.buckets, key=list(TimeBucket).index))
        if self.sums_are_tops:
            for parent, buckets in sums.items():
                if parent is not None and buckets:
                    total = sum(bucket[1] for bucket in buckets)
                    tops[parent] = [FlowCount(parent, names[parent], total)]
        budget = BucketBudget()
        return [
            statistics_from(self._query, self._unit, sums[parent], tops[parent], budget)
            for parent in parents
        ]

    def _relations(
        self, parameters: BindParameters, source: ExecutionSource, keys: tuple[Any, ...]
    ) -> "CountsRelations | _RowsRelation":
        """Return what to add up by bucket, and what by agentflow."""
        if self._plan is not None:
            return CountsRelations(
                self._plan,
                parameters,
                source,
                keys,
                with_tops=self._has_tops,
                unit=self._unit,
            )
        if self._spans is not None:
            return _RowsRelation(
                self._rows_of_spans(self._spans, parameters, source).cte("matching")
            )
        filtered = for_filter(source, self._query.filter)
        if any(map(is_of_errors, conjuncts(self._query.filter))):
            # What is grouped by has an index too, which would find all executions.
            source = filtered
        if self._by == "session_id":
            # A session has few rows, so look for nothing else in an index.
            for field in _INDEXED:
                filtered = filtered.off_index(field)
        condition = where(self._query.filter, filtered, parameters.bind)
        if self._by == "session_id" and has_lateral(parameters.dialect):
            return _RowsRelation(self._rows_of_sessions(source, condition, keys).cte("matching"))
        parent = None if self._by is None else source.column(self._by)
        if parent is not None:
            condition = and_(among_listed(parent, keys), condition)
        return _RowsRelation(
            rows_by_state(
                source, condition, parent=parent, with_flow=self._has_tops, unit=self._unit
            ).cte("matching")
        )

    def _rows_of_spans(
        self, spans: Spans, parameters: BindParameters, source: ExecutionSource
    ) -> CompoundSelect[Any]:
        """Count the rows of each range of time in its range of an index."""
        filtered = for_filter(source, self._query.filter)
        counted = []
        for _ in spans.ranges:
            since, until = parameters.bind_number(), parameters.bind_number()
            within = and_(filtered.created_on >= since, filtered.created_on < until)
            condition = and_(within, where(spans.rest, filtered, parameters.bind))
            counted.append(
                rows_by_state(source, condition, with_flow=self._has_tops, unit=self._unit)
            )
        return union_all(*counted)

    def _rows_of_sessions(
        self, source: ExecutionSource, condition: ColumnElement[bool], keys: tuple[Any, ...]
    ) -> Select[Any]:
        """Count the rows of each session in its range of an index.

        Joined with the sessions, they might be found by a scan of all executions.
        """
        sessions = each_listed(keys)
        own = and_(source.session_id == sessions.c.value, condition)
        counted = rows_by_state(source, own, with_flow=self._has_tops, unit=self._unit).lateral(
            "counted"
        )
        return select(sessions.c.value.label("parent"), *counted.c).select_from(
            sessions.join(counted, true())
        )


class _RowsRelation(NamedTuple):
    """The matching rows, counted once for everything."""

    counted: CTE

    def sums(self) -> FromClause:
        return self.counted

    def tops(self) -> FromClause:
        return self.counted


def _unit_of(buckets: frozenset[TimeBucket]) -> TimeBucket | None:
    """Return the widest buckets from which all of some buckets can be added up."""
    if len(buckets) <= 1:
        return next(iter(buckets), None)
    return TimeBucket.HOUR if TimeBucket.HOUR in buckets else TimeBucket.DAY


def _sums_of(
    relation: FromClause,
    unit: TimeBucket | None,
    most: ColumnElement[Any],
    names: ExecutionSource | None,
) -> Select[Any]:
    """Select the sums of a relation that are not zero, as far as they are by parent or time.

    ``names`` has the names of the parents, if they are wanted.
    """
    parent = relation.c.get("parent")
    start = None if unit is None else _start(relation.c.at, unit)
    keys = [key for key in (parent, start) if key is not None]
    statement = select(
        (_NO_TEXT if parent is None else parent).label("parent"),
        (ZERO if start is None else start).label("start"),
        *_added(relation),
    ).select_from(relation)
    if keys:
        statement = statement.group_by(*keys).having(_total(relation) > ZERO).limit(most)
    sums = statement.subquery("sums")
    name = _NO_TEXT if names is None else _name_of(sums.c.parent, names)
    return _rows_of(sums.c.parent, _NO_TEXT, name, sums.c.start, sums)


def _tops_of(
    relation: FromClause, source: ExecutionSource, most: ColumnElement[Any]
) -> Select[Any]:
    """Select the agentflows with the most executions, of each parent if there are several."""
    parent, flow, total = relation.c.get("parent"), relation.c.flow, _total(relation)
    order = (total.desc(), flow)
    statement = select(flow.label("flow"), _number(total).label("total")).having(total > ZERO)
    if parent is None:
        tops = statement.group_by(flow).order_by(*order).limit(most).subquery("tops")
        return _rows_of(_NO_TEXT, tops.c.flow, _name_of(tops.c.flow, source), ZERO, tops)
    place = func.row_number().over(partition_by=parent, order_by=order)
    tops = (
        statement.add_columns(parent.label("parent"), place.label("place"))
        .group_by(parent, flow)
        .subquery("tops")
    )
    selected = _rows_of(tops.c.parent, tops.c.flow, _name_of(tops.c.flow, source), ZERO, tops)
    return selected.where(tops.c.place <= most)


def _rows_of(
    parent: ColumnElement[Any],
    flow: ColumnElement[Any],
    name: ColumnElement[Any],
    start: ColumnElement[Any],
    counts: FromClause,
) -> Select[Any]:
    """Select the columns of the statement's rows; counts that were not added up are zero."""
    return select(
        parent.label("parent"),
        flow.label("flow"),
        name.label("name"),
        start.label("start"),
        *(counts.c.get(column, ZERO).label(column) for column in _COUNTED),
    )


def _name_of(flow: ColumnElement[Any], source: ExecutionSource) -> ColumnElement[Any]:
    return select(source.flow_name).where(source.flow_key == flow).scalar_subquery()


def _added(relation: FromClause) -> list[ColumnElement[Any]]:
    summed = {"total": _total(relation)}
    summed |= {name: func.sum(relation.c[name]) for name in STATE_COLUMNS}
    return [_number(added).label(name) for name, added in summed.items()]


def _total(relation: FromClause) -> ColumnElement[Any]:
    total: ColumnElement[Any] = func.sum(sum_of_states(relation, tuple(ExecutionState)))
    return total


def _number(added: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a sum as an integer; PostgreSQL adds up to a numeric."""
    number: ColumnElement[Any] = cast(func.coalesce(added, ZERO), BigInteger)
    return number


def _start(at: ColumnElement[Any], unit: TimeBucket) -> ColumnElement[Any]:
    """Return the start of the bucket of a whole hour, or of a whole day."""
    if unit is TimeBucket.MONTH:
        start: ColumnElement[Any] = MonthStart(at)
        return start
    return floored(at, *FIXED_WIDTHS[unit])
