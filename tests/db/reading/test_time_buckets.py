"""Hours, days, weeks from Monday and months divide all of time, in UTC."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from db.instants import EARLIEST_MS, EPOCH, LATEST_MS, format_ms
from db.reading.filters import EVERYTHING, AllOf, AnyOf, Condition, Filter, Not
from db.reading.time_buckets import (
    TimeBucket,
    TimeRange,
    created_within,
    number_between,
    start_of,
    starts_between,
)

_AT = datetime.fromisoformat


def _ms(text: str) -> int:
    return (_AT(text) - EPOCH) // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("bucket", "at", "start"),
    [
        (TimeBucket.HOUR, "2024-02-29T23:59:59.999Z", "2024-02-29T23:00:00.000Z"),
        (TimeBucket.DAY, "2024-02-29T23:59:59.999Z", "2024-02-29T00:00:00.000Z"),
        (TimeBucket.WEEK, "2024-02-29T23:59:59.999Z", "2024-02-26T00:00:00.000Z"),
        (TimeBucket.WEEK, "2024-02-25T23:59:59.999Z", "2024-02-19T00:00:00.000Z"),
        (TimeBucket.MONTH, "2024-02-29T23:59:59.999Z", "2024-02-01T00:00:00.000Z"),
        (TimeBucket.HOUR, "1969-12-31T23:59:59.999Z", "1969-12-31T23:00:00.000Z"),
        (TimeBucket.DAY, "1969-12-31T23:59:59.999Z", "1969-12-31T00:00:00.000Z"),
        (TimeBucket.WEEK, "1970-01-01T00:00:00.000Z", "1969-12-29T00:00:00.000Z"),
        (TimeBucket.MONTH, "1969-12-31T23:59:59.999Z", "1969-12-01T00:00:00.000Z"),
        (TimeBucket.WEEK, "0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z"),
        (TimeBucket.MONTH, "9999-12-31T23:59:59.999Z", "9999-12-01T00:00:00.000Z"),
        (TimeBucket.WEEK, "9999-12-31T23:59:59.999Z", "9999-12-27T00:00:00.000Z"),
    ],
)
def test_a_bucket_starts_at_or_before_its_times(bucket: TimeBucket, at: str, start: str) -> None:
    assert format_ms(start_of(bucket, _ms(at))) == start


@pytest.mark.parametrize("bucket", TimeBucket)
@pytest.mark.parametrize("at", [EARLIEST_MS, -1, 0, 1_700_000_000_000, LATEST_MS])
def test_the_start_of_a_bucket_is_in_it(bucket: TimeBucket, at: int) -> None:
    start = start_of(bucket, at)
    assert start == start_of(bucket, start)
    assert list(starts_between(bucket, start, start)) == [start]


@pytest.mark.parametrize(
    ("bucket", "number"),
    [
        (TimeBucket.HOUR, 24 * 366),
        (TimeBucket.DAY, 366),
        (TimeBucket.WEEK, 53),
        (TimeBucket.MONTH, 12),
    ],
)
def test_buckets_follow_each_other_without_gaps(bucket: TimeBucket, number: int) -> None:
    first = start_of(bucket, _ms("2024-01-01T00:00:00Z"))
    last = start_of(bucket, _ms("2024-12-31T23:59:59Z"))
    starts = list(starts_between(bucket, first, last))
    assert len(starts) == number == number_between(bucket, first, last)
    assert (starts[0], starts[-1]) == (first, last)
    for start, following in itertools.pairwise(starts):
        assert start_of(bucket, following - 1) == start


_LATER = Condition("created_on", "gte", datetime(2024, 1, 2, tzinfo=UTC))
_JANUARY_2 = _ms("2024-01-02T00:00:00Z")


@pytest.mark.parametrize(
    ("filter_", "range_"),
    [
        (EVERYTHING, TimeRange()),
        (_LATER, TimeRange(_JANUARY_2)),
        (Condition("created_on", "gt", _LATER.value), TimeRange(_JANUARY_2 + 1)),
        (Condition("created_on", "lt", _LATER.value), TimeRange(None, _JANUARY_2)),
        (Condition("created_on", "lte", _LATER.value), TimeRange(None, _JANUARY_2 + 1)),
        (AllOf((AllOf((_LATER,)), Condition("state", "eq", "ERROR"))), TimeRange(_JANUARY_2)),
        (AllOf((_LATER, Condition("created_on", "gt", EPOCH))), TimeRange(_JANUARY_2)),
        (AnyOf((_LATER, EVERYTHING)), TimeRange()),
        (Not(_LATER), TimeRange()),
        (Condition("updated_on", "gte", _LATER.value), TimeRange()),
        (
            Condition("created_on", "lt", _AT("9999-12-31T23:59:59.999999-12:00")),
            TimeRange(None, LATEST_MS + 1),
        ),
        (
            Condition("created_on", "gte", _AT("0001-01-01T00:00:00+14:00")),
            TimeRange(EARLIEST_MS),
        ),
    ],
)
def test_a_filter_limits_the_range_by_its_conjunction(filter_: Filter, range_: TimeRange) -> None:
    assert created_within(filter_) == range_
