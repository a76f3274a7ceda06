"""Read executions: one of them, a page, a count, or all of them in batches."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, select

from db.database import Database, Metric, Rows
from db.dialect import among_listed, listed
from db.reading.count_query import CountQuery
from db.reading.filters import EVERYTHING, Filter
from db.reading.key_pages import KeyPages
from db.reading.page_query import Page, PageQuery
from db.reading.paging import NEWEST_FIRST, Order, Position, Row, position_getter, reverse
from db.reading.row_query import RowQuery
from db.reading.row_reader import RowReader
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters
from db.reading.statistics import Statistics, StatisticsQuery, check_timelines
from db.reading.statistics_statements import Parents, StatisticsStatement
from db.reading.stored_texts import stored_texts
from db.reading.workspaces import Viewed
from db.source import NATIVE, ExecutionRow, ExecutionSource
from db.texts import NO_CHARACTER

_STREAM_BATCH = 1000
_COUNT_FIRST_WITH_TOTAL = 100
"""From this offset on, count before skipping rows, if the total is needed anyway."""
_COUNT_FIRST_ALWAYS = 10_000
"""From this offset on, count before skipping rows in any case."""


_RESULTS_ON_THE_LOOP = 1_000
"""Statistics of more rows than this are put together in a thread."""

_Query = TypeVar("_Query", PageQuery, StatisticsQuery)


class Reader(Viewed):
    """Reads the executions of a database, in the tables of a source."""

    def __init__(self, database: Database, source: ExecutionSource = NATIVE) -> None:
        self._database = database
        self._source = source
        self._runner = Runner(database)
        self._row_reader = RowReader(self._runner, source)
        self._key_pages = KeyPages(self._runner, source)

    def metrics(self) -> list[Metric]:
        """Return the use of the statement cache."""
        return self._runner.statements.metrics()

    async def find(self, guid: str) -> ExecutionRow | None:
        """Return the execution with a guid, or None."""
        row = await self.find_fields(ExecutionRow._fields, guid)
        return None if row is None else ExecutionRow._make(row)

    async def find_fields(self, fields: tuple[str, ...], guid: str) -> Row | None:
        """Return some fields of the execution with a guid, or None."""
        if NO_CHARACTER in guid:
            [guid] = await self.stored_guids([guid])

        def build(parameters: BindParameters) -> Select[Any]:
            columns = [self._source.column(field) for field in fields]
            found = select(*columns).where(self._source.guid == parameters.bind("guid"))
            return found.where(*self._workspace.conditions(self._source, parameters))

        values = (guid, *self._workspace.values)
        rows = await self._runner.read(("one", fields, len(values)), build, values, is_short=True)
        return rows[0] if rows else None

    async def find_many(self, fields: tuple[str, ...], guids: Sequence[str]) -> list[Row | None]:
        """Return some fields of the execution with each guid, or None."""
        stored = await self.stored_guids(guids)
        named = listed(tuple(stored))
        own = self._workspace.values

        def build(parameters: BindParameters) -> Select[Any]:
            bound = tuple(parameters.bind("guid") for _ in named)
            columns = [self._source.column(field) for field in (*fields, "guid")]
            found = select(*columns).where(among_listed(self._source.guid, bound))
            return found.where(*self._workspace.conditions(self._source, parameters))

        key = ("many", fields, len(named), len(own))
        rows = await self._runner.read(key, build, (*named, *own))
        found = {row[-1]: tuple(row[:-1]) for row in rows}
        return [found.get(guid) for guid in stored]

    async def pages(self, query: PageQuery, by: str, keys: Sequence[str]) -> list[Page]:
        """Read the page of each key: of the executions whose field ``by`` equals it.

        ``by`` is ``agentflow_id`` or ``session_id``; the keys are distinct, and the query has no
        offset. It takes as many statements for many keys as for one. Raises InvalidInput if the
        filter is too large.
        """
        return await self._key_pages.read(self._seen(query), by, keys) if keys else []

    async def page(self, query: PageQuery) -> Page:
        """Read a page. Raises InvalidInput if its filter is too large."""
        query = self._seen(query)
        if not query.with_rows:
            return Page((), await self._total(query) if query.with_total else 0)
        if query.offset is not None:
            return await self._numbered_page(query)
        total = 0
        if query.with_total:
            found, total = await self._rows_and_total(query)
        else:
            found = await self._row_reader.rows(query.row_query)
        rows = found[: query.limit]
        has_more = len(found) > query.limit
        if query.from_end:
            rows = rows[::-1]
        has_other = query.with_both_sides and await self._has_other_side(query, rows)
        if query.from_end:
            return Page(rows, total, has_next=has_other, has_previous=has_more)
        return Page(rows, total, has_next=has_more, has_previous=has_other)

    def _seen(self, query: _Query) -> _Query:
        filter_ = self._workspace.only(query.filter)
        return query if filter_ is query.filter else replace(query, filter=filter_)

    async def _numbered_page(self, query: PageQuery) -> Page:
        # Count before skipping many rows, so that nothing is read beyond the end.
        offset = query.offset or 0
        if query.with_total:
            if offset < _COUNT_FIRST_WITH_TOTAL:
                return Page(*await self._rows_and_total(query))
            total = await self._total(query)
            return Page(
                await self._row_reader.rows(query.row_query) if offset < total else (), total
            )
        if offset >= _COUNT_FIRST_ALWAYS and offset >= await self._total(query):
            return Page(())
        return Page(await self._row_reader.rows(query.row_query))

    async def _rows_and_total(self, query: PageQuery) -> tuple[Rows, int]:
        """Read the rows and the total, at the same time if the database can."""
        if query.count_query.is_zero:
            return await self._row_reader.rows(query.row_query), 0
        rows, counts = await _gather(
            self._row_reader.rows(query.row_query), self._count(query.count_query)
        )
        return rows, int(counts[0][0])

    async def _total(self, query: PageQuery) -> int:
        if query.count_query.is_zero:
            return 0
        [(total,)] = await self._count(query.count_query)
        return int(total)

    async def _has_other_side(self, query: PageQuery, rows: Sequence[Row]) -> bool:
        """Whether there are rows on the side of a page at which reading begins."""
        cursor = query.before if query.from_end else query.after
        if cursor is None:
            # The page begins at an end of the list.
            return False
        order = query.order if query.from_end else reverse(query.order)
        if rows:
            edge = rows[-1 if query.from_end else 0]
            cursor = position_getter(query.fields, query.order)(edge)
        beyond = RowQuery(("id",), query.filter, order, limit=1, after=cursor, inclusive=not rows)
        return bool(await self._row_reader.rows(beyond))

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
    ) -> Rows:
        """Return some fields of the matching executions between two positions of an order.

        With ``inclusive`` they include the row at ``after``. Raises InvalidInput if the filter is
        too large.
        """
        seen = self._workspace.only(filter_)
        query = RowQuery(fields, seen, order, limit, offset or None, after, before, inclusive)
        return await self._row_reader.rows(query)

    async def count(self, filter_: Filter = EVERYTHING) -> int:
        """Return the number of matching executions."""
        query = CountQuery(self._workspace.only(filter_))
        if query.is_zero:
            return 0
        [(count,)] = await self._count(query)
        return int(count)

    async def statistics(self, query: StatisticsQuery) -> Statistics:
        """Return statistics of the matching executions.

        Raises InvalidInput if a timeline has too many buckets, or the filter is too large.
        """
        check_timelines(query.range, query.buckets)
        return (await self._statistics(query))[0]

    async def statistics_of(
        self, query: StatisticsQuery, by: str, keys: Sequence[str]
    ) -> list[Statistics]:
        """Return the statistics of each key: of the executions whose field ``by`` equals it.

        ``by`` is ``agentflow_id`` or ``session_id``; the keys are distinct. One statement reads all
        of them. Raises InvalidInput as ``statistics`` does, and if the timelines have too many
        buckets together.
        """
        check_timelines(query.range, query.buckets, len(keys))
        return await self._statistics(query, Parents(by, tuple(keys))) if keys else []

    async def _statistics(
        self, query: StatisticsQuery, parents: Parents | None = None
    ) -> list[Statistics]:
        statement = StatisticsStatement(self._seen(query), parents)
        rows: Rows = ()
        if statement.is_needed:
            values: list[Any] = []
            cache_key = statement.cache_key(values)
            rows = await self._runner.read(
                cache_key,
                lambda parameters: statement.build(parameters, self._source),
                values,
                is_short=statement.is_short,
            )
        if len(rows) <= _RESULTS_ON_THE_LOOP:
            return statement.results(rows)
        return await asyncio.to_thread(statement.results, rows)

    def _count(self, query: CountQuery) -> Awaitable[Rows]:
        """Begin to count."""
        if query.read is None:
            values: list[Any] = []
            cache_key = query.cache_key(values)
            statement = self._runner.statements.find(cache_key)
            if statement is None:
                return self._compile_and_count(query, cache_key, values)
            query.read = statement, statement.parameters(values)
        statement, parameters = query.read
        return self._database.read(statement.text, parameters, is_short=query.is_short)

    async def _compile_and_count(
        self, query: CountQuery, cache_key: Hashable, values: list[Any]
    ) -> Rows:
        return await self._runner.read(
            cache_key,
            lambda parameters: query.build(parameters, self._source),
            values,
            is_short=query.is_short,
        )

    async def stream(
        self, fields: tuple[str, ...], filter_: Filter = EVERYTHING
    ) -> AsyncIterator[Sequence[Row]]:
        """Yield some fields of all matching executions, newest first, in batches.

        Holds no connection between batches. Executions created meanwhile are not included; those
        deleted meanwhile may be missing.
        """
        names = [term.field for term in NEWEST_FIRST]
        read = (*fields, *(name for name in names if name not in fields))
        position_of = position_getter(read, NEWEST_FIRST)
        position: Position | None = None
        while True:
            page = await self.page(PageQuery(read, filter_, limit=_STREAM_BATCH, after=position))
            if page.rows:
                yield page.rows
            if not page.has_next:
                return
            position = position_of(page.rows[-1])

    async def stored_guids(self, guids: Iterable[str]) -> list[str]:
        """Return guids as they are stored, where clients see replacement characters."""
        guids = list(guids)

        def own(parameters: BindParameters) -> list[ColumnElement[bool]]:
            return self._workspace.conditions(self._source, parameters)

        column = self._source.guid, own
        stored = await stored_texts(self._runner, (column,), guids, self._workspace.values)
        return [stored.get(guid, guid) for guid in guids]


async def _gather(rows: Awaitable[Rows], counts: Awaitable[Rows]) -> tuple[Rows, Rows]:
    if not (isinstance(rows, asyncio.Future) and isinstance(counts, asyncio.Future)):
        return await asyncio.gather(rows, counts)
    # Both are running already and need no task.
    try:
        return await rows, await counts
    except BaseException:
        counts.cancel()
        raise
