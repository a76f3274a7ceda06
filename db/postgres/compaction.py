"""Compact count deltas into counts.

If all writers updated the same count, each would wait until the one before has committed. They
insert deltas in rows of their own instead, which one process at a time adds to the counts later.
Totals are the sum of counts and deltas, so they are always exact.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from db.errors import ServiceUnavailable

logger = logging.getLogger("gateway.database")

_PAUSE = 1.0
_IDLE_PAUSE = 5.0


class Compaction:
    """Calls ``compact`` in the background, from ``start`` to ``close``.

    ``compact`` returns how many deltas it removed. It is called again ``pause`` seconds after it
    found some, and ``idle_pause`` seconds after it found none: other programs write too, even when
    this process is idle.
    """

    def __init__(
        self,
        compact: Callable[[], Awaitable[int]],
        *,
        pause: float = _PAUSE,
        idle_pause: float = _IDLE_PAUSE,
    ) -> None:
        self._compact = compact
        self._pause = pause
        self._idle_pause = idle_pause
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the background task, unless it is running."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        pause = self._pause
        while True:
            await asyncio.sleep(pause)
            compacted = 0
            try:
                compacted = await self._compact()
            except ServiceUnavailable:
                # Try again after the pause.
                pass
            except Exception:
                logger.exception("Compacting the count deltas failed")
            pause = self._pause if compacted else self._idle_pause

    async def close(self) -> None:
        """Stop the background task."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
