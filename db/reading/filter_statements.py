"""Compile filters to SQL, with values as bind parameters."""

from collections.abc import Callable, Hashable
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from db.columns import SPARSE
from db.dialect import Folded, Parenthesized, off_index
from db.reading.comparisons import FIELDS, NULL_FAILS, parameters_of
from db.reading.filters import ROOM, AllOf, AnyOf, Condition, Filter, Not, check, conditions_of
from db.source import ExecutionSource

_MOST_JOINED = 50

Bind = Callable[[str], ColumnElement[Any]]
"""Creates the bind parameter of the next value that a field is compared with."""


def where(filter_: Filter, source: ExecutionSource, bind: Bind) -> ColumnElement[bool]:
    """Compile a filter to an SQL condition on a source's columns.

    Calls ``bind`` for each parameter, in the order of ``cache_key_of``. Raises InvalidInput if the
    filter has more than ``MAX_CONDITIONS`` conditions or is nested deeper than ``MAX_NESTING``, and
    ``ROOM`` of each for what the gateway adds.
    """
    check(filter_, room=ROOM)
    return _compile(filter_, source, bind)


def flow_where(filter_: Filter, source: ExecutionSource, bind: Bind) -> ColumnElement[bool]:
    """Compile a filter on ``agentflow_name`` to an SQL condition on a source's agentflows.

    Otherwise the same as ``where``.
    """
    check(filter_)
    return _compile_named(filter_, source, bind)


def _compile_named(filter_: Filter, source: ExecutionSource, bind: Bind) -> ColumnElement[bool]:
    match filter_:
        case AllOf(parts):
            return and_(true(), *(_compile_named(part, source, bind) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(_compile_named(part, source, bind) for part in parts))
        case Not(part):
            return _compile_named(part, source, bind).is_not(true())
        case Condition():
            return _compared(filter_, source, bind)


def cache_key_of(filter_: Filter, parameters: list[Any]) -> Hashable:
    """Return the cache key of a filter's statement; append the bind values to ``parameters``.

    Filters with the same cache key compile to the same statement.
    """
    match filter_:
        case Condition(field, operator, _, ignore_case):
            values = parameters_of(filter_)
            parameters.extend(values)
            return (field, operator, ignore_case, len(values))
        case Not(part):
            return ("not", cache_key_of(part, parameters))
        case AllOf(parts):
            return ("all", *(cache_key_of(part, parameters) for part in parts))
        case AnyOf(parts):
            return ("any", *(cache_key_of(part, parameters) for part in parts))


def bind_all(filter_: Filter, bind: Bind) -> list[ColumnElement[Any]]:
    """Create the bind parameters of a filter, in the order of ``cache_key_of``."""
    return [
        bind(condition.field)
        for condition in conditions_of(filter_)
        for _ in parameters_of(condition)
    ]


def _compile(filter_: Filter, source: ExecutionSource, bind: Bind) -> ColumnElement[bool]:
    match filter_:
        case AllOf(parts):
            return _joined(and_, true(), parts, source, bind)
        case AnyOf(parts):
            return _joined(or_, false(), parts, source, bind)
        case Not(part):
            return _compile(part, source, bind).is_not(true())
        case Condition("agentflow_name"):
            return _named(_compared(filter_, source, bind), source)
        case Condition():
            return _compared(filter_, source, bind)


def _joined(
    join: Callable[..., ColumnElement[bool]],
    neutral: ColumnElement[bool],
    parts: tuple[Filter, ...],
    source: ExecutionSource,
    bind: Bind,
) -> ColumnElement[bool]:
    joined: list[ColumnElement[bool]] = []
    names: list[ColumnElement[bool]] = []
    for part in parts:
        if isinstance(part, Condition) and part.field == "agentflow_name":
            names.append(_compared(part, source, bind))
        else:
            joined.append(_compile(part, source, bind))
    if names:
        # One search through the agentflows serves all conditions on names.
        joined.append(_named(_flat(join, neutral, names), source))
    return _flat(join, neutral, joined)


def _flat(
    join: Callable[..., ColumnElement[bool]],
    neutral: ColumnElement[bool],
    joined: list[ColumnElement[bool]],
) -> ColumnElement[bool]:
    # Each joined condition makes the expression one level deeper.
    while len(joined) > _MOST_JOINED:
        joined = [
            Parenthesized(join(*joined[start : start + _MOST_JOINED]))
            for start in range(0, len(joined), _MOST_JOINED)
        ]
    return join(neutral, *joined)


def _compared(condition: Condition, source: ExecutionSource, bind: Bind) -> ColumnElement[bool]:
    field = condition.field
    bound = tuple(bind(field) for _ in parameters_of(condition))
    column: ColumnElement[Any] = (
        source.flow_name if field == "agentflow_name" else source.column(field)
    )
    if source.seeks and field == "state" and condition.operator == "in":
        return column.in_(bound)
    compare = FIELDS[field].operators[condition.operator].compile
    compared = compare(Folded(column) if condition.ignore_case else column, bound)
    if field in SPARSE and condition.operator in NULL_FAILS:
        # Planners do not see it in what functions make of the column.
        return and_(column.is_not(None), compared)
    return compared


def _named(compared: ColumnElement[bool], source: ExecutionSource) -> ColumnElement[bool]:
    # Agentflows are few and executions many: search the names once, then read the page in its
    # order instead of sorting it.
    named = source.agentflow_id if source.seeks else off_index(source.agentflow_id)
    return named.in_(select(source.flow_key).where(compared))
