"""Every filter on executions, defined once.

A filter is a small tree: conditions joined by ``AllOf``, ``AnyOf`` and ``Not``. The
tables ``FIELDS`` and ``OPERATORS`` say what a condition may name; GraphQL's inputs, the
REST parameters and the statements all follow them.

Logic has two values: where a field is null, a condition on it is false and its negation
true, as in any programming language and unlike in SQL.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select, true

from db.dialect import among, folded, off_index
from db.errors import InvalidInput
from db.instants import ceil_ms, floor_ms
from db.source import ExecutionSource

MAX_CONDITIONS = 500
"""How many conditions one filter may hold; databases limit the size of an expression."""
MAX_NESTING = 25
"""How deep ``AllOf``, ``AnyOf`` and ``Not`` may be nested in one filter."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One field compared with one value.

    ``field`` is a key of ``FIELDS``; ``operator`` one of that field's operators; the value
    a string, a datetime (with offset), a bool for ``is_null``, or a tuple for ``in`` and
    ``not_in``. ``ignore_case`` counts for strings alone.
    """

    field: str
    operator: str
    value: Any
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class AllOf:
    """True when every part is; with no parts, always."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when at least one part is; with no parts, never."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """True when the part is not."""

    part: "Filter"


Filter = Condition | AllOf | AnyOf | Not

EVERYTHING = AllOf(())
"""The filter that every execution passes."""

_Compile = Callable[[ColumnElement[Any], Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Operator:
    """One way to compare; ``description`` is written for the person who reads the API."""

    description: str
    compile: _Compile


@dataclass(frozen=True, slots=True)
class Field:
    """What a condition may be about."""

    description: str
    operators: Mapping[str, Operator]


def _not_in(column: ColumnElement[Any], values: tuple[str, ...]) -> ColumnElement[bool]:
    return or_(column.is_(None), not_(among(column, values)))


def _one_of_states(column: ColumnElement[Any], states: tuple[str, ...]) -> ColumnElement[bool]:
    # Several ranges of an index would have to be sorted into one order.
    if len(states) == 1:
        return _equals(column, states[0])
    return off_index(column).in_(states) if states else false()


def _equals(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    equal: ColumnElement[bool] = column == value
    return equal


_ID_OPERATORS = {
    "eq": Operator("Equals this value.", _equals),
    "in": Operator("Equals one of these values; an empty list matches nothing.", among),
    "not_in": Operator("Equals none of these values, or is null.", _not_in),
    "is_null": Operator(
        "True: has no value. False: has one.",
        lambda column, value: column.is_(None) if value else column.is_not(None),
    ),
}
_STATE_OPERATORS = {
    "eq": Operator("Is this state.", _equals),
    "in": Operator(
        "Is one of these states; an empty list matches nothing.",
        _one_of_states,
    ),
    "not_in": Operator(
        "Is none of these states.",
        lambda column, values: column.not_in(values) if values else true(),
    ),
}
_STRING_OPERATORS = {
    "eq": Operator("Equals this text.", _equals),
    "in": Operator("Equals one of these texts; an empty list matches nothing.", among),
    "contains": Operator(
        "Has this text in it; no character is a wildcard.",
        lambda column, value: func.instr(column, value) > 0,
    ),
    "starts_with": Operator(
        "Begins with this text; no character is a wildcard.",
        lambda column, value: func.instr(column, value) == 1,
    ),
}
# A stored instant has whole milliseconds; one that is asked for may have a part of one.
_INSTANT_OPERATORS = {
    "gt": Operator("Later than.", lambda column, value: column > floor_ms(value)),
    "gte": Operator("At or later than.", lambda column, value: column >= ceil_ms(value)),
    "lt": Operator("Earlier than.", lambda column, value: column < ceil_ms(value)),
    "lte": Operator("At or earlier than.", lambda column, value: column <= floor_ms(value)),
}

FIELDS: Mapping[str, Field] = {
    "guid": Field("The guid of the execution.", _ID_OPERATORS),
    "agentflow_id": Field("The id of the agentflow that ran.", _ID_OPERATORS),
    "agentflow_name": Field("The present name of the agentflow that ran.", _STRING_OPERATORS),
    "session_id": Field("The session that the execution belongs to.", _ID_OPERATORS),
    "state": Field("The state it is in.", _STATE_OPERATORS),
    "created_on": Field("When it was created.", _INSTANT_OPERATORS),
    "updated_on": Field("When it was last changed.", _INSTANT_OPERATORS),
}
"""Every field that can be filtered by."""


def where(filter_: Filter, source: ExecutionSource) -> ColumnElement[bool]:
    """Compile a filter to an SQL condition on a source's columns.

    Raises InvalidInput when it holds more than ``MAX_CONDITIONS`` conditions or is nested
    deeper than ``MAX_NESTING``.
    """
    count = sum(1 for _ in _conditions(filter_, 0))
    if count > MAX_CONDITIONS:
        raise InvalidInput.of("filter", f"{count} conditions", f"at most {MAX_CONDITIONS}")
    return _compile(filter_, source)


def has_condition(filter_: Filter) -> bool:
    """Whether a filter restricts anything at all, however it is nested."""
    return next(_conditions(filter_, 0), None) is not None


def _conditions(filter_: Filter, depth: int) -> Iterator[Condition]:
    if depth > MAX_NESTING:
        raise InvalidInput(f"filter must not be nested deeper than {MAX_NESTING} levels")
    match filter_:
        case Condition():
            yield filter_
        case Not(part):
            yield from _conditions(part, depth + 1)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _conditions(part, depth + 1)


def _compile(filter_: Filter, source: ExecutionSource) -> ColumnElement[bool]:
    match filter_:
        case AllOf(parts):
            return and_(true(), *(_compile(part, source) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(_compile(part, source) for part in parts))
        case Not(part):
            return _compile(part, source).is_not(true())
        case Condition(field="agentflow_name"):
            return _named(filter_, source)
        case Condition(field, operator, value):
            return FIELDS[field].operators[operator].compile(source.column(field), value)


def _named(condition: Condition, source: ExecutionSource) -> ColumnElement[bool]:
    name: ColumnElement[Any] = source.flow_name
    value = condition.value
    if condition.ignore_case:
        name = folded(name)
        value = (
            tuple(text.casefold() for text in value)
            if isinstance(value, tuple)
            else value.casefold()
        )
    compare = FIELDS["agentflow_name"].operators[condition.operator].compile
    # Agentflows are few and executions many: the names are searched once, and the page is
    # then read in its order instead of being sorted.
    return off_index(source.agentflow_id).in_(select(source.flow_key).where(compare(name, value)))
