"""The events of PostgreSQL: in the order of ticks, because ids are given before the commit.

A tick is a snapshot of which transactions had been committed. An event belongs to the first tick
whose snapshot shows its transaction; within a tick, events are in the order of their ids.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    FromClause,
    Select,
    Text,
    case,
    cast,
    column,
    func,
    select,
    table,
    true,
    union_all,
)

from db.database import Rows
from db.dialect import Now
from db.errors import EventsExpired, ServiceUnavailable
from db.events.event import ExecutionEvent
from db.events.event_columns import LOGGED, epoch_column, event_columns, read_event
from db.events.position import Position
from db.events.start import Seen, Snapshot, Start
from db.events.transactions import XID, PgSnapshot
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters

AFTER_ALL = 2**63 - 1
"""The number of the position after all events of a tick."""

_TICKS_AT_ONCE = 200
_PAUSE = 0.005
_LONGEST_WAIT = 5.0
_BUSY = "The database is busy; try again in a moment"


TICKS = table(
    "event_ticks",
    *(column(name, BigInteger) for name in ("id", "low", "high", "noted_on")),
    column("snapshot"),
    column("late"),
)


class _Tick(NamedTuple):
    """A tick, as it bounds a read of its events.

    They have ids from ``low`` to ``high``, both null if it has none, as others may have, and those
    of transactions that are ``late`` have any ids.
    """

    id: int
    noted_on: int
    low: int | None
    high: int | None
    is_late: bool

    @property
    def span(self) -> float:
        """The largest number of events that it may have."""
        if self.is_late:
            return float("inf")
        return 0 if self.low is None or self.high is None else self.high - self.low + 1


class _Place(NamedTuple):
    """What follows a position: the events of ``ticks``, in the first of them beyond ``number``.

    It is there as long as the tick ``before`` is.
    """

    before: _Tick
    ticks: Sequence[_Tick]
    number: int = 0


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
                raise ServiceUnavailable(_BUSY)
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
        snapshot, until, count = rows[0][-3:]
        return Start(position, Seen(Snapshot.read(snapshot), until, position.tick, count)), epoch

    async def has(self, seen: Seen) -> bool:
        """Return whether as many events are there as were seen."""
        values = (seen.until, seen.snapshot.text, seen.tick)
        rows = await self._runner.read_latest("seen", _build_count_of_seen, values)
        # Without the tick the position is what tells, which is that tick's, or a later one's.
        return not rows or rows[0][0] == seen.events

    async def read(self, after: Position, limit: int) -> tuple[list[ExecutionEvent], str | None]:
        """Return the next events. Raises EventsExpired if what ``after`` names is not there."""
        place, epoch = await self._find(after)
        events: list[ExecutionEvent] = []
        while place.ticks and len(events) < limit:
            room = limit - len(events)
            count = _count_to_read(place, room)
            ticks, rest = place.ticks[:count], place.ticks[count:]
            rows = await self._events(place, ticks[-1], room)
            if not rows and not await self._is_there(place.before):
                raise EventsExpired
            events += [read_event(row, Position(row[-3], row[0], row[-2]), row[-1]) for row in rows]
            place = _Place(ticks[-1], rest)
        return events, epoch

    async def _find(self, after: Position) -> tuple[_Place, str]:
        values = (after.tick, after.tick, _TICKS_AT_ONCE)
        rows = await self._runner.read_latest("ticks", _build_ticks, values)
        return _place_of(after, [_Tick(*row[:-1]) for row in rows]), rows[0][-1] or ""

    async def _is_there(self, tick: _Tick) -> bool:
        values = (tick.id, tick.noted_on)
        return bool(await self._runner.read_latest("is there", _build_is_there, values))

    async def _events(self, place: _Place, last: _Tick, limit: int) -> Rows:
        """Read the events of the ticks of a place up to one of them."""
        first = place.ticks[0].id
        values = (first, place.number, limit, first, last.id, *place.before[:2], limit)
        return await self._runner.read_latest("events", _build_events, values)


def _place_of(after: Position, ticks: Sequence[_Tick]) -> _Place:
    if after == (0, 0, 0) and ticks and ticks[0].id == 1:
        return _Place(ticks[0], ticks[1:])
    for index, tick in enumerate(ticks[:2]):
        if (tick.id, tick.noted_on) != (after.tick, after.noted_on):
            continue
        is_at_end = not tick.is_late and tick.high is not None and after.number >= tick.high
        if is_at_end or after.number == AFTER_ALL:
            return _Place(tick, ticks[index + 1 :])
        if index:
            return _Place(ticks[index - 1], ticks[index:], after.number)
    raise EventsExpired


def _count_to_read(place: _Place, most: int) -> int:
    """Return how many ticks can be read at once, because they have no more events than that."""
    count, events = 1, place.ticks[0].span
    for tick in place.ticks[1:]:
        events += tick.span
        if events > most:
            break
        count += 1
    return count


def _end_of(rows: Rows) -> tuple[Position, str]:
    if not rows:
        # The events of another cluster, of which this is a copy, are being removed.
        raise ServiceUnavailable(_BUSY)
    tick, noted_on, epoch = rows[0][:3]
    return Position(tick, AFTER_ALL, noted_on), epoch or ""


def _build_last(_parameters: BindParameters) -> Select[Any]:
    last = select(TICKS.c.id, TICKS.c.noted_on, epoch_column())
    return last.order_by(TICKS.c.id.desc()).limit(1)


def _build_here(_parameters: BindParameters) -> Select[Any]:
    last = select(TICKS).order_by(TICKS.c.id.desc()).limit(1).cte("last")
    seen = _beyond(last)
    # If the clock was set back, something may have occurred later than it is now.
    until = func.greatest(Now(), func.max(seen.c.occurred_on))
    counted = select(until.label("until"), func.count(seen.c.xid).label("seen")).subquery("counted")
    return select(
        last.c.id,
        last.c.noted_on,
        epoch_column(),
        cast(func.pg_current_snapshot(), Text),
        counted.c.until,
        counted.c.seen,
    ).select_from(last.join(counted, true()))


def _build_count_of_seen(parameters: BindParameters) -> Select[Any]:
    until, snapshot = parameters.bind_number(), parameters.bind("snapshot")
    tick = select(TICKS).where(TICKS.c.id == parameters.bind_number()).cte("tick")
    seen = _beyond(tick)
    is_shown = func.pg_visible_in_snapshot(seen.c.xid, cast(cast(snapshot, Text), PgSnapshot))
    counted = select(func.count(seen.c.xid)).where(seen.c.occurred_on <= until, is_shown)
    return select(counted.scalar_subquery()).select_from(tick)


def _beyond(tick: Any) -> Any:
    """Return the transactions and times of the events that a tick does not show."""
    # What was in progress then may have any ids, so it is not found in one range with the rest.
    running = func.pg_snapshot_xip(tick.c.snapshot).table_valued("running").lateral("running")
    later = tick.join(LOGGED, func.pg_snapshot_xmax(tick.c.snapshot) <= XID)
    late = tick.join(running, true()).join(LOGGED, running.c.running == XID)
    columns = (XID.label("xid"), LOGGED.c.occurred_on)
    return union_all(*(select(*columns).select_from(each) for each in (later, late))).subquery()


def _build_ticks(parameters: BindParameters) -> Select[Any]:
    before = select(func.max(TICKS.c.id)).where(TICKS.c.id < parameters.bind_number())
    first = func.coalesce(before.scalar_subquery(), parameters.bind_number())
    return (
        select(
            TICKS.c.id,
            TICKS.c.noted_on,
            TICKS.c.low,
            TICKS.c.high,
            func.cardinality(TICKS.c.late) > 0,
            epoch_column(),
        )
        .where(TICKS.c.id >= first)
        .order_by(TICKS.c.id)
        .limit(parameters.bind_number())
    )


def _build_is_there(parameters: BindParameters, ticks: FromClause = TICKS) -> Select[Any]:
    return select(ticks.c.id).where(
        ticks.c.id == parameters.bind_number(), ticks.c.noted_on == parameters.bind_number()
    )


def _build_events(parameters: BindParameters) -> Select[Any]:
    is_first = TICKS.c.id == parameters.bind_number()
    after = case((is_first, parameters.bind_number()), else_=0)
    columns = [*LOGGED.c, column("xid", Text)]
    events = func.gateway_events_of(TICKS.c.id, after, parameters.bind_number())
    found = events.table_valued(*columns).lateral("event")
    event = found.c
    between = TICKS.c.id.between(parameters.bind_number(), parameters.bind_number())
    # Ticks are deleted before their events: as long as this one is there, all events after it are.
    is_kept = _build_is_there(parameters, TICKS.alias("kept")).exists()
    return (
        select(
            *event_columns(event),
            TICKS.c.id,
            TICKS.c.noted_on,
            cast(cast(event.xid, Text), BigInteger),
        )
        .select_from(TICKS.join(found, true()))
        .where(between, is_kept)
        .order_by(TICKS.c.id, event.id)
        .limit(parameters.bind_number())
    )
