"""Read what comes after a position, for subscriptions that are not where the feed is."""

import asyncio
from collections.abc import Sequence

from db.bounded_store import BoundedStore
from db.database import Metric
from db.events.event import ExecutionEvent
from db.events.feed import EventFeed
from db.events.log import EventLog
from db.events.position import Position
from db.events.start import Seen, Start
from resolvers.events import SeenEvent
from server.graphql.subscriptions.channel import Channel
from server.graphql.subscriptions.encoding import BatchEncoder, TooLarge
from server.graphql.subscriptions.subscriber import Batch

BETWEEN_BREATHS = 2_000
"""How many conditions are compared with events before other tasks have their turn."""

_PAGE = 500
_KEPT_BYTES = 16 * 2**20
_BYTES_OF_MESSAGE = 200


class Pages:
    """Pages of events, as they are written to the subscriptions of a channel.

    The last ones are kept: after a restart, many subscriptions resume from the same position.
    """

    def __init__(self, log: EventLog, feed: EventFeed, encoding: BatchEncoder) -> None:
        self._log = log
        self._feed = feed
        self._encoding = encoding
        self._kept: BoundedStore[tuple[Channel, Position], Batch] = BoundedStore(
            "event_pages", max_bytes=_KEPT_BYTES
        )

    def metrics(self) -> list[Metric]:
        """Return the use of the kept pages."""
        return self._kept.metrics()

    async def read(
        self,
        channel: Channel,
        position: Position,
        reached: Position,
        seen: tuple[Seen, Position] | None,
    ) -> Batch:
        """Return the next events of a channel after a position.

        If there are none, the batch ends at ``reached``, up to where the feed was before. Events
        that the client has ``seen`` up to a position are left out.
        """
        key = channel, position
        kept = None if seen else self._kept.get(key)
        if kept is not None:
            return kept
        events = self._feed.since(position, _PAGE)
        if not events:
            # Memory has only what the feed has passed on, which may be less.
            events = await self._log.read(position, _PAGE)
        batch = None
        while batch is None:
            batch = await self._encoded(channel, events, reached, seen)
        # What is read besides the events may be different later.
        if events and not seen and not channel.encoder.reads:
            size = batch.bytes + _BYTES_OF_MESSAGE * len(events) + channel.bytes
            self._kept.put(key, batch, size)
        return batch

    async def _encoded(
        self,
        channel: Channel,
        events: Sequence[ExecutionEvent],
        reached: Position,
        seen: tuple[Seen, Position] | None,
    ) -> Batch | None:
        """Return as many events as should be encoded at once; None if that was too many."""
        concerning: list[SeenEvent] = []
        position = reached
        compared = 0
        for event in events:
            position = event.position
            early = seen[0] if seen is not None and position <= seen[1] else None
            if early is not None and early.has(event):
                continue
            matches = channel.match(event)
            if matches is not None:
                start = Start(position, early)
                cursor = self._log.cursor_of_event(start, channel.encoder.workspace)
                concerning.append(SeenEvent(event, cursor, matches))
                if len(concerning) >= channel.encoder.most_at_once:
                    break
            compared += 1 + channel.weight
            if compared > BETWEEN_BREATHS:
                compared = 0
                await asyncio.sleep(0)
        try:
            messages = await self._encoding.messages(channel.encoder, concerning)
        except TooLarge:
            return None
        places = [each.event.position for each in concerning]
        return Batch.of(list(zip(places, messages, strict=True)), position)
