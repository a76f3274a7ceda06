"""Limit the number of open connections, and close those that keep the server waiting.

One timer serves all connections: a timer for each would cost every request more than anything
else that its connection does.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Protocol

from db.database import Metric

CONNECTIONS = "connections"
"""The key in a server's state for its connections."""

_CHECK_SECONDS = 0.5
_CLOSED_AT_ONCE = 20


class Connection(Protocol):
    """A connection as ``Connections`` manages it."""

    deadline: float
    """When the client must have sent its next request or frame, in the loop's time."""

    @property
    def is_waiting(self) -> bool:
        """Whether no request is running."""

    @property
    def is_dispensable(self) -> bool:
        """Whether all requests on it were refused or needed no key."""

    @property
    def unsent(self) -> int:
        """How many bytes of responses wait for the client, besides those that the system holds."""

    def expire(self) -> None:
        """Handle a deadline that has passed."""

    def has_stalled(self, now: float, seconds: float) -> bool:
        """Whether the client has read nothing of a response for so many seconds."""

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""

    def drop(self) -> None:
        """Close the connection while no request is running on it."""


class Connections:
    """Holds at most ``maximum`` connections, and closes those that stall.

    Aborts a connection whose client reads nothing of a response for ``send_timeout`` seconds. When
    the maximum is reached, closes some of the idle connections, or if there are none, the oldest
    ones whose requests were all refused or needed no key.

    While more than ``max_unread_bytes`` wait for clients, aborts connections: first of those whose
    clients have read nothing since the last look, then of the others, and each time the one for
    which most is waiting.
    """

    def __init__(
        self,
        maximum: int = 2000,
        send_timeout: float = 30.0,
        on_limit: Callable[[str | None], None] = lambda _limit: None,
        max_unread_bytes: int = 268_435_456,
    ) -> None:
        self.maximum = maximum
        self.on_limit = on_limit
        self.send_timeout = send_timeout
        self.max_unread_bytes = max_unread_bytes
        # Ordered by arrival.
        self._open: dict[Connection, None] = {}
        self._turned_away: set[Connection] = set()
        self._watched: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> bool:
        """Add a connection; return False if there is no room for it."""
        if len(self._open) >= self.maximum:
            self.on_limit("max_open_connections")
            self._make_room()
            if len(self._open) >= self.maximum:
                return False
        self._open[connection] = None
        self._start(loop)
        return True

    def turn_away(self, connection: Connection) -> bool:
        """Time a refused connection while it reads the refusal; return False if there are many."""
        if len(self._turned_away) >= 1 + self.maximum // _CLOSED_AT_ONCE:
            return False
        self._turned_away.add(connection)
        return True

    def watch(self, connection: Connection) -> None:
        """Watch whether a client reads, without counting its connection."""
        self._watched.add(connection)
        self._start(asyncio.get_running_loop())

    def watch_no_more(self, connection: Connection) -> None:
        """Stop watching a client that has read everything."""
        self._watched.discard(connection)

    def discard(self, connection: Connection) -> None:
        """Forget a connection."""
        self._open.pop(connection, None)
        self._turned_away.discard(connection)
        self._watched.discard(connection)

    def metrics(self) -> list[Metric]:
        """Return the number of open connections."""
        return [
            Metric(
                "gateway_open_connections",
                "HTTP connections that are open, and WebSockets that are being closed.",
                {},
                lambda: len(self._open),
            )
        ]

    def _make_room(self) -> None:
        waiting = [connection for connection in self._open if connection.is_waiting]
        waiting.sort(key=lambda connection: connection.deadline)
        # Close several at once, because the search takes time.
        count = 1 + self.maximum // _CLOSED_AT_ONCE
        for connection in waiting[:count]:
            self._open.pop(connection, None)
            connection.drop()
        if not waiting:
            dispensable = (connection for connection in self._open if connection.is_dispensable)
            for connection in list(itertools.islice(dispensable, count)):
                self._open.pop(connection, None)
                connection.abort()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None:
            self._timer = loop.call_later(_CHECK_SECONDS, self._check, loop)

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in (*self._open, *self._turned_away, *self._watched):
            if connection.deadline <= now:
                connection.expire()
            if connection.has_stalled(now, self.send_timeout):
                self.on_limit("send_timeout")
                connection.abort()
        self._discard_unread(now)
        self._timer = None
        if self._open or self._turned_away or self._watched:
            self._start(loop)

    def _discard_unread(self, now: float) -> None:
        unsent = {each: each.unsent for each in (*self._open, *self._turned_away, *self._watched)}
        excess = sum(unsent.values()) - self.max_unread_bytes
        if excess <= 0:
            return

        def rank(connection: Connection) -> tuple[bool, int]:
            # Since the look before this one: what has changed was noted at ``now``.
            return connection.has_stalled(now, _CHECK_SECONDS / 2), unsent[connection]

        for connection in sorted(unsent, key=rank, reverse=True):
            self.on_limit("max_unread_bytes")
            connection.abort()
            excess -= unsent[connection]
            if excess <= 0:
                break
