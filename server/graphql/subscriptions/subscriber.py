"""A subscription: where it is in the order of events, and how it gets on."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.events.position import Position
from db.events.start import Seen
from server.graphql.subscriptions.channel import Channel
from server.graphql.subscriptions.sink import Ending, EventMessage, Sink
from server.http.errors import log_unexpected

if TYPE_CHECKING:
    from server.graphql.subscriptions.broadcaster import Broadcaster


_PART_BYTES = 65_536


class Phase(enum.Enum):
    """What a subscription does."""

    CATCHING_UP = "reads events that came before"
    LIVE = "gets events as they come"
    PAUSED = "waits for its client to read"
    ENDED = "gets nothing more"


@dataclass(frozen=True, slots=True)
class Part:
    """Messages that are written together, and the positions of their events."""

    messages: tuple[EventMessage, ...]
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """What there is to write of the events up to a position.

    It is in parts of some 64 KiB, after each of which the client may have had enough.
    """

    parts: tuple[Part, ...]
    until: Position
    bytes: int = 0

    @classmethod
    def of(cls, placed: Sequence[tuple[Position, EventMessage]], until: Position) -> "Batch":
        """Make a batch of messages by their positions."""
        parts = []
        begin = size = total = 0
        for end, (_, message) in enumerate(placed, 1):
            size += len(message.payload)
            total += len(message.payload)
            if size >= _PART_BYTES or end == len(placed):
                positions, messages = zip(*placed[begin:end], strict=True)
                parts.append(Part(messages, positions))
                begin, size = end, 0
        return cls(tuple(parts), until, total)

    def after(self, position: Position) -> "Batch":
        """Return what of it comes after a position."""
        placed = [
            (each, message)
            for part in self.parts
            for each, message in zip(part.positions, part.messages, strict=True)
            if each > position
        ]
        return Batch.of(placed, self.until)


class Subscriber:
    """A running subscription, which ``sink`` delivers.

    Everything up to ``position`` is written, or does not concern it; while it is live, also what
    the broadcaster has passed on.
    """

    __slots__ = ("_broadcaster", "channel", "phase", "position", "seen", "sink", "was_live")

    def __init__(
        self, broadcaster: "Broadcaster", channel: Channel, sink: Sink, position: Position
    ) -> None:
        self._broadcaster = broadcaster
        self.channel = channel
        self.sink = sink
        self.position = position
        self.seen: tuple[Seen, Position] | None = None
        """What its client has seen already of what comes up to a position."""
        self.phase = Phase.CATCHING_UP
        self.was_live = False

    @property
    def cursor(self) -> str:
        """The position from which nothing is missed of what has not been written yet."""
        return self._broadcaster.cursor_of(self)

    def resume(self) -> None:
        """Go on writing: the client has read enough of what was written."""
        if self.phase is Phase.PAUSED:
            self._broadcaster.catch_up(self)

    def close(self) -> None:
        """End the subscription without a word. Idempotent."""
        self._broadcaster.leave(self)

    def end(self, ending: Ending) -> None:
        """End the subscription, and tell its client why. Raises nothing: others must end too."""
        if self.phase is Phase.ENDED:
            return
        self._broadcaster.leave(self)
        try:
            self.sink.end(ending)
        except OSError:
            pass  # the client has gone
        except Exception as error:  # noqa: BLE001 - it has ended all the same
            log_unexpected(error, "The end of a subscription")

    def take(self, batch: Batch) -> int:
        """Write the events of a batch that it has not had yet; return how many.

        After that it is where the batch ends, or paused where its client stopped reading.
        """
        if self.phase not in (Phase.LIVE, Phase.CATCHING_UP):
            return 0
        parts = batch.parts
        if parts and self.position >= parts[0].positions[0]:
            parts = batch.after(self.position).parts
        written = 0
        for part in parts:
            written += len(part.messages)
            if not self.sink.write(part.messages):
                # Nothing of it comes after the last part.
                self.position = batch.until if part is parts[-1] else part.positions[-1]
                self._broadcaster.pause(self)
                return written
        self.position = max(self.position, batch.until)
        return written
