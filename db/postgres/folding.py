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
    """Runs ``fold`` in the background while the database is used.

    ``fold`` returns how many notes it added up. It runs every second as long as there are some,
    and every five seconds otherwise, for other programs write too.
    """

    def __init__(self, fold: Callable[[], Awaitable[int]]) -> None:
        self._fold = fold
        self._task: asyncio.Task[None] | None = None
        self._pause = _PAUSE

    def soon(self) -> None:
        """The database is used."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await asyncio.sleep(self._pause)
        folded = 0
        # What can't be done now is done the next time.
        try:
            folded = await self._fold()
        except ServiceUnavailable:
            pass
        except Exception:
            logger.exception("What writers noted could not be added up")
        self._pause = _PAUSE if folded else _IDLE_PAUSE

    async def close(self) -> None:
        """Run no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
