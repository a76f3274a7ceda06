"""What a filter asks besides the state, for each of the six."""

from collections.abc import Callable, Mapping

from db.models import ExecutionState
from db.reading.filters import EVERYTHING, AllOf, AnyOf, Condition, Filter, Not, conjuncts

_NOTHING = AnyOf(())
_STATES = tuple(ExecutionState)
_ALONE: Mapping[str, tuple[ExecutionState, ...]] = {state: (state,) for state in _STATES}


def by_states(filter_: Filter) -> dict[Filter, tuple[ExecutionState, ...]]:
    """What a filter asks of the agentflow, once the state is known, and of which states."""
    on_state: list[Condition] = []
    others: list[Filter] = []
    for part in conjuncts(filter_):
        if isinstance(part, Condition) and part.field == "state":
            on_state.append(part)
        else:
            others.append(part)
    if not any(map(_asks_state, others)):
        # What nearly every filter is.
        left = others[0] if len(others) == 1 else AllOf(tuple(others)) if others else EVERYTHING
        states = _STATES
        for part in on_state:
            is_one = states is _STATES and part.operator == "eq"
            states = (
                _ALONE.get(part.value, ())
                if is_one
                else tuple([state for state in states if _is_so(part, state)])
            )
        return {left: states} if states else {}
    groups: dict[Filter, tuple[ExecutionState, ...]] = {}
    for state in _STATES:
        left = _assuming(filter_, state)
        if not _is_nothing(left):
            groups[left] = (*groups.get(left, ()), state)
    return groups


def _asks_state(filter_: Filter) -> bool:
    match filter_:
        case Condition(field):
            return field == "state"
        case Not(part):
            return _asks_state(part)
        case AllOf(parts) | AnyOf(parts):
            return any(map(_asks_state, parts))


def _is_so(condition: Condition, state: ExecutionState) -> bool:
    if condition.operator == "eq":
        return bool(state == condition.value)
    return (state in condition.value) == (condition.operator == "in")


# Parts may be large, so that they are not compared with each other.
def _is_everything(filter_: Filter) -> bool:
    return isinstance(filter_, AllOf) and not filter_.parts


def _is_nothing(filter_: Filter) -> bool:
    return isinstance(filter_, AnyOf) and not filter_.parts


def _assuming(filter_: Filter, state: ExecutionState) -> Filter:
    match filter_:
        case Condition("state"):
            return EVERYTHING if _is_so(filter_, state) else _NOTHING
        case Condition():
            return filter_
        case Not(part):
            left = _assuming(part, state)
            if _is_everything(left):
                return _NOTHING
            return EVERYTHING if _is_nothing(left) else Not(left)
        case AllOf(parts):
            left_parts = [_assuming(part, state) for part in parts]
            return _joined(AllOf, left_parts, _is_everything, _is_nothing, _NOTHING)
        case AnyOf(parts):
            left_parts = [_assuming(part, state) for part in parts]
            return _joined(AnyOf, left_parts, _is_nothing, _is_everything, EVERYTHING)


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
