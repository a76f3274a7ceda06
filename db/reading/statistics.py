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
MOST_BUCKETS_TOGETHER = 20_000
"""How many buckets the timelines of an operation may have together."""

Counts = tuple[int, ...]
"""How many executions are in each state, in the order of ``ExecutionState``."""
BucketCounts = tuple[int, ...]
"""The start of a bucket of time, how many executions were created in it, and their ``Counts``."""
NO_COUNTS: Counts = (0,) * len(ExecutionState)
_NO_TOTAL = (0, *NO_COUNTS)


@dataclass(frozen=True, slots=True)
class StatisticsQuery:
    """What to know of the executions that match a filter.

    ``top`` is how many agentflows to return, ``buckets`` the widths of timelines. Timelines reach
    over ``required_range``, or without one over the range of creation times that the filter has.
    """

    filter: Filter = EVERYTHING
    with_states: bool = False
    top: int = 0
    buckets: frozenset[TimeBucket] = frozenset()
    required_range: TimeRange | None = None

    @property
    def range(self) -> TimeRange:
        """The range of time that timelines reach over."""
        required = self.required_range
        return created_within(self.filter) if required is None else required


class FlowCount(NamedTuple):
    """An agentflow, its current name (null if it is gone), and its number of executions."""

    agentflow_id: str
    agentflow_name: str | None
    number: int


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
        BucketBudget().take(bucket, count * parents)


def _check_number(bucket: TimeBucket, count: int) -> None:
    if count > MOST_BUCKETS:
        raise too_many_buckets(bucket, f"{count:,}")


class BucketBudget:
    """Counts buckets of timelines, up to ``MOST_BUCKETS_TOGETHER``."""

    def __init__(self) -> None:
        self._taken = 0

    def take(self, bucket: TimeBucket, count: int) -> None:
        """Count the buckets of timelines of a width. Raises InvalidInput for too many."""
        self._taken += count
        if self._taken > MOST_BUCKETS_TOGETHER:
            raise InvalidInput(
                f"the timelines of an operation must have at most {MOST_BUCKETS_TOGETHER:,} buckets"
                f" together; with those by {bucket.name} they have more: ask for fewer timelines,"
                " for a shorter range of createdOn in the filter, or for wider buckets"
            )


def too_many_buckets(bucket: TimeBucket, number: str = "more") -> InvalidInput:
    """Return the error of a timeline that is too long."""
    return InvalidInput(
        f"timeline must have at most {MOST_BUCKETS:,} buckets; by {bucket.name} this range of time"
        f" has {number}: ask for a shorter range of createdOn in the filter, or wider buckets"
    )


def statistics_from(
    query: StatisticsQuery,
    unit: TimeBucket | None,
    sums: Sequence[BucketCounts],
    tops: Iterable[FlowCount],
    budget: BucketBudget,
) -> Statistics:
    """Put together what was read: the counts in buckets of a unit, and the top agentflows.

    Both are in any order, and buckets without executions are missing. Raises InvalidInput if a
    timeline has too many buckets, before it takes their memory.
    """
    added = _added(sums)
    range_ = query.range
    timelines = {}
    for bucket in query.buckets:
        buckets = sums if bucket is unit else _widened(bucket, sums)
        timelines[bucket] = _filled(bucket, {each[0]: each for each in buckets}, range_, budget)
    most = sorted(tops, key=lambda flow: (-flow.number, bytes_of(flow.agentflow_id)))
    return Statistics(added[2:], most[: query.top], timelines)


def _widened(bucket: TimeBucket, sums: Sequence[BucketCounts]) -> Iterable[BucketCounts]:
    """Add up the buckets that lie within each of some wider buckets."""
    within: dict[int, list[BucketCounts]] = {}
    for each in sums:
        within.setdefault(start_of(bucket, each[0]), []).append(each)
    return [(start, *_added(buckets)[1:]) for start, buckets in within.items()]


def _filled(
    bucket: TimeBucket,
    buckets: Mapping[int, BucketCounts],
    range_: TimeRange,
    budget: BucketBudget,
) -> Sequence[BucketCounts]:
    """Return every bucket of a range; an open side ends with the first or last of ``buckets``."""
    since, until = range_
    if range_.is_empty or (not buckets and (since is None or until is None)):
        return ()
    first = min(buckets) if since is None else start_of(bucket, since)
    last = max(buckets) if until is None else start_of(bucket, until - 1)
    number = number_between(bucket, first, last)
    _check_number(bucket, number)
    budget.take(bucket, number)
    return [
        buckets.get(start) or (start, *_NO_TOTAL) for start in starts_between(bucket, first, last)
    ]


def _added(buckets: Sequence[BucketCounts]) -> tuple[int, ...]:
    """Add up the columns of buckets, of which only the start makes no sense."""
    return tuple(map(sum, zip(*buckets, strict=True))) if buckets else (0, *_NO_TOTAL)
