"""Adding up what writers noted of their writes.

Writers that all added to one count would wait for each other until each has committed. They note
what they wrote in rows of their own instead, which are added to the counts afterwards, by one
process at a time. What is asked for is always both, so a total is exact before and after it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from db.errors import ServiceUnavailable

logger = logging.getLogger("gateway.database")

_PAUSE = 1.0
_IDLE_PAUSE = 5.0


class Folding:
    """Runs ``fold`` in the background, from when it is begun until it is closed.

    ``fold`` returns how many notes it added up. It runs ``pause`` seconds after it found some, and
    ``idle_pause`` seconds after it found none: other programs write too, whether or not this one
    is asked for anything.
    """

    def __init__(
        self,
        fold: Callable[[], Awaitable[int]],
        *,
        pause: float = _PAUSE,
        idle_pause: float = _IDLE_PAUSE,
    ) -> None:
        self._fold = fold
        self._pause = pause
        self._idle_pause = idle_pause
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Fold from now on, unless that has begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        pause = self._pause
        while True:
            await asyncio.sleep(pause)
            folded = 0
            try:
                folded = await self._fold()
            except ServiceUnavailable:
                # What can't be done now is done the next time.
                pass
            except Exception:
                logger.exception("What writers noted could not be added to the counts")
            pause = self._pause if folded else self._idle_pause

    async def close(self) -> None:
        """Fold no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
