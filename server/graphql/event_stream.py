"""The event stream of a subscription: what is written, and how it ends.

Each event carries its cursor as its id, with which a browser's ``EventSource`` resumes by itself:
it connects again whenever a stream ends, and shows the last id that it has read. Only a status
other than 200 stops it for good (HTML, section 9.2). So a stream that should be resumed ends
without ``complete``; one that should not ends with an id, ``COMPLETE``, to which the answer is 204.
"""

from collections.abc import Sequence
from random import randrange
from typing import Any

from starlette.types import Receive, Scope, Send

from server.graphql.subscriptions.admission import Place
from server.graphql.subscriptions.sink import (
    SHUTTING_DOWN,
    EndCode,
    Ending,
    EventMessage,
    Subscription,
)
from server.http.direct_write import encoded
from server.http.heartbeats import Heartbeats
from server.http.json_text import write_json
from server.http.open_stream import OpenStream, open_stream

COMPLETE = "complete"
"""The id of the event that ends the stream of a subscription for good."""
COMPLETE_EVENT = b"event: complete\ndata:\n\n"
END = b"id: %b\n%b" % (COMPLETE.encode(), COMPLETE_EVENT)
"""The end of the stream of a subscription, for good."""
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # nginx, and others like it, would collect events.
    (b"x-accel-buffering", b"no"),
)

_ENCODED_HEADERS = encoded(HEADERS) or b""
_RETRY_MILLISECONDS = 1_000
_RESUMABLE = frozenset({EndCode.FELL_BEHIND, EndCode.SHUTTING_DOWN, EndCode.SERVICE_UNAVAILABLE})


def next_event(payload: bytes) -> bytes:
    """Return a response, which is JSON, as an event."""
    return b"event: next\ndata: %b\n\n" % payload


def come_back(reason: str, least: int, cursor: str | None = None) -> bytes:
    """Return the end of a stream that its client should ask for again.

    It should wait for ``least`` milliseconds, or up to twice as long.
    """
    # Those who leave together should not come back together.
    milliseconds = randrange(least, 2 * least)  # noqa: S311 - no secret
    position = f"id: {cursor}\n" if cursor else ""
    return f"{position}retry: {milliseconds}\n: {' '.join(reason.split())}\n\n".encode()


class WrittenEvents:
    """Writes messages as events, once for all streams that get the same ones."""

    def __init__(self) -> None:
        self._messages: Sequence[EventMessage] = ()
        self._written = b""

    def of(self, messages: Sequence[EventMessage]) -> bytes:
        """Return messages as events; for the same list as before, the same object."""
        if messages is not self._messages:
            self._messages = messages
            self._written = b"".join(
                [b"id: %b\n%b" % (one.cursor.encode(), next_event(one.payload)) for one in messages]
            )
        return self._written


class EventStream:
    """Delivers a subscription: what it writes to, and the ASGI application that responds.

    It is idle most of the time, and there are thousands: it has no task, and is small.
    """

    __slots__ = (
        "_ending",
        "_heartbeats",
        "_is_silent",
        "_place",
        "_response",
        "_subscription",
        "_takes_more",
        "_written",
    )

    def __init__(self, written: WrittenEvents, heartbeats: Heartbeats) -> None:
        self._written = written
        self._heartbeats = heartbeats
        self._place: Place | None = None
        self._subscription: Subscription | None = None
        self._response: OpenStream | None = None
        self._ending: Ending | None = None
        self._is_silent = self._takes_more = True

    def take(self, place: Place) -> None:
        """Take the place of a subscription, which is left at the end."""
        self._place = place

    def begin(self, subscription: Subscription) -> None:
        """Deliver a subscription, once the response is open."""
        self._subscription = subscription

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Open the response."""
        subscription = self._subscription
        response = None
        if subscription is not None:
            response = open_stream(send, _ENCODED_HEADERS, self)
        if subscription is None or response is None:
            self.leave()
            return
        self._response = response
        # The client knows that it is connected, and from where to resume.
        response.write(_position(subscription.cursor))
        self._heartbeats.add(self)
        if not self._takes_more:
            self.on_writable()
        if self._ending is not None:
            self.end(self._ending)

    def leave(self, code: EndCode | None = None) -> None:
        """Close the subscription and leave its place. Idempotent."""
        subscription, self._subscription = self._subscription, None
        place, self._place = self._place, None
        self._response = None
        self._heartbeats.discard(self)
        if subscription is not None:
            subscription.close()
        if place is not None:
            place.leave(code)

    # As the sink of its subscription

    def write(self, messages: Sequence[EventMessage]) -> bool:
        """Write events without waiting; return whether the client takes more now."""
        if self._response is None:
            self._takes_more = False
            return False
        self._is_silent = False
        self._takes_more = self._response.write(self._written.of(messages))
        return self._takes_more

    def end(self, ending: Ending) -> None:
        """End the response with the reason, so that the client resumes if that makes sense."""
        response, subscription = self._response, self._subscription
        if response is None or subscription is None:
            self._ending = ending
            return
        cursor = ending.cursor
        if ending.code in _RESUMABLE:
            reason = f"{ending.code}: {ending.message}"
            last = come_back(reason, _RETRY_MILLISECONDS, cursor or subscription.cursor)
        else:
            extensions: dict[str, Any] = {"code": ending.code}
            if cursor is not None:
                extensions["cursor"] = cursor
            error = {"message": ending.message, "extensions": extensions}
            last = next_event(write_json({"errors": [error]})) + END
        response.end(last)
        self.leave(ending.code)

    # As a connection that must not fall silent

    def beat(self) -> None:
        """Tell a client that gets no events how far it is, so that its cursor does not expire."""
        if (
            self._is_silent
            and self._takes_more
            and self._response is not None
            and self._subscription is not None
        ):
            self._takes_more = self._response.write(_position(self._subscription.cursor))
        self._is_silent = True

    # As the listener of its response

    def on_writable(self) -> None:
        """Let the subscription go on."""
        self._takes_more = True
        if self._subscription is not None:
            self._subscription.resume()

    def on_stopping(self) -> None:
        """Tell the client to come back."""
        self.end(Ending(EndCode.SHUTTING_DOWN, SHUTTING_DOWN))

    def on_gone(self) -> None:
        """End the subscription that nobody waits for any more."""
        self.leave()


def _position(cursor: str) -> bytes:
    # A block without data dispatches nothing, but sets the last event id.
    return b"id: %b\n\n" % cursor.encode()
