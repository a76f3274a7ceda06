"""Encode a batch of events for all selections that want some of them."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from db.errors import GatewayError
from db.events.event import ExecutionEvent
from db.events.position import Position
from resolvers.events import SeenEvent
from server.graphql.subscriptions.channel import Channel
from server.graphql.subscriptions.encoder import EventEncoder
from server.graphql.subscriptions.sink import EndCode, Ending, EventMessage
from server.http.errors import INTERNAL_MESSAGE, log_unexpected

_LONGEST_READ = 0.05
"""For how long, in seconds, a batch waits for what its executions lead to."""
_READING_AT_ONCE = 8
_SLICE = 50
"""How many events are encoded before other tasks have their turn."""

Found = Mapping[Channel, Sequence[tuple[ExecutionEvent, bool]]]
"""The events that concern each channel, and whether its filter matches after them."""
WriteCursor = Callable[[Position, str | None], str]
"""Writes the cursor of an event at a position, for clients in a workspace or for all."""
_Wanted = dict[tuple[Position, bool], SeenEvent]


class TooLarge(Exception):
    """The events are larger together than they should be; fewer should be encoded at once."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """The messages of one encoder; or the ``failure`` that it met.

    ``is_late`` says that they would take too long: whoever wants them must read on by himself.
    """

    messages: Mapping[tuple[Position, bool], EventMessage]
    failure: Ending | None = None
    is_late: bool = False


_LATE = Encoded({}, is_late=True)


class BatchEncoder:
    """Encodes batches of events, each event once for an encoder."""

    def __init__(self, write_cursor: WriteCursor) -> None:
        self._write_cursor = write_cursor
        self.count = 0
        """How many events were encoded, once for each selection."""

    async def encode(self, found: Found) -> dict[object, Encoded]:
        """Return what each encoder made of the events that its channels found, by its key."""
        encoded: dict[object, Encoded] = {}
        reading: dict[asyncio.Task[Encoded], object] = {}
        for key, (encoder, wanted) in self._wanted(found).items():
            if len(wanted) > encoder.most_at_once:
                encoded[key] = _LATE
            elif not encoder.reads:
                encoded[key] = await self._encode(encoder, wanted)
            elif len(reading) < _READING_AT_ONCE:
                reading[asyncio.create_task(self._encode(encoder, wanted))] = key
            else:
                encoded[key] = _LATE
        if reading:
            encoded |= await _in_time(reading)
        return encoded

    def _wanted(self, found: Found) -> dict[object, tuple[EventEncoder, _Wanted]]:
        wanted: dict[object, tuple[EventEncoder, _Wanted]] = {}
        cursors: dict[tuple[Position, str | None], str] = {}
        for channel, seen in found.items():
            workspace = channel.encoder.workspace
            _, events = wanted.setdefault(channel.encoder.key, (channel.encoder, {}))
            for event, matches in seen:
                key = event.position, matches
                if key not in events:
                    place = event.position, workspace
                    cursor = cursors.get(place)
                    if cursor is None:
                        cursor = cursors[place] = self._write_cursor(*place)
                    events[key] = SeenEvent(event, cursor, matches)
        return wanted

    async def _encode(self, encoder: EventEncoder, wanted: _Wanted) -> Encoded:
        try:
            messages = await self.messages(encoder, wanted.values())
            await asyncio.sleep(0)
        except TooLarge:
            return _LATE
        except Exception as error:  # noqa: BLE001 - the others get their events
            return Encoded({}, ending_of(error))
        return Encoded(dict(zip(wanted, messages, strict=True)))

    async def messages(
        self, encoder: EventEncoder, events: Iterable[SeenEvent]
    ) -> list[EventMessage]:
        """Encode events for one encoder.

        Raises what the encoder raises, and TooLarge if they turn out to be more than it should
        encode at once.
        """
        seen = tuple(events)
        messages: list[EventMessage] = []
        while len(messages) < len(seen):
            # The first event tells how large they are.
            count = min(_SLICE, encoder.most_at_once) if encoder.is_measured else 1
            some = seen[len(messages) : len(messages) + count]
            payloads = await encoder.encode(some)
            self.count += len(payloads)
            messages += [
                EventMessage(payload, each.cursor)
                for payload, each in zip(payloads, some, strict=True)
            ]
            if len(seen) > encoder.most_at_once:
                raise TooLarge
            if len(messages) < len(seen):
                await asyncio.sleep(0)
        return messages


async def _in_time(reading: Mapping[asyncio.Task[Encoded], object]) -> dict[object, Encoded]:
    """Return what tasks encode within a bound; the others are late, and stopped."""
    try:
        done, late = await asyncio.wait(reading, timeout=_LONGEST_READ)
    except asyncio.CancelledError:
        for task in reading:
            task.cancel()
        raise
    for task in late:
        task.cancel()
    return {
        **{reading[task]: task.result() for task in done},
        **{reading[task]: _LATE for task in late},
    }


def ending_of(error: Exception) -> Ending:
    """Return what the client of a subscription is told of an exception that ended it."""
    if isinstance(error, GatewayError) and error.code in set(EndCode):
        return Ending(EndCode(error.code), error.message)
    error_id = log_unexpected(error, "A subscription")
    return Ending(EndCode.INTERNAL_SERVER_ERROR, f"{INTERNAL_MESSAGE}, error id {error_id}")
