"""Pass events on to all subscriptions that they concern.

The feed brings each change once. It is matched once for each filter, and encoded once for each
selection. A subscription that is not where the feed is, because it began with an older cursor or
because its client was slow, reads on from its own position until it has caught up.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence

from db.database import Metric
from db.errors import GatewayError
from db.events.event import ExecutionEvent
from db.events.feed import EventFeed
from db.events.log import EventLog
from db.events.position import BEGINNING, Position
from db.events.start import Start
from db.reading.filters import Filter
from server.graphql.subscriptions.channel import MAX_FILTER_BYTES, Channel, Channels
from server.graphql.subscriptions.encoder import EventEncoder
from server.graphql.subscriptions.encoding import BatchEncoder, Encoded, Found, ending_of
from server.graphql.subscriptions.pages import BETWEEN_BREATHS, Pages
from server.graphql.subscriptions.sink import EndCode, Ending, Sink
from server.graphql.subscriptions.subscriber import Batch, Phase, Subscriber

logger = logging.getLogger("gateway.events")

_AT_ONCE = 4
"""How many subscriptions read such a page at the same time."""
_READING_AT_ONCE = 2
"""How many of those whose selections lead beyond events do so."""
_WRITES_BETWEEN_BREATHS = 100
_FELL_BEHIND = Ending(EndCode.FELL_BEHIND, "Fell behind: events come faster than they are read")


class Broadcaster:
    """Brings each event of a feed to the subscriptions that it concerns."""

    def __init__(
        self, log: EventLog, feed: EventFeed, *, max_filter_bytes: int = MAX_FILTER_BYTES
    ) -> None:
        self.log = log
        self._feed = feed
        feed.on_events = self._pass_on
        feed.on_lost = self._lose
        self._channels = Channels(max_filter_bytes)
        self._subscribers: dict[Subscriber, None] = {}
        self._paused: dict[Subscriber, None] = {}
        self._catching_up: dict[Subscriber, asyncio.Task[None]] = {}
        # Those that read more than events never take the turns of the others.
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._turns_to_read = asyncio.Semaphore(_READING_AT_ONCE)
        self._passed_on = asyncio.Event()
        self._passed_on.set()
        self._encoding = BatchEncoder(
            lambda position, workspace: log.cursor_of_event(Start(position), workspace)
        )
        self._pages = Pages(log, feed, self._encoding)
        self._delivered = 0

    def metrics(self) -> list[Metric]:
        """Return how many subscriptions there are, and what they were sent."""

        def metric(phase: Phase) -> Metric:
            return Metric(
                "gateway_subscribers",
                "Subscriptions, by what they do.",
                {"phase": phase.name.lower()},
                lambda: sum(each.phase is phase for each in self._subscribers),
            )

        return [
            *self._pages.metrics(),
            *map(metric, (Phase.LIVE, Phase.CATCHING_UP, Phase.PAUSED)),
            Metric(
                "gateway_events_delivered",
                "Events that were written to a subscription, once for each.",
                {},
                lambda: self._delivered,
                is_counter=True,
            ),
            Metric(
                "gateway_events_encoded",
                "Events that were encoded for a selection, once for each.",
                {},
                lambda: self._encoding.count,
                is_counter=True,
            ),
        ]

    async def subscribe(
        self,
        encoder: EventEncoder,
        filter_: Filter,
        argument: str,
        after: str | None,
        sink: Sink,
    ) -> Subscriber:
        """Begin a subscription with what comes after a cursor, or else from now on.

        ``argument`` is the name of the cursor for messages. Raises InvalidInput if the cursor is
        none, EventsExpired if the log does not reach back to it, and ServiceUnavailable if the
        database can't answer.
        """
        channel = self._channels.join(filter_, encoder)
        subscriber = Subscriber(self, channel, sink, BEGINNING)
        self._subscribers[subscriber] = None
        try:
            await self._feed.start()
            end = await self.log.end()
            if after is None:
                subscriber.position = end
            else:
                start = await self.log.start(after, argument, encoder.workspace)
                # Whether it is still in the log, before anybody is told that all is well.
                await self.log.read(start.position, 1)
                subscriber.position = start.position
                if start.seen is not None:
                    subscriber.seen = start.seen, end
        except BaseException:
            self.leave(subscriber)
            raise
        if subscriber.phase is not Phase.ENDED:
            self.catch_up(subscriber)
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a subscription; the feed rests when there is none left."""
        if subscriber.phase is Phase.ENDED:
            return
        subscriber.phase = Phase.ENDED
        del self._subscribers[subscriber]
        subscriber.channel.live.pop(subscriber, None)
        self._paused.pop(subscriber, None)
        self._channels.leave(subscriber.channel)
        task = self._catching_up.pop(subscriber, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()
        if not self._subscribers:
            self._feed.stop()

    def pause(self, subscriber: Subscriber) -> None:
        """Write nothing more to a client until it has read what it was sent."""
        subscriber.channel.live.pop(subscriber, None)
        subscriber.phase = Phase.PAUSED
        self._paused[subscriber] = None

    def catch_up(self, subscriber: Subscriber) -> None:
        """Let a subscription read from its position until it is where the feed is."""
        self._paused.pop(subscriber, None)
        subscriber.phase = Phase.CATCHING_UP
        if self._try_live(subscriber) or subscriber in self._catching_up:
            return
        task = asyncio.create_task(self._run_catching_up(subscriber))
        self._catching_up[subscriber] = task

    def cursor_of(self, subscriber: Subscriber) -> str:
        """Return the cursor from which a subscription misses nothing that it was not sent."""
        position = subscriber.position
        if subscriber.phase is Phase.LIVE:
            position = max(position, self._feed.position)
        start = Start(position, subscriber.seen and subscriber.seen[0])
        return self.log.cursor(start, subscriber.channel.encoder.workspace)

    # What the feed brings

    async def _pass_on(self, events: Sequence[ExecutionEvent]) -> None:
        until = events[-1].position
        self._passed_on.clear()
        try:
            found = await self._match(events)
            # Nobody waits for what is read for the selections of others.
            for reads in (False, True):
                some = {each: found[each] for each in found if each.encoder.reads is reads}
                if some:
                    await self._deliver(some, await self._encoding.encode(some), until)
        finally:
            self._passed_on.set()
        for subscriber in tuple(self._paused):
            if subscriber.was_live and subscriber.position < self._feed.oldest:
                self._end_at(subscriber, _FELL_BEHIND)

    async def _match(self, events: Iterable[ExecutionEvent]) -> Found:
        """Return the events that concern the subscriptions of each channel."""
        found: dict[Channel, list[tuple[ExecutionEvent, bool]]] = {}
        compared = 0
        for event in events:
            for channel in self._channels.concerned(event):
                matches = channel.match(event)
                if matches is not None:
                    found.setdefault(channel, []).append((event, matches))
                compared += 1 + channel.weight
                if compared > BETWEEN_BREATHS:
                    compared = 0
                    await asyncio.sleep(0)
        return found

    async def _deliver(
        self, found: Found, encoded: Mapping[object, Encoded], until: Position
    ) -> None:
        written = 0
        for channel, seen in found.items():
            made = encoded[channel.encoder.key]
            placed = [
                (event.position, made.messages[event.position, matches])
                for event, matches in (seen if made.messages else ())
            ]
            batch = Batch.of(placed, until)
            for subscriber in tuple(channel.live):
                if made.failure is not None:
                    self._end_at(subscriber, made.failure)
                elif made.is_late:
                    self._leave_behind(subscriber)
                else:
                    self._write(subscriber, batch)
                written += 1
                if written % _WRITES_BETWEEN_BREATHS == 0:
                    await asyncio.sleep(0)

    def _write(self, subscriber: Subscriber, batch: Batch) -> None:
        try:
            self._delivered += subscriber.take(batch)
        except OSError:
            subscriber.close()  # the client has gone
        except Exception as error:  # noqa: BLE001 - the others get their events
            subscriber.end(ending_of(error))

    def _leave_behind(self, subscriber: Subscriber) -> None:
        """Let a subscription read what the feed passes on by itself."""
        if subscriber.phase is Phase.LIVE:
            subscriber.position = max(subscriber.position, self._feed.position)
            subscriber.channel.live.pop(subscriber, None)
            self.catch_up(subscriber)

    def _lose(self, error: GatewayError) -> None:
        ending = Ending(EndCode.EVENTS_EXPIRED, error.message)
        for subscriber in tuple(self._subscribers):
            subscriber.end(ending)

    def _end_at(self, subscriber: Subscriber, ending: Ending) -> None:
        subscriber.end(Ending(ending.code, ending.message, self.cursor_of(subscriber)))

    # Those that are elsewhere

    def _try_live(self, subscriber: Subscriber) -> bool:
        """Make a subscription live if it has reached the feed, between two batches."""
        if not self._passed_on.is_set() or subscriber.position < self._feed.position:
            return False
        if subscriber.seen is not None and subscriber.position >= subscriber.seen[1]:
            subscriber.seen = None
        if subscriber.seen is not None:
            return False
        subscriber.phase = Phase.LIVE
        subscriber.was_live = True
        subscriber.channel.live[subscriber] = None
        return True

    async def _run_catching_up(self, subscriber: Subscriber) -> None:
        try:
            while subscriber.phase is Phase.CATCHING_UP and not self._try_live(subscriber):
                if subscriber.position >= self._reached(subscriber):
                    await self._passed_on.wait()
                    continue
                reads = subscriber.channel.encoder.reads
                async with self._turns_to_read if reads else self._turns:
                    await self._write_page(subscriber)
        except OSError:
            subscriber.close()  # the client has gone
        except Exception as error:  # noqa: BLE001 - its client is told
            self._end_at(subscriber, ending_of(error))
        finally:
            if self._catching_up.get(subscriber) is asyncio.current_task():
                del self._catching_up[subscriber]

    def _reached(self, subscriber: Subscriber) -> Position:
        """Return up to where a subscription has to read by itself."""
        until = subscriber.seen[1] if subscriber.seen is not None else subscriber.position
        return max(self._feed.position, until)

    async def _write_page(self, subscriber: Subscriber) -> None:
        """Write some of the events after a subscription's position."""
        seen = subscriber.seen
        batch = await self._pages.read(
            subscriber.channel, subscriber.position, self._reached(subscriber), seen
        )
        if subscriber.phase is not Phase.CATCHING_UP:
            return
        self._delivered += subscriber.take(batch)
        if seen is not None and subscriber.position >= seen[1]:
            subscriber.seen = None
