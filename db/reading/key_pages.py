"""Read a page of each of many keys, in as many statements as for one of them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from db.database import Rows
from db.dialect import listed
from db.reading.key_counts import KeyCountQuery
from db.reading.key_statements import KeyForm, KeyPath, forms_of, rows_of_keys
from db.reading.page_query import Page, PageQuery
from db.reading.paging import Row, reverse
from db.reading.row_query import RowQuery
from db.reading.runner import Runner
from db.source import ExecutionSource

_SHORT = 500
"""With at most this many rows, a read is short."""


class KeyPages:
    """Reads the pages of many agentflows, or of many sessions."""

    def __init__(self, runner: Runner, source: ExecutionSource) -> None:
        self._runner = runner
        self._source = source

    async def read(self, query: PageQuery, by: str, keys: Sequence[str]) -> list[Page]:
        """Read the page of each key: of the executions whose field ``by`` equals it."""
        if not query.with_rows:
            totals = await self._totals(query, by, keys)
            return [Page((), totals.get(key, 0)) for key in keys]
        found, totals, others = await asyncio.gather(
            self._rows(query.row_query, by, keys),
            self._totals(query, by, keys),
            self._others(query, by, keys),
        )
        pages = []
        for key in keys:
            rows: Sequence[Row] = found[key]
            has_more = len(rows) > query.limit
            rows = rows[: query.limit]
            has_other = bool(others.get(key))
            if query.from_end:
                has_next, has_previous, rows = has_other, has_more, rows[::-1]
            else:
                has_next, has_previous = has_more, has_other
            pages.append(Page(rows, totals.get(key, 0), has_next, has_previous))
        return pages

    async def _rows(
        self, query: RowQuery, by: str, keys: Sequence[str]
    ) -> Mapping[str, Sequence[Row]]:
        """Return the first rows of each key."""
        form, rest = forms_of(query, by)
        if not form.is_bounded:
            return await self._all(query, form, keys)
        most = query.limit or 0
        groups: dict[str, list[Row]] = {key: [] for key in keys}
        unfinished = set()
        for *fields, key, has_more, found in await self._read(query, form, keys):
            if found is not None and len(groups[key]) < most:
                groups[key].append(tuple(fields))
            if has_more:
                unfinished.add(key)
        others = [key for key in keys if key in unfinished and len(groups[key]) < most]
        if others:
            groups.update(await self._all(query, rest, others))
        return groups

    async def _all(
        self, query: RowQuery, form: KeyForm, keys: Sequence[str]
    ) -> dict[str, list[Row]]:
        most = query.limit or 0
        groups: dict[str, list[Row]] = {key: [] for key in keys}
        for row in await self._read(query, form, keys):
            group = groups[row[-1]]
            if len(group) < most:
                group.append(row[:-1])
        return groups

    async def _read(self, query: RowQuery, form: KeyForm, keys: Sequence[str]) -> Rows:
        listing = listed(tuple(keys))
        values: list[Any] = [*listing, form.depth(query, len(keys))]
        return await self._runner.read(
            (form, len(listing), query.cache_key(values)),
            lambda parameters: rows_of_keys(query, form, len(listing), parameters, self._source),
            values,
            is_short=form.path is KeyPath.FIRSTS and len(keys) * (query.limit or 0) <= _SHORT,
        )

    async def _others(
        self, query: PageQuery, by: str, keys: Sequence[str]
    ) -> Mapping[str, Sequence[Row]]:
        """Return a row of each key that has one on the side at which reading begins."""
        cursor = query.before if query.from_end else query.after
        if not query.with_both_sides or cursor is None:
            return {}
        order = query.order if query.from_end else reverse(query.order)
        beyond = RowQuery(("id",), query.filter, order, limit=1, after=cursor, inclusive=True)
        return await self._rows(beyond, by, keys)

    async def _totals(self, query: PageQuery, by: str, keys: Sequence[str]) -> Mapping[str, int]:
        if not query.with_total:
            return {}
        count_query = KeyCountQuery(query.filter, by)
        if count_query.is_zero:
            return {}
        listing = listed(tuple(keys))
        values: list[Any] = []
        rows = await self._runner.read(
            count_query.cache_key(listing, values),
            lambda parameters: count_query.build(listing, parameters, self._source),
            values,
            is_short=count_query.is_short and len(keys) <= _SHORT,
        )
        return {key: int(count) for key, count in rows}
