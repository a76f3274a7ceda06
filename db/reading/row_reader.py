"""Find the rows of a query by one statement, or by a few where no index serves it."""

from collections.abc import Awaitable, Hashable
from typing import Any

from db.database import Rows
from db.reading.page_statements import (
    PageForm,
    beyond_bounded_scan,
    bounded_scan,
    full_sort,
    index_page,
    merge_by_group,
)
from db.reading.row_query import AccessPath, RowQuery
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters
from db.source import ExecutionSource


class RowReader:
    """Reads the rows of queries, in the tables of a source."""

    def __init__(self, runner: Runner, source: ExecutionSource) -> None:
        self._runner = runner
        self._source = source

    def rows(self, query: RowQuery) -> Awaitable[Rows]:
        """Begin to read the rows of a query."""
        if query.read is None:
            values: list[Any] = []
            cache_key = query.cache_key(values)
            statement = self._runner.statements.find(cache_key)
            if statement is None or statement.about is AccessPath.SCANNED:
                return self._search(query, cache_key, values)
            query.read = statement, statement.parameters(values)
        statement, parameters = query.read
        return self._runner.database.read(
            statement.text, parameters, is_short=statement.about is AccessPath.INDEX_RANGE
        )

    async def _search(self, query: RowQuery, cache_key: Hashable, values: list[Any]) -> Rows:
        """Read rows when the statement is unknown, or may not find all of them."""

        def first_form(parameters: BindParameters) -> Any:
            form = bounded_scan if query.access_path() is AccessPath.SCANNED else index_page
            return form(query, parameters, self._source)

        first = await self._runner.compiled(cache_key, first_form, values, query.access_path)
        if first.about is AccessPath.SCANNED and query.is_in_few_index_ranges():
            return await self._read(merge_by_group, query, cache_key, values)
        rows = await self._runner.database.read(
            first.text, first.parameters(values), is_short=first.about is AccessPath.INDEX_RANGE
        )
        if first.about is not AccessPath.SCANNED or len(rows) == query.limit:
            return rows
        if not await self._read(beyond_bounded_scan, query, cache_key, values):
            return rows
        # An agentflow in a state may have any number of executions in other workspaces.
        merges = query.is_on_dimensions() and not query.is_of_workspace
        form = merge_by_group if merges else full_sort
        return await self._read(form, query, cache_key, values)

    async def _read(
        self, form: PageForm, query: RowQuery, cache_key: Hashable, values: list[Any]
    ) -> Rows:
        return await self._runner.read(
            (form, cache_key), lambda parameters: form(query, parameters, self._source), values
        )
