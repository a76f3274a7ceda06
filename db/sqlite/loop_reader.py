"""Run short reads on the event loop itself, as long as the data is in memory.

Handing a read to the database's thread and back costs more than finding an execution. But a read on
the loop blocks everything else, so it is limited twice: one that takes too long is cut off and left
to the thread, and after that, because the disk is usually to blame, all reads go to the thread for
a while. Neither applies when another program had the processor: threads would get it no sooner.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from db.database import Rows
from db.sqlite.thread_usage import ThreadUsage, thread_usage

Read = tuple["asyncio.Future[Rows]", tuple[str, tuple[Any, ...]]]
"""The future for the rows, and a SELECT with its parameters."""

LONGEST = 0.01
"""How long, in seconds, a read may block the loop."""
PAUSE = 1.0
"""How long, in seconds, all reads go to the thread after one that took too long."""
WATCH = 60.0
"""How long, in seconds, after a slow read the thread's usage is checked."""
# In seconds. Short, so that rows are still in the processor's cache when they are serialized.
_TURN = 0.001
# About 0.1 ms of work, so that the cost of reading the clock can't be measured.
_STEPS_BETWEEN_LOOKS = 2_000


class LoopReader:
    """A connection for reads on the loop, opened in a thread when first needed.

    ``connect`` opens it. The connection must never wait for a lock and must allow any thread.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        *,
        longest: float = LONGEST,
        pause: float = PAUSE,
        clock: Callable[[], float] = time.perf_counter,
        usage: Callable[[], ThreadUsage | None] = thread_usage,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._usage = usage
        self._longest = longest
        self._pause = pause
        self._connection: sqlite3.Connection | None = None
        self._opening: asyncio.Future[None] | None = None
        self._looked_at = 0.0
        self._until = 0.0
        self._not_before = 0.0
        # Asking the system costs 2 µs, so it is not asked until a read was slow.
        self._watch_until = 0.0
        self._used_before: ThreadUsage | None = None

    def answer(self, reads: list[Read]) -> tuple[list[Read], list[Read]]:
        """Resolve reads; return those for the thread, and those for the loop's next turn.

        A read that fails goes to the thread, which meets the error again and reports it. Reads that
        don't fit into this turn come back later, so that callers who have their rows go on first.
        """
        began = self._clock()
        if began < self._not_before:
            return reads, []
        connection = self._connection
        if connection is None:
            self.open()
            return reads, []
        self._used_before = self._usage() if began < self._watch_until else None
        left = []
        answered = 0
        for read in reads:
            if not self._answer(connection, read):
                left.append(read)
            answered += 1
            if self._looked_at > began + _TURN:
                break
        return left, reads[answered:]

    def _answer(self, connection: sqlite3.Connection, read: Read) -> bool:
        answer, (statement, parameters) = read
        if answer.done():
            return True
        began = self._looked_at = self._clock()
        if began < self._not_before:
            return False
        self._until = began + self._longest
        rows = _try(connection, statement, parameters)
        self._looked_at = self._clock()
        if self._looked_at > began + self._longest:
            self._judge()
        if rows is None:
            return False
        answer.set_result(rows)
        return True

    def open(self) -> asyncio.Future[None]:
        """Begin to open the connection, unless it has begun; return a future for its end."""
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._open())
        return self._opening

    def _judge(self) -> None:
        """Leave the next reads to the thread if this one worked or waited for too long."""
        is_watched = self._looked_at < self._watch_until
        self._watch_until = self._looked_at + WATCH
        if is_watched and not self._was_preempted():
            self._not_before = self._looked_at + self._pause

    def _was_preempted(self) -> bool:
        """Whether the thread lost the processor in this turn: it neither waited nor worked long."""
        before, now = self._used_before, self._usage()
        if before is None or now is None:
            return False
        return now.waits == before.waits and now.seconds - before.seconds < self._longest

    async def _open(self) -> None:
        try:
            connection = await asyncio.to_thread(self._connect)
            connection.set_progress_handler(self._is_too_late, _STEPS_BETWEEN_LOOKS)
        except Exception:  # noqa: BLE001 - the thread's connections meet it too, and report it
            self._not_before = self._clock() + self._pause
            self._opening = None
            return
        self._connection = connection

    def _is_too_late(self) -> bool:
        now = self._clock()
        if now <= self._until:
            return False
        if self._was_preempted():
            self._until = now + self._longest
            return False
        return True

    async def close(self) -> None:
        """Close the connection; later reads all go to the thread."""
        self._not_before = float("inf")
        if self._opening is not None:
            await self._opening
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _try(
    connection: sqlite3.Connection, statement: str, parameters: tuple[Any, ...]
) -> Rows | None:
    try:
        return connection.execute(statement, parameters).fetchall()
    except Exception:  # noqa: BLE001 - the thread meets it again, and reports it
        return None
