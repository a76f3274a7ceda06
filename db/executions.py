"""Every statement on executions."""

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from db.database import Database, Metric
from db.dialect import pays_for_messages
from db.models import ExecutionState
from db.reading.counts import plan_count
from db.reading.filter_statements import cache_key_of, where
from db.reading.filters import EVERYTHING, Condition, Filter
from db.reading.page_query import PageQuery, Service
from db.reading.page_statements import (
    PageForm,
    beyond_bounded_scan,
    bounded_scan,
    full_sort,
    index_page,
    merge_by_group,
)
from db.reading.paging import (
    NEWEST_FIRST,
    Order,
    Position,
    position_of,
    reverse,
)
from db.reading.statement_cache import BindParameters, Build, Statement, StatementCache
from db.source import NATIVE, ExecutionRow, ExecutionSource
from db.texts import NO_CHARACTER
from db.writing.changes import DeleteOutcome, UpdateOutcome, Writing

_STREAM_BATCH = 1000
_LOOKED_UP = 100
_COMPILED_IN_PLACE = 40
_NEAR = 100
"""Skipping so many rows costs less than to count first."""
_FAR = 10_000
"""Skipping so many costs more, even where nobody asks for the total."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the order that was asked for, and whether there are more in the page's direction."""

    rows: tuple[ExecutionRow, ...]
    has_more: bool


class Executions:
    """The executions of a database, read and changed where a source says they are."""

    def __init__(self, database: Database, source: ExecutionSource = NATIVE) -> None:
        self._database = database
        self._source = source
        self._statements = StatementCache(database.dialect)
        self._writing = Writing(database.dialect, source)

    async def find(self, guid: str) -> ExecutionRow | None:
        """The execution with a guid, if there is one."""
        row = await self.find_fields(ExecutionRow._fields, guid)
        return None if row is None else ExecutionRow._make(row)

    async def find_fields(self, fields: tuple[str, ...], guid: str) -> tuple[Any, ...] | None:
        """Some fields of the execution with a guid, if there is one."""
        if NO_CHARACTER in guid:
            [guid] = await self._as_stored([guid])

        def build(places: BindParameters) -> Select[Any]:
            columns = [self._source.column(field) for field in fields]
            return select(*columns).where(self._source.guid == places.bind("guid"))

        statement = self._statements.get(fields, build)
        rows = await self._database.read(statement.text, (guid,), is_short=True)
        return rows[0] if rows else None

    async def find_page(
        self,
        filter_: Filter = EVERYTHING,
        order: Order = NEWEST_FIRST,
        *,
        limit: int,
        after: Position | None = None,
        before: Position | None = None,
        backward: bool = False,
    ) -> Page:
        """At most ``limit`` executions between two positions of an order.

        They are the first ones after ``after``, or when ``backward`` is true the last ones
        before ``before``.
        """
        direction = reverse(order) if backward else order
        rows = await self.select(
            ExecutionRow._fields,
            filter_,
            direction,
            limit=limit + 1,
            after=before if backward else after,
            before=after if backward else before,
        )
        kept = tuple(map(ExecutionRow._make, rows[:limit]))
        return Page(tuple(reversed(kept)) if backward else kept, len(rows) > limit)

    async def find_offset(
        self, filter_: Filter, order: Order, *, offset: int, limit: int
    ) -> tuple[ExecutionRow, ...]:
        """At most ``limit`` executions after skipping ``offset``; slower the more are skipped."""
        rows = await self.select_numbered(
            ExecutionRow._fields, filter_, order, offset=offset, limit=limit
        )
        return tuple(map(ExecutionRow._make, rows))

    async def select_numbered(
        self, fields: tuple[str, ...], filter_: Filter, order: Order, *, offset: int, limit: int
    ) -> Sequence[tuple[Any, ...]]:
        """Some fields of at most ``limit`` executions after skipping ``offset``.

        Before many are skipped they are counted: nothing is read beyond the end.
        """
        if offset >= _FAR and offset >= await self.count(filter_):
            return ()
        return await self.select(fields, filter_, order, limit=limit, offset=offset)

    async def select(
        self,
        fields: tuple[str, ...],
        filter_: Filter,
        order: Order = (),
        *,
        limit: int | None = None,
        offset: int | None = None,
        after: Position | None = None,
        before: Position | None = None,
        inclusive: bool = False,
    ) -> Sequence[tuple[Any, ...]]:
        """Some fields of the matching executions that lie between two positions of an order.

        With ``inclusive`` they include the row at ``after``. Raises InvalidInput for
        a filter that is too large.
        """
        # Nothing to skip makes a page that an index bounds.
        query = PageQuery(fields, filter_, order, limit, offset or None, after, before, inclusive)
        values: list[Any] = []
        cache_key = query.cache_key(values)

        def first_form(places: BindParameters) -> Any:
            form = bounded_scan if query.service() is Service.SEARCHED else index_page
            return form(query, places, self._source)

        first = self._statements.find(cache_key) or await self._compiled(
            cache_key, first_form, values, query.service
        )
        if first.about is Service.SEARCHED and query.is_in_few_stretches():
            return await self._read(merge_by_group, query, cache_key, values)
        rows = await self._database.read(
            first.text, first.parameters(values), is_short=first.about is Service.BOUNDED
        )
        if first.about is not Service.SEARCHED or len(rows) == limit:
            return rows
        if not await self._read(beyond_bounded_scan, query, cache_key, values):
            return rows
        form = merge_by_group if query.is_on_dimensions() else full_sort
        return await self._read(form, query, cache_key, values)

    async def select_with_total(
        self, fields: tuple[str, ...], filter_: Filter, order: Order, **page: Any
    ) -> tuple[Sequence[tuple[Any, ...]], int]:
        """What ``select`` finds for a page, and how many match in all.

        Before many are skipped they are counted: nothing is read beyond the end.
        """
        if (offset := page.get("offset") or 0) >= _NEAR:
            total = await self.count(filter_)
            if offset >= total:
                return (), total
            return await self.select(fields, filter_, order, **page), total
        rows, total = await asyncio.gather(
            self.select(fields, filter_, order, **page), self.count(filter_)
        )
        return rows, total

    async def _read(
        self, form: PageForm, query: PageQuery, cache_key: Hashable, values: list[Any]
    ) -> Sequence[tuple[Any, ...]]:
        key = (form, cache_key)
        statement = self._statements.find(key) or await self._compiled(
            key, lambda places: form(query, places, self._source), values
        )
        return await self._database.read(statement.text, statement.parameters(values))

    async def _compiled(
        self, cache_key: Hashable, build: Build, values: Sequence[Any], about: Any = None
    ) -> Statement:
        if len(values) <= _COMPILED_IN_PLACE:
            return self._statements.get(cache_key, build, about)
        # To compile hundreds of conditions takes longer than the loop may be held up.
        statement = await asyncio.to_thread(self._statements.compile, build, about)
        return self._statements.keep(cache_key, statement)

    def metrics(self) -> list[Metric]:
        """How full the stores of statements are."""
        return self._statements.metrics()

    async def stream(self, filter_: Filter = EVERYTHING) -> AsyncIterator[Sequence[ExecutionRow]]:
        """All matching executions, newest first, in batches of a bounded size.

        No connection is held between batches. What is created meanwhile is not in it; what
        is deleted meanwhile may be.
        """
        position: Position | None = None
        while True:
            page = await self.find_page(filter_, limit=_STREAM_BATCH, after=position)
            if page.rows:
                yield page.rows
            if not page.has_more:
                return
            position = position_of(page.rows[-1], NEWEST_FIRST)

    async def count(self, filter_: Filter = EVERYTHING) -> int:
        """How many executions match."""
        values: list[Any] = []
        plan = plan_count(filter_)
        if plan is None:
            cache_key: Hashable = ("rows", cache_key_of(filter_, values))
        elif not plan.edges and not plan.sums:
            return 0
        else:
            cache_key = ("counts", plan.cache_key(values))

        def build(places: BindParameters) -> Select[Any]:
            if plan is not None:
                return plan.build(places, self._source)
            counted = select(func.count()).select_from(self._source.table)
            return counted.where(where(filter_, self._source, places.bind))

        statement = self._statements.find(cache_key) or await self._compiled(
            cache_key, build, values
        )
        is_short = plan is not None and plan.is_short
        [(count,)] = await self._database.read(
            statement.text, statement.parameters(values), is_short=is_short
        )
        return int(count)

    async def any_beyond(
        self, filter_: Filter, order: Order, position: Position, *, inclusive: bool = False
    ) -> bool:
        """Whether any matching execution comes after a position, or at it if ``inclusive``."""
        return bool(
            await self.select(("id",), filter_, order, limit=1, after=position, inclusive=inclusive)
        )

    async def update(
        self,
        guids: Iterable[str],
        state: ExecutionState | None,
        expected: ExecutionState | None = None,
    ) -> UpdateOutcome:
        """Set the state of executions, in one transaction.

        With ``expected``, those in another state are left alone and reported as conflicts.
        An execution that is in the state already keeps its ``updated_on``. Without a
        ``state`` nothing changes. A guid that comes twice counts once.
        """
        wanted = tuple(dict.fromkeys(await self._as_stored(guids)))
        if state and len(wanted) == 1 and pays_for_messages(self._database.dialect):
            rows = await self._database.change_at_once(
                *self._writing.update_of_one(wanted[0], state, expected)
            )
            return self._writing.outcome_of_one(rows, wanted[0], expected)
        return await self._database.change(
            lambda execute: self._writing.update(execute, wanted, state, expected)
        )

    async def _as_stored(self, guids: Iterable[str]) -> list[str]:
        """Guids as the table has them, where clients were shown some that are not UTF-8."""
        found, looked_up = [], 0
        for guid in guids:
            if NO_CHARACTER in guid and looked_up < _LOOKED_UP:
                looked_up += 1
                named = await self.select(("guid",), Condition("guid", "eq", guid), limit=2)
                stored = {row[0] for row in named}
                found.append(guid if guid in stored or not stored else min(stored))
            else:
                found.append(guid)
        return found

    async def delete(self, guids: Iterable[str]) -> DeleteOutcome:
        """Delete executions, in one statement. A guid that comes twice counts once."""
        wanted = tuple(dict.fromkeys(await self._as_stored(guids)))
        rows = await self._database.change_at_once(*self._writing.deletion(wanted))
        return self._writing.outcome_of_deletion(rows, wanted)
