"""Add up statistics from the counts that triggers keep; see ``counts``.

The whole hours of a range are in the counts. The rows of the parts of an hour at its two edges are
counted one by one.
"""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    func,
    literal_column,
    select,
    union_all,
)

from db.dialect import among_listed, has_count_deltas, skips_in_indexes
from db.models import ExecutionState
from db.reading.counts import (
    ALL_TIME,
    ALWAYS,
    COUNTS,
    DAY,
    DELTAS,
    FLOW_COUNTS,
    HOUR,
    LONG,
    MOST_CONDITIONS,
    ROWS,
    Span,
    cut,
    cut_of_flows,
    is_everything,
    is_on_dimensions,
    known_flows,
)
from db.reading.filter_statements import cache_key_of, where
from db.reading.filters import AllOf, Condition, Filter, conjuncts, size_of
from db.reading.statement_cache import BindParameters
from db.reading.states import by_states
from db.reading.time_buckets import TimeBucket, created_within
from db.source import ExecutionSource

STATE_COLUMNS = tuple(state.lower() for state in ExecutionState)
"""The names of the columns with counts by state."""

ZERO: ColumnElement[Any] = literal_column("0", BigInteger)
_FEW = 1_000
_Bound = tuple[ColumnElement[Any], ...]


class StateGroup(NamedTuple):
    """Some states, the filter on agentflows that remains for them, and the buckets to add up.

    ``sums`` are by time and ``tops`` by agentflow.
    """

    flows: Filter
    states: tuple[ExecutionState, ...]
    sums: Sequence[Span]
    tops: Sequence[Span]


class CountsPlan(NamedTuple):
    """What to add up. ``rest`` is the whole filter without its range of time.

    ``hours`` is the range of whole hours, ``edges`` are the parts of an hour around it.
    """

    rest: Filter
    groups: tuple[StateGroup, ...] = ()
    hours: tuple[int, int] = (0, 0)
    edges: tuple[Span, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing can match."""
        return not self.groups

    @property
    def has_few_sums(self) -> bool:
        """Whether adding up the sums is quick, however long counts have been kept."""
        buckets = 0
        for group in self.groups:
            if not is_everything(group.flows) and not _is_one_flow(group.flows):
                return False
            buckets += sum((span.until - span.since) // (span.width or LONG) for span in group.sums)
        return buckets <= _FEW

    def cache_key(self, values: list[Any]) -> Hashable:
        """Return the cache key of the statement; append the bind values to ``values``."""
        values += self.hours
        parts: list[Hashable] = [len(self.edges)]
        for edge in self.edges:
            values += (edge.since, edge.until)
            parts.append(cache_key_of(self.rest, values))
        for group in self.groups:
            widths = []
            for spans in (group.sums, group.tops):
                values += [at for span in spans for at in (span.since, span.until)]
                widths.append(tuple([span.width for span in spans]))
            parts.append((group.states, cache_key_of(group.flows, values), *widths))
        return tuple(parts)


def plan_counts(
    filter_: Filter, unit: TimeBucket | None, *, is_of_flows: bool
) -> CountsPlan | None:
    """Return what to add up in buckets of a unit, or None if only the rows can tell.

    With ``is_of_flows``, everything is added up by agentflow.
    """
    others: list[Filter] = []
    size = 0
    for part in conjuncts(filter_):
        if isinstance(part, Condition) and part.field == "created_on":
            continue
        if not is_on_dimensions(part):
            return None
        others.append(part)
        size += size_of(part)
    rest = AllOf(tuple(others))
    range_ = created_within(filter_)
    remaining = by_states(rest)
    if not remaining or range_.is_empty:
        return CountsPlan(rest)
    since = ALWAYS[0] if range_.since is None else range_.since
    until = ALWAYS[1] if range_.until is None else range_.until
    edges = tuple([span for span in cut(since, until, (HOUR,)) if span.width == ROWS])
    if (len(remaining) + len(edges)) * size > MOST_CONDITIONS:
        return None
    groups = []
    for flows, states in remaining.items():
        by_flow = _whole(cut_of_flows(since, until))
        if unit is not None:
            sums = _whole(cut(since, until, (HOUR,) if unit is TimeBucket.HOUR else (HOUR, DAY)))
        elif is_of_flows or not is_everything(flows):
            sums = by_flow
        else:
            sums = _whole(cut(since, until, (HOUR, DAY, LONG)))
        groups.append(StateGroup(flows, states, sums, by_flow))
    hours = (-(-since // HOUR) * HOUR, until // HOUR * HOUR)
    return CountsPlan(rest, tuple(groups), hours, edges)


def _is_one_flow(flows: Filter) -> bool:
    return isinstance(flows, Condition) and flows.operator == "eq"


def _whole(spans: Sequence[Span]) -> Sequence[Span]:
    return [span for span in spans if span.width != ROWS]


class _BoundGroup(NamedTuple):
    """A group of states with the bounds of its spans, and the agentflows that it counts."""

    group: StateGroup
    sums: Sequence[_Bound]
    tops: Sequence[_Bound]
    passing: CTE | None


class CountsRelations:
    """Binds the values of a plan, in the order of its cache key, and selects what it adds up.

    ``keys`` are the bound agentflows that it is limited to, if any; they are then the parents. The
    selected columns are ``parent`` or ``flow``, ``at``, and the counts by state.
    """

    def __init__(
        self,
        plan: CountsPlan,
        parameters: BindParameters,
        source: ExecutionSource,
        keys: _Bound,
        *,
        with_tops: bool,
        unit: TimeBucket | None,
    ) -> None:
        self._keys = keys
        self._unit = unit
        self._has_deltas = has_count_deltas(parameters.dialect)
        self._skips_in_indexes = skips_in_indexes(parameters.dialect)

        def bound_range() -> _Bound:
            return parameters.bind_number(), parameters.bind_number()

        self._hours = bound_range()
        edges = []
        for _ in plan.edges:
            since, until = bound_range()
            within = and_(source.created_on >= since, source.created_on < until)
            condition = and_(within, where(plan.rest, source, parameters.bind))
            if keys:
                condition = and_(condition, among_listed(source.agentflow_id, keys))
            parent = source.agentflow_id if keys else None
            edges.append(
                rows_by_state(source, condition, parent=parent, with_flow=with_tops, unit=unit)
            )
        self._edges = union_all(*edges).cte("edges") if edges else None
        known = self._known = select(known_flows(parameters)).cte("known_flows")
        self._groups: list[_BoundGroup] = []
        for group in plan.groups:
            sums = [bound_range() for _ in group.sums]
            tops = [bound_range() for _ in group.tops]
            passing = None
            if not is_everything(group.flows):
                condition = where(group.flows, source.moved_to(known), parameters.bind)
                passing = (
                    select(known.c.agentflow_id).where(condition).cte(f"flows_{len(self._groups)}")
                )
            self._groups.append(_BoundGroup(group, sums, tops, passing))

    def sums(self) -> FromClause:
        """Select the counts in the buckets of the unit, or of all time."""
        names = ["parent"] * bool(self._keys) + ["at"] * (self._unit is not None)
        parts = []
        for group, bounds, _, passing in self._groups:
            by_flow = bool(self._keys) or passing is not None
            table = FLOW_COUNTS if by_flow else COUNTS
            for span, bound in zip(group.sums, bounds, strict=True):
                part = _within(_select(table, names, group.states), table, span.width, bound)
                parts.append(self._limited(part, table, passing))
            parts += self._deltas(group, names, passing)
        return self._with_edges(parts, names)

    def tops(self) -> FromClause:
        """Select the counts of agentflows."""
        names = ["flow"]
        parts = []
        for group, _, bounds, passing in self._groups:
            for span, bound in zip(group.tops, bounds, strict=True):
                part = _select(FLOW_COUNTS, names, group.states)
                part = _within(part, FLOW_COUNTS, span.width, bound)
                seek = passing
                if seek is None and span.width != ALL_TIME and not self._skips_in_indexes:
                    # Name all agentflows, to find the range of each.
                    seek = self._known
                parts.append(self._limited(part, FLOW_COUNTS, seek))
            parts += self._deltas(group, names, passing)
        return self._with_edges(parts, names)

    def _deltas(
        self, group: StateGroup, names: Sequence[str], passing: CTE | None
    ) -> Sequence[Select[Any]]:
        if not self._has_deltas:
            return ()
        since, until = self._hours
        part = _select(DELTAS, names, group.states)
        part = part.where(DELTAS.c.start >= since, DELTAS.c.start < until)
        return (self._limited(part, DELTAS, passing),)

    def _limited(self, part: Select[Any], table: FromClause, passing: CTE | None) -> Select[Any]:
        if self._keys:
            part = part.where(among_listed(table.c.agentflow_id, self._keys))
        if passing is not None:
            part = part.where(table.c.agentflow_id.in_(select(passing.c.agentflow_id)))
        return part

    def _with_edges(self, parts: list[Select[Any]], names: Sequence[str]) -> FromClause:
        edges = self._edges
        if edges is not None:
            parts.append(select(*(edges.c[name] for name in (*names, *STATE_COLUMNS))))
        return union_all(*parts).subquery()


def _select(
    table: FromClause, names: Sequence[str], states: tuple[ExecutionState, ...]
) -> Select[Any]:
    """Select columns of a table of counts; the states that are not counted are zero."""
    columns = {"parent": "agentflow_id", "flow": "agentflow_id", "at": "start"}
    counted = {state.lower() for state in states}
    return select(
        *(table.c[columns[name]].label(name) for name in names),
        *(table.c[name] if name in counted else ZERO.label(name) for name in STATE_COLUMNS),
    )


def _within(part: Select[Any], table: FromClause, width: int, bound: _Bound) -> Select[Any]:
    since, until = bound
    return part.where(
        table.c.width == literal_column(str(width)), table.c.start >= since, table.c.start < until
    )


def rows_by_state(
    source: ExecutionSource,
    condition: ColumnElement[bool],
    *,
    parent: ColumnElement[Any] | None = None,
    with_flow: bool = False,
    unit: TimeBucket | None = None,
) -> Select[Any]:
    """Count the rows that pass a condition by state, and as asked by parent, agentflow and time.

    ``at`` is the start of the hour, or of the day for wider units.
    """
    keys: list[ColumnElement[Any]] = []
    if parent is not None:
        keys.append(parent.label("parent"))
    if with_flow:
        keys.append(source.agentflow_id.label("flow"))
    if unit is not None:
        width = HOUR if unit is TimeBucket.HOUR else DAY
        keys.append(floored(source.created_on, width).label("at"))
    counted = [
        func.count().filter(source.state == literal_column(f"'{state}'")).label(state.lower())
        for state in ExecutionState
    ]
    statement = select(*keys, *counted).select_from(source.table).where(condition)
    return statement.group_by(*(key.element for key in keys))


def floored(at: ColumnElement[Any], width: int, origin: int = 0) -> ColumnElement[Any]:
    """Return the last time that is not after ``at`` and any number of widths from ``origin``."""
    size = literal_column(str(width), BigInteger)
    since = at - literal_column(str(origin), BigInteger) if origin else at
    # SQL's division rounds towards zero.
    start: ColumnElement[Any] = at - ((since % size) + size) % size
    return start
