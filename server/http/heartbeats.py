"""Signs of life for connections that are silent for long.

Proxies close connections that carry nothing, and a peer that is gone is noticed only when something
is sent to it.
"""

import asyncio
from typing import Protocol

_TICKS = 60


class Beating(Protocol):
    """A connection that must not fall silent."""

    def beat(self) -> None:
        """Send a sign of life. It is called on the event loop, and must not wait."""


class Heartbeats:
    """Calls ``beat`` of each connection every ``interval`` seconds.

    One timer serves all connections, a few of them at a time, so that thousands neither cost a
    timer each nor keep the loop busy at once.
    """

    def __init__(self, interval: float) -> None:
        self.interval = interval
        # When each is due, in this order.
        self._due: dict[Beating, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, beating: Beating) -> None:
        """Add a connection; its first beat is due after the interval."""
        loop = asyncio.get_running_loop()
        self._due[beating] = loop.time() + self.interval
        if self._timer is None:
            self._wait(loop)

    def discard(self, beating: Beating) -> None:
        """Forget a connection."""
        self._due.pop(beating, None)
        if not self._due and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(self.interval / _TICKS, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._wait(loop)
        now = loop.time()
        # Those that came together drift apart.
        for _ in range(1 + 2 * len(self._due) // _TICKS):
            beating = next(iter(self._due), None)
            if beating is None or self._due[beating] > now:
                return
            del self._due[beating]
            self._due[beating] = now + self.interval
            beating.beat()
