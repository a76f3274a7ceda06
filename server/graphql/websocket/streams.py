"""The subscriptions of a WebSocket: their events go to the wire as they come."""

from collections.abc import Sequence
from typing import Protocol

from server.graphql.subscriptions.admission import Place
from server.graphql.subscriptions.sink import EndCode, Ending, EventMessage, Subscription
from server.graphql.websocket.close_codes import CloseCode
from server.graphql.websocket.messages import ending_message, next_prefix
from server.graphql.websocket.wire import Wire

_CLOSE_CODES = {
    EndCode.FELL_BEHIND: CloseCode.TRY_AGAIN_LATER,
    EndCode.UNAUTHENTICATED: CloseCode.FORBIDDEN,
    EndCode.FORBIDDEN: CloseCode.FORBIDDEN,
    EndCode.SHUTTING_DOWN: CloseCode.SERVICE_RESTART,
}
"""Reasons that concern the client rather than the subscription: they close the connection."""


class Streams(Protocol):
    """What a stream needs of the operations that it belongs to."""

    @property
    def wire(self) -> Wire:
        """The connection."""

    def pause(self, stream: "Stream") -> None:
        """Resume the stream once the client has read enough."""

    def forget(self, stream: "Stream") -> None:
        """Let the stream's id be used again."""


class Stream:
    """The ``Sink`` of a subscription."""

    __slots__ = ("_prefix", "_streams", "id", "is_over", "place", "subscription")

    def __init__(self, operation_id: str, streams: Streams) -> None:
        self.id = operation_id
        self.is_over = False
        self.place: Place | None = None
        self.subscription: Subscription | None = None
        self._streams = streams
        self._prefix = next_prefix(operation_id)

    def write(self, messages: Sequence[EventMessage]) -> bool:
        """Write events without waiting; return whether the client takes more now."""
        is_writable = self._streams.wire.write_events(self._prefix, messages)
        if not is_writable:
            self._streams.pause(self)
        return is_writable

    def end(self, ending: Ending) -> None:
        """Tell the client that there will be no more events, and why."""
        if self.is_over:
            return
        wire = self._streams.wire
        code = _CLOSE_CODES.get(ending.code)
        self.close(ending.code)
        if code is None:
            self._streams.forget(self)
            wire.write(ending_message(self.id, ending))
        elif code == CloseCode.FORBIDDEN:
            wire.close(code, f"Forbidden: {ending.message}")
        else:
            wire.close(code, ending.message)

    def close(self, code: EndCode | None = None) -> None:
        """End the subscription without a word; ``code`` says why, unless its client did."""
        if self.is_over:
            return
        self.is_over = True
        if self.place is not None:
            self.place.leave(code)
        if self.subscription is not None:
            self.subscription.close()

    def resume(self) -> None:
        """Go on writing."""
        if self.subscription is not None and not self.is_over:
            self.subscription.resume()
