"""Watch whether the database is attached to a Flowise, and whether both sides are equal.

Every process learns by itself that its database is, or is no longer, attached. Of all that share
the database, one installs the triggers again when a migration of Flowise has dropped them, and
copies what was missed.
"""

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from db.database import Database, Metric
from db.errors import GatewayError, ServiceUnavailable
from db.flowise.attachment import Attachment, Drift
from db.flowise.marker import Marker, has_table, read_marker, write_counts
from db.flowise.opening import open_sides
from db.flowise.refusals import CannotAttach, is_flowise, refuse_newer
from db.flowise.sides import Counts, Sides
from db.flowise.tables import FlowiseTables, NotFlowise, find_tables
from db.instants import format_iso, from_ms, now_ms
from server.operation.rounds import Rounds

logger = logging.getLogger("gateway.flowise")

NATIVE_PAUSE = 5.0
"""How long, in seconds, a process may not know that its database was attached."""
ATTACHED_PAUSE = 0.5
"""How long what other programs change may not be in Flowise's tables."""
CHECK_SECONDS = 20.0
"""How long the triggers may be missing unnoticed."""
SETTLE_SECONDS = 5.0
"""How long nobody may have changed a table before the triggers are installed again.

On SQLite a commit between the statements of a migration can fail it: Flowise does not start then.
"""
LONGEST_SETTLE_SECONDS = 30.0
"""How long to wait for that."""

OnSwitch = Callable[[FlowiseTables | None], object]
"""Is told of the tables of the Flowise that the database is attached to; None if it is not."""


class _Stopped(Exception):
    """The process ends."""


class _Counted(NamedTuple):
    """What was counted, and when, in epoch milliseconds; None is never."""

    counts: Counts
    on: int | None


class _Unsettled(NamedTuple):
    """The version of the tables when triggers were missing, and until when to wait for another."""

    version: int
    until: float


_NOTHING = _Counted(Counts(0, 0, 0), None)


class AttachmentWatch(Rounds):
    """Keeps an attached database's two sides equal, in rounds, while ``running``.

    ``on_switch`` is called when the database turns out to be attached, when Flowise's tables have
    changed, and when it is no longer attached. ``notice``, if any, is logged when it is attached.
    """

    longest_failure_pause = CHECK_SECONDS

    def __init__(self, database: Database, on_switch: OnSwitch, notice: str | None = None) -> None:
        super().__init__("watch of Flowise's tables", NATIVE_PAUSE)
        self._database = database
        self._on_switch = on_switch
        self._notice = notice
        self._attachment = Attachment(database)
        # There each commit can fail what Flowise is doing, so each process counts for itself.
        self._tells_counts = database.dialect.name != "sqlite"
        self._counted = _NOTHING
        self._marker: Marker | None = None
        self._tables: FlowiseTables | None = None
        self._sides: Sides | None = None
        self._problem: str | None = None
        self._next_check = 0.0
        self._unsettled: _Unsettled | None = None
        self._has_looked = False
        self._is_watching = False
        self._is_repairing = False
        self._logged_difference = 0
        self._repairs = 0

    def metrics(self) -> list[Metric]:
        """Return what was counted last on both sides; all are 0 if the database isn't attached."""

        def counted(read: Callable[[Counts], int]) -> Callable[[], float]:
            return lambda: read(self._counted.counts) if self._marker else 0

        name = "gateway_attached_executions"
        description = (
            "Executions of an attached database by side: Flowise's, the gateway's, and those of"
            " Flowise that can't be taken over (left_out)."
        )
        reads: dict[str, Callable[[Counts], int]] = {
            "flowise": lambda counts: counts.flowise,
            "gateway": lambda counts: counts.gateway,
            "left_out": lambda counts: counts.left_out,
        }
        return [
            *(
                Metric(name, description, {"side": side}, counted(read), aggregate="max")
                for side, read in reads.items()
            ),
            Metric(
                "gateway_attachment_difference",
                "By how many executions the numbers of both sides differ.",
                {},
                counted(lambda counts: abs(counts.difference)),
                aggregate="max",
            ),
            Metric(
                "gateway_attachment_repairs",
                "How often this process has installed missing triggers and copied what was missed.",
                {},
                lambda: self._repairs,
                is_counter=True,
            ),
        ]

    def describe(self) -> dict[str, Any]:
        """Return what ``/readyz`` says of an attached database; nothing if it is not attached.

        Anybody may ask, with no key, so it tells no number of executions.
        """
        marker = self._marker
        if marker is None:
            return {}
        counts, counted_on = self._counted
        described: dict[str, Any] = {
            "executions": {
                "isEqual": counts.difference == 0,
                "difference": counts.difference,
                "countedOn": None if counted_on is None else format_iso(from_ms(counted_on)),
            }
        }
        if not marker.is_complete:
            described["problem"] = "Not everything was copied yet"
        if self._problem is not None:
            described["problem"] = self._problem
        return {"flowise": described}

    async def learn(self) -> None:
        """Learn whether the database is attached, and tell of it if that is new.

        Raises CannotAttach if a newer version has attached it, which makes other triggers.
        """
        marker = await read_marker(self._database)
        try:
            refuse_newer(marker, revision=None)
        except CannotAttach as error:
            self._problem = error.message
            raise
        known_on = None if self._marker is None else self._marker.counted_on
        if marker is not None and marker.counted_on != known_on:
            self._counted = _Counted(marker.counts, marker.counted_on)
        if marker is None and not self._has_looked and await is_flowise(self._database):
            await self._attachment.watching.join()
            logger.warning(
                "This is the database of a Flowise, and is not attached: its executions are not "
                "seen. Attach it with: attach flowise"
            )
        self._has_looked = True
        if (marker is None) != (self._marker is None):
            await self._switch(is_attached=marker is not None)
        self._marker = marker

    async def _switch(self, *, is_attached: bool) -> None:
        if is_attached:
            await self._attachment.watching.join()
            await self._open()
            # What was stored last may be old.
            if self._sides is not None and await self._sides.is_installed():
                self._counted = _Counted(await self._sides.count(), now_ms())
            logger.info("The database is attached: its executions are those of Flowise")
            if self._notice is not None:
                logger.warning(self._notice)
        else:
            self._tables = self._sides = None
            self._counted = _NOTHING
            self._attachment.watching.forget()
            self._on_switch(None)
            logger.info("The database is not attached to a Flowise any more")
            if not await has_table(self._database, "executions"):
                logger.error("The gateway's tables are gone with it: end this gateway")
        self._pause = ATTACHED_PAUSE if is_attached else NATIVE_PAUSE
        self._next_check = 0.0

    async def _open(self) -> None:
        """Look at Flowise's tables, which another version of it may have changed."""
        try:
            tables = await find_tables(self._database)
        except NotFlowise as error:
            if self._problem != error.message:
                logger.exception("Flowise's tables are not what they were")
            self._problem = error.message
            self._tables = self._sides = None
            return
        self._problem = None
        if tables != self._tables or self._sides is None:
            self._tables, self._sides = tables, open_sides(self._database, tables)
            self._on_switch(tables)

    async def _round(self) -> None:
        await self.learn()
        if self._marker is None:
            return
        # First, because nothing else can be done while Flowise's tables are not what they were.
        if time.monotonic() >= self._next_check:
            await self._check()
            pause = SETTLE_SECONDS if self._unsettled else CHECK_SECONDS
            self._next_check = time.monotonic() + pause
        if self._sides is not None:
            await self._sides.catch_up()

    async def _check(self) -> None:
        """Count both sides, and see to the triggers; one process does, for all of them."""
        await self._attachment.watching.join()
        self._is_watching = await self._attachment.watching.acquire()
        await self._open()
        if self._sides is None or self._marker is None:
            return
        if self._is_watching:
            if self._marker.is_complete and await self._sides.is_installed():
                self._unsettled = None
            elif await self._has_settled(self._sides):
                await self._repair(self._sides)
            await self._count(self._sides)
        elif not self._tells_counts and await self._sides.is_installed():
            self._counted = _Counted(await self._sides.count(), now_ms())

    async def _has_settled(self, sides: Sides) -> bool:
        """Whether nobody has changed a table since the last look, or not waiting any longer."""
        seen, version, now = self._unsettled, await sides.version(), time.monotonic()
        if seen is not None and (version == seen.version or now >= seen.until):
            self._unsettled = None
            return True
        until = now + LONGEST_SETTLE_SECONDS if seen is None else seen.until
        self._unsettled = _Unsettled(version, until)
        return False

    async def _count(self, sides: Sides) -> None:
        """Count both sides, and warn if they differ."""
        counts = await sides.count()
        self._counted = _Counted(counts, now_ms())
        if self._tells_counts:
            await write_counts(self._database, counts)
        if counts.difference not in (0, self._logged_difference):
            logger.warning(
                "Flowise has %d executions that can be taken over, and the gateway %d: mend it "
                "with: attach flowise",
                counts.flowise - counts.left_out,
                counts.gateway,
            )
        self._logged_difference = counts.difference

    async def _repair(self, sides: Sides) -> None:
        # Whoever attaches it just now installs the triggers as well.
        if not await self._attachment.mending.acquire():
            return
        # Logged once: it recurs with every round until it is mended.
        if not self._is_repairing:
            logger.warning(
                "Triggers between Flowise's tables and the gateway's are missing, or not everything"
                " was copied; installing them again, and copying what was missed"
            )
        self._is_repairing = True
        try:
            mended = await self._attachment.mend(sides, self._go_on)
        except _Stopped:
            return
        finally:
            with contextlib.suppress(ServiceUnavailable):
                await self._attachment.mending.release(is_completed=True)
        self._is_repairing = False
        self._repairs += 1
        logger.warning(
            "Mended what had drifted between Flowise's tables and the gateway's (%s)", _told(mended)
        )

    def _go_on(self, _rows: int) -> None:
        if self._is_stopping.is_set():
            raise _Stopped

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do rounds while the block runs; then let others watch, or detach the database."""
        async with super().running():
            yield
        if self._is_watching:
            with contextlib.suppress(GatewayError):
                await self._attachment.watching.release()
        self._attachment.watching.forget()


def _told(mended: Drift) -> str:
    return (
        f"executions: {mended.inserted} missing, {mended.changed} different,"
        f" {mended.deleted} unknown to Flowise; agentflows: {mended.flows} different"
    )
