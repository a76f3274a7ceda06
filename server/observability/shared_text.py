"""A text that costs something to write, and that anybody may ask for as often as they like."""

import asyncio
import time
from collections.abc import Awaitable, Callable

SHARE = 0.05
"""The most of the time, on average, that is spent on writing it."""
BURST = 0.2
"""How much of that, in seconds, can be saved up for when several ask after each other."""


class SharedText:
    """The text that ``write`` makes, written anew for whoever asks as long as its time allows.

    Whoever asks more often, or while it is being written, gets what was written last: a text is
    at most twenty times as old as it takes to write it.
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
        """The text, as it is now or was a moment ago."""
        if self._writing is None:
            now = self._clock()
            self._saved = min(BURST, self._saved + (now - self._counted_at) * SHARE)
            self._counted_at = now
            if self._saved <= 0 and self._text:
                return self._text
            self._writing = asyncio.create_task(self._write_anew())
        # It is written for all who wait, whoever of them goes away.
        return await asyncio.shield(self._writing)

    async def _write_anew(self) -> bytes:
        began = self._clock()
        try:
            self._text = await self._write()
        finally:
            self._saved -= self._clock() - began
            self._writing = None
        return self._text
