"""Filters of ranges of creation times, each of which is to be looked up by itself.

Planners that don't know the bounds read everything between the first and the last of them, or
everything that there is.
"""

from typing import NamedTuple, Self

from db.instants import EARLIEST_MS, LATEST_MS
from db.reading.counts import MOST_CONDITIONS
from db.reading.filters import AllOf, AnyOf, Condition, Filter, conjuncts, size_of
from db.reading.time_buckets import TimeRange, created_within

_FIELD = "created_on"


class Spans(NamedTuple):
    """Ranges of creation times in their order, apart from each other, and what else must hold."""

    rest: Filter
    ranges: tuple[TimeRange, ...]

    @classmethod
    def of(cls, filter_: Filter) -> Self | None:
        """Return the ranges of a filter, or None if it is not of several, or too large for it."""
        parts = conjuncts(filter_)
        alternatives = next((part for part in parts if _is_of_ranges(part)), None)
        if not isinstance(alternatives, AnyOf):
            return None
        rest = AllOf(
            tuple([part for part in parts if part is not alternatives and not _is_bound(part)])
        )
        if len(alternatives.parts) * (1 + size_of(rest)) > MOST_CONDITIONS:
            return None
        around = created_within(filter_)
        ranges = [_within(around, created_within(each)) for each in alternatives.parts]
        return cls(rest, _apart(ranges))


def _is_of_ranges(part: Filter) -> bool:
    return (
        isinstance(part, AnyOf)
        and len(part.parts) > 1
        and all(all(map(_is_bound, conjuncts(each))) for each in part.parts)
        and all(None not in created_within(each) for each in part.parts)
    )


def _is_bound(part: Filter) -> bool:
    return isinstance(part, Condition) and part.field == _FIELD


def _within(around: TimeRange, range_: TimeRange) -> tuple[int, int]:
    sinces = [at for at in (around.since, range_.since) if at is not None]
    untils = [at for at in (around.until, range_.until) if at is not None]
    return max(sinces, default=EARLIEST_MS), min(untils, default=LATEST_MS + 1)


def _apart(ranges: list[tuple[int, int]]) -> tuple[TimeRange, ...]:
    """Return ranges that cover the same times, none of them twice."""
    apart: list[tuple[int, int]] = []
    for since, until in sorted(ranges):
        if since >= until:
            continue
        if apart and since <= apart[-1][1]:
            apart[-1] = apart[-1][0], max(until, apart[-1][1])
        else:
            apart.append((since, until))
    return tuple([TimeRange(*each) for each in apart])
