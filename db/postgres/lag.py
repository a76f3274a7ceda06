"""How far a replica is behind its primary."""

import asyncio
import contextlib
import logging
import time
from collections import deque

from db.database import Database
from db.errors import ServiceUnavailable

logger = logging.getLogger("gateway.database")

MEASURED_EVERY = 0.5
TRUSTED_FOR = 2.0
"""How long a measurement says anything, in seconds."""
MOST_KEPT = 240
"""How many positions are kept that the replica has not reached."""
_WRITTEN = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
# What is no standby (any more) has replayed all that it has.
_REPLAYED = (
    "SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
    " ELSE pg_current_wal_lsn() END, '0/0')::bigint"
)


class Lag:
    """Measures in the background, from when it is first asked until it is closed.

    A replica may be read while what the primary had written ``most`` seconds ago has arrived
    there, and all that it had written when the measuring began.
    """

    def __init__(self, primary: Database, replica: Database, most: float) -> None:
        self._primary = primary
        self._replica = replica
        self._most = most
        self._missing: deque[tuple[float, int]] = deque()
        self._first: int | None = None
        self._replayed = -1
        self._measured_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def is_bounded(self) -> bool:
        """Whether the replica may be read."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        if self._first is None or self._replayed < self._first:
            return False
        return self._is_known() and self._behind() <= self._most

    @property
    def seconds(self) -> float:
        """How old the oldest write is that the replica lacks; infinite when that isn't known."""
        return self._behind() if self._is_known() else float("inf")

    def lose(self) -> None:
        """The replica did not answer: it is not to be read before it is measured again."""
        self._measured_at = float("-inf")

    def _is_known(self) -> bool:
        return time.monotonic() - self._measured_at < TRUSTED_FOR

    def _behind(self) -> float:
        return self._measured_at - self._missing[0][0] if self._missing else 0.0

    async def _run(self) -> None:
        was_bounded = True
        is_faulty = False
        while True:
            try:
                await self._measure()
                is_faulty = False
            except ServiceUnavailable as error:
                logger.info("The lag of the replica is not known: %s", error.message)
            except Exception:
                # Told once: it comes again every time, until somebody mends it.
                if not is_faulty:
                    logger.exception("The lag of the replica can't be measured; it is not read")
                is_faulty = True
            if self.is_bounded() != was_bounded:
                was_bounded = not was_bounded
                what = "is read again" if was_bounded else "is away or too far behind to be read"
                logger.warning("The replica %s", what)
            await asyncio.sleep(MEASURED_EVERY)

    async def _measure(self) -> None:
        began = time.monotonic()
        [(written,)] = await self._primary.read(_WRITTEN, (), is_short=True)
        if self._first is None:
            self._first = written
        self._note(began, written)
        [(replayed,)] = await self._replica.read(_REPLAYED, (), is_short=True)
        if replayed is None:
            # It doesn't say, so that nothing is known of it.
            return
        while self._missing and self._missing[0][1] <= replayed:
            self._missing.popleft()
        self._replayed, self._measured_at = replayed, time.monotonic()

    def _note(self, at: float, written: int) -> None:
        """Note what the primary had written at a time."""
        missing = self._missing
        if missing and missing[-1][1] == written:
            return
        missing.append((at, written))
        if len(missing) > MOST_KEPT:
            self._missing = _fewer(missing)

    async def close(self) -> None:
        """Measure no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task


def _fewer(missing: deque[tuple[float, int]]) -> deque[tuple[float, int]]:
    """Let one stand for neighbours, the fewer the later they are.

    It has the time of the first of them and the position of the last, so that the lag is never
    taken for less than it is, and for a tenth more at most.
    """
    now = missing[-1][0]
    fewer: deque[tuple[float, int]] = deque()
    for at, written in missing:
        if fewer and at - fewer[-1][0] <= (now - fewer[-1][0]) / 10:
            fewer[-1] = fewer[-1][0], written
        else:
            fewer.append((at, written))
    if len(fewer) > MOST_KEPT:
        # Away for years.
        first = fewer.popleft()
        fewer[0] = first[0], fewer[0][1]
    return fewer
