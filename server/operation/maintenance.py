"""Delete old executions, and time out those that are stuck, in the background.

Of all processes that share a database, one does the work at a time. Executions are as old as the
database's clock says.
"""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping

from db.database import Database, Metric
from db.errors import ServiceUnavailable
from db.instants import EARLIEST_MS
from db.leases import Lease
from db.models import ExecutionState
from db.pacing import Pace
from db.writing.old_executions import Counts, Guard, OldExecutions, read_clock
from server.operation.rounds import Rounds

logger = logging.getLogger("gateway.maintenance")

_UNNOTICED = Pace(batch=0.02, pause=4.0)
"""A fifth of the time of one writer, a fiftieth of a second at a time."""
_RARE = Pace(batch=0.1, pause=4.0, first=1_000)
_SHORTEST_PAUSE = 1.0
_LONGEST_PAUSE = 600.0
_ROUNDS_IN_AN_AGE = 20

Change = Callable[[OldExecutions, Guard], AsyncGenerator[Counts, None]]
"""Changes old executions in batches."""


def seconds_between_rounds(ages: Mapping[ExecutionState, int]) -> float:
    """Return how often to look for old executions: every twentieth of the shortest age.

    At least every ten minutes, and at most once a second.
    """
    fitting = min(ages.values()) / 1000 / _ROUNDS_IN_AN_AGE
    return min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, fitting))


class Maintenance(Rounds):
    """Changes the executions that are older than some ages, in rounds, while ``running``.

    ``ages`` are in milliseconds, for each state that is concerned. ``name`` is that of the lease,
    and of the work in the metrics; ``done`` says in the log what became of the executions.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        change: Change,
        done: str,
        ages: Mapping[ExecutionState, int],
        keep_last: int = 0,
        *,
        pause: float | None = None,
    ) -> None:
        super().__init__(name, seconds_between_rounds(ages) if pause is None else pause)
        self._database = database
        self._change = change
        self._done = done
        self._ages = ages
        self._keep_last = keep_last
        self._lease = Lease(database, name)
        self._pace = _UNNOTICED
        self._changed = 0
        self._last_round = 0.0

    def metrics(self) -> list[Metric]:
        """Return how many executions this process has changed, and when it last looked for more."""
        labels = {"work": self._name}
        return [
            Metric(
                "gateway_maintenance_executions",
                "Executions that the background has deleted (retention) or timed out (timeouts).",
                labels,
                lambda: self._changed,
                is_counter=True,
            ),
            Metric(
                "gateway_maintenance_last_round_timestamp_seconds",
                "When the background last had nothing left to do, in seconds since the epoch.",
                labels,
                lambda: self._last_round,
                aggregate="max",
            ),
        ]

    def write_rarely(self, *, is_rare: bool) -> None:
        """Change in large batches, and take the lease only if there is something to change."""
        self._pace = _RARE if is_rare else _UNNOTICED

    async def _round(self) -> None:
        """Change all executions that are old now, unless another process does."""
        now = await read_clock(self._database)
        created_before = {state: max(EARLIEST_MS, now - age) for state, age in self._ages.items()}
        old = OldExecutions(self._database, created_before, self._keep_last, pace=self._pace)
        if not await self._has_work(old):
            self._last_round = time.time()
            return
        if not await self._lease.acquire(rest=self._pause / 2):
            return
        is_completed = False
        try:
            is_completed = await self._change_all(old)
        finally:
            with contextlib.suppress(ServiceUnavailable):
                await self._lease.release(is_completed=is_completed)

    async def _has_work(self, old: OldExecutions) -> bool:
        if not await old.may_exist():
            return False
        # Some may be kept as the newest: usually one process looks for those that are not.
        return self._pace is _UNNOTICED or await old.exist()

    async def _change_all(self, old: OldExecutions) -> bool:
        """Return False if it was stopped before all were changed."""
        changed: Counter[ExecutionState] = Counter()
        try:
            async with contextlib.aclosing(self._change(old, self._lease.renew)) as batches:
                async for counts in batches:
                    changed.update(counts)
                    self._changed += sum(counts.values())
                    if self._is_stopping.is_set():
                        return False
        finally:
            if changed.total():
                by_state = ", ".join(f"{state} {count}" for state, count in (+changed).items())
                logger.info("%s %d executions: %s", self._done, changed.total(), by_state)
        self._last_round = time.time()
        return True


def deleting(database: Database, ages: Mapping[ExecutionState, int], keep_last: int) -> Maintenance:
    """Return what deletes executions that have ended, keeping the newest of each agentflow."""
    return Maintenance(database, "retention", OldExecutions.delete, "Deleted old", ages, keep_last)


def timing_out(database: Database, ages: Mapping[ExecutionState, int]) -> Maintenance:
    """Return what times out executions that have been in progress for too long."""
    return Maintenance(database, "timeouts", OldExecutions.time_out, "Timed out", ages)
