"""Split a filter by state: what it asks of an execution once its state is known."""

from collections.abc import Callable, Mapping

from db.models import ExecutionState
from db.reading.filters import EVERYTHING, AllOf, AnyOf, Condition, Filter, Not, conjuncts

_NOTHING = AnyOf(())
_STATES = tuple(ExecutionState)
_SINGLE: Mapping[str, tuple[ExecutionState, ...]] = {state: (state,) for state in _STATES}


def by_states(filter_: Filter) -> dict[Filter, tuple[ExecutionState, ...]]:
    """Return the filters that remain once the state is known, with the states of each."""
    on_state: list[Condition] = []
    others: list[Filter] = []
    for part in conjuncts(filter_):
        if isinstance(part, Condition) and part.field == "state":
            on_state.append(part)
        else:
            others.append(part)
    if not any(map(uses_state, others)):
        # The usual case.
        remaining = (
            others[0] if len(others) == 1 else AllOf(tuple(others)) if others else EVERYTHING
        )
        states = _STATES
        for part in on_state:
            is_one = states is _STATES and part.operator == "eq"
            states = (
                _SINGLE.get(part.value, ())
                if is_one
                else tuple([state for state in states if _matches(part, state)])
            )
        return {remaining: states} if states else {}
    groups: dict[Filter, tuple[ExecutionState, ...]] = {}
    for state in _STATES:
        remaining = _assuming(filter_, state)
        if not _is_nothing(remaining):
            groups[remaining] = (*groups.get(remaining, ()), state)
    return groups


def uses_state(filter_: Filter) -> bool:
    """Whether a filter has a condition on the state."""
    match filter_:
        case Condition(field):
            return field == "state"
        case Not(part):
            return uses_state(part)
        case AllOf(parts) | AnyOf(parts):
            return any(map(uses_state, parts))


def _matches(condition: Condition, state: ExecutionState) -> bool:
    if condition.operator == "eq":
        return bool(state == condition.value)
    return (state in condition.value) == (condition.operator == "in")


# Not by equality, because parts may be large.
def _is_everything(filter_: Filter) -> bool:
    return isinstance(filter_, AllOf) and not filter_.parts


def _is_nothing(filter_: Filter) -> bool:
    return isinstance(filter_, AnyOf) and not filter_.parts


def _assuming(filter_: Filter, state: ExecutionState) -> Filter:
    match filter_:
        case Condition("state"):
            return EVERYTHING if _matches(filter_, state) else _NOTHING
        case Condition():
            return filter_
        case Not(part):
            remaining = _assuming(part, state)
            if _is_everything(remaining):
                return _NOTHING
            return EVERYTHING if _is_nothing(remaining) else Not(remaining)
        case AllOf(parts):
            remaining_parts = [_assuming(part, state) for part in parts]
            return _joined(AllOf, remaining_parts, _is_everything, _is_nothing, _NOTHING)
        case AnyOf(parts):
            remaining_parts = [_assuming(part, state) for part in parts]
            return _joined(AnyOf, remaining_parts, _is_nothing, _is_everything, EVERYTHING)


def _joined(
    kind: type[AllOf] | type[AnyOf],
    parts: list[Filter],
    is_neutral: Callable[[Filter], bool],
    is_decisive: Callable[[Filter], bool],
    decisive: Filter,
) -> Filter:
    if any(map(is_decisive, parts)):
        return decisive
    kept = tuple(part for part in parts if not is_neutral(part))
    return kept[0] if len(kept) == 1 else kind(kept)
