"""Equivalent filters have one normal form, and so one statement."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import InvalidInput
from db.models import ExecutionState
from db.reading.filters import (
    EVERYTHING,
    MAX_CONDITIONS,
    MAX_NESTING,
    AllOf,
    AnyOf,
    Condition,
    Filter,
    Not,
    check,
)
from db.reading.normal_filters import NOTHING, _Normalizer, normalised

S = ExecutionState
ERROR = Condition("state", "eq", S.ERROR)
GUID = Condition("guid", "eq", "a")
FLOW = Condition("agentflow_id", "eq", "f")
NAME = Condition("agentflow_name", "contains", "n", ignore_case=True)
AT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = AT + timedelta(days=1)


def _states(*states: ExecutionState, operator: str = "in") -> Condition:
    return Condition("state", operator, states)


def _guids(*guids: str, operator: str = "in") -> Condition:
    return Condition("guid", operator, guids)


def _names(*names: str) -> Condition:
    return Condition("agentflow_name", "in", names, ignore_case=True)


def _created(operator: str, at: datetime) -> Condition:
    return Condition("created_on", operator, at)


@pytest.mark.parametrize(
    ("written", "form"),
    [
        (EVERYTHING, EVERYTHING),
        (AllOf((EVERYTHING, AllOf((EVERYTHING,)))), EVERYTHING),
        (AnyOf(()), NOTHING),
        (AnyOf((NOTHING, NOTHING)), NOTHING),
        (AnyOf((GUID, EVERYTHING)), EVERYTHING),
        (AllOf((GUID, NOTHING)), NOTHING),
        (AllOf((GUID,)), GUID),
        (AllOf((AllOf((GUID,)), AnyOf((AllOf((ERROR,)),)))), AllOf((GUID, ERROR))),
        (AllOf((GUID, AllOf((ERROR, FLOW)))), AllOf((GUID, ERROR, FLOW))),
        (AnyOf((GUID, AnyOf((ERROR, FLOW)))), AnyOf((GUID, ERROR, FLOW))),
        (AllOf((GUID, ERROR, GUID)), AllOf((GUID, ERROR))),
        (AllOf((Not(GUID), ERROR, Not(GUID))), AllOf((Not(GUID), ERROR))),
        (Not(Not(GUID)), GUID),
        (Not(Not(Not(GUID))), Not(GUID)),
        (Not(EVERYTHING), NOTHING),
        (Not(NOTHING), EVERYTHING),
        (_states(S.ERROR), ERROR),
        (_states(S.ERROR, S.ERROR), ERROR),
        (_states(), NOTHING),
        (_states(*S), EVERYTHING),
        (_states(S.STOPPED, S.ERROR, S.STOPPED), _states(S.ERROR, S.STOPPED)),
        (_states(operator="not_in"), EVERYTHING),
        (_states(*S, operator="not_in"), NOTHING),
        (_states(*(state for state in S if state is not S.ERROR), operator="not_in"), ERROR),
        (Not(_states(*(state for state in S if state is not S.ERROR))), ERROR),
        (AllOf((_states(S.ERROR, S.STOPPED), _states(S.ERROR, S.FINISHED))), ERROR),
        (AllOf((ERROR, Condition("state", "eq", S.STOPPED))), NOTHING),
        (
            AnyOf((ERROR, Condition("state", "eq", S.STOPPED))),
            _states(S.ERROR, S.STOPPED),
        ),
        (AnyOf((ERROR, Not(ERROR))), EVERYTHING),
        (_guids("a"), GUID),
        (_guids("a", "a"), GUID),
        (_guids("b", "a", "b"), _guids("b", "a")),
        (_guids(), NOTHING),
        (_guids(operator="not_in"), EVERYTHING),
        (_guids("b", "b", operator="not_in"), _guids("b", operator="not_in")),
        (AnyOf((GUID, _guids("b", "a"), Condition("guid", "eq", "c"))), _guids("a", "b", "c")),
        (_names("Straße", "STRASSE"), Condition("agentflow_name", "eq", "STRASSE", True)),
        (AllOf((_created("gte", AT), _created("gte", LATER))), _created("gte", LATER)),
        (Not(_created("gt", AT)), _created("lte", AT)),
        (Not(_created("gte", AT)), _created("lt", AT)),
        (Not(_created("lt", AT)), _created("gte", AT)),
        (Not(_created("lte", AT)), _created("gt", AT)),
        (AllOf((Not(_created("lt", AT)), _created("gte", LATER))), _created("gte", LATER)),
        (Not(Condition("finished_on", "lt", AT)), Not(Condition("finished_on", "lt", AT))),
        (AllOf((_created("lt", LATER), _created("lt", AT))), _created("lt", AT)),
        (AnyOf((_created("gt", LATER), _created("gt", AT))), _created("gt", AT)),
        (AnyOf((_created("lte", AT), _created("lte", LATER))), _created("lte", LATER)),
        (
            AllOf((_created("gte", AT), NAME, _created("lt", LATER))),
            AllOf((_created("gte", AT), NAME, _created("lt", LATER))),
        ),
    ],
    ids=str,
)
def test_a_filter_has_the_form_of_all_that_ask_the_same(written: Filter, form: Filter) -> None:
    assert normalised(written) == form
    assert normalised(form) == form


@pytest.mark.parametrize("empty", [EVERYTHING, NOTHING, Not(EVERYTHING)], ids=str)
@pytest.mark.parametrize("join", [AllOf, AnyOf])
def test_parts_that_say_nothing_count_as_conditions(
    join: type[AllOf] | type[AnyOf], empty: Filter
) -> None:
    with pytest.raises(InvalidInput, match=str(MAX_CONDITIONS)):
        normalised(join((empty,) * (MAX_CONDITIONS + 1)))


def test_a_filter_may_have_as_many_parts_as_the_limit() -> None:
    assert normalised(AllOf((EVERYTHING,) * MAX_CONDITIONS)) == EVERYTHING


def test_all_lists_of_a_filter_share_one_limit_before_anything_is_told_once() -> None:
    twice = AllOf((_guids("a", "a", "a"), Condition("session_id", "not_in", ("s", "s"))))
    assert normalised(twice, 5) is not None
    with pytest.raises(InvalidInput, match="max_ids") as refusal:
        normalised(twice, 4)
    assert refusal.value.limit == "max_ids"


def test_a_filter_that_is_nested_too_deep_for_python_is_refused() -> None:
    deep: Filter = GUID
    for _ in range(100_000):
        deep = AllOf((deep,))
    with pytest.raises(InvalidInput, match=str(MAX_NESTING)):
        check(deep)
    while isinstance(deep, AllOf):
        [deep] = deep.parts


def test_equal_parts_that_are_large_are_compared_once_and_not_each_with_each() -> None:
    large = tuple(Not(_guids(*map(str, range(10_000)), "x", operator="not_in")) for _ in range(100))
    # To compare each of them with each other would take a hundred million steps.
    assert normalised(AnyOf(large)) == large[0]


@given(
    st.lists(
        st.sampled_from(
            [
                ERROR,
                _states(S.ERROR),
                GUID,
                FLOW,
                NAME,
                Condition("agentflow_name", "contains", "N"),
                Condition("session_id", "is_null", value=True),
                _created("gte", AT),
                _created("gte", LATER),
                _created("lt", LATER),
                _guids("a"),
                Not(GUID),
                EVERYTHING,
            ]
        ),
        max_size=10,
    )
)
def test_a_filter_that_is_left_as_it_is_has_its_form(parts: list[Filter]) -> None:
    for filter_ in (AllOf(tuple(parts)), AnyOf(tuple(parts)), *parts):
        assert normalised(filter_) == _Normalizer().normalize(filter_)
