"""A listener of a feed, which can be held up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from db.database import Database
from db.errors import EventsExpired
from db.events.event import ExecutionEvent
from db.events.feed import EventFeed
from db.events.log import EventLog
from db.events.position import Position
from db.opening import open_database
from tests.faults.programs import wait_until


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something, while the loop goes on."""
    await asyncio.to_thread(wait_until, is_so)


def guid_of(event: ExecutionEvent) -> str:
    row = event.after or event.before
    assert row is not None
    return row.guid


class Listener:
    """Keeps what a feed brings."""

    def __init__(self, feed: EventFeed, log: EventLog) -> None:
        self.feed = feed
        self.log = log
        self.batches: list[list[ExecutionEvent]] = []
        self.lost: list[EventsExpired] = []
        self.failures: list[BaseException] = []
        """What it raises next, in place of listening."""
        self.is_let = asyncio.Event()
        self.is_let.set()
        self._is_listening = False
        feed.on_events = self._listen
        feed.on_lost = self.lost.append

    async def _listen(self, events: Sequence[ExecutionEvent]) -> None:
        assert not self._is_listening, "the feed did not wait"
        self._is_listening = True
        try:
            if self.failures:
                raise self.failures.pop()
            self.batches.append(list(events))
            await self.is_let.wait()
        finally:
            self._is_listening = False

    @property
    def events(self) -> list[ExecutionEvent]:
        return [event for batch in self.batches for event in batch]

    @property
    def guids(self) -> list[str]:
        return list(map(guid_of, self.events))

    async def has_heard(self, *guids: str) -> None:
        """Wait until it has heard of some executions last."""
        wanted = list(guids)
        await until(lambda: self.guids[-len(wanted) :] == wanted)

    async def log_after(self, position: Position) -> list[ExecutionEvent]:
        """What the log has after a position, read in pages of another size."""
        events: list[ExecutionEvent] = []
        while found := await self.log.read(events[-1].position if events else position, 37):
            events += found
        return events


@contextlib.asynccontextmanager
async def listening(database: Database, **options: int) -> AsyncIterator[Listener]:
    """A listener to a feed that runs until the block ends, and is not started yet."""
    log = EventLog(database)
    feed = EventFeed(log, database, **options)
    async with feed.running():
        yield Listener(feed, log)


@contextlib.asynccontextmanager
async def listening_at(url: str) -> AsyncIterator[Listener]:
    """The same, with a database of its own."""
    database = open_database(url, busy_timeout=5, statement_timeout=5)
    try:
        async with listening(database) as listener:
            yield listener
    finally:
        await database.close()
