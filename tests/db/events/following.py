"""A client that loads a list together with its cursor, and follows from there."""

from collections.abc import Iterable
from typing import Any

from db.columns import STORED
from db.database import Database
from db.events.event import EventType, ExecutionEvent
from db.events.log import EventLog
from db.events.start import Start
from db.source import ExecutionRow

LIST = f"SELECT {', '.join(STORED)} FROM executions"

Copy = dict[str, tuple[Any, ...]]


def _stored(row: ExecutionRow) -> tuple[Any, ...]:
    return tuple(getattr(row, field) for field in STORED)


def rows_by_guid(rows: Iterable[Any]) -> Copy:
    """Return the rows of ``LIST`` by their guids."""
    return {row[1]: tuple(row) for row in rows}


class Follower:
    """A copy of the executions, which it keeps up to date by events.

    It takes no event that tells of something older than the copy has, and misses none: each must be
    of the change from what the copy has.
    """

    def __init__(self, copy: Copy, cursor: str, page: int) -> None:
        self.copy = copy
        self.cursor = cursor
        self._page = page

    @classmethod
    async def load(cls, database: Database, log: EventLog, page: int, between: Any) -> "Follower":
        """Load the list and its cursor, with something happening between them."""
        async with database.snapshot():
            rows = await database.read(LIST, ())
            await between()
            start = await log.here()
        return cls(rows_by_guid(rows), log.cursor(start, None), page)

    async def follow(self, log: EventLog) -> int:
        """Take the events that there are, as a subscription does that starts at the cursor.

        Returns how many it took.
        """
        position, seen = await log.start(self.cursor, "after", None)
        end = await log.end()
        taken = 0
        while events := await log.read(position, self._page):
            assert len(events) <= self._page
            for event in events:
                assert event.position > position
                position = event.position
                if seen is None or not seen.has(event):
                    self._take(event)
                    taken += 1
        # What was seen was committed before the start, and so are all events up to the end.
        self.cursor = log.cursor(Start(position, seen if position < end else None), None)
        return taken

    async def follow_one_page(self, log: EventLog) -> None:
        """Take a page, and go on from its last event's cursor later."""
        position, seen = await log.start(self.cursor, "after", None)
        for event in await log.read(position, self._page):
            if seen is None or not seen.has(event):
                self._take(event)
            position = event.position
        self.cursor = log.cursor(Start(position, seen), None)

    def _take(self, event: ExecutionEvent) -> None:
        before = None if event.before is None else _stored(event.before)
        after = None if event.after is None else _stored(event.after)
        guid = (after or before or ())[1]
        assert self.copy.get(guid) == before, event
        assert (event.type is EventType.CREATED) == (before is None), event
        assert (event.type is EventType.DELETED) == (after is None), event
        if after is None:
            del self.copy[guid]
        else:
            self.copy[guid] = after
