"""Where a subscription starts: a position, and what its client has seen of what comes after it."""

from typing import NamedTuple

from db.events.event import ExecutionEvent
from db.events.position import Position


class Snapshot(NamedTuple):
    """Which transactions of PostgreSQL had been committed when a snapshot was taken.

    Those below ``lowest`` had ended, those from ``next`` on had not begun, and ``running`` are
    those between them that had not ended.
    """

    lowest: int
    next: int
    running: frozenset[int] = frozenset()

    @classmethod
    def read(cls, text: str) -> "Snapshot":
        """Read the text of a ``pg_snapshot``."""
        lowest, following, running = text.split(":")
        return cls(
            int(lowest), int(following), frozenset(map(int, filter(None, running.split(","))))
        )

    @property
    def text(self) -> str:
        """The snapshot as PostgreSQL writes it."""
        return f"{self.lowest}:{self.next}:{','.join(map(str, sorted(self.running)))}"

    def shows(self, writer: int) -> bool:
        """Whether the snapshot has what a transaction wrote that was committed."""
        return writer < self.next and writer not in self.running


class Seen(NamedTuple):
    """What a client has seen beyond its position: all that a snapshot shows.

    ``until`` is a time, in epoch milliseconds, at which all of it had occurred. After a restore the
    numbers of transactions begin anew, but what they write occurs later. ``events`` is how
    many were seen that ``tick`` does not show: fewer are left if a restore has undone some.
    """

    snapshot: Snapshot
    until: int
    tick: int
    events: int

    def has(self, event: ExecutionEvent) -> bool:
        """Whether the client has seen an event."""
        return event.occurred_on <= self.until and self.snapshot.shows(event.writer)


class Start(NamedTuple):
    """A place to start from: every event after ``position`` that was not ``seen``."""

    position: Position
    seen: Seen | None = None
