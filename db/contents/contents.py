"""Find what engines left of executions, never more bytes of it than a caller has room for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, exists, select

from db.database import Database, Rows
from db.dialect import ListedNumbers, Octets
from db.models import Base, ExecutionData
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters
from db.reading.workspaces import Viewed
from db.source import NATIVE


class Content(NamedTuple):
    """What an engine left of an execution, in bytes of UTF-8.

    ``text`` is None if there is nothing, and ``size`` is 0; or if there was no room for it.
    """

    text: str | None
    size: int


@dataclass(frozen=True, slots=True)
class ContentSource:
    """The columns of contents, in ``table``; ``data`` may be null."""

    table: FromClause
    execution_id: ColumnElement[int]
    data: ColumnElement[str | None]


_data = Base.metadata.tables[ExecutionData.__tablename__]

EXECUTION_DATA = ContentSource(_data, _data.c.execution_id, _data.c.data)
"""The gateway's own table."""


class Contents(Viewed):
    """The contents of the executions of a database, in the tables of ``source``.

    A view sees those of executions that are in its workspace now.
    """

    def __init__(self, database: Database) -> None:
        self._runner = Runner(database)
        self.source = EXECUTION_DATA

    async def find_many(self, execution_ids: Sequence[int], max_bytes: int) -> list[Content]:
        """Return the content of each execution, in at most two statements.

        A content that is larger than what those before it leave of ``max_bytes`` is left out, and
        only its size is told. Each id is given once.
        """
        sizes = {row[0]: row[1] for row in await self._read(execution_ids, with_texts=False)}
        wanted = _first_within(max_bytes, execution_ids, sizes)
        texts: dict[int, str] = {}
        if wanted:
            rows = await self._read(wanted, with_texts=True)
            # One may have grown meanwhile.
            sizes |= {row[0]: row[1] for row in rows}
            within = frozenset(_first_within(max_bytes, wanted, sizes))
            texts = {row[0]: row[2] for row in rows if row[0] in within}
        return [Content(texts.get(each), sizes.get(each, 0)) for each in execution_ids]

    async def _read(self, execution_ids: Sequence[int], *, with_texts: bool) -> Rows:
        source = self.source
        columns: list[ColumnElement[Any]] = [source.execution_id, Octets(source.data)]
        if with_texts:
            columns.append(source.data)

        def build(parameters: BindParameters) -> Select[Any]:
            listed = ListedNumbers(parameters.bind("guid"))
            is_listed: ColumnElement[bool] = source.execution_id.bool_op("IN")(listed)
            found: Select[Any] = select(*columns).select_from(source.table)
            found = found.where(is_listed, source.data.is_not(None))
            # The contents may be in tables that are joined with this one.
            seen = NATIVE.moved_to(NATIVE.written.alias("seen"))
            own = self._workspace.conditions(seen, parameters)
            if not own:
                return found
            return found.where(exists().where(seen.id == source.execution_id, *own))

        values = [json.dumps([*execution_ids]), *self._workspace.values]
        return await self._runner.read((source, with_texts, len(values)), build, values)


def _first_within(
    max_bytes: int, execution_ids: Sequence[int], sizes: Mapping[int, int]
) -> list[int]:
    """Return those that there is room for, each after those before it."""
    found: list[int] = []
    left = max_bytes
    for each in execution_ids:
        size = sizes.get(each)
        if size is not None and size <= left:
            found.append(each)
            left -= size
    return found
