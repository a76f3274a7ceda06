"""The events of PostgreSQL: in the order of ticks, because ids are given before the commit.

A tick is a snapshot of which transactions had been committed. An event belongs to the first tick
whose snapshot shows its transaction; within a tick, events are in the order of their ids.
"""

import asyncio
import bisect
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    cast,
    column,
    exists,
    func,
    literal_column,
    not_,
    select,
    table,
)
from sqlalchemy.types import UserDefinedType

from db.database import Rows
from db.dialect import Now, greatest
from db.errors import EventsExpired, ServiceUnavailable
from db.events.event import ExecutionEvent
from db.events.event_columns import LOGGED, epoch_column, event_columns, read_event
from db.events.position import Position
from db.events.start import Seen, Snapshot, Start
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters

AFTER_ALL = 2**63 - 1
"""The number of the position after all events of a tick."""

_TICKS_AT_ONCE = 200
_PAUSE = 0.005
_LONGEST_WAIT = 5.0


class _PgSnapshot(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "pg_snapshot"


TICKS = table(
    "event_ticks",
    column("id", BigInteger),
    column("snapshot", _PgSnapshot),
    column("low", BigInteger),
    column("high", BigInteger),
    column("noted_on", BigInteger),
)
XID: ColumnElement[str] = literal_column("execution_events.xid")
"""The transaction of an event."""


@dataclass(frozen=True, slots=True)
class _Tick:
    """A tick; its events have ids from ``low`` to ``high``, and others may have such ids too."""

    id: int
    noted_on: int
    snapshot: str
    low: int
    high: int

    @property
    def span(self) -> int:
        """The largest number of events that it may have."""
        return self.high - self.low + 1


@dataclass(slots=True)
class _Place:
    """What follows a position: the events of ``ticks`` that the tick ``before`` does not show.

    If it is ``within`` the first of them, ``low`` of that tick is the first id that follows.
    """

    before: _Tick
    ticks: Sequence[_Tick]
    within: bool = False

    def take(self, most: int) -> Sequence[_Tick]:
        """Return the first tick, and those after it if all of them have at most so many events."""
        count = 1
        span = self.ticks[0].span
        while not self.within and count < len(self.ticks):
            span += self.ticks[count].span
            if span > most:
                break
            count += 1
        return self.ticks[:count]

    def skip(self, ticks: Sequence[_Tick]) -> None:
        """Go on after the ticks that were taken."""
        self.before, self.ticks, self.within = ticks[-1], self.ticks[len(ticks) :], False


class TickedLog:
    """Reads events in the order of ticks and ids.

    A position is known to be of this log by the time of its tick. What was committed after the last
    tick has no place in the order yet.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def end(self) -> tuple[Position, str]:
        """Make a tick if there are events without one; return the position after the last tick."""
        waiting_since = time.monotonic()
        while not await self._tick():
            # Another process is making one, which may have begun before the call.
            if time.monotonic() - waiting_since > _LONGEST_WAIT:
                raise ServiceUnavailable("The database is busy; try again in a moment")
            await asyncio.sleep(_PAUSE)
        return _end_of(await self._runner.read_latest("last", _build_last, ()))

    async def _tick(self) -> bool:
        [(tick,)] = await self._runner.database.change_at_once("SELECT gateway_tick()", ())
        return tick is not None

    async def here(self) -> tuple[Start, str]:
        """Return the last tick that the snapshot shows, and the snapshot itself."""
        async with self._runner.database.snapshot():
            rows = await self._runner.read("here", _build_here, ())
        position, epoch = _end_of(rows)
        snapshot, until = rows[0][-2:]
        return Start(position, Seen(Snapshot.read(snapshot), until)), epoch

    async def read(self, after: Position, limit: int) -> tuple[list[ExecutionEvent], str | None]:
        """Return the next events. Raises EventsExpired if what ``after`` names is not there."""
        place, epoch = await self._find(after)
        events: list[ExecutionEvent] = []
        while place.ticks and len(events) < limit:
            room = limit - len(events)
            ticks = place.take(room)
            rows = await self._events(place.before, ticks, room)
            if not rows:
                # They were deleted since the place was found.
                raise EventsExpired
            events += _in_order(ticks, rows)
            place.skip(ticks)
        return events, epoch

    async def _find(self, after: Position) -> tuple[_Place, str]:
        values = (after.tick, after.tick, _TICKS_AT_ONCE)
        rows = await self._runner.read_latest("ticks", _build_ticks, values)
        ticks = [_Tick(row[0], row[1], row[2], row[3] or 0, row[4] or 0) for row in rows]
        return _place_of(after, ticks), rows[0][-1] or ""

    async def _events(self, before: _Tick, ticks: Sequence[_Tick], limit: int) -> Rows:
        """Read the events that the last of some ticks shows and the one before them does not."""
        lowest, highest = min(tick.low for tick in ticks), max(tick.high for tick in ticks)
        shown = (ticks[-1].snapshot, before.snapshot)
        values = (lowest, highest, *shown, before.id, before.noted_on, limit)
        return await self._runner.read_latest("events", _build_events, values)


def _place_of(after: Position, ticks: Sequence[_Tick]) -> _Place:
    if after == (0, 0, 0) and ticks and ticks[0].id == 1:
        return _Place(ticks[0], ticks[1:])
    for index, tick in enumerate(ticks[:2]):
        if (tick.id, tick.noted_on) != (after.tick, after.noted_on):
            continue
        if after.number >= tick.high:
            return _Place(tick, ticks[index + 1 :])
        if index:
            rest = replace(tick, low=max(tick.low, after.number + 1))
            return _Place(ticks[index - 1], [rest, *ticks[index + 1 :]], within=True)
    raise EventsExpired


def _in_order(ticks: Sequence[_Tick], rows: Rows) -> list[ExecutionEvent]:
    """Make events of rows, each in the first of the ticks that shows its transaction."""
    if len(ticks) == 1:
        return [_event(row, ticks[0]) for row in rows]
    snapshots = [Snapshot.read(tick.snapshot) for tick in ticks]
    events = []
    tick_of: dict[int, _Tick] = {}
    for row in rows:
        writer = row[-1]
        tick = tick_of.get(writer)
        if tick is None:
            # What a snapshot shows, all later ones show too.
            index = bisect.bisect(snapshots, x=False, key=lambda each: each.shows(writer))
            tick = tick_of[writer] = ticks[index]
        events.append(_event(row, tick))
    return sorted(events, key=lambda event: event.position)


def _event(row: Sequence[Any], tick: _Tick) -> ExecutionEvent:
    return read_event(row, Position(tick.id, row[0], tick.noted_on), row[-1])


def _end_of(rows: Rows) -> tuple[Position, str]:
    tick, noted_on, epoch = rows[0][:3]
    return Position(tick, AFTER_ALL, noted_on), epoch or ""


def _build_last(_parameters: BindParameters) -> Select[Any]:
    last = select(TICKS.c.id, TICKS.c.noted_on, epoch_column())
    return last.order_by(TICKS.c.id.desc()).limit(1)


def _build_here(parameters: BindParameters) -> Select[Any]:
    # If the clock was set back, something may have occurred later than it is now.
    newest = select(LOGGED.c.occurred_on).order_by(LOGGED.c.id.desc()).limit(1)
    until = greatest((Now(), newest.scalar_subquery()))
    return _build_last(parameters).add_columns(cast(func.pg_current_snapshot(), Text), until)


def _build_ticks(parameters: BindParameters) -> Select[Any]:
    before = select(func.max(TICKS.c.id)).where(TICKS.c.id < parameters.bind_number())
    first = func.coalesce(before.scalar_subquery(), parameters.bind_number())
    return (
        select(
            TICKS.c.id,
            TICKS.c.noted_on,
            cast(TICKS.c.snapshot, Text),
            TICKS.c.low,
            TICKS.c.high,
            epoch_column(),
        )
        .where(TICKS.c.id >= first)
        .order_by(TICKS.c.id)
        .limit(parameters.bind_number())
    )


def _build_events(parameters: BindParameters) -> Select[Any]:
    between = LOGGED.c.id.between(parameters.bind_number(), parameters.bind_number())
    is_shown = func.pg_visible_in_snapshot(XID, _bind_snapshot(parameters))
    was_shown = func.pg_visible_in_snapshot(XID, _bind_snapshot(parameters))
    # Ticks are deleted before their events: as long as this one is there, all events after it are.
    is_kept = exists().where(
        TICKS.c.id == parameters.bind_number(), TICKS.c.noted_on == parameters.bind_number()
    )
    return (
        select(*event_columns(), cast(cast(XID, Text), BigInteger))
        .where(between, is_shown, not_(was_shown), is_kept)
        .order_by(LOGGED.c.id)
        .limit(parameters.bind_number())
    )


def _bind_snapshot(parameters: BindParameters) -> ColumnElement[Any]:
    return cast(cast(parameters.bind("snapshot"), Text), _PgSnapshot)
