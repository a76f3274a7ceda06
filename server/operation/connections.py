"""The open connections of one server: how many there may be, and how long one may keep it waiting.

One timer looks after all of them, because a timer for each would cost every request more than
anything else that its connection does.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Protocol

from db.database import Measure

CONNECTIONS = "connections"
"""Where the state of a server has its connections."""

_LOOKS_AFTER_SECONDS = 0.5
_CLOSED_AT_ONCE = 20


class Connection(Protocol):
    """What is looked after."""

    deadline: float
    """When the client must have sent what it is waited for, in the loop's time."""

    @property
    def is_waiting(self) -> bool:
        """Whether no request is under way."""

    @property
    def is_dispensable(self) -> bool:
        """Whether nothing that was asked on it needed a key, such as what is refused."""

    def expire(self) -> None:
        """The deadline has passed."""

    def has_stalled(self, now: float, seconds: float) -> bool:
        """Whether an answer is stuck, because the client has read none of it for so long."""

    def abort(self) -> None:
        """Drop the connection and what was to be sent on it."""

    def drop(self) -> None:
        """Close the connection, on which no request is under way."""


class Connections:
    """Holds at most ``maximum`` connections, and closes those that stall.

    An answer of which the client reads nothing for ``send_timeout`` seconds is aborted. When there
    are too many connections, some of those on which no request is under way make room, and if there
    are none, the oldest on which nothing was asked that needed a key.
    """

    def __init__(
        self,
        maximum: int = 2000,
        send_timeout: float = 30.0,
        on_limit: Callable[[str | None], None] = lambda _limit: None,
    ) -> None:
        self.maximum = maximum
        self.on_limit = on_limit
        self._send_timeout = send_timeout
        # In the order in which they came.
        self._open: dict[Connection, None] = {}
        self._turned_away: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> bool:
        """Look after a connection; False when there is no room for it."""
        if len(self._open) >= self.maximum:
            self.on_limit("max_open_connections")
            self._make_room()
            if len(self._open) >= self.maximum:
                return False
        self._open[connection] = None
        if self._timer is None:
            self._timer = loop.call_later(_LOOKS_AFTER_SECONDS, self._look, loop)
        return True

    def turn_away(self, connection: Connection) -> bool:
        """Look after one for which there is no room while it reads why; False for too many."""
        if len(self._turned_away) >= 1 + self.maximum // _CLOSED_AT_ONCE:
            return False
        self._turned_away.add(connection)
        return True

    def discard(self, connection: Connection) -> None:
        """Look after it no more."""
        self._open.pop(connection, None)
        self._turned_away.discard(connection)

    def measures(self) -> list[Measure]:
        """How many there are."""
        return [
            Measure(
                "gateway_open_connections",
                "HTTP connections that are open, and WebSockets that are being closed.",
                {},
                lambda: len(self._open),
            )
        ]

    def _make_room(self) -> None:
        waiting = [connection for connection in self._open if connection.is_waiting]
        waiting.sort(key=lambda connection: connection.deadline)
        # Several at once, because looking for them takes time.
        count = 1 + self.maximum // _CLOSED_AT_ONCE
        for connection in waiting[:count]:
            self._open.pop(connection, None)
            connection.drop()
        if not waiting:
            dispensable = (connection for connection in self._open if connection.is_dispensable)
            for connection in list(itertools.islice(dispensable, count)):
                self._open.pop(connection, None)
                connection.abort()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in (*self._open, *self._turned_away):
            if connection.deadline <= now:
                connection.expire()
            if connection.has_stalled(now, self._send_timeout):
                self.on_limit("send_timeout")
                connection.abort()
        self._timer = (
            loop.call_later(_LOOKS_AFTER_SECONDS, self._look, loop)
            if self._open or self._turned_away
            else None
        )
