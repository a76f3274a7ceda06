"""Checkpoint SQLite's write-ahead log in the background.

By default, SQLite checkpoints within the commit that finds the log long enough, which makes that
writer wait. A checkpoint on another connection delays no commit.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from db.errors import ServiceUnavailable

logger = logging.getLogger("gateway.database")

AUTOMATIC_PAGES = 16_384
"""The length of the log, in pages of 4 KiB, from which commits run checkpoints themselves."""
_PAUSE = 2.0


class Checkpoints:
    """Runs ``checkpoint`` in the background, two seconds after the first of several writes."""

    def __init__(self, checkpoint: Callable[[], Awaitable[object]]) -> None:
        self._checkpoint = checkpoint
        self._task: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Schedule a checkpoint, unless one is scheduled already."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await asyncio.sleep(_PAUSE)
        # The next write schedules another checkpoint.
        try:
            await self._checkpoint()
        except ServiceUnavailable:
            pass
        except Exception:
            logger.exception("The checkpoint of the write-ahead log failed")

    async def close(self) -> None:
        """Cancel the scheduled checkpoint."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
