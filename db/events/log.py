"""Read the events of executions, in their one order, from any place that is still kept."""

import asyncio
import contextvars
import secrets
from typing import Protocol

from db.database import Database
from db.errors import EventsExpired
from db.events.cursors import decode_cursor, encode_cursor, encode_sealed_cursor
from db.events.event import ExecutionEvent
from db.events.numbered_log import NumberedLog
from db.events.position import Position
from db.events.start import Seen, Start
from db.events.ticked_log import TickedLog
from db.reading.runner import Runner

_SALT_BYTES = 8


class _Log(Protocol):
    """What differs between databases. Each method also returns the epoch of the outbox."""

    async def end(self) -> tuple[Position, str]:
        """Return the position after every event that was committed before the call."""

    async def here(self) -> tuple[Start, str]:
        """Return the position of the state that is being read."""

    async def read(self, after: Position, limit: int) -> tuple[list[ExecutionEvent], str | None]:
        """Return the next events; without the epoch if it was not read."""

    async def has(self, seen: Seen) -> bool:
        """Return whether all events that were seen are still there."""


class EventLog:
    """The events of a database. All methods raise ServiceUnavailable if it can't answer."""

    def __init__(self, database: Database) -> None:
        runner = Runner(database)
        is_numbered = database.dialect.name == "sqlite"
        self._log: _Log = NumberedLog(runner) if is_numbered else TickedLog(runner)
        self._epoch: str | None = None
        self._finding: asyncio.Task[Position] | None = None
        self._next: asyncio.Task[Position] | None = None

    async def end(self) -> Position:
        """Return the position after every event that was committed before the call.

        Many calls at the same time cost no more than two.
        """
        if self._next is None:
            # No caller's own: not of its snapshot, nor on behalf of its client.
            self._next = asyncio.create_task(
                self._find_end(self._finding), context=contextvars.Context()
            )
            self._next.add_done_callback(_retrieve)
        return await asyncio.shield(self._next)

    async def _find_end(self, before: asyncio.Task[Position] | None) -> Position:
        if before is not None:
            await asyncio.wait([before])
        # Who calls from now on may know of later events.
        self._finding, self._next = self._next, None
        position, self._epoch = await self._log.end()
        return position

    async def here(self) -> Start:
        """Return the position of the state of the database that is being read.

        Within ``Database.snapshot`` it is that of the snapshot: who starts there gets every change
        that the reads of the snapshot do not show, and none that they do.
        """
        start, self._epoch = await self._log.here()
        return start

    async def read(self, after: Position, limit: int) -> list[ExecutionEvent]:
        """Return the next events after a position, at most ``limit``; none if there are no more.

        On PostgreSQL these are the events up to the last tick: ``end`` makes one. Raises
        EventsExpired if the position is not, or no longer, in the log.
        """
        events, epoch = await self._log.read(after, limit)
        if epoch is not None:
            self._epoch = epoch
        return events

    def cursor(self, start: Start, workspace: str | None) -> str:
        """Return the cursor of a start that this log returned, or whose position it did.

        For a client that sees one ``workspace`` it is sealed, and another text each time, so that
        it tells nothing of what happens elsewhere.
        """
        if workspace is None:
            return encode_cursor(start, self._known_epoch)
        return encode_sealed_cursor(start, self._known_epoch, secrets.token_bytes(_SALT_BYTES))

    def cursor_of_event(self, start: Start, workspace: str | None) -> str:
        """Return the cursor of an event, the same text for everybody in a workspace."""
        if workspace is None:
            return encode_cursor(start, self._known_epoch)
        return encode_sealed_cursor(start, self._known_epoch, b"")

    @property
    def _known_epoch(self) -> str:
        if self._epoch is None:
            raise RuntimeError("A position that is not of this log has no cursor")
        return self._epoch

    async def start(self, cursor: str, argument: str, workspace: str | None) -> Start:
        """Return the start that a cursor holds; ``argument`` is its name, for the message.

        Raises InvalidInput if it is not a cursor, and EventsExpired if it is of another database,
        or of a later state of this one, or is not sealed although the client sees one
        ``workspace``. Whether its position is still in the log is only known once it is read.
        """
        start = await self._decode(cursor, argument, must_be_sealed=workspace is not None)
        if start.seen is not None and not await self._log.has(start.seen):
            raise EventsExpired
        return start

    async def _decode(self, cursor: str, argument: str, *, must_be_sealed: bool) -> Start:
        if self._epoch is not None:
            try:
                return decode_cursor(cursor, self._epoch, argument, must_be_sealed=must_be_sealed)
            except EventsExpired:
                # The database may have been replaced meanwhile.
                pass
        await self.end()
        return decode_cursor(cursor, self._epoch or "", argument, must_be_sealed=must_be_sealed)


def _retrieve(ended: asyncio.Task[Position]) -> None:
    # All of its callers may be gone.
    if not ended.cancelled():
        ended.exception()
