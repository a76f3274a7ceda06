"""Divide time into hours, days, weeks and months, in UTC.

Times are epoch milliseconds; a bucket is known by its start.
"""

import enum
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from db.instants import EARLIEST_MS, LATEST_MS, floor_ms, from_ms
from db.reading.comparisons import parameters_of
from db.reading.filters import Condition, Filter, conjuncts

_HOUR = 3_600_000
_DAY = 24 * _HOUR


class TimeBucket(enum.StrEnum):
    """The widths of buckets."""

    HOUR = enum.auto()
    DAY = enum.auto()
    WEEK = enum.auto()
    MONTH = enum.auto()


class FixedWidth(NamedTuple):
    """The width of buckets that are equally long, and the start of one of them."""

    milliseconds: int
    origin: int = 0


FIXED_WIDTHS = {
    TimeBucket.HOUR: FixedWidth(_HOUR),
    TimeBucket.DAY: FixedWidth(_DAY),
    # The epoch was a Thursday.
    TimeBucket.WEEK: FixedWidth(7 * _DAY, -3 * _DAY),
}
"""The buckets that are equally long: all but months."""


def start_of(bucket: TimeBucket, at: int) -> int:
    """Return the start of the bucket that contains a time."""
    if bucket is TimeBucket.MONTH:
        return _month_start(_month_of(at))
    width, origin = FIXED_WIDTHS[bucket]
    return (at - origin) // width * width + origin


def number_between(bucket: TimeBucket, first: int, last: int) -> int:
    """Return the number of buckets from the one that starts at ``first`` to that at ``last``."""
    if bucket is TimeBucket.MONTH:
        return _month_of(last) - _month_of(first) + 1
    return (last - first) // FIXED_WIDTHS[bucket].milliseconds + 1


def starts_between(bucket: TimeBucket, first: int, last: int) -> Sequence[int]:
    """Return the starts of all buckets from the one at ``first`` to the one at ``last``."""
    if bucket is TimeBucket.MONTH:
        return [_month_start(month) for month in range(_month_of(first), _month_of(last) + 1)]
    return range(first, last + 1, FIXED_WIDTHS[bucket].milliseconds)


def _month_of(at: int) -> int:
    """Return the number of months since the beginning of the year 0."""
    instant = from_ms(at)
    return instant.year * 12 + instant.month - 1


def _month_start(month: int) -> int:
    return floor_ms(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC))


class TimeRange(NamedTuple):
    """A range of time, from ``since`` to before ``until``; None leaves a side open."""

    since: int | None = None
    until: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the range ends before anything is in it."""
        return self.since is not None and self.until is not None and self.since >= self.until


def created_within(filter_: Filter) -> TimeRange:
    """Return the range of creation times to which the conjunction of a filter limits it."""
    return range_of(
        part
        for part in conjuncts(filter_)
        if isinstance(part, Condition) and part.field == "created_on"
    )


def range_of(conditions: Iterable[Condition]) -> TimeRange:
    """Return the range of stored times that pass all of some conditions on a time."""
    since: int | None = None
    until: int | None = None
    for condition in conditions:
        [at] = parameters_of(condition)
        # Nothing is stored beyond the ends of the calendar.
        if condition.operator in ("gt", "gte"):
            at = min(max(at + (condition.operator == "gt"), EARLIEST_MS), LATEST_MS + 1)
            since = at if since is None else max(since, at)
        else:
            at = min(max(at + (condition.operator == "lte"), EARLIEST_MS), LATEST_MS + 1)
            until = at if until is None else min(until, at)
    return TimeRange(since, until)
