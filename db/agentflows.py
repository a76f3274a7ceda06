"""The agentflows of a database, in the order of their names."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, union_all

from db.database import Database, Rows
from db.dialect import NameKey, each_listed, keeps_order, listed
from db.reading.filter_statements import cache_key_of, flow_where
from db.reading.page_query import Page, PageQuery
from db.reading.paging import (
    BoundPosition,
    Order,
    Position,
    Term,
    branches_beyond,
    order_by,
    position_getter,
    reverse,
)
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters, nulls_of, present
from db.reading.stored_texts import stored_texts
from db.reading.workspaces import Viewed
from db.source import NATIVE, ExecutionSource


class AgentflowRow(NamedTuple):
    """An agentflow as it is read from the database; its columns are named as in executions."""

    agentflow_id: str
    agentflow_name: str | None


BY_NAME: Order = (Term("agentflow_name", descending=False), Term("agentflow_id", descending=False))
"""The order of agentflows: those without a name come first."""


class _Columns:
    """The columns by which agentflows are sorted."""

    def __init__(self, name: ColumnElement[Any], agentflow_id: ColumnElement[Any]) -> None:
        self._columns: dict[str, ColumnElement[Any]] = {
            "agentflow_name": name,
            "agentflow_id": agentflow_id,
        }

    def column(self, field: str) -> ColumnElement[Any]:
        """Return the column of a field of the order."""
        return self._columns[field]


class Agentflows(Viewed):
    """The agentflows of a database, in the tables of a source.

    A view sees those that an execution in its workspace has run.
    """

    def __init__(self, database: Database, source: ExecutionSource = NATIVE) -> None:
        self._runner = Runner(database)
        self._source = source
        self._columns: dict[str, ColumnElement[Any]] = {
            "agentflow_id": source.flow_key,
            "agentflow_name": source.flow_name,
        }
        self._sorted = _Columns(NameKey(source.flow_name), source.flow_key)

    def _where(self, query: PageQuery, parameters: BindParameters) -> ColumnElement[bool]:
        """Build the condition of a query, which binds its filter and then the workspace."""
        condition = flow_where(query.filter, self._source, parameters.bind)
        return and_(condition, *self._own_flows(parameters))

    def _own_flows(self, parameters: BindParameters) -> list[ColumnElement[bool]]:
        """Build what rows of the agentflows must meet to be seen."""
        source = self._source
        own = self._workspace.conditions(source, parameters, by_index=True)
        return [exists().where(source.agentflow_id == source.flow_key, *own)] if own else []

    def _own_executions(self, parameters: BindParameters) -> list[ColumnElement[bool]]:
        """Build what rows of the executions must meet to be seen."""
        return self._workspace.conditions(self._source, parameters)

    async def page(self, query: PageQuery) -> Page:
        """Read a page of the agentflows in the order ``BY_NAME``, which the query must have.

        Its fields are those of ``AgentflowRow``; its filter has conditions on ``agentflow_name``
        alone. It must be read from the beginning, without ``before``.
        """
        found = await self._rows(query, BY_NAME, query.fields, query.limit + 1, query.after)
        rows = found[: query.limit]
        total = await self._count(query) if query.with_total else 0
        has_previous = query.with_both_sides and await self._has_before(query, rows)
        return Page(rows, total, has_next=len(found) > query.limit, has_previous=has_previous)

    async def _has_before(self, query: PageQuery, rows: Rows) -> bool:
        if query.after is None:
            return False
        position = position_getter(query.fields, BY_NAME)(rows[0]) if rows else query.after
        order = reverse(BY_NAME)
        found = await self._rows(query, order, ("agentflow_id",), 1, position, inclusive=not rows)
        return bool(found)

    async def _rows(
        self,
        query: PageQuery,
        order: Order,
        fields: tuple[str, ...],
        limit: int,
        after: Position | None,
        *,
        inclusive: bool = False,
    ) -> Rows:
        own = self._workspace.values
        values: list[Any] = []
        cache_key = (
            fields,
            cache_key_of(query.filter, values),
            len(own),
            order,
            nulls_of(after),
            inclusive,
        )
        values += [*own, *present(after or ()), limit]

        def build(parameters: BindParameters) -> Any:
            condition = self._where(query, parameters)
            bound = None if after is None else _bind(parameters, order, after)
            most = parameters.bind_number()
            selected: list[Any] = [self._columns[field].label(field) for field in fields]
            # For parts that have to be merged.
            selected += [
                self._sorted.column(term.field).label(f"by_{term.field}") for term in order
            ]
            found = select(*selected).where(condition).order_by(*order_by(order, self._sorted))
            found = found.limit(most)
            if bound is None:
                return found
            branches = branches_beyond(order, bound, self._sorted, inclusive=inclusive)
            # Each part is a range of the index; they follow each other in the order.
            parts = [found.where(branch).subquery() for branch in branches]
            together = union_all(*(select(*part.c) for part in parts))
            if keeps_order(parameters.dialect):
                return together.limit(most)
            merged = together.subquery("parts")
            merged_by = _Columns(merged.c.by_agentflow_name, merged.c.by_agentflow_id)
            return select(merged).order_by(*order_by(order, merged_by)).limit(most)

        rows = await self._runner.read(cache_key, build, values)
        return [row[: len(fields)] for row in rows]

    async def _count(self, query: PageQuery) -> int:
        values: list[Any] = []
        own = self._workspace.values
        cache_key = ("count", cache_key_of(query.filter, values), len(own))
        values += own

        def build(parameters: BindParameters) -> Select[Any]:
            condition = self._where(query, parameters)
            counted = select(func.count()).select_from(self._source.flow_key.table)
            return counted.where(condition)

        [(count,)] = await self._runner.read(cache_key, build, values)
        return int(count)

    async def find_many(self, ids: Sequence[str]) -> list[AgentflowRow | None]:
        """Return the agentflow of each id, or None.

        One that is gone but still has executions is found, without a name. Ids that are not UTF-8
        may be given as clients see them.
        """
        found = await self._find(ids)
        source = self._source
        columns = (
            (source.agentflow_id, self._own_executions),
            (source.flow_key, self._own_flows),
        )
        missing = [each for each in ids if each not in found]
        stored = await stored_texts(self._runner, columns, missing, self._workspace.values)
        if stored:
            of_stored = await self._find(tuple(stored.values()))
            found.update({each: of_stored[text] for each, text in stored.items()})
        return [found.get(each) for each in ids]

    async def _find(self, ids: Sequence[str]) -> dict[str, AgentflowRow]:
        values = listed(tuple(ids))

        def build(parameters: BindParameters) -> Select[Any]:
            source = self._source
            bound = tuple(parameters.bind("agentflow_id") for _ in values)
            keys = each_listed(bound)
            conditions = self._workspace.conditions(source, parameters, by_index=True)
            is_seen: ColumnElement[bool] = exists().where(
                source.agentflow_id == keys.c.value, *conditions
            )
            if not conditions:
                is_seen = or_(source.flow_key.is_not(None), is_seen)
            return (
                select(keys.c.value, source.flow_name)
                .select_from(keys)
                .outerjoin(source.flow_key.table, source.flow_key == keys.c.value)
                .where(is_seen)
            )

        own = self._workspace.values
        key = ("many", len(values), len(own))
        rows = await self._runner.read(key, build, (*values, *own), is_short=True)
        return {row[0]: AgentflowRow(row[0], row[1]) for row in rows}


def _bind(parameters: BindParameters, order: Order, position: Position) -> BoundPosition:
    bound = parameters.bind_position(order, position)
    return tuple(
        NameKey(value) if term.field == "agentflow_name" and value is not None else value
        for term, value in zip(order, bound, strict=True)
    )
