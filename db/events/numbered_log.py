"""The events of SQLite: numbered in the order of their commits, because there is one writer."""

from typing import Any

from sqlalchemy import Select, select

from db.errors import EventsExpired
from db.events.event import ExecutionEvent
from db.events.event_columns import LOGGED, epoch_column, event_columns, read_event
from db.events.position import BEGINNING, Position
from db.events.start import Seen, Start
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters


class NumberedLog:
    """Reads events in the order of their ids.

    A position is that of an event, and is known to be of this log by the event's time. The newest
    event is never deleted, so the position after all events stays valid, and ids only grow.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def end(self) -> tuple[Position, str]:
        """Return the position of the newest event."""
        start, epoch = await self.here()
        return start.position, epoch

    async def here(self) -> tuple[Start, str]:
        """Return the position of the newest event in the state that is being read."""
        [(epoch, id_, occurred_on)] = await self._runner.read("end", _build_end, (), is_short=True)
        position = BEGINNING if id_ is None else Position(id_, 0, occurred_on)
        return Start(position), epoch or ""

    async def read(self, after: Position, limit: int) -> tuple[list[ExecutionEvent], str | None]:
        """Return the next events. Raises EventsExpired if the one at ``after`` is not there."""
        # That one too, in the same statement: it may be deleted at any time.
        is_first = after == BEGINNING
        values = (after.tick, limit if is_first else limit + 1)
        rows = await self._runner.read_latest("events", _build_events, values)
        if is_first:
            if rows and rows[0][0] != 1:
                raise EventsExpired
        elif not rows or (rows[0][0], 0, rows[0][2]) != after:
            raise EventsExpired
        else:
            rows = rows[1:]
        events = [read_event(row, Position(row[0], 0, row[2])) for row in rows]
        return events, rows[0][-1] if rows else None

    async def has(self, _seen: Seen) -> bool:
        """A position says all that was seen."""
        return False


def _build_end(_parameters: BindParameters) -> Select[Any]:
    newest = select(LOGGED.c.id, LOGGED.c.occurred_on).order_by(LOGGED.c.id.desc()).limit(1)
    found = newest.subquery()
    epoch = select(epoch_column().label("epoch")).subquery()
    # The epoch is there even if there are no events.
    return select(epoch.c.epoch, found.c.id, found.c.occurred_on).select_from(
        epoch.outerjoin(found, found.c.id.is_not(None))
    )


def _build_events(parameters: BindParameters) -> Select[Any]:
    first = parameters.bind_number()
    return (
        select(*event_columns(LOGGED.c), epoch_column().label("epoch"))
        .where(LOGGED.c.id >= first)
        .order_by(LOGGED.c.id)
        .limit(parameters.bind_number())
    )
