"""How large batches are, and how long the pauses between them, by how long batches take."""

import asyncio
import logging
from dataclasses import dataclass

from db.database import Database
from db.errors import ServiceUnavailable

logger = logging.getLogger("gateway.database")

_FIRST = 50
_LARGEST = 5_000
_LONGEST_PAUSE = 1.0
_FEWEST = 20.0
"""A batch has at least as many, unless batches take ``_FAR_TOO_LONG`` times what they should."""
_FAR_TOO_LONG = 10
_CATCH_UP_AFTER = 0.5
"""After so many seconds of batches, the database catches up."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much of the database's time a run of batches takes.

    A batch is to hold what it writes for ``batch`` seconds. After it, the run pauses for ``pause``
    times as long, but at most a second, in which others write. ``first`` is how many executions
    the first batch has.
    """

    batch: float = 0.03
    pause: float = 1.0
    first: int = _FIRST


USUAL_PACE = Pace()
"""The pace of work that somebody waits for."""


class Pacing:
    """The pace of one run of batches."""

    def __init__(self, database: Database, pace: Pace) -> None:
        self._database = database
        self._pace = pace
        self._size: float = min(pace.first, _LARGEST)
        self._written_for = 0.0
        self._searched_for = database.searched_for
        self.is_searching = False
        """Whether batches are small because one was refused."""

    @property
    def size(self) -> int:
        """How many executions the next batch should change."""
        return int(self._size)

    def adapt(self, seconds: float) -> None:
        """Adapt the size after a batch that wrote for so many seconds."""
        self._written_for += seconds
        # A smaller batch would search for as long, and there would be more of them.
        before, self._searched_for = self._searched_for, self._database.searched_for
        seconds -= min(seconds, max(0.0, self._searched_for - before))
        if self.is_searching:
            self._size *= 2
            self.is_searching = self._size < _FEWEST
            return
        factor = min(2.0, max(0.25, self._pace.batch / max(seconds, 1e-6)))
        # Much of a short batch is its commit, which takes no less time for fewer executions.
        fewest = _FEWEST if seconds < _FAR_TOO_LONG * self._pace.batch else 1.0
        self._size = min(_LARGEST, max(fewest, self._size * factor))

    def search(self) -> None:
        """Take smaller batches after a refusal, to find what is refused."""
        self._size = max(1.0, self._size // 4)
        self.is_searching = True

    async def pause(self, seconds: float) -> None:
        """Let others write after a batch that wrote for so many seconds."""
        await asyncio.sleep(min(_LONGEST_PAUSE, self._pace.pause * seconds))
        if self._written_for >= _CATCH_UP_AFTER:
            self._written_for = 0.0
            # What was written stays written; the background catches up later.
            try:
                await self._database.catch_up()
            except ServiceUnavailable:
                pass
            except Exception:
                logger.exception("The database could not catch up with many writes")
