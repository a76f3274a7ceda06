"""Measure how far a replica is behind its primary."""

import asyncio
import contextlib
import logging
import time
from collections import deque

from db.database import Database
from db.errors import ServiceUnavailable

logger = logging.getLogger("gateway.database")

MEASURE_SECONDS = 0.5
TRUSTED_FOR = 2.0
"""How long a measurement is valid, in seconds."""
MAX_POSITIONS = 240
"""How many positions to keep that the replica has not reached yet."""
_WRITTEN = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
# A server that is not a standby (any more) has replayed everything it has.
_REPLAYED = (
    "SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
    " ELSE pg_current_wal_lsn() END, '0/0')::bigint"
)


class Lag:
    """Measures the lag in the background, from the first question until it is closed.

    A replica is acceptable if it has replayed what the primary had written ``max_lag`` seconds ago,
    and everything that the primary had written when the measuring began.
    """

    def __init__(self, primary: Database, replica: Database, max_lag: float) -> None:
        self._primary = primary
        self._replica = replica
        self._max_lag = max_lag
        self._missing: deque[tuple[float, int]] = deque()
        self._first: int | None = None
        self._replayed = -1
        self._measured_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def is_acceptable(self) -> bool:
        """Whether the replica may be read."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        if self._first is None or self._replayed < self._first:
            return False
        return self._is_known() and self._behind() <= self._max_lag

    @property
    def seconds(self) -> float:
        """The age of the oldest write that the replica lacks; infinite if unknown."""
        return self._behind() if self._is_known() else float("inf")

    def invalidate(self) -> None:
        """Don't read the replica, which failed to answer, before the next measurement."""
        self._measured_at = float("-inf")

    def _is_known(self) -> bool:
        return time.monotonic() - self._measured_at < TRUSTED_FOR

    def _behind(self) -> float:
        return self._measured_at - self._missing[0][0] if self._missing else 0.0

    async def _run(self) -> None:
        was_acceptable = True
        is_faulty = False
        while True:
            try:
                await self._measure()
                is_faulty = False
            except ServiceUnavailable as error:
                logger.info("The lag of the replica is not known: %s", error.message)
            except Exception:
                # Logged once: it recurs with every attempt until it is fixed.
                if not is_faulty:
                    logger.exception("The lag of the replica can't be measured; it is not read")
                is_faulty = True
            if self.is_acceptable() != was_acceptable:
                was_acceptable = not was_acceptable
                what = "is read again" if was_acceptable else "is away or too far behind to be read"
                logger.warning("The replica %s", what)
            await asyncio.sleep(MEASURE_SECONDS)

    async def _measure(self) -> None:
        began = time.monotonic()
        [(written,)] = await self._primary.read(_WRITTEN, (), is_short=True)
        if self._first is None:
            self._first = written
        self._record(began, written)
        [(replayed,)] = await self._replica.read(_REPLAYED, (), is_short=True)
        if replayed is None:
            # The replica does not know its position.
            return
        while self._missing and self._missing[0][1] <= replayed:
            self._missing.popleft()
        self._replayed, self._measured_at = replayed, time.monotonic()

    def _record(self, at: float, written: int) -> None:
        """Record the position of the primary's log at a time."""
        missing = self._missing
        if missing and missing[-1][1] == written:
            return
        missing.append((at, written))
        if len(missing) > MAX_POSITIONS:
            self._missing = _thinned(missing)

    async def close(self) -> None:
        """Stop measuring."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task


def _thinned(missing: deque[tuple[float, int]]) -> deque[tuple[float, int]]:
    """Merge neighbouring positions, the more the older they are.

    A merged entry has the time of its first and the position of its last, so the lag is never
    underestimated, and overestimated by a tenth at most.
    """
    now = missing[-1][0]
    thinned: deque[tuple[float, int]] = deque()
    for at, written in missing:
        if thinned and at - thinned[-1][0] <= (now - thinned[-1][0]) / 10:
            thinned[-1] = thinned[-1][0], written
        else:
            thinned.append((at, written))
    if len(thinned) > MAX_POSITIONS:
        # The replica has been away for years.
        first = thinned.popleft()
        thinned[0] = first[0], thinned[0][1]
    return thinned
