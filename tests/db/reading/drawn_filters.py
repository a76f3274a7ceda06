"""Filters for tests that draw them."""

from collections.abc import Sequence

from hypothesis import strategies as st

from db.models import ExecutionState
from db.reading.filters import AllOf, AnyOf, Condition, Filter, Not

Conditions = st.SearchStrategy[Filter]

_states = st.sampled_from(list(ExecutionState))


def on_dimensions(
    flows: Sequence[str],
    name_operators: Sequence[str],
    names: Sequence[str],
    ignore_case: st.SearchStrategy[bool],
) -> Conditions:
    """Conditions on states and agentflows, by which executions are counted."""
    several = st.sampled_from(["in", "not_in"])
    flow = st.sampled_from(flows)
    return st.one_of(
        st.builds(Condition, st.just("state"), st.just("eq"), _states),
        st.builds(Condition, st.just("state"), several, st.lists(_states, max_size=4).map(tuple)),
        st.builds(Condition, st.just("agentflow_id"), st.just("eq"), flow),
        st.builds(
            Condition, st.just("agentflow_id"), several, st.lists(flow, max_size=3).map(tuple)
        ),
        st.builds(
            Condition,
            st.just("agentflow_name"),
            st.sampled_from(name_operators),
            st.sampled_from(names),
            ignore_case,
        ),
    )


def joined(conditions: Conditions) -> Conditions:
    """Up to three conditions, some of them negated or alternatives, of which all must hold."""
    return st.lists(
        st.one_of(
            conditions,
            conditions,
            conditions.map(Not),
            st.lists(conditions, max_size=2).map(lambda parts: AnyOf(tuple(parts))),
        ),
        max_size=3,
    ).map(lambda parts: AllOf(tuple(parts)))
