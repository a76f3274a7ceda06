"""Bring each new event to one listener, once and in order, soon after its commit.

A process reads each event once, however many wait for it. While nobody does, nothing is read.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from db.database import Database, Metric
from db.errors import EventsExpired, ServiceUnavailable
from db.events.event import ExecutionEvent
from db.events.log import EventLog
from db.events.position import BEGINNING, Position
from db.events.recent import RecentEvents

logger = logging.getLogger("gateway.events")

PAGE = 500
"""How many events are read at a time."""
RECENT_BYTES = 16 * 1024 * 1024
"""How many bytes of recent events are kept in memory."""
PAUSE = 0.025
"""The time after events were passed on, in seconds, in which others can join the next ones."""
_LONGEST_PAUSE = 1.0


async def _ignore(_events: Sequence[ExecutionEvent]) -> None:
    """Do nothing with events until there is a listener."""


class EventFeed:
    """New events of a log, from ``start`` until ``stop``, while the block of ``running`` runs.

    ``on_events`` is called with some events at a time, and awaited before the next ones. An error
    never ends the feed: it goes on from its position, after pauses that grow. If that is not
    possible, because the log no longer has what comes next or because ``on_events`` failed with it,
    ``on_lost`` is called, and the feed goes on from the end of the log.
    """

    def __init__(
        self, log: EventLog, database: Database, *, recent_bytes: int = RECENT_BYTES
    ) -> None:
        self._log = log
        self._database = database
        self._recent_bytes = recent_bytes
        self._recent = RecentEvents(BEGINNING, recent_bytes)
        self.position = BEGINNING
        """Everything up to here was passed to the listener."""
        self.on_events: Callable[[Sequence[ExecutionEvent]], Awaitable[None]] = _ignore
        self.on_lost: Callable[[EventsExpired], None] = lambda _: None
        self._is_wanted = False
        self._beginning: asyncio.Task[None] | None = None
        # Set from the time when the position is known.
        self._has_begun = asyncio.Event()
        self._woken = asyncio.Event()
        self._is_faulty = False
        self._read = self._errors = self._looks = 0
        self._lag = 0.0

    @property
    def oldest(self) -> Position:
        """Memory reaches back to here: it has all events after this position."""
        return self._recent.oldest

    def since(self, after: Position, limit: int) -> Sequence[ExecutionEvent] | None:
        """Return the next events between a position and the feed's; None if memory lacks some."""
        return self._recent.since(after, limit)

    def metrics(self) -> list[Metric]:
        """Return how many events were read, how late, and what went wrong."""
        return [
            Metric(
                "gateway_events_read",
                "Events that this process has read, once for all subscriptions.",
                {},
                lambda: self._read,
                is_counter=True,
            ),
            Metric(
                "gateway_event_lag_seconds",
                "How old the last events were when they were passed on, by this process's clock.",
                {},
                lambda: self._lag,
                aggregate="max",
            ),
            Metric(
                "gateway_event_errors",
                "Attempts to read or pass on events that failed.",
                {},
                lambda: self._errors,
                is_counter=True,
            ),
            Metric(
                "gateway_event_looks",
                "Looks at the database for new events.",
                {},
                lambda: self._looks,
                is_counter=True,
            ),
            Metric(
                "gateway_recent_event_bytes",
                "Bytes of the recent events that are kept in memory.",
                {},
                lambda: self._recent.kept_bytes,
            ),
        ]

    async def start(self) -> None:
        """Read what is committed from now on, or go on reading.

        Raises ServiceUnavailable if the database can't answer.
        """
        self._is_wanted = True
        while self._is_wanted and not self._has_begun.is_set():
            # Shared by all who start at the same time: it goes on if one of them is cancelled.
            await asyncio.shield(self._begin())

    def stop(self) -> None:
        """Look no more at the database; the listener may still be given what was being read."""
        self._is_wanted = False
        self._woken.set()

    def _begin(self) -> asyncio.Task[None]:
        if self._beginning is None or self._beginning.done():
            self._beginning = asyncio.create_task(self._find_beginning())
            self._beginning.add_done_callback(_retrieve)
        return self._beginning

    async def _find_beginning(self) -> None:
        position = await self._log.end()
        if self._is_wanted and not self._has_begun.is_set():
            self.position = position
            self._recent = RecentEvents(position, self._recent_bytes)
            self._has_begun.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read events while the block runs and the feed is started."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self.stop()
            tasks = [task] if self._beginning is None else [task, self._beginning]
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._has_begun.wait()
            try:
                async with self._database.watch_commits(self._woken.set):
                    await self._follow()
            except Exception as error:  # noqa: BLE001 - nothing ends the feed
                self._note(error)
                await asyncio.sleep(_LONGEST_PAUSE)

    async def _follow(self) -> None:
        """Pass on new events until the feed is stopped."""
        failures = 0
        while self._is_wanted:
            # Before the look: what is committed during the look wakes the feed again.
            self._woken.clear()
            try:
                has_news = await self._look()
            except (Exception, asyncio.CancelledError) as error:
                if _is_being_cancelled():
                    raise
                self._note(error)
                failures += 1
                self._woken.set()
                await asyncio.sleep(min(_LONGEST_PAUSE, PAUSE * 2 ** min(failures, 20)))
            else:
                failures = 0
                self._is_faulty = False
                if has_news:
                    await asyncio.sleep(PAUSE)
            await self._woken.wait()
        # Who starts it again begins at the end of the log; until here, they go on.
        self._has_begun.clear()
        self._recent = RecentEvents(self.position, self._recent_bytes)

    async def _look(self) -> bool:
        """Pass on all events that were committed before; returns whether there were any."""
        if not self._has_begun.is_set():
            await self._begin()
        self._looks += 1
        has_news = False
        end = await self._log.end()
        while self.position != end and self._is_wanted:
            try:
                events = await self._log.read(self.position, PAGE)
            except EventsExpired as error:
                self._errors += 1
                logger.warning("Events were deleted before they were read: subscriptions end")
                self._lose(error)
                return False
            if events:
                has_news = True
                if not await self._pass_on(events):
                    return False
            if not events or (len(events) < PAGE and events[-1].position.tick >= end.tick):
                self.position = max(self.position, end)
                break
            # Thousands of events may come at once, and others must have their turn.
            await asyncio.sleep(0)
        return has_news

    async def _pass_on(self, events: Sequence[ExecutionEvent]) -> bool:
        """Give events to the listener; returns False if it failed."""
        self._read += len(events)
        self._lag = max(0.0, time.time() - events[0].occurred_on / 1000)
        try:
            await self.on_events(events)
        except (Exception, asyncio.CancelledError) as error:
            if _is_being_cancelled():
                raise
            self._note(error)
            # Some subscriptions may have been given these events, and others not.
            self._lose(EventsExpired())
            return False
        self._recent.add(events)
        self.position = events[-1].position
        return True

    def _lose(self, error: EventsExpired) -> None:
        """Begin anew at the end of the log, unless nobody starts again."""
        self._has_begun.clear()
        self._woken.set()
        try:
            self.on_lost(error)
        except Exception as failure:  # noqa: BLE001 - nothing ends the feed
            self._note(failure)

    def _note(self, error: BaseException) -> None:
        self._errors += 1
        # The database has logged why it can't answer. Anything else is a bug, and is logged once,
        # because it recurs with every look until it is fixed.
        if not isinstance(error, ServiceUnavailable) and not self._is_faulty:
            self._is_faulty = True
            logger.error("Events can't be passed on; trying again", exc_info=error)


def _is_being_cancelled() -> bool:
    """Whether this task is to end, and not just something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _retrieve(task: asyncio.Task[None]) -> None:
    # All who waited for it may be gone.
    if not task.cancelled():
        task.exception()
