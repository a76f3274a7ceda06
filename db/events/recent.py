"""Keep the newest events in memory, for readers that are a little behind."""

import bisect
import sys
from collections.abc import Iterable, Sequence

from db.events.event import ExecutionEvent
from db.events.position import Position
from db.source import ExecutionRow

# Measured with tracemalloc: the tuples and numbers of an event, and those of a row.
_EVENT_BYTES = 350
_ROW_BYTES = 270


class RecentEvents:
    """All events after ``oldest``, in order, in at most ``max_bytes`` estimated bytes."""

    def __init__(self, oldest: Position, max_bytes: int) -> None:
        self.oldest = oldest
        self._max_bytes = max_bytes
        self._events: list[ExecutionEvent] = []
        self._sizes: list[int] = []
        self.kept_bytes = 0

    def add(self, events: Iterable[ExecutionEvent]) -> None:
        """Keep events that come after all others, and let the oldest go if need be."""
        self._events.extend(events)
        for event in self._events[len(self._sizes) :]:
            size = _size(event)
            self._sizes.append(size)
            self.kept_bytes += size
        leaving = 0
        while self.kept_bytes > self._max_bytes:
            self.kept_bytes -= self._sizes[leaving]
            leaving += 1
        if leaving:
            self.oldest = self._events[leaving - 1].position
            del self._events[:leaving], self._sizes[:leaving]

    def since(self, after: Position, limit: int) -> Sequence[ExecutionEvent] | None:
        """Return the next events after a position; None if some are not there any more."""
        if after < self.oldest:
            return None
        first = bisect.bisect_right(self._events, after, key=lambda event: event.position)
        return self._events[first : first + limit]


def _size(event: ExecutionEvent) -> int:
    return _EVENT_BYTES + _row_size(event.before) + _row_size(event.after)


def _row_size(row: ExecutionRow | None) -> int:
    if row is None:
        return 0
    texts = (
        row.guid,
        row.agentflow_id,
        *filter(None, (row.agentflow_name, row.session_id, row.workspace_id, row.error)),
    )
    return _ROW_BYTES + sum(map(sys.getsizeof, texts))
