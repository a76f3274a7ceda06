"""Numbers of executions, each counted from the rows."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor
from typing import Any

from db.instants import EARLIEST_MS, LATEST_MS
from db.models import ExecutionState
from db.source import ExecutionRow
from tests.reference import instants
from tests.reference.table import Table
from tests.reference.texts import stored

Given = dict[str, Any]
MOST_BUCKETS = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TimelineTooLong(Exception):
    """The rows that match reach over more buckets than a timeline may have."""


@dataclass
class StateCount:
    state: str
    count: int


def _by_state(rows: list[ExecutionRow]) -> list[StateCount]:
    counts = Counter(row.state for row in rows)
    return [StateCount(state.value, counts[state.value]) for state in ExecutionState]


@dataclass
class AgentflowCount:
    agentflow: Any
    count: int


@dataclass
class TimelineBucket:
    start: int
    rows: list[ExecutionRow]

    def total_count(self) -> int:
        return len(self.rows)

    def by_state(self) -> list[StateCount]:
        return _by_state(self.rows)


@dataclass
class ExecutionStats:
    """Numbers of some rows; ``given`` are the arguments that chose them."""

    table: Table
    given: Given
    rows: list[ExecutionRow]
    agentflow_of: Callable[[str], Any]

    def total_count(self) -> int:
        return len(self.rows)

    def by_state(self) -> list[StateCount]:
        return _by_state(self.rows)

    def by_agentflow(self, given: Given) -> list[AgentflowCount]:
        counts = Counter(row.agentflow_id for row in self.rows)
        most = sorted(counts, key=lambda key: (-counts[key], stored(key)))
        return [
            AgentflowCount(self.agentflow_of(key), counts[key]) for key in most[: given["first"]]
        ]

    def timeline(self, given: Given) -> list[TimelineBucket]:
        """Every bucket of the range that the filter requires; an open side ends with a row."""
        since, until = range_of(self.given.get("filter"))
        times = [row.created_on for row in self.rows]
        if since is not None and until is not None and since >= until:
            return []
        if not times and (since is None or until is None):
            return []
        first = _start(given["bucket"], _instant(min(times) if since is None else since))
        last = _start(given["bucket"], _instant(max(times) if until is None else until - 1))
        if _number(given["bucket"], first, last) > MOST_BUCKETS:
            raise TimelineTooLong
        buckets = {
            start: TimelineBucket(_milliseconds(start), [])
            for start in _starts(given["bucket"], first, last)
        }
        self.table.buckets += len(buckets)
        for row in self.rows:
            buckets[_start(given["bucket"], _instant(row.created_on))].rows.append(row)
        return list(buckets.values())


def range_of(given: Any) -> tuple[int | None, int | None]:
    """The first millisecond that a filter requires, and the one after the last.

    What it requires is outside of ``or`` and ``not``.
    """
    since: list[int] = []
    until: list[int] = []
    for operator, bound in _required(given):
        time = instants.read(bound)
        match operator:
            case "gt":
                since.append(floor(time) + 1)
            case "gte":
                since.append(ceil(time))
            case "lt":
                until.append(ceil(time))
            case "lte":
                until.append(floor(time) + 1)
    return (
        min(max(EARLIEST_MS, *since), LATEST_MS + 1) if since else None,
        max(min(LATEST_MS + 1, *until), EARLIEST_MS) if until else None,
    )


def _required(given: Any) -> Iterator[tuple[str, Any]]:
    for operator, bound in ((given or {}).get("createdOn") or {}).items():
        if bound is not None:
            yield operator, bound
    for part in (given or {}).get("and") or ():
        yield from _required(part)


def length_of(bucket: str, given: Any) -> int:
    """How many buckets a filter requires by itself; 0 if it does not bound both sides."""
    since, until = range_of(given)
    if since is None or until is None or since >= until:
        return 0
    return _number(bucket, *(_start(bucket, _instant(each)) for each in (since, until - 1)))


def _instant(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _milliseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def _start(bucket: str, instant: datetime) -> datetime:
    day = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    match bucket:
        case "HOUR":
            return day.replace(hour=instant.hour)
        case "WEEK":
            return day - timedelta(days=day.weekday())
        case "MONTH":
            return day.replace(day=1)
    return day


def _number(bucket: str, first: datetime, last: datetime) -> int:
    if bucket == "MONTH":
        return (last.year - first.year) * 12 + last.month - first.month + 1
    widths = {"HOUR": timedelta(hours=1), "DAY": timedelta(days=1), "WEEK": timedelta(days=7)}
    return (last - first) // widths[bucket] + 1


def _starts(bucket: str, first: datetime, last: datetime) -> Iterator[datetime]:
    start = first
    while start < last:
        yield start
        match bucket:
            case "HOUR":
                start += timedelta(hours=1)
            case "DAY":
                start += timedelta(days=1)
            case "WEEK":
                start += timedelta(days=7)
            case "MONTH":
                start = (start.replace(day=1) + timedelta(days=31)).replace(day=1)
    yield last
