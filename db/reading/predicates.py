"""Evaluate filters in memory, with the operators that also compile to SQL."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from db.casefolding import fold
from db.reading.comparisons import FIELDS, Test, parameters_of
from db.reading.filters import ROOM, AllOf, AnyOf, Condition, Filter, Not, check
from db.source import ExecutionRow
from db.texts import shown

Predicate = Callable[[ExecutionRow], bool]
"""Whether an execution matches a filter."""


def predicate(filter_: Filter) -> Predicate:
    """Compile a filter to a function of an execution.

    It is true for the executions that ``filter_statements.where`` selects. Raises InvalidInput if
    the filter has more than ``MAX_CONDITIONS`` conditions or is nested deeper than ``MAX_NESTING``.
    """
    check(filter_, room=ROOM)
    return _compile(filter_)


def _compile(filter_: Filter) -> Predicate:
    match filter_:
        case AllOf(parts):
            return _all(tuple(map(_compile, parts)))
        case AnyOf(parts):
            return _any(tuple(map(_compile, parts)))
        case Not(part):
            inner = _compile(part)
            return lambda row: not inner(row)
        case Condition():
            return _compared(filter_)


def _all(parts: tuple[Predicate, ...]) -> Predicate:
    if not parts:
        return lambda _: True
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        one, other = parts
        return lambda row: one(row) and other(row)

    def all_pass(row: ExecutionRow) -> bool:
        # Several times as fast as ``all`` with a generator.
        for part in parts:  # noqa: SIM110 - for speed, see above
            if not part(row):
                return False
        return True

    return all_pass


def _any(parts: tuple[Predicate, ...]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        one, other = parts
        return lambda row: one(row) or other(row)

    def any_passes(row: ExecutionRow) -> bool:
        for part in parts:  # noqa: SIM110 - for speed, as above
            if part(row):
                return True
        return False

    return any_passes


def _compared(condition: Condition) -> Predicate:
    operator = FIELDS[condition.field].operators[condition.operator]
    test = operator.test(parameters_of(condition))
    column = ExecutionRow._fields.index(condition.field)
    if condition.ignore_case:
        return _folded(test, column)
    return lambda row: test(row[column])


def _folded(test: Test, column: int) -> Predicate:
    def passes(row: ExecutionRow) -> bool:
        text: Any = row[column]
        return test(None if text is None else _fold_shown(text))

    return passes


# A row is compared with many filters in turn, and folding takes longer than comparing.
@lru_cache(maxsize=2)
def _fold_shown(text: str) -> str:
    # The database folds texts as they are shown.
    return fold(shown(text))
