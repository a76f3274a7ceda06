"""Moving what was written from SQLite's write-ahead log into its file, behind the writers' backs.

SQLite by itself lets the commit that finds the log long enough do it, and whoever made that commit
waits for all of it. A checkpoint on another connection keeps nobody waiting.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from db.errors import ServiceUnavailable

logger = logging.getLogger("gateway.database")

AUTOMATIC_PAGES = 16_384
"""How long the log may become, in pages of 4 KiB, before a commit has to help."""
_PAUSE = 2.0


class Checkpoints:
    """Runs ``checkpoint`` in the background, two seconds after the first of some writes."""

    def __init__(self, checkpoint: Callable[[], Awaitable[object]]) -> None:
        self._checkpoint = checkpoint
        self._task: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Something was written."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await asyncio.sleep(_PAUSE)
        # What can't be done now is done after the next write.
        try:
            await self._checkpoint()
        except ServiceUnavailable:
            pass
        except Exception:
            logger.exception("The write-ahead log could not be emptied")

    async def close(self) -> None:
        """Run no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
