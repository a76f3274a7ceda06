"""Delete the events that are too old, in the background; and give places to new ones.

Of all processes that share a database, one deletes at a time. Events are as old as the database's
clock says.
"""

import contextlib
import logging
import time

from db.database import Database, Metric
from db.errors import ServiceUnavailable
from db.events.log import EventLog
from db.events.old_events import OldEvents
from db.leases import Lease
from db.pacing import Pace
from server.operation.rounds import Rounds

logger = logging.getLogger("gateway.maintenance")

_NAME = "event_retention"
_UNNOTICED = Pace(batch=0.02, pause=4.0)
"""A fifth of the time of one writer, a fiftieth of a second at a time."""
_RARE = Pace(batch=0.1, pause=4.0, first=1_000)
_RARE_PAUSE = 3600.0
_LONGEST_PAUSE = 60.0
_FIRST_PAUSE = 10.0
"""In seconds; those who come back to a gateway that was started anew are served first."""
_ROUNDS_IN_AN_AGE = 20


class EventRetention(Rounds):
    """Deletes the events that are older than ``age`` milliseconds, in rounds, while ``running``.

    At least once a minute, and on PostgreSQL each round makes a tick, if there are new events. So
    without subscribers, who make ticks too, events become old as well, and a cursor that is taken
    with a list has no more than a minute's events to skip.
    """

    def __init__(self, database: Database, age: int, *, pause: float | None = None) -> None:
        if pause is None:
            pause = max(1.0, min(_LONGEST_PAUSE, age / 1000 / _ROUNDS_IN_AN_AGE))
        super().__init__(_NAME, pause, first_pause=min(_FIRST_PAUSE, pause))
        self._usual_pause = pause
        self._database = database
        self._age = age
        self._has_ticks = database.dialect.name != "sqlite"
        self._log = EventLog(database)
        self._old = OldEvents(database, age, pace=_UNNOTICED)
        self._lease = Lease(database, _NAME)
        self._deleted = 0
        self._last_round = 0.0

    def metrics(self) -> list[Metric]:
        """Return how many events this process has deleted, and when it last looked for more."""
        return [
            Metric(
                "gateway_maintenance_events",
                "Events of executions that the background has deleted.",
                {"work": self._name},
                lambda: self._deleted,
                is_counter=True,
            ),
            Metric(
                "gateway_maintenance_last_round_timestamp_seconds",
                "When the background last had nothing left to do, in seconds since the epoch.",
                {"work": self._name},
                lambda: self._last_round,
                aggregate="max",
            ),
        ]

    def write_rarely(self, *, is_rare: bool) -> None:
        """Delete once an hour, in large batches; or as usual."""
        self._pause = max(self._usual_pause, _RARE_PAUSE) if is_rare else self._usual_pause
        self._old = OldEvents(self._database, self._age, pace=_RARE if is_rare else _UNNOTICED)

    async def _round(self) -> None:
        if self._has_ticks:
            await self._log.end()
        if await self._old.may_exist():
            # Another process may have deleted all of them since.
            if not await self._lease.acquire(rest=self._pause / 2):
                return
            is_completed = False
            try:
                is_completed = await self._delete_all()
            finally:
                with contextlib.suppress(ServiceUnavailable):
                    await self._lease.release(is_completed=is_completed)
            if not is_completed:
                return
        self._last_round = time.time()

    async def _delete_all(self) -> bool:
        """Return False if it was stopped before all were deleted."""
        deleted = 0
        try:
            async with contextlib.aclosing(self._old.delete(self._lease.renew)) as batches:
                async for count in batches:
                    deleted += count
                    self._deleted += count
                    if self._is_stopping.is_set():
                        return False
        finally:
            if deleted:
                logger.info("Deleted %d old events", deleted)
        return True
