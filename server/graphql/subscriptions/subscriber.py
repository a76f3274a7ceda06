"""A subscription: where it is in the order of events, and how it gets on."""

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING

from db.events.position import Position
from db.events.start import Seen
from server.graphql.subscriptions.channel import Channel
from server.graphql.subscriptions.sink import Ending, EventMessage, Sink

if TYPE_CHECKING:
    from server.graphql.subscriptions.broadcaster import Broadcaster


class Phase(enum.Enum):
    """What a subscription does."""

    CATCHING_UP = "reads events that came before"
    LIVE = "gets events as they come"
    PAUSED = "waits for its client to read"
    ENDED = "gets nothing more"


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
        """End the subscription, and tell its client why."""
        if self.phase is not Phase.ENDED:
            self._broadcaster.leave(self)
            self.sink.end(ending)

    def take(
        self, messages: Sequence[EventMessage], positions: Sequence[Position], until: Position
    ) -> None:
        """Write the messages of events that a live subscription has not had yet.

        ``until`` is the position up to which they are all of the events that concern it.
        """
        if self.phase is not Phase.LIVE:
            return
        if self.position >= positions[0]:
            left = [
                message
                for message, position in zip(messages, positions, strict=True)
                if position > self.position
            ]
            if not left:
                return
            messages = left
        if not self.sink.write(messages):
            self.position = max(self.position, until)
            self._broadcaster.pause(self)
