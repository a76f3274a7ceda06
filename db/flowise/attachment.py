"""Attach a database of Flowise's, mend what has drifted, and detach it."""

import contextlib
import functools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from db.database import Database
from db.errors import ServiceUnavailable
from db.flowise.marker import (
    Marker,
    create_marker,
    drop_marker,
    has_table,
    mark_complete,
    write_counts,
)
from db.flowise.opening import open_sides, remove_sides
from db.flowise.refusals import (
    CannotAttach,
    read_own_marker,
    read_revision,
    refuse,
    refuse_dependents,
    refuse_newer,
    refuse_running,
)
from db.flowise.sides import Batch, Counts, Sides
from db.flowise.tables import NotFlowise, find_tables
from db.flowise.watch_turn import WatchTurn
from db.leases import Lease, LeaseLost
from db.migrations.removal import remove
from db.migrations.upgrade import NEWEST_REVISION, upgrade
from db.pacing import Pace, Pacing

_PACE = Pace(batch=0.12, pause=1.0)
_SHORTEST_PAUSE = 0.11
"""In seconds. A writer of SQLite that waits looks at least every tenth of a second."""
_RENEWAL_SECONDS = 10.0

_REASONS = (
    "SELECT reason, count(*) FROM flowise_left_out GROUP BY reason ORDER BY 2 DESC, 1 LIMIT 10"
)

Advance = Callable[[int], object]
"""Is told after each batch how many executions of Flowise were compared; may raise to stop."""
Compare = Callable[[str, int], Awaitable[Batch]]
"""Compares a batch of executions after an id."""


@dataclass(slots=True)
class Drift:
    """What the two sides differ in, or differed in before they were made equal."""

    was_installed: bool = True
    flows: int = 0
    inserted: int = 0
    changed: int = 0
    deleted: int = 0
    caught_up: int = 0
    """Changes that triggers had left undone."""

    def add(self, batch: Batch) -> None:
        """Add what a batch came to."""
        self.inserted += batch.inserted
        self.changed += batch.changed
        self.deleted += batch.deleted

    @property
    def has_changed(self) -> bool:
        """Whether anything had to be done."""
        work = (self.flows, self.inserted, self.changed, self.deleted, self.caught_up)
        return not self.was_installed or any(work)


class Attached(NamedTuple):
    """What attaching came to."""

    before: Marker | None
    mended: Drift
    counts: Counts
    seconds: float


class Attachment:
    """What is, or will be, between Flowise's tables and the gateway's in a database.

    All methods raise ServiceUnavailable if the database can't answer, and NotFlowise if its tables
    are not, or no longer, those of Flowise.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.mending = Lease(database, "flowise_mending")
        """Held by whoever makes the two sides equal."""
        self.watching = WatchTurn(database)
        """Taken by one of the gateways that run on an attached database."""

    async def open_sides(self) -> Sides:
        """Return the two sides, of the tables as they are now."""
        return open_sides(self._database, await find_tables(self._database))

    async def attach(self, on_rows: Advance, journal_mode: str | None = None) -> Attached:
        """Attach the database, or mend it if it is attached; may be called again after a break.

        Whoever is mending it stops, and another call of this fails. ``journal_mode`` is that of
        SQLite's file, which is in WAL mode once it is opened to be written. Raises CannotAttach if
        it can't be attached, or another call has taken over.
        """
        start = time.monotonic()
        database = self._database
        tables = await find_tables(database)
        before = await refuse(database, tables)
        sides = open_sides(database, tables)
        # First, so that whatever comes of this, `detach` knows of it.
        if before is None:
            await create_marker(database, journal_mode)
        await upgrade(database)
        await self.mending.take_over()
        try:
            mended = await self.mend(sides, on_rows)
            counts = await sides.count()
            if before is None or not before.is_complete or mended.has_changed:
                await write_counts(database, counts)
        except LeaseLost:
            raise CannotAttach(
                "Another call of attach has taken over, and goes on from here: wait for its end"
            ) from None
        finally:
            await self.mending.release(is_completed=True)
        return Attached(before, mended, counts, time.monotonic() - start)

    async def mend(self, sides: Sides, on_rows: Advance = lambda _: None) -> Drift:
        """Install what is missing, and make both sides equal; the caller holds ``mending``.

        Others read and write meanwhile. Raises LeaseLost if another process has taken over.
        """
        mended = Drift(was_installed=await sides.is_installed())
        if not mended.was_installed:
            await sides.install()
        # What others have changed is newer than what Flowise has.
        mended.caught_up = await sides.catch_up()
        mended.flows = await sides.copy_flows()
        await self._compare(sides.copy_batch, mended, on_rows)
        await self._compare(sides.remove_surplus, mended, lambda _: on_rows(0))
        mended.caught_up += await sides.catch_up()
        await mark_complete(self._database)
        return mended

    async def look(self, sides: Sides, on_rows: Advance = lambda _: None) -> Drift:
        """Return what ``mend`` would do, and change nothing."""
        # An attach may have ended before it made these, and older versions make others.
        if await read_revision(self._database) != NEWEST_REVISION:
            return Drift(was_installed=False)
        found = Drift(was_installed=await sides.is_installed())
        if not all([await has_table(self._database, name) for name in sides.tables]):
            return found
        found.caught_up = await sides.count_waiting()
        found.flows = await sides.copy_flows(is_dry=True)
        for compare in (sides.copy_batch, sides.remove_surplus):
            dry = functools.partial(compare, is_dry=True)
            advance = on_rows if compare == sides.copy_batch else lambda _: None
            await self._compare(dry, found, advance, is_dry=True)
        return found

    async def _compare(
        self, compare: Compare, mended: Drift, on_rows: Advance, *, is_dry: bool = False
    ) -> None:
        pacing = Pacing(self._database, _PACE)
        renewed = time.monotonic()
        last: str | None = ""
        while last is not None:
            start = time.monotonic()
            batch = await compare(last, pacing.size)
            seconds = time.monotonic() - start
            mended.add(batch)
            on_rows(batch.rows)
            last = batch.last
            if last is None:
                return
            pacing.adapt(seconds)
            await pacing.pause(max(_SHORTEST_PAUSE, seconds))
            if not is_dry and time.monotonic() - renewed > _RENEWAL_SECONDS:
                await self._database.change(self.mending.renew)
                renewed = time.monotonic()

    async def reasons_left_out(self) -> list[tuple[str, int]]:
        """Return why executions can't be taken over, and how many, the most frequent first."""
        rows = await self._database.read_latest(_REASONS, ())
        return [(reason, count) for reason, count in rows]

    async def detach(self) -> None:
        """Remove everything that the gateway has made in the database.

        Raises CannotAttach if there is nothing to remove, or a gateway runs on it, and InvalidInput
        if something of another program depends on what would be removed.
        """
        database = self._database
        marker = await read_own_marker(database)
        revision = await read_revision(database)
        refuse_newer(marker, revision)
        try:
            # It is gone if an earlier call did not come to its end.
            if revision is not None:
                await refuse_dependents(database)
                await self._remove()
            await drop_marker(database)
        finally:
            self.watching.forget()

    async def _remove(self) -> None:
        await upgrade(self._database)
        try:
            await self._remove_alone()
        except BaseException:
            # Or the next call would have to wait for the leases to expire.
            with contextlib.suppress(ServiceUnavailable):
                await self.mending.release(is_completed=False)
                await self.watching.release()
            raise

    async def _remove_alone(self) -> None:
        in_the_way = await self.watching.acquire_alone()
        if in_the_way is None and not await self.mending.acquire():
            in_the_way = "Somebody attaches this database, or was killed within the last minute"
        refuse_running(in_the_way)
        # Nothing can be brought to tables that are no longer what Flowise made.
        with contextlib.suppress(NotFlowise):
            sides = await self.open_sides()
            if await sides.is_installed():
                await sides.catch_up()
        await remove_sides(self._database)
        await remove(self._database)
