"""Count matching executions without reading each of them.

Triggers count executions by state in buckets of time, in total and for each agentflow, in the
transaction that writes them. The count for a filter on states, agentflows and the time of creation
is the sum of the widest buckets that lie within its time range, and of the rows at the two edges of
the range, less than an hour each. Filters on other fields are counted row by row.
"""

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    String,
    Subquery,
    and_,
    cast,
    column,
    func,
    select,
    table,
    union,
)

from db.dialect import each_of, has_count_deltas
from db.instants import EARLIEST_MS, LATEST_MS
from db.models import AgentflowCount, Base, ExecutionCount, ExecutionState
from db.reading.comparisons import parameters_of
from db.reading.filter_statements import cache_key_of, where
from db.reading.filters import EVERYTHING, AllOf, AnyOf, Condition, Filter, Not, conjuncts, size_of
from db.reading.statement_cache import BindParameters
from db.reading.states import by_states
from db.source import ExecutionSource

HOUR = 3_600_000
"""The width of the narrowest buckets, in milliseconds."""
DAY = 24 * HOUR
LONG = 32 * DAY
"""The width of the widest buckets of all executions."""
ALL_TIME = 0
"""The width of the single bucket for all of time, in the counts of agentflows."""

DELTAS: FromClause = table(
    "execution_count_notes",
    column("start", BigInteger),
    column("agentflow_id", String),
    *(column(state.lower(), BigInteger) for state in ExecutionState),
)
COUNTS: FromClause = Base.metadata.tables[ExecutionCount.__tablename__]
FLOW_COUNTS: FromClause = Base.metadata.tables[AgentflowCount.__tablename__]

MOST_CONDITIONS = 1_000
"""With more conditions than this over all sums, counting the rows is cheaper."""
ROWS = -1
"""The width of a span that is counted by its rows."""
_START = EARLIEST_MS // LONG * LONG
_END = -(-(LATEST_MS + 1) // LONG) * LONG
ALWAYS = (_START, _END)
"""The range of all times, from and to the ends of the widest buckets."""
_OF_AGENTFLOWS = ("agentflow_id", "agentflow_name")


class Span(NamedTuple):
    """A range of time that is counted in buckets of one width, or by its rows."""

    width: int
    since: int
    until: int


class CountPlan(NamedTuple):
    """The sums that make up a count: buckets of time for groups of states, and rows at the edges.

    Each sum has the filter on agentflows that remains once its states are fixed. ``rest`` is the
    whole filter without its time range.
    """

    rest: Filter
    edges: tuple[Span, ...]
    sums: tuple[tuple[Filter, tuple[ExecutionState, ...], Span], ...]
    is_short: bool = True
    """Whether the count is quick, because it does not filter the agentflows one by one."""

    def cache_key(self, values: list[Any]) -> Hashable:
        """Return the cache key of the statement; append the bind values to ``values``."""
        parts: list[Hashable] = []
        for span in self.edges:
            values += (span.since, span.until)
            parts.append(cache_key_of(self.rest, values))
        for flows, states, span in self.sums:
            values += (span.since, span.until)
            parts.append((span.width, states, cache_key_of(flows, values)))
        return (len(self.edges), *parts)

    def build(self, parameters: BindParameters, source: ExecutionSource) -> Select[Any]:
        """Build the statement, binding values in the order of ``cache_key``."""
        counted = [_rows(self.rest, parameters, source) for _ in self.edges]
        counted += [_sum(*each, parameters, source) for each in self.sums]
        total: ColumnElement[Any] = counted[0]
        for each in counted[1:]:
            total = total + each
        return select(cast(total, BigInteger))


def plan_count(filter_: Filter, *, of_flows: bool = False) -> CountPlan | None:
    """Return how to count matching executions, or None if only the rows can tell.

    A plan without edges and sums means that nothing matches. With ``of_flows`` all buckets are
    those of agentflows, so that they can be summed for each.
    """
    times: list[Condition] = []
    others: list[Filter] = []
    size = 0
    for part in conjuncts(filter_):
        if isinstance(part, Condition) and part.field == "created_on":
            times.append(part)
        elif is_on_dimensions(part):
            others.append(part)
            size += 1 if isinstance(part, Condition) else size_of(part)
        else:
            return None
    rest = AllOf(tuple(others))
    since, until = _range(times)
    groups = by_states(rest)
    if not groups or since >= until:
        return CountPlan(rest, (), ())
    usual = cut_of_flows(since, until) if of_flows else _cut_of_all(since, until)
    sums = []
    is_short = True
    for flows, states in groups.items():
        spans = usual
        if not is_everything(flows):
            spans = usual if of_flows else cut_of_flows(since, until)
            is_short &= isinstance(flows, Condition) and flows.operator == "eq"
        sums += [(flows, states, span) for span in spans if span.width != ROWS]
    edges = tuple([span for span in usual if span.width == ROWS])
    if (len(sums) + len(edges)) * size > MOST_CONDITIONS:
        return None
    return CountPlan(rest, edges, tuple(sums), is_short)


def is_everything(filter_: Filter) -> bool:
    """Whether a filter in normal form matches every execution."""
    # Nearly always it is the same object, which is cheaper to test than equality.
    return filter_ is EVERYTHING or filter_ == EVERYTHING


def is_on_dimensions(filter_: Filter) -> bool:
    """Whether a filter uses only states and agentflows, by which executions are counted."""
    match filter_:
        case Condition(field):
            return field == "state" or field in _OF_AGENTFLOWS
        case Not(part):
            return is_on_dimensions(part)
        case AllOf(parts) | AnyOf(parts):
            return all(map(is_on_dimensions, parts))


def pairs_of(
    source: ExecutionSource, parameters: BindParameters
) -> tuple[Subquery, ExecutionSource]:
    """Return all pairs of an agentflow and a state as a subquery, and a source over them."""
    known = known_flows(parameters)
    states = each_of(tuple(ExecutionState))
    pairs = (
        select(
            known.c.agentflow_id.label(source.agentflow_id.name),
            states.label(source.state.name),
        )
        .select_from(known)
        .subquery("pairs")
    )
    return pairs, source.moved_to(pairs)


def _range(conditions: Iterable[Condition]) -> tuple[int, int]:
    """Return the start (inclusive) and end (exclusive) of a range, in epoch milliseconds."""
    since, until = _START, _END
    for condition in conditions:
        [at] = parameters_of(condition)
        match condition.operator:
            case "gte":
                since = max(since, at)
            case "gt":
                since = max(since, at + 1)
            case "lt":
                until = min(until, at)
            case "lte":
                until = min(until, at + 1)
    return since, until


def cut(since: int, until: int, widths: Iterable[int]) -> list[Span]:
    """Cut a range into whole buckets, the widest in the middle, and rows at its edges."""
    spans: list[Span] = []
    narrower = ROWS
    for width in widths:
        first, last = -(-since // width) * width, until // width * width
        if first >= last:
            break
        if since < first:
            spans.append(Span(narrower, since, first))
        if last < until:
            spans.append(Span(narrower, last, until))
        narrower, since, until = width, first, last
    if since < until:
        spans.append(Span(narrower, since, until))
    return spans


_WHOLE = cut(*ALWAYS, (HOUR, DAY, LONG))


def _cut_of_all(since: int, until: int) -> list[Span]:
    return _WHOLE if (since, until) == ALWAYS else cut(since, until, (HOUR, DAY, LONG))


def cut_of_flows(since: int, until: int) -> list[Span]:
    """Cut a range into the buckets of agentflows, and rows at its edges."""
    if (since, until) == ALWAYS:
        return [Span(ALL_TIME, 0, 1)]
    return cut(since, until, (HOUR, DAY))


def _rows(rest: Filter, parameters: BindParameters, source: ExecutionSource) -> ColumnElement[Any]:
    created_on = source.created_on
    within = and_(created_on >= parameters.bind_number(), created_on < parameters.bind_number())
    counted = select(func.count()).select_from(source.table)
    return counted.where(within, where(rest, source, parameters.bind)).scalar_subquery()


def _sum(
    flows: Filter,
    states: tuple[ExecutionState, ...],
    span: Span,
    parameters: BindParameters,
    source: ExecutionSource,
) -> ColumnElement[Any]:
    counts = COUNTS if flows == EVERYTHING else FLOW_COUNTS
    added = sum_of_states(counts, states)
    since, until = parameters.bind_number(), parameters.bind_number()
    within = and_(counts.c.width == span.width, counts.c.start >= since, counts.c.start < until)
    statement = select(func.coalesce(func.sum(added), 0)).where(within)
    passing = None if flows == EVERYTHING else _flows(flows, parameters, source)
    if passing is not None:
        statement = statement.where(counts.c.agentflow_id.in_(passing))
    counted: ColumnElement[Any] = statement.scalar_subquery()
    if not has_count_deltas(parameters.dialect):
        return counted
    deltas = select(func.coalesce(func.sum(sum_of_states(DELTAS, states)), 0))
    if span.width != ALL_TIME:
        deltas = deltas.where(DELTAS.c.start >= since, DELTAS.c.start < until)
    if passing is not None:
        deltas = deltas.where(DELTAS.c.agentflow_id.in_(passing))
    return counted + deltas.scalar_subquery()


def sum_of_states(counts: FromClause, states: tuple[ExecutionState, ...]) -> ColumnElement[Any]:
    """Return the sum of the columns of some states."""
    columns = [counts.c[state.lower()] for state in states]
    added: ColumnElement[Any] = columns[0]
    for another in columns[1:]:
        added = added + another
    return added


def _flows(flows: Filter, parameters: BindParameters, source: ExecutionSource) -> Select[Any]:
    """Select every agentflow that has or had executions and passes a filter."""
    known = known_flows(parameters)
    named = source.moved_to(known)
    return select(known.c.agentflow_id).where(where(flows, named, parameters.bind))


def known_flows(parameters: BindParameters) -> Subquery:
    """Select every agentflow that has or had executions."""
    known = select(FLOW_COUNTS.c.agentflow_id).where(FLOW_COUNTS.c.width == ALL_TIME)
    if not has_count_deltas(parameters.dialect):
        return known.subquery("known")
    return union(known, select(DELTAS.c.agentflow_id)).subquery("known")
