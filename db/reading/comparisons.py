"""The fields that filters can name, and the operators that compare them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_, true

from db.casefolding import fold
from db.dialect import PositionOf, Shown, among_listed, listed, off_index
from db.instants import ceil_ms, floor_ms
from db.reading.filters import Condition
from db.texts import NO_CHARACTER, range_of_shown

Parameters = tuple[Any, ...]
"""Values as they travel to the database."""
BoundPosition = tuple[ColumnElement[Any], ...]
"""The bind parameters of a position or a condition."""
_Compile = Callable[[ColumnElement[Any], BoundPosition], ColumnElement[bool]]
_ToParameters = Callable[[Any], Parameters]


@dataclass(frozen=True, slots=True)
class Operator:
    """A comparison; ``description`` is written for readers of the API.

    ``parameters`` converts a value to bind values, and ``compile`` builds the condition on a
    column. Values with equally many parameters share a statement.
    """

    description: str
    compile: _Compile
    parameters: _ToParameters = lambda value: (value,)


@dataclass(frozen=True, slots=True)
class Field:
    """A field that conditions can compare."""

    description: str
    operators: Mapping[str, Operator]


def _not_in(column: ColumnElement[Any], bound: BoundPosition) -> ColumnElement[bool]:
    return or_(column.is_(None), not_(among_listed(column, bound)))


def _one_of_states(column: ColumnElement[Any], bound: BoundPosition) -> ColumnElement[bool]:
    # Rows from several ranges of an index would have to be sorted.
    if len(bound) == 1:
        return _equals(column, bound)
    return off_index(column).in_(bound) if bound else false()


def _equals(column: ColumnElement[Any], bound: BoundPosition) -> ColumnElement[bool]:
    equal: ColumnElement[bool] = column == bound[0]
    return equal


def _equals_shown(column: ColumnElement[Any], bound: BoundPosition) -> ColumnElement[bool]:
    """Whether an identifier equals a text, or is not UTF-8 and shown as that text."""
    if len(bound) == 1:
        return _equals(column, bound)
    low, high = bound[1:]
    return or_(column == bound[0], and_(column > low, column < high, Shown(column) == bound[0]))


def _with_range(value: str) -> Parameters:
    return (value, *range_of_shown(value)) if NO_CHARACTER in value else (value,)


def _null(column: ColumnElement[Any], bound: BoundPosition) -> ColumnElement[bool]:
    # The number of parameters says which of the two statements is meant.
    return column.is_not(None) if bound else column.is_(None)


_IDENTIFIER_OPERATORS = {
    "eq": Operator("Equals this value.", _equals_shown, _with_range),
    "in": Operator(
        "Equals one of these values; an empty list matches nothing.", among_listed, listed
    ),
    "not_in": Operator("Equals none of these values, or is null.", _not_in, listed),
    "is_null": Operator(
        "True: has no value. False: has a value.", _null, lambda value: () if value else (None,)
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
        "Contains this text; there are no wildcards.",
        lambda column, bound: PositionOf(column, bound[0]) > 0,
    ),
    "starts_with": Operator(
        "Begins with this text; there are no wildcards.",
        lambda column, bound: PositionOf(column, bound[0]) == 1,
    ),
}
# Stored instants have whole milliseconds; those in filters may have fractions.
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
_NUMBER_OPERATORS = {
    "gt": Operator("Greater than.", lambda column, bound: column > bound[0]),
    "gte": Operator("Equal to or greater than.", lambda column, bound: column >= bound[0]),
    "lt": Operator("Less than.", lambda column, bound: column < bound[0]),
    "lte": Operator("Equal to or less than.", lambda column, bound: column <= bound[0]),
}

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
}
"""The fields that filters can compare."""


def parameters_of(condition: Condition) -> Parameters:
    """Return the bind values of a condition."""
    value = condition.value
    if condition.ignore_case:
        value = tuple(map(fold, value)) if isinstance(value, tuple) else fold(value)
    return FIELDS[condition.field].operators[condition.operator].parameters(value)
