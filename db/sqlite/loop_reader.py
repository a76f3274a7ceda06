"""Short reads that the loop makes itself, as long as memory answers them.

A crossing to the database's thread and back costs more than finding an execution. But what is read
in place holds up everything else, so it is bounded twice: a read that takes too long is cut off and
left to the thread, and after it, the disk being the usual reason, the thread does all reads for a
while.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from db.database import Rows

Read = tuple["asyncio.Future[Rows]", tuple[str, tuple[Any, ...]]]
"""Who waits for rows, and the SELECT and its parameters that find them."""

LONGEST = 0.01
"""How long, in seconds, a read in place may hold up the loop."""
PAUSE = 1.0
"""How long, in seconds, all reads are left to the thread after one that took longer."""
# In seconds. Rows that are made into an answer at once are still in the processor's memory.
_TURN = 0.001
# Some 0.1 ms of work, so that looking at the clock costs nothing that could be measured.
_STEPS_BETWEEN_LOOKS = 2_000


class LoopReader:
    """One connection that belongs to the loop, opened in a thread when it is first needed.

    ``connect`` opens it; it must be one that never waits for a lock, and that any thread may use.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        *,
        longest: float = LONGEST,
        pause: float = PAUSE,
    ) -> None:
        self._connect = connect
        self._longest = longest
        self._pause = pause
        self._connection: sqlite3.Connection | None = None
        self._opening: asyncio.Future[None] | None = None
        self._looked_at = 0.0
        self._until = 0.0
        self._not_before = 0.0

    def answer(self, reads: list[Read]) -> tuple[list[Read], list[Read]]:
        """Give reads their rows; returns those for the thread, and those to come back with.

        The thread gets what fails: it meets the error again, and says what it is. What is to come
        back has no place in this turn of the loop, for those who have rows are to go on first.
        """
        began = time.perf_counter()
        if began < self._not_before:
            return reads, []
        connection = self._connection
        if connection is not None and connection.in_transaction:
            # Its end failed. What is read in it would stay as it was then.
            with contextlib.suppress(sqlite3.Error):
                connection.close()
            connection = self._connection = self._opening = None
        if connection is None:
            self.open()
            return reads, []
        # One transaction, so that the file is locked for reading once and not for each.
        together = len(reads) > 1 and _try(connection, "BEGIN") is not None
        left = []
        answered = 0
        try:
            for read in reads:
                if not self._answer(connection, read):
                    left.append(read)
                answered += 1
                if self._looked_at > began + _TURN:
                    break
        finally:
            if together:
                _try(connection, "COMMIT")
        return left, reads[answered:]

    def _answer(self, connection: sqlite3.Connection, read: Read) -> bool:
        answer, (statement, parameters) = read
        if answer.done():
            return True
        began = self._looked_at = time.perf_counter()
        if began < self._not_before:
            return False
        self._until = began + self._longest
        rows = _try(connection, statement, parameters)
        self._looked_at = time.perf_counter()
        if self._looked_at > self._until:
            self._not_before = self._looked_at + self._pause
        if rows is None:
            return False
        answer.set_result(rows)
        return True

    def open(self) -> asyncio.Future[None]:
        """Begin to open the connection, unless that has begun; what is awaited is its end."""
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._open())
        return self._opening

    async def _open(self) -> None:
        try:
            connection = await asyncio.to_thread(self._connect)
            connection.set_progress_handler(self._is_too_late, _STEPS_BETWEEN_LOOKS)
        except Exception:  # noqa: BLE001 - the thread's own connections meet it too, and tell
            self._not_before = time.perf_counter() + self._pause
            self._opening = None
            return
        self._connection = connection

    def _is_too_late(self) -> bool:
        return time.perf_counter() > self._until

    async def close(self) -> None:
        """Close the connection; nothing is read in place any more."""
        self._not_before = float("inf")
        if self._opening is not None:
            await self._opening
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _try(
    connection: sqlite3.Connection, statement: str, parameters: tuple[Any, ...] = ()
) -> Rows | None:
    try:
        return connection.execute(statement, parameters).fetchall()
    except Exception:  # noqa: BLE001 - the thread meets it again, and tells whoever asked
        return None
