"""Share a text that is expensive to write among frequent requests for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

SHARE = 0.05
"""The share of time that may be spent on writing, on average."""
BURST = 0.2
"""How much unused writing time can accumulate, in seconds."""


class SharedText:
    """Writes a text on request, but spends at most a fixed share of the time on it.

    More frequent requests get the last text: it is at most twenty times as old as it takes to
    write. Requests that come during a write wait for its result.
    """

    def __init__(
        self,
        write: Callable[[], Awaitable[bytes]],
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._write = write
        self._clock = clock
        self._text = b""
        self._saved = BURST
        self._counted_at = clock()
        self._writing: asyncio.Task[bytes] | None = None

    async def get(self) -> bytes:
        """Return the text, new or recent."""
        if self._writing is None:
            now = self._clock()
            self._saved = min(BURST, self._saved + (now - self._counted_at) * SHARE)
            self._counted_at = now
            if self._saved <= 0 and self._text:
                return self._text
            self._writing = asyncio.create_task(self._rewrite())
        # Others may wait for the same write: cancelling one of them must not cancel it.
        return await asyncio.shield(self._writing)

    async def _rewrite(self) -> bytes:
        began = self._clock()
        try:
            self._text = await self._write()
        finally:
            self._saved -= self._clock() - began
            self._writing = None
        return self._text
