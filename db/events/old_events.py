"""Delete the events that are too old, in batches that nobody has to wait for.

The log is deleted from its beginning, so what is left of it has no gaps, and whoever stands in the
part that is gone finds out. On PostgreSQL ticks go first: the place of a reader is gone with its
tick, and only then are the events that no place leads to.
"""

import time
from collections.abc import AsyncGenerator, Callable
from typing import Any, NamedTuple, Protocol

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    cast,
    delete,
    func,
    select,
)

from db.database import Database, Execute, Rows
from db.dialect import Now
from db.events.event_columns import LOGGED
from db.events.ticked_log import TICKS
from db.events.transactions import XID, Xid8
from db.pacing import USUAL_PACE, Pace, Pacing
from db.reading.statement_cache import BindParameters, Build, Statement, StatementCache

Guard = Callable[[Execute], object]
"""Runs at the beginning of each batch's transaction; an exception undoes the batch."""


class _Batch(NamedTuple):
    """How many rows a batch deleted, how many of them are events, and where to go on, if at all."""

    rows: int
    events: int
    rest: str | None


class _Part(Protocol):
    """A part of the work."""

    async def may_exist(self) -> bool:
        """Return whether there is anything to delete."""

    def delete(self, execute: Execute, most: int, since: str) -> _Batch:
        """Delete at most so many rows, from a place on that a batch left; the first is ``""``."""


class OldEvents:
    """The events after which another one occurred more than ``age`` milliseconds ago.

    So the newest one that old is kept, because who has seen it may have seen all until then. On
    PostgreSQL the time is that of the tick. All methods raise ServiceUnavailable if the database
    can't answer.
    """

    def __init__(self, database: Database, age: int, *, pace: Pace = USUAL_PACE) -> None:
        self._database = database
        self._pace = pace
        if database.dialect.name == "sqlite":
            beginning = _Beginning(database, LOGGED, LOGGED.c.occurred_on, age, kept=1)
            self._parts: list[_Part] = [beginning]
        else:
            # The events of a tick are those that the one before does not show.
            beginning = _Beginning(database, TICKS, TICKS.c.noted_on, age, kept=2)
            self._parts = [beginning, _Unreachable(database)]

    async def may_exist(self) -> bool:
        """Return whether there are any."""
        for part in self._parts:
            if await part.may_exist():
                return True
        return False

    async def delete(self, guard: Guard | None = None) -> AsyncGenerator[int, None]:
        """Delete them; yield the number of events in each batch once it is durable."""
        pacing = Pacing(self._database, self._pace)
        for part in self._parts:
            since: str | None = ""
            while since is not None:
                batch, seconds = await self._delete_next(part, pacing.size, since, guard)
                since = batch.rest
                pacing.adapt(seconds)
                yield batch.events
                await pacing.pause(seconds)

    async def _delete_next(
        self, part: _Part, most: int, since: str, guard: Guard | None
    ) -> tuple[_Batch, float]:
        """Delete a batch in one transaction; also return for how many seconds it wrote."""
        began = time.monotonic()

        def run(execute: Execute) -> _Batch:
            nonlocal began
            # Other changes may come first.
            began = time.monotonic()
            if guard is not None:
                guard(execute)
            return part.delete(execute, most, since)

        batch = await self._database.change(run)
        return batch, time.monotonic() - began


class _Beginning:
    """The first rows of a table, by ids, as far as the next ``kept`` rows are old too."""

    def __init__(
        self,
        database: Database,
        table: FromClause,
        on: ColumnElement[int],
        age: int,
        *,
        kept: int,
    ) -> None:
        def first(parameters: BindParameters) -> Select[Any]:
            rows = select(table.c.id, on, Now()).order_by(table.c.id)
            return rows.limit(parameters.bind_number())

        def remove(parameters: BindParameters) -> Any:
            return delete(table).where(table.c.id <= parameters.bind_number())  # type: ignore[arg-type]

        self._database = database
        self._age = age
        self._kept = kept
        self._holds_events = table is LOGGED
        self._first, self._remove = _compiled(database, first), _compiled(database, remove)

    async def may_exist(self) -> bool:
        return self._count_old(await _read(self._database, self._first, self._kept + 1)) > 0

    def delete(self, execute: Execute, most: int, _since: str) -> _Batch:
        rows = execute(self._first.text, self._first.parameters((most + self._kept,)))
        count = self._count_old(rows)
        if count:
            execute(self._remove.text, self._remove.parameters((rows[count - 1][0],)))
        return _Batch(count, count if self._holds_events else 0, "" if count == most else None)

    def _count_old(self, rows: Rows) -> int:
        """Return how many of the first rows of the table can go."""
        old = 0
        for _, on, now in rows:
            # What is dated far in the future was written while the clock was wrong. It must not
            # keep what comes after it.
            if now - self._age <= on <= now + self._age:
                break
            old += 1
        # The last of them is the place of readers who have not read yet what comes after it.
        return max(0, old - self._kept)


class _Unreachable:
    """The events of PostgreSQL that no tick leads to: the first tick shows them already."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._find = _compiled(database, _build_unreachable)
        self._remove = _compiled(database, _build_delete_unreachable)

    async def may_exist(self) -> bool:
        return bool(await _read(self._database, self._find, "0", 1))

    def delete(self, execute: Execute, most: int, since: str) -> _Batch:
        rows = execute(self._remove.text, self._remove.parameters((since or "0", most)))
        count = len(rows)
        # Don't search among those that are gone by now.
        rest = max((row[0] for row in rows), default=0)
        return _Batch(count, count, str(rest) if count == most else None)


def _compiled(database: Database, build: Build) -> Statement:
    # Changes run in another thread, where nothing is compiled.
    return StatementCache(database.dialect).compile(build)


async def _read(database: Database, statement: Statement, *values: object) -> Rows:
    return await database.read_latest(statement.text, statement.parameters(values))


def _build_unreachable(parameters: BindParameters) -> Select[Any]:
    first = select(TICKS.c.snapshot).order_by(TICKS.c.id).limit(1).scalar_subquery()
    since = cast(cast(parameters.bind("xid"), Text), Xid8)
    # The first condition bounds what is read of the index; what the snapshot does not show is of
    # transactions that were open for long when the tick was made.
    return (
        select(LOGGED.c.id)
        .where(
            XID.between(since, func.pg_snapshot_xmax(first)),
            func.pg_visible_in_snapshot(XID, first),
        )
        .order_by(XID, LOGGED.c.id)
        .limit(parameters.bind_number())
    )


def _build_delete_unreachable(parameters: BindParameters) -> Any:
    found = _build_unreachable(parameters)
    writer = cast(cast(XID, Text), BigInteger)
    return delete(LOGGED).where(LOGGED.c.id.in_(found)).returning(writer)
