"""How many executions match, without a look at each of them.

Triggers count executions by state in buckets of time, in all and for each agentflow, in the
transaction that writes them. A filter on states, agentflows and the time of creation is answered
from the widest buckets that lie within its range, and from the rows at the range's two edges,
which are less than an hour's. What a filter asks beyond that is counted row by row.
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
"""The width that stands for all of time, in the counts of agentflows."""

_deltas = table(
    "execution_count_notes",
    column("start", BigInteger),
    column("agentflow_id", String),
    *(column(state.lower(), BigInteger) for state in ExecutionState),
)
_counts = Base.metadata.tables[ExecutionCount.__tablename__]
_flow_counts = Base.metadata.tables[AgentflowCount.__tablename__]

# More conditions than these are not repeated for each sum; the rows tell.
_MOST_CONDITIONS = 1_000
_ROWS = -1
_BEGINNING = EARLIEST_MS // LONG * LONG
_END = -(-(LATEST_MS + 1) // LONG) * LONG
_ALWAYS = (_BEGINNING, _END)
_OF_AGENTFLOWS = ("agentflow_id", "agentflow_name")


class _Piece(NamedTuple):
    """A range of time that is counted in buckets of one width, or by its rows."""

    width: int
    since: int
    until: int


class CountPlan(NamedTuple):
    """What is added up: pieces of time, for each group of states that one condition is left of.

    ``rest`` is the filter without its range of time.
    """

    rest: Filter
    edges: tuple[_Piece, ...]
    sums: tuple[tuple[Filter, tuple[ExecutionState, ...], _Piece], ...]
    is_short: bool = True
    """Whether it takes next to no time: it does not ask each agentflow in turn."""

    def cache_key(self, values: list[Any]) -> Hashable:
        """What makes the statement; what does not is added to ``values``, in its order."""
        parts: list[Hashable] = []
        for piece in self.edges:
            values += (piece.since, piece.until)
            parts.append(cache_key_of(self.rest, values))
        for flows, states, piece in self.sums:
            values += (piece.since, piece.until)
            parts.append((piece.width, states, cache_key_of(flows, values)))
        return (len(self.edges), *parts)

    def build(self, places: BindParameters, source: ExecutionSource) -> Select[Any]:
        """The statement, binding the values in the order of ``cache_key``."""
        counted = [_rows(self.rest, places, source) for _ in self.edges]
        counted += [_sum(*each, places, source) for each in self.sums]
        total: ColumnElement[Any] = counted[0]
        for each in counted[1:]:
            total = total + each
        return select(cast(total, BigInteger))


def plan_count(filter_: Filter) -> CountPlan | None:
    """How to count what matches; None when only the rows themselves can tell.

    A plan without edges and sums counts nothing.
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
    cut = _WHOLE if (since, until) == _ALWAYS else _cut(since, until, (HOUR, DAY, LONG))
    sums = []
    is_short = True
    for flows, states in groups.items():
        pieces = cut
        if not _is_everything(flows):
            pieces = _cut_of_flows(since, until)
            is_short &= isinstance(flows, Condition) and flows.operator == "eq"
        sums += [(flows, states, piece) for piece in pieces if piece.width != _ROWS]
    edges = tuple([piece for piece in cut if piece.width == _ROWS])
    if (len(sums) + len(edges)) * size > _MOST_CONDITIONS:
        return None
    return CountPlan(rest, edges, tuple(sums), is_short)


def _is_everything(filter_: Filter) -> bool:
    # To compare them costs more, and it is nearly always the same object.
    return filter_ is EVERYTHING or filter_ == EVERYTHING


def is_on_dimensions(filter_: Filter) -> bool:
    """Whether a filter asks only of states and agentflows, which executions are counted by."""
    match filter_:
        case Condition(field):
            return field == "state" or field in _OF_AGENTFLOWS
        case Not(part):
            return is_on_dimensions(part)
        case AllOf(parts) | AnyOf(parts):
            return all(map(is_on_dimensions, parts))


def pairs_of(source: ExecutionSource, places: BindParameters) -> tuple[Subquery, ExecutionSource]:
    """Every agentflow that has or had executions, with every state, and the source of the two."""
    known = _known_flows(places)
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
    """From when, and until before when, in epoch milliseconds."""
    since, until = _BEGINNING, _END
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


def _cut(since: int, until: int, widths: Iterable[int]) -> list[_Piece]:
    """Cut a range into whole buckets, the widest in the middle, and rows at its edges."""
    pieces: list[_Piece] = []
    narrower = _ROWS
    for width in widths:
        first, last = -(-since // width) * width, until // width * width
        if first >= last:
            break
        if since < first:
            pieces.append(_Piece(narrower, since, first))
        if last < until:
            pieces.append(_Piece(narrower, last, until))
        narrower, since, until = width, first, last
    if since < until:
        pieces.append(_Piece(narrower, since, until))
    return pieces


_WHOLE = _cut(*_ALWAYS, (HOUR, DAY, LONG))


def _cut_of_flows(since: int, until: int) -> list[_Piece]:
    if (since, until) == _ALWAYS:
        return [_Piece(ALL_TIME, 0, 1)]
    return _cut(since, until, (HOUR, DAY))


def _rows(rest: Filter, places: BindParameters, source: ExecutionSource) -> ColumnElement[Any]:
    created_on = source.created_on
    within = and_(created_on >= places.bind_number(), created_on < places.bind_number())
    counted = select(func.count()).select_from(source.table)
    return counted.where(within, where(rest, source, places.bind)).scalar_subquery()


def _sum(
    flows: Filter,
    states: tuple[ExecutionState, ...],
    piece: _Piece,
    places: BindParameters,
    source: ExecutionSource,
) -> ColumnElement[Any]:
    counts = _counts if flows == EVERYTHING else _flow_counts
    added = _added(counts, states)
    since, until = places.bind_number(), places.bind_number()
    within = and_(counts.c.width == piece.width, counts.c.start >= since, counts.c.start < until)
    statement = select(func.coalesce(func.sum(added), 0)).where(within)
    passing = None if flows == EVERYTHING else _flows(flows, places, source)
    if passing is not None:
        statement = statement.where(counts.c.agentflow_id.in_(passing))
    counted: ColumnElement[Any] = statement.scalar_subquery()
    if not has_count_deltas(places.dialect):
        return counted
    noted = select(func.coalesce(func.sum(_added(_deltas, states)), 0))
    if piece.width != ALL_TIME:
        noted = noted.where(_deltas.c.start >= since, _deltas.c.start < until)
    if passing is not None:
        noted = noted.where(_deltas.c.agentflow_id.in_(passing))
    return counted + noted.scalar_subquery()


def _added(counts: FromClause, states: tuple[ExecutionState, ...]) -> ColumnElement[Any]:
    columns = [counts.c[state.lower()] for state in states]
    added: ColumnElement[Any] = columns[0]
    for another in columns[1:]:
        added = added + another
    return added


def _flows(flows: Filter, places: BindParameters, source: ExecutionSource) -> Select[Any]:
    """Every agentflow that has or had executions, and passes a filter."""
    known = _known_flows(places)
    named = source.moved_to(known)
    return select(known.c.agentflow_id).where(where(flows, named, places.bind))


def _known_flows(places: BindParameters) -> Subquery:
    """Every agentflow that has or had executions."""
    known = select(_flow_counts.c.agentflow_id).where(_flow_counts.c.width == ALL_TIME)
    if not has_count_deltas(places.dialect):
        return known.subquery("known")
    return union(known, select(_deltas.c.agentflow_id)).subquery("known")
