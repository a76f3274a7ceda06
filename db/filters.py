"""Every filter on executions, defined once.

A filter is a small tree: conditions joined by ``AllOf``, ``AnyOf`` and ``Not``. The
tables ``FIELDS`` and ``OPERATORS`` say what a condition may name; GraphQL's inputs, the
REST parameters and the statements all follow them.

Logic has two values: where a field is null, a condition on it is false and its negation
true, as in any programming language and unlike in SQL.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_, select, true

from db.casefolding import fold
from db.dialect import Apart, Folded, PlaceOf, Shown, among_listed, listed, off_index
from db.errors import InvalidInput
from db.instants import ceil_ms, floor_ms
from db.source import ExecutionSource
from db.texts import NO_CHARACTER, range_of_shown

MAX_CONDITIONS = 500
"""How many nodes one filter may hold below its root: conditions, and what joins them.

Databases limit how large an expression may be.
"""
_MOST_JOINED = 50
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


def _equals_shown(column: ColumnElement[Any], bound: Bound) -> ColumnElement[bool]:
    """Whether an identifier is a text, or is not UTF-8 and shown as it."""
    if len(bound) == 1:
        return _equals(column, bound)
    low, high = bound[1:]
    return or_(column == bound[0], and_(column > low, column < high, Shown(column) == bound[0]))


def _with_range(value: str) -> Parameters:
    return (value, *range_of_shown(value)) if NO_CHARACTER in value else (value,)


def _null(column: ColumnElement[Any], bound: Bound) -> ColumnElement[bool]:
    # Whether there is a value is part of the statement: one parameter if so, none if not.
    return column.is_not(None) if bound else column.is_(None)


_IDENTIFIER_OPERATORS = {
    "eq": Operator("Equals this value.", _equals_shown, _with_range),
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


class Allowance:
    """What one filter may hold, used up node by node while it is made or looked through.

    ``max_values`` is how many values all of its lists may hold together.
    """

    __slots__ = ("_max_values", "_nodes", "_values")

    def __init__(self, max_values: int | None = None) -> None:
        self._max_values = max_values
        # The root is free.
        self._nodes = -1
        self._values = 0

    def take(self, depth: int) -> None:
        """Count a node. Raises InvalidInput for one too many, or nested too deep."""
        self._nodes += 1
        if depth > MAX_NESTING:
            raise InvalidInput(f"filter must not be nested deeper than {MAX_NESTING} levels")
        if self._nodes > MAX_CONDITIONS:
            raise InvalidInput(
                f"filter must have at most {MAX_CONDITIONS} conditions, each and, or, not and "
                "empty filter counted as one; it has more"
            )

    def take_values(self, count: int) -> None:
        """Count the values of a list. Raises InvalidInput for too many."""
        self._values += count
        if self._max_values is not None and self._values > self._max_values:
            raise InvalidInput(
                f"filter must have at most {self._max_values} values in its lists (max_ids); "
                f"got {self._values} or more",
                limit="max_ids",
            )


def check(filter_: Filter, max_values: int | None = None) -> None:
    """Raise InvalidInput when a filter holds too much or is nested too deep, in one walk."""
    allowance = Allowance(max_values)
    waiting: list[tuple[Filter, int]] = [(filter_, 0)]
    while waiting:
        node, depth = waiting.pop()
        match node:
            case Condition(_, _, value):
                # A condition stands beside what joins it, not below.
                allowance.take(depth - 1)
                if isinstance(value, tuple):
                    allowance.take_values(len(value))
            case Not(part):
                allowance.take(depth)
                waiting.append((part, depth + 1))
            case AllOf(parts) | AnyOf(parts):
                allowance.take(depth)
                waiting.extend((part, depth + 1) for part in parts)


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
        value = tuple(map(fold, value)) if isinstance(value, tuple) else fold(value)
    return FIELDS[condition.field].operators[condition.operator].parameters(value)


def bind_all(filter_: Filter, bind: Bind) -> list[ColumnElement[Any]]:
    """Create the bind parameters of a filter, in the order of ``shape_of``."""
    return [
        bind(condition.field)
        for condition in _conditions(filter_)
        for _ in parameters_of(condition)
    ]


def size_of(filter_: Filter) -> int:
    """How many conditions a filter has."""
    count = 0
    waiting = [filter_]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Condition):
            count += 1
        elif isinstance(node, Not):
            waiting.append(node.part)
        else:
            waiting.extend(node.parts)
    return count


def conjuncts(filter_: Filter) -> Sequence[Filter]:
    """The parts of a filter all of which must be true."""
    if not isinstance(filter_, AllOf):
        return (filter_,)
    for part in filter_.parts:
        if isinstance(part, AllOf):
            return [each for part in filter_.parts for each in conjuncts(part)]
    return filter_.parts


def has_condition(filter_: Filter) -> bool:
    """Whether a filter restricts anything at all, however it is nested."""
    return next(_conditions(filter_), None) is not None


def _conditions(filter_: Filter) -> Iterator[Condition]:
    """Every condition of a filter, in the order of ``shape_of``."""
    waiting = [filter_]
    while waiting:
        node = waiting.pop()
        match node:
            case Condition():
                yield node
            case Not(part):
                waiting.append(part)
            case AllOf(parts) | AnyOf(parts):
                waiting.extend(reversed(parts))


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
        # One search through the agentflows answers all that is asked of a name.
        joined.append(_named(_flat(join, neutral, names), source))
    return _flat(join, neutral, joined)


def _flat(
    join: Callable[..., ColumnElement[bool]],
    neutral: ColumnElement[bool],
    joined: list[ColumnElement[bool]],
) -> ColumnElement[bool]:
    # Each one that is joined makes an expression a level deeper.
    while len(joined) > _MOST_JOINED:
        joined = [
            Apart(join(*joined[start : start + _MOST_JOINED]))
            for start in range(0, len(joined), _MOST_JOINED)
        ]
    return join(neutral, *joined)


def _compared(condition: Condition, source: ExecutionSource, bind: Bind) -> ColumnElement[bool]:
    field = condition.field
    bound = tuple(bind(field) for _ in parameters_of(condition))
    column: ColumnElement[Any] = (
        source.flow_name if field == "agentflow_name" else source.column(field)
    )
    compare = FIELDS[field].operators[condition.operator].compile
    return compare(Folded(column) if condition.ignore_case else column, bound)


def _named(compared: ColumnElement[bool], source: ExecutionSource) -> ColumnElement[bool]:
    # Agentflows are few and executions many: the names are searched once, and the page is
    # then read in its order instead of being sorted.
    return off_index(source.agentflow_id).in_(select(source.flow_key).where(compared))
