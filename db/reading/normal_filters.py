"""Normalize filters, so that equivalent filters have one form.

How a filter is written must not decide whether an index serves it: a list of one value becomes
``eq``, duplicates are merged, and parts that are always or never true are removed. Every edge
normalizes its filters before using them.
"""

from collections.abc import Hashable, Iterable
from typing import Any

from db.casefolding import fold
from db.models import ExecutionState
from db.reading.filters import EVERYTHING, AllOf, AnyOf, Condition, Filter, Not, check

NOTHING = AnyOf(())
"""The filter that no execution matches."""

_Joining = type[AllOf] | type[AnyOf]

_STATES = tuple(ExecutionState)
_BOUNDS = ("gt", "gte", "lt", "lte")
_OPPOSITES = {"gt": "lte", "gte": "lt", "lt": "gte", "lte": "gt"}
_PLAIN = frozenset({"eq", "contains", "starts_with", "is_null", *_BOUNDS})
"""Operators with one value. A condition with one of these on a field is in normal form."""
_FEW = 8


def normalised(filter_: Filter, max_values: int | None = None) -> Filter:
    """Return the normal form of a filter, in time linear in its size.

    Raises InvalidInput if it has too many conditions, more than ``max_values`` values in its lists,
    or is nested too deeply.
    """
    # The most common filter.
    if isinstance(filter_, AllOf) and not filter_.parts:
        return EVERYTHING
    if _is_normal(filter_):
        return filter_
    check(filter_, max_values)
    return _Normalizer().normalize(filter_)


def _is_normal(filter_: Filter) -> bool:
    """Whether a filter is small and obviously in normal form."""
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


class _Normalizer:
    """The normal forms of a filter's parts, where equal parts share one object.

    Parts can then be compared by identity instead of content.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, Filter] = {}

    def normalize(self, filter_: Filter) -> Filter:
        match filter_:
            case Condition():
                return self._condition(filter_)
            case Not(part):
                return self._negated(self.normalize(part))
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
                # The state is never null, so a negated set is the set of the other states.
                kept = _states_of(operator, value)
                return self._states(tuple(state for state in _STATES if state not in kept))
            case Condition("created_on" | "updated_on" as field, operator, value):
                # These are never null either, so a bound fails where its opposite holds.
                return self._condition(Condition(field, _OPPOSITES[operator], value))
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
        for part in map(self.normalize, parts):
            # An empty part of the same kind is neutral and adds nothing.
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
        """Merge parts with the same subject into one condition."""
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
    """Return the same key for parts that one condition can express when they are joined."""
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
    """Return the states that match a condition, in the order of their declaration."""
    named = {value} if operator == "eq" else set(value)
    return tuple(state for state in _STATES if (state in named) == (operator != "not_in"))


def _distinct(values: Iterable[str], *, ignore_case: bool) -> tuple[str, ...]:
    if not ignore_case:
        return tuple(dict.fromkeys(values))
    return tuple({fold(value): value for value in values}.values())
