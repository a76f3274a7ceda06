"""Ranges of creation times are apart from each other, and cover what a filter covers."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from db.instants import EPOCH
from db.reading.counts import MOST_CONDITIONS
from db.reading.filters import AllOf, AnyOf, Condition, Filter
from db.reading.predicates import predicate
from db.reading.spans import Spans
from db.reading.time_buckets import TimeRange
from tests.examples import examples
from tests.sample import SAMPLE

ERROR = Condition("state", "eq", "ERROR")
_times = st.integers(0, 8)
_froms = st.sampled_from(["gt", "gte"])
_untils = st.sampled_from(["lt", "lte"])


def bound(operator: str, at: int) -> Condition:
    return Condition("created_on", operator, EPOCH + timedelta(milliseconds=at))


def span(since: int, until: int) -> Filter:
    return AllOf((bound("gte", since), bound("lt", until)))


_spans = st.builds(
    lambda since, until: AllOf((since, until)),
    st.builds(bound, _froms, _times),
    st.builds(bound, _untils, _times),
)
_filters = st.builds(
    lambda bounds, spans: AllOf((ERROR, *bounds, AnyOf(tuple(spans)))),
    st.lists(st.builds(bound, st.one_of(_froms, _untils), _times), max_size=3),
    st.lists(_spans, min_size=2, max_size=4),
)


@given(filter_=_filters)
@settings(max_examples=examples(200))
def test_each_time_that_a_filter_covers_is_in_one_range(filter_: Filter) -> None:
    found = Spans.of(filter_)
    assert found
    assert found.rest == AllOf((ERROR,))
    is_given = predicate(filter_)
    for at in range(10):
        row = SAMPLE[0]._replace(state="ERROR", created_on=at)
        count = sum(since <= at < until for since, until in _bounds(found))
        assert count == is_given(row)


def _bounds(spans: Spans) -> list[tuple[int, int]]:
    return [
        (since, until) for since, until in spans.ranges if since is not None and until is not None
    ]


def test_ranges_that_meet_are_one_and_empty_ones_are_none() -> None:
    filter_ = AnyOf((span(40, 50), span(10, 30), span(30, 35), span(60, 60)))
    assert Spans.of(filter_) == Spans(AllOf(()), (TimeRange(10, 35), TimeRange(40, 50)))


def test_other_alternatives_are_none() -> None:
    open_ended = AnyOf((span(10, 30), bound("gte", 40)))
    others = AnyOf((ERROR, span(1, 2)))
    for filter_ in (ERROR, span(10, 20), AllOf((ERROR, open_ended)), others):
        assert Spans.of(filter_) is None


def test_a_filter_that_would_be_repeated_too_often_is_none() -> None:
    spans = AnyOf(tuple(span(10 * number, 10 * number + 5) for number in range(100)))
    assert Spans.of(AllOf((ERROR, spans)))
    assert Spans.of(AllOf((AnyOf((ERROR,) * (MOST_CONDITIONS // 100)), spans))) is None
