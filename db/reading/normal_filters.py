"""One form for all filters that ask the same.

How a filter is written must not decide whether an index serves it: what is one value is ``eq``,
what is equal is told once, and what is always or never true is left out. Every edge brings its
filters into this form before anything looks at them.
"""

from collections.abc import Hashable, Iterable
from typing import Any

from db.casefolding import fold
from db.models import ExecutionState
from db.reading.filters import EVERYTHING, AllOf, AnyOf, Condition, Filter, Not, check

NOTHING = AnyOf(())
"""The filter that no execution passes."""

_Joining = type[AllOf] | type[AnyOf]

_STATES = tuple(ExecutionState)
_BOUNDS = ("gt", "gte", "lt", "lte")
_PLAIN = frozenset({"eq", "contains", "starts_with", "is_null", *_BOUNDS})
"""Operators that take one value. What asks with one of them of a field once is in its form."""
_FEW = 8


def normalised(filter_: Filter, max_values: int | None = None) -> Filter:
    """Bring a filter into its normal form, in time that grows with its size alone.

    Raises InvalidInput when it holds too many conditions, more than ``max_values`` values in its
    lists, or is nested too deep.
    """
    # What nearly every filter is.
    if isinstance(filter_, AllOf) and not filter_.parts:
        return EVERYTHING
    if _is_normal(filter_):
        return filter_
    check(filter_, max_values)
    return _Forms().of(filter_)


def _is_normal(filter_: Filter) -> bool:
    """Whether it is plain to see that a filter has its normal form and holds little."""
    if not isinstance(filter_, AllOf):
        return isinstance(filter_, Condition) and filter_.operator in _PLAIN
    if not 2 <= len(filter_.parts) <= _FEW:
        return False
    asked = set()
    for part in filter_.parts:
        if not isinstance(part, Condition) or part.operator not in _PLAIN:
            return False
        asked.add((part.field, part.operator))
    return len(asked) == len(filter_.parts)


class _Forms:
    """The forms of one filter's parts; equal parts have one form, which is one object.

    So parts are compared by their identity, and never by all that is in them.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, Filter] = {}

    def of(self, filter_: Filter) -> Filter:
        match filter_:
            case Condition():
                return self._condition(filter_)
            case Not(part):
                return self._negated(self.of(part))
            case AllOf(parts):
                return self._joined(AllOf, parts, neutral=EVERYTHING, decisive=NOTHING)
            case AnyOf(parts):
                return self._joined(AnyOf, parts, neutral=NOTHING, decisive=EVERYTHING)

    def _condition(self, condition: Condition) -> Filter:
        field, operator, value = condition.field, condition.operator, condition.value
        if field == "state":
            return self._states(_states_of(operator, value))
        if operator in ("in", "not_in"):
            value = _distinct(value, ignore_case=condition.ignore_case)
            if not value:
                return NOTHING if operator == "in" else EVERYTHING
            if operator == "in" and len(value) == 1:
                operator, value = "eq", value[0]
            condition = Condition(field, operator, value, condition.ignore_case)
        return self._known.setdefault((field, operator, value, condition.ignore_case), condition)

    def _states(self, states: tuple[ExecutionState, ...]) -> Filter:
        if not states:
            return NOTHING
        if len(states) == len(_STATES):
            return EVERYTHING
        form = (
            Condition("state", "eq", states[0])
            if len(states) == 1
            else Condition("state", "in", states)
        )
        return self._known.setdefault(("state", states), form)

    def _negated(self, part: Filter) -> Filter:
        match part:
            case Not(inner):
                return inner
            case AllOf(()):
                return NOTHING
            case AnyOf(()):
                return EVERYTHING
            case Condition("state", operator, value):
                # It is never null, so that what is not one of some is one of the others.
                kept = _states_of(operator, value)
                return self._states(tuple(state for state in _STATES if state not in kept))
        return self._known.setdefault(("not", id(part)), Not(part))

    def _joined(
        self,
        kind: _Joining,
        parts: Iterable[Filter],
        *,
        neutral: Filter,
        decisive: Filter,
    ) -> Filter:
        alike: dict[Hashable, list[Filter]] = {}
        for part in map(self.of, parts):
            # An empty one of the same kind is neutral, and has nothing to add.
            for each in part.parts if isinstance(part, kind) else (part,):
                alike.setdefault(_subject(each, kind), []).append(each)
        kept = {}
        for group in alike.values():
            merged = self._merged(group, kind)
            if merged is decisive:
                return decisive
            if merged is not neutral:
                kept[id(merged)] = merged
        if not kept:
            return neutral
        if len(kept) == 1:
            return next(iter(kept.values()))
        return self._known.setdefault((kind, *kept), kind(tuple(kept.values())))

    def _merged(self, alike: list[Filter], kind: _Joining) -> Filter:
        """One form for what says the same, or what one condition can say."""
        conditions = [each for each in alike if isinstance(each, Condition)]
        if len(conditions) < 2:
            return alike[0]
        field, operator = conditions[0].field, conditions[0].operator
        if operator in _BOUNDS:
            outermost = max if (operator in ("gt", "gte")) == (kind is AllOf) else min
            return outermost(conditions, key=lambda condition: condition.value)
        if field == "state":
            passing = [set(_states_of(each.operator, each.value)) for each in conditions]
            join = set.intersection if kind is AllOf else set.union
            joined = join(*passing)
            return self._states(tuple(state for state in _STATES if state in joined))
        if all(each is conditions[0] for each in conditions):
            return conditions[0]
        values = tuple(value for each in conditions for value in _values_of(each))
        return self._condition(Condition(field, "in", values, conditions[0].ignore_case))


def _subject(part: Filter, kind: _Joining) -> Hashable:
    """The same for parts that one condition can say when they are joined."""
    if isinstance(part, Condition):
        if part.operator in _BOUNDS:
            return (part.field, part.operator)
        if part.field == "state":
            return "state"
        if part.operator in ("eq", "in") and kind is AnyOf:
            return (part.field, part.ignore_case)
    return id(part)


def _values_of(condition: Condition) -> Iterable[str]:
    values: Iterable[str] = condition.value if condition.operator == "in" else (condition.value,)
    return values


def _states_of(operator: str, value: Any) -> tuple[ExecutionState, ...]:
    """The states that a condition lets pass, in the order in which they are declared."""
    named = {value} if operator == "eq" else set(value)
    return tuple(state for state in _STATES if (state in named) == (operator != "not_in"))


def _distinct(values: Iterable[str], *, ignore_case: bool) -> tuple[str, ...]:
    if not ignore_case:
        return tuple(dict.fromkeys(values))
    return tuple({fold(value): value for value in values}.values())
