"""Statistics of executions: their states, their agentflows, and when they were created.

One statement reads everything that a query wants, so all of it is true of the same moment.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from db.errors import InvalidInput
from db.models import ExecutionState
from db.reading.filters import EVERYTHING, Filter
from db.reading.time_buckets import (
    TimeBucket,
    TimeRange,
    created_within,
    number_between,
    start_of,
    starts_between,
)
from db.texts import bytes_of

MOST_BUCKETS = 10_000
"""How many buckets a timeline may have."""
MOST_BUCKETS_TOGETHER = 50_000
"""How many buckets the timelines of many parents may have together."""

Counts = tuple[int, ...]
"""How many executions are in each state, in the order of ``ExecutionState``."""
NO_COUNTS: Counts = (0,) * len(ExecutionState)


@dataclass(frozen=True, slots=True)
class StatisticsQuery:
    """What to know of the executions that match a filter.

    ``top`` is how many agentflows to return, ``buckets`` the widths of timelines. Timelines reach
    over ``range_``, or without one over the range of creation times that the filter has.
    """

    filter: Filter = EVERYTHING
    with_states: bool = False
    top: int = 0
    buckets: frozenset[TimeBucket] = frozenset()
    range_: TimeRange | None = None

    @property
    def range(self) -> TimeRange:
        """The range of time that timelines reach over."""
        return created_within(self.filter) if self.range_ is None else self.range_


class FlowCount(NamedTuple):
    """An agentflow, its current name (null if it is gone), and its number of executions."""

    agentflow_id: str
    agentflow_name: str | None
    number: int


class BucketCounts(NamedTuple):
    """The executions that were created in a bucket of time, which starts at ``start``."""

    start: int
    states: Counts


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a query wanted; what it did not want is empty.

    ``agentflows`` are those with the most executions, most first, and in the order of their ids if
    they have equally many. A timeline has every bucket between its first and its last one.
    """

    states: Counts
    agentflows: Sequence[FlowCount]
    timelines: Mapping[TimeBucket, Sequence[BucketCounts]]

    @property
    def total(self) -> int:
        """The number of executions."""
        return sum(self.states)


def check_timelines(range_: TimeRange, buckets: Iterable[TimeBucket], parents: int = 1) -> None:
    """Raise InvalidInput if timelines over a range of time would have too many buckets.

    Timelines over a range with an open side are checked when they are read.
    """
    if range_.is_empty or range_.since is None or range_.until is None:
        return
    for bucket in buckets:
        first, last = start_of(bucket, range_.since), start_of(bucket, range_.until - 1)
        count = number_between(bucket, first, last)
        _check_number(bucket, count)
        _check_number_together(bucket, count * parents)


def _check_number(bucket: TimeBucket, count: int) -> None:
    if count > MOST_BUCKETS:
        raise too_many_buckets(bucket, f"{count:,}")


def _check_number_together(bucket: TimeBucket, count: int) -> None:
    if count > MOST_BUCKETS_TOGETHER:
        raise InvalidInput(
            f"the timelines of one field must have at most {MOST_BUCKETS_TOGETHER:,} buckets"
            f" together; by {bucket.name} they have {count:,}: ask for fewer objects, a shorter"
            " range of createdOn in the filter, or wider buckets"
        )


def too_many_buckets(bucket: TimeBucket, number: str = "more") -> InvalidInput:
    """Return the error of a timeline that is too long."""
    return InvalidInput(
        f"timeline must have at most {MOST_BUCKETS:,} buckets; by {bucket.name} this range of time"
        f" has {number}: ask for a shorter range of createdOn in the filter, or wider buckets"
    )


def statistics_from(
    query: StatisticsQuery, sums: Sequence[BucketCounts], tops: Iterable[FlowCount]
) -> Statistics:
    """Put together what was read: ``sums`` has the counts that are not zero, in no order.

    Raises InvalidInput if a timeline has too many buckets.
    """
    states = _added(each.states for each in sums)
    range_ = query.range
    timelines = {bucket: timeline(bucket, sums, range_) for bucket in query.buckets}
    most = sorted(tops, key=lambda flow: (-flow.number, bytes_of(flow.agentflow_id)))
    return Statistics(states, most[: query.top], timelines)


def timeline(
    bucket: TimeBucket, sums: Sequence[BucketCounts], range_: TimeRange
) -> Sequence[BucketCounts]:
    """Return every bucket of a range; an open side ends with the first or last count.

    Raises InvalidInput if there are too many.
    """
    if range_.is_empty:
        return ()
    starts: dict[int, list[Counts]] = {}
    for each in sums:
        starts.setdefault(start_of(bucket, each.start), []).append(each.states)
    since, until = range_
    if (since is None or until is None) and not starts:
        return ()
    first = min(starts) if since is None else start_of(bucket, since)
    last = max(starts) if until is None else start_of(bucket, until - 1)
    _check_number(bucket, number_between(bucket, first, last))
    return [
        BucketCounts(start, _added(starts[start]) if start in starts else NO_COUNTS)
        for start in starts_between(bucket, first, last)
    ]


def check_together(found: Iterable[Statistics]) -> None:
    """Raise InvalidInput if the timelines of many parents have too many buckets together."""
    lengths: dict[TimeBucket, int] = {}
    for each in found:
        for bucket, buckets in each.timelines.items():
            lengths[bucket] = lengths.get(bucket, 0) + len(buckets)
    for bucket, length in lengths.items():
        _check_number_together(bucket, length)


def _added(counts: Iterable[Counts]) -> Counts:
    columns = zip(*counts, strict=True)
    return tuple(map(sum, columns)) or NO_COUNTS
