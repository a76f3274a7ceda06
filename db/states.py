"""What a filter asks besides the state, for each of the six."""

from db.filters import EVERYTHING, AllOf, AnyOf, Condition, Filter, Not
from db.models import ExecutionState

_NOTHING = AnyOf(())


def by_states(filter_: Filter) -> dict[Filter, tuple[ExecutionState, ...]]:
    """What a filter asks of the agentflow, once the state is known, and of which states."""
    groups: dict[Filter, tuple[ExecutionState, ...]] = {}
    for state in ExecutionState:
        left = _assuming(filter_, state)
        if left != _NOTHING:
            groups[left] = (*groups.get(left, ()), state)
    return groups


def _assuming(filter_: Filter, state: ExecutionState) -> Filter:
    match filter_:
        case Condition("state", operator, value):
            is_so = state == value if operator == "eq" else (state in value) == (operator == "in")
            return EVERYTHING if is_so else _NOTHING
        case Condition():
            return filter_
        case Not(part):
            left = _assuming(part, state)
            if left == EVERYTHING:
                return _NOTHING
            return EVERYTHING if left == _NOTHING else Not(left)
        case AllOf(parts):
            left_parts = [_assuming(part, state) for part in parts]
            return _joined(AllOf, left_parts, neutral=EVERYTHING, decisive=_NOTHING)
        case AnyOf(parts):
            left_parts = [_assuming(part, state) for part in parts]
            return _joined(AnyOf, left_parts, neutral=_NOTHING, decisive=EVERYTHING)


def _joined(
    kind: type[AllOf] | type[AnyOf], parts: list[Filter], *, neutral: Filter, decisive: Filter
) -> Filter:
    if decisive in parts:
        return decisive
    kept = tuple(part for part in parts if part != neutral)
    return kept[0] if len(kept) == 1 else kind(kept)
