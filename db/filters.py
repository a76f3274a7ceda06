"""Every filter on executions, defined once.

A filter is a small tree: conditions joined by ``AllOf``, ``AnyOf`` and ``Not``. The
tables ``FIELDS`` and ``OPERATORS`` say what a condition may name; GraphQL's inputs, the
REST parameters and the statements all follow them.

Logic has two values: where a field is null, a condition on it is false and its negation
true, as in any programming language and unlike in SQL.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_, select, true

from db.dialect import Folded, PlaceOf, among_listed, listed, off_index
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

Parameters = tuple[Any, ...]
"""Values as they travel to the database."""
Bound = tuple[ColumnElement[Any], ...]
"""The places in a statement where parameters go."""
_Compile = Callable[[ColumnElement[Any], Bound], ColumnElement[bool]]
_ToParameters = Callable[[Any], Parameters]


@dataclass(frozen=True, slots=True)
class Operator:
    """One way to compare; ``description`` is written for the person who reads the API.

    ``parameters`` says how a value travels to the database, and ``compile`` what is compared
    with what: all values with as many parameters make the same statement.
    """

    description: str
    compile: _Compile
    parameters: _ToParameters = lambda value: (value,)


@dataclass(frozen=True, slots=True)
class Field:
    """What a condition may be about."""

    description: str
    operators: Mapping[str, Operator]


def _not_in(column: ColumnElement[Any], bound: Bound) -> ColumnElement[bool]:
    return or_(column.is_(None), not_(among_listed(column, bound)))


def _one_of_states(column: ColumnElement[Any], bound: Bound) -> ColumnElement[bool]:
    # Several ranges of an index would have to be sorted into one order.
    if len(bound) == 1:
        return _equals(column, bound)
    return off_index(column).in_(bound) if bound else false()


def _equals(column: ColumnElement[Any], bound: Bound) -> ColumnElement[bool]:
    equal: ColumnElement[bool] = column == bound[0]
    return equal


def _null(column: ColumnElement[Any], bound: Bound) -> ColumnElement[bool]:
    # Whether there is a value is part of the statement: one parameter if so, none if not.
    return column.is_not(None) if bound else column.is_(None)


_IDENTIFIER_OPERATORS = {
    "eq": Operator("Equals this value.", _equals),
    "in": Operator(
        "Equals one of these values; an empty list matches nothing.", among_listed, listed
    ),
    "not_in": Operator("Equals none of these values, or is null.", _not_in, listed),
    "is_null": Operator(
        "True: has no value. False: has one.", _null, lambda value: () if value else (None,)
    ),
}
_STATE_OPERATORS = {
    "eq": Operator("Is this state.", _equals),
    "in": Operator("Is one of these states; an empty list matches nothing.", _one_of_states, tuple),
    "not_in": Operator(
        "Is none of these states.",
        lambda column, bound: column.not_in(bound) if bound else true(),
        tuple,
    ),
}
_STRING_OPERATORS = {
    "eq": Operator("Equals this text.", _equals),
    "in": Operator(
        "Equals one of these texts; an empty list matches nothing.", among_listed, listed
    ),
    "contains": Operator(
        "Has this text in it; no character is a wildcard.",
        lambda column, bound: PlaceOf(column, bound[0]) > 0,
    ),
    "starts_with": Operator(
        "Begins with this text; no character is a wildcard.",
        lambda column, bound: PlaceOf(column, bound[0]) == 1,
    ),
}
# A stored instant has whole milliseconds; one that is asked for may have a part of one.
_INSTANT_OPERATORS = {
    "gt": Operator(
        "Later than.", lambda column, bound: column > bound[0], lambda at: (floor_ms(at),)
    ),
    "gte": Operator(
        "At or later than.", lambda column, bound: column >= bound[0], lambda at: (ceil_ms(at),)
    ),
    "lt": Operator(
        "Earlier than.", lambda column, bound: column < bound[0], lambda at: (ceil_ms(at),)
    ),
    "lte": Operator(
        "At or earlier than.", lambda column, bound: column <= bound[0], lambda at: (floor_ms(at),)
    ),
}

FIELDS: Mapping[str, Field] = {
    "guid": Field("The guid of the execution.", _IDENTIFIER_OPERATORS),
    "agentflow_id": Field("The id of the agentflow that ran.", _IDENTIFIER_OPERATORS),
    "agentflow_name": Field("The present name of the agentflow that ran.", _STRING_OPERATORS),
    "session_id": Field("The session that the execution belongs to.", _IDENTIFIER_OPERATORS),
    "state": Field("The state it is in.", _STATE_OPERATORS),
    "created_on": Field("When it was created.", _INSTANT_OPERATORS),
    "updated_on": Field("When it was last changed.", _INSTANT_OPERATORS),
}
"""Every field that can be filtered by."""


def check(filter_: Filter) -> None:
    """Raise InvalidInput when a filter holds too many conditions or is nested too deep."""
    count = sum(1 for _ in _conditions(filter_, 0))
    if count > MAX_CONDITIONS:
        raise InvalidInput.of("filter", f"{count} conditions", f"at most {MAX_CONDITIONS}")


Bind = Callable[[str], ColumnElement[Any]]
"""Creates the bind parameter of the next value that a field is compared with."""


def where(filter_: Filter, source: ExecutionSource, bind: Bind) -> ColumnElement[bool]:
    """Compile a filter to an SQL condition on a source's columns.

    ``bind`` is called for each parameter in the order of ``shape_of``. Raises InvalidInput
    when the filter holds more than ``MAX_CONDITIONS`` conditions or is nested deeper than
    ``MAX_NESTING``.
    """
    check(filter_)
    return _compile(filter_, source, bind)


def shape_of(filter_: Filter, parameters: list[Any]) -> Hashable:
    """What of a filter makes its statement; what does not is added to ``parameters``.

    Filters of one shape compile to one statement.
    """
    match filter_:
        case Condition(field, operator, _, ignore_case):
            values = parameters_of(filter_)
            parameters.extend(values)
            return (field, operator, ignore_case, len(values))
        case Not(part):
            return ("not", shape_of(part, parameters))
        case AllOf(parts):
            return ("all", *(shape_of(part, parameters) for part in parts))
        case AnyOf(parts):
            return ("any", *(shape_of(part, parameters) for part in parts))


def parameters_of(condition: Condition) -> Parameters:
    """The value of a condition as it travels to the database."""
    value = condition.value
    if condition.ignore_case:
        value = (
            tuple(text.casefold() for text in value)
            if isinstance(value, tuple)
            else value.casefold()
        )
    return FIELDS[condition.field].operators[condition.operator].parameters(value)


def bind_all(filter_: Filter, bind: Bind) -> list[ColumnElement[Any]]:
    """Create the bind parameters of a filter, in the order of ``shape_of``."""
    return [
        bind(condition.field)
        for condition in _conditions(filter_, 0)
        for _ in parameters_of(condition)
    ]


def conjuncts(filter_: Filter) -> Iterator[Filter]:
    """The parts of a filter all of which must be true."""
    if isinstance(filter_, AllOf):
        for part in filter_.parts:
            yield from conjuncts(part)
    else:
        yield filter_


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


def _compile(filter_: Filter, source: ExecutionSource, bind: Bind) -> ColumnElement[bool]:
    match filter_:
        case AllOf(parts):
            return and_(true(), *(_compile(part, source, bind) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(_compile(part, source, bind) for part in parts))
        case Not(part):
            return _compile(part, source, bind).is_not(true())
        case Condition(field, operator):
            bound = tuple(bind(field) for _ in parameters_of(filter_))
            compare = FIELDS[field].operators[operator].compile
            if field == "agentflow_name":
                return _named(compare, bound, source, ignore_case=filter_.ignore_case)
            return compare(source.column(field), bound)


def _named(
    compare: _Compile, bound: Bound, source: ExecutionSource, *, ignore_case: bool
) -> ColumnElement[bool]:
    name: ColumnElement[Any] = Folded(source.flow_name) if ignore_case else source.flow_name
    # Agentflows are few and executions many: the names are searched once, and the page is
    # then read in its order instead of being sorted.
    return off_index(source.agentflow_id).in_(select(source.flow_key).where(compare(name, bound)))
