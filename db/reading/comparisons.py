"""The fields that filters can name, and the operators that compare them, in SQL and in memory."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_, true

from db.casefolding import fold
from db.dialect import PositionOf, Shown, among_listed, listed, off_index, unlisted
from db.instants import ceil_ms, floor_ms
from db.reading.filters import Condition
from db.texts import NO_CHARACTER, bytes_of, is_broken, range_of_shown, shown

Parameters = tuple[Any, ...]
"""Values as they travel to the database."""
BoundPosition = tuple[ColumnElement[Any], ...]
"""The bind parameters of a position or a condition."""
Test = Callable[[Any], bool]
"""Whether a value of a row passes a condition; the value may be None."""
_Compile = Callable[[ColumnElement[Any], BoundPosition], ColumnElement[bool]]
_ToTest = Callable[[Parameters], Test]
_ToParameters = Callable[[Any], Parameters]


@dataclass(frozen=True, slots=True)
class Operator:
    """A comparison; ``description`` is written for readers of the API.

    ``parameters`` converts a value to bind values. ``compile`` builds the condition on a column,
    and ``test`` the same condition on values in memory, from bind values. Values with equally many
    parameters share a statement.
    """

    description: str
    compile: _Compile
    test: _ToTest
    parameters: _ToParameters = lambda value: (value,)


@dataclass(frozen=True, slots=True)
class Field:
    """A field that conditions can compare."""

    description: str
    operators: Mapping[str, Operator]


def _equals(column: ColumnElement[Any], bound: BoundPosition) -> ColumnElement[bool]:
    equal: ColumnElement[bool] = column == bound[0]
    return equal


def _is_equal(bound: Parameters) -> Test:
    wanted = bound[0]
    return lambda value: value == wanted


def _equals_shown(column: ColumnElement[Any], bound: BoundPosition) -> ColumnElement[bool]:
    """Whether an identifier equals a text, or is not UTF-8 and shown as that text."""
    if len(bound) == 1:
        return _equals(column, bound)
    low, high = bound[1:]
    return or_(column == bound[0], and_(column > low, column < high, Shown(column) == bound[0]))


def _is_shown(bound: Parameters) -> Test:
    if len(bound) == 1:
        return _is_equal(bound)
    wanted, low, high = bound[0], bytes_of(bound[1]), bytes_of(bound[2])

    def is_shown(value: str | None) -> bool:
        if value == wanted:
            return True
        if value is None or not is_broken(value):
            return False
        return low < bytes_of(value) < high and shown(value) == wanted

    return is_shown


def _with_range(value: str) -> Parameters:
    return (value, *range_of_shown(value)) if NO_CHARACTER in value else (value,)


def _is_listed(bound: Parameters) -> Test:
    return unlisted(bound).__contains__


def _not_in(column: ColumnElement[Any], bound: BoundPosition) -> ColumnElement[bool]:
    return or_(column.is_(None), not_(among_listed(column, bound)))


def _is_not_listed(bound: Parameters) -> Test:
    unwanted = unlisted(bound)
    return lambda value: value not in unwanted


def _null(column: ColumnElement[Any], bound: BoundPosition) -> ColumnElement[bool]:
    # The number of parameters says which of the two statements is meant.
    return column.is_not(None) if bound else column.is_(None)


def _is_null(bound: Parameters) -> Test:
    return (lambda value: value is not None) if bound else (lambda value: value is None)


def _one_of_states(column: ColumnElement[Any], bound: BoundPosition) -> ColumnElement[bool]:
    # Rows from several ranges of an index would have to be sorted.
    if len(bound) == 1:
        return _equals(column, bound)
    return off_index(column).in_(bound) if bound else false()


def _contains(bound: Parameters) -> Test:
    part = bound[0]
    return lambda value: value is not None and part in value


def _starts_with(bound: Parameters) -> Test:
    start = bound[0]
    return lambda value: value is not None and value.startswith(start)


def _ordered(
    description: str,
    compare: Callable[[Any, Any], Any],
    parameter: Callable[[Any], int] = lambda value: value,
) -> Operator:
    """Return the operator that compares numbers; no null passes it."""

    def test(bound: Parameters) -> Test:
        limit = bound[0]
        return lambda value: value is not None and compare(value, limit)

    return Operator(
        description,
        lambda column, bound: compare(column, bound[0]),
        test,
        lambda value: (parameter(value),),
    )


_IDENTIFIER_OPERATORS = {
    "eq": Operator("Equals this value.", _equals_shown, _is_shown, _with_range),
    "in": Operator(
        "Equals one of these values; an empty list matches nothing.",
        among_listed,
        _is_listed,
        listed,
    ),
    "not_in": Operator("Equals none of these values, or is null.", _not_in, _is_not_listed, listed),
    "is_null": Operator(
        "True: has no value. False: has a value.",
        _null,
        _is_null,
        lambda value: () if value else (None,),
    ),
}
_STATE_OPERATORS = {
    "eq": Operator("Is this state.", _equals, _is_equal),
    "in": Operator(
        "Is one of these states; an empty list matches nothing.",
        _one_of_states,
        lambda bound: frozenset(bound).__contains__,
        tuple,
    ),
    "not_in": Operator(
        "Is none of these states.",
        lambda column, bound: column.not_in(bound) if bound else true(),
        lambda bound: lambda value: value not in bound,
        tuple,
    ),
}
_STRING_OPERATORS = {
    "eq": Operator("Equals this text.", _equals, _is_equal),
    "in": Operator(
        "Equals one of these texts; an empty list matches nothing.",
        among_listed,
        _is_listed,
        listed,
    ),
    "contains": Operator(
        "Contains this text; there are no wildcards.",
        lambda column, bound: PositionOf(column, bound[0]) > 0,
        _contains,
    ),
    "starts_with": Operator(
        "Begins with this text; there are no wildcards.",
        lambda column, bound: PositionOf(column, bound[0]) == 1,
        _starts_with,
    ),
}
# Stored instants have whole milliseconds; those in filters may have fractions.
_INSTANT_OPERATORS = {
    "gt": _ordered("Later than.", operator.gt, floor_ms),
    "gte": _ordered("At or later than.", operator.ge, ceil_ms),
    "lt": _ordered("Earlier than.", operator.lt, ceil_ms),
    "lte": _ordered("At or earlier than.", operator.le, floor_ms),
}
_NUMBER_OPERATORS = {
    "gt": _ordered("Greater than.", operator.gt),
    "gte": _ordered("Equal to or greater than.", operator.ge),
    "lt": _ordered("Less than.", operator.lt),
    "lte": _ordered("Equal to or less than.", operator.le),
}

NULL_FAILS = frozenset({"eq", "in", "contains", "starts_with"})
"""The operators of texts that no null passes."""
FIELDS: Mapping[str, Field] = {
    "guid": Field("The guid of the execution.", _IDENTIFIER_OPERATORS),
    "agentflow_id": Field("The id of the agentflow that ran.", _IDENTIFIER_OPERATORS),
    "agentflow_name": Field("The current name of the agentflow that ran.", _STRING_OPERATORS),
    "session_id": Field("The session that the execution belongs to.", _IDENTIFIER_OPERATORS),
    "state": Field("The current state.", _STATE_OPERATORS),
    "created_on": Field("When it was created.", _INSTANT_OPERATORS),
    "updated_on": Field("When it was last changed.", _INSTANT_OPERATORS),
    "finished_on": Field("When it came into its present final state.", _INSTANT_OPERATORS),
    "duration_ms": Field("How long it took, in milliseconds.", _NUMBER_OPERATORS),
    "workspace_id": Field("The workspace that the execution belongs to.", _IDENTIFIER_OPERATORS),
    "error": Field(
        "The message of the first step that failed, up to 500 characters.", _STRING_OPERATORS
    ),
}
"""The fields that filters can compare."""


def parameters_of(condition: Condition) -> Parameters:
    """Return the bind values of a condition."""
    value = condition.value
    if condition.ignore_case:
        value = tuple(map(fold, value)) if isinstance(value, tuple) else fold(value)
    return FIELDS[condition.field].operators[condition.operator].parameters(value)
