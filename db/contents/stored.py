"""Find the contents of executions, never more bytes than the caller has room for."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, exists, select

from db.contents.turns import Turns
from db.database import Database, Rows
from db.dialect import ListedNumbers, Octets
from db.models import Base, ExecutionData
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters
from db.reading.workspaces import Viewed
from db.source import NATIVE


class StoredContent(NamedTuple):
    """The data that an engine recorded for an execution.

    ``size`` is in bytes of UTF-8, and 0 if the engine recorded nothing. ``text`` is None then, and
    if there was no room for it.
    """

    text: str | None
    size: int


@dataclass(frozen=True, slots=True)
class ContentSource:
    """The columns of contents, in ``table``; ``data`` may be null."""

    table: FromClause
    execution_id: ColumnElement[int]
    data: ColumnElement[str | None]


_LARGE = 2**20
"""From how many bytes on contents are read one response after the other."""
_data = Base.metadata.tables[ExecutionData.__tablename__]

EXECUTION_DATA = ContentSource(_data, _data.c.execution_id, _data.c.data)
"""The gateway's own table."""


class ContentReader(Viewed):
    """Reads the contents of the executions of a database, in the tables of ``source``.

    A view of a workspace sees those of the executions that are in the workspace now.
    """

    def __init__(self, database: Database) -> None:
        self._runner = Runner(database)
        self._small, self._large = Turns(4), Turns(1)
        self.source = EXECUTION_DATA

    def turn(self, size: int) -> AbstractAsyncContextManager[None]:
        """Return a context manager that waits for its turn to read ``size`` bytes, and holds it."""
        return (self._large if size > _LARGE else self._small).take(size)

    async def sizes(self, execution_ids: Sequence[int]) -> dict[int, int]:
        """Return the size in bytes of each content that there is, by the id of its execution."""
        return {row[0]: row[1] for row in await self._read(execution_ids, with_texts=False)}

    async def find_many(
        self, execution_ids: Sequence[int], sizes: Mapping[int, int], max_bytes: int
    ) -> list[StoredContent]:
        """Return the content of each execution, with texts of ``max_bytes`` at most in all.

        ``sizes`` are those that ``sizes`` returned. Texts for which there is no room are left out,
        as ``within`` says.
        """
        sizes = dict(sizes)
        wanted = within(max_bytes, execution_ids, sizes)
        texts: dict[int, str] = {}
        if wanted:
            rows = await self._read(wanted, with_texts=True)
            # A content may have grown since its size was read.
            sizes |= {row[0]: row[1] for row in rows}
            fitting = frozenset(within(max_bytes, wanted, sizes))
            texts = {row[0]: row[2] for row in rows if row[0] in fitting}
        return [StoredContent(texts.get(each), sizes.get(each, 0)) for each in execution_ids]

    async def _read(self, execution_ids: Sequence[int], *, with_texts: bool) -> Rows:
        source = self.source
        columns: list[ColumnElement[Any]] = [source.execution_id, Octets(source.data)]
        if with_texts:
            columns.append(source.data)

        def build(parameters: BindParameters) -> Select[Any]:
            listed = ListedNumbers(parameters.bind("execution_ids"))
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


def within(max_bytes: int, execution_ids: Sequence[int], sizes: Mapping[int, int]) -> list[int]:
    """Return the ids of the contents that fit into ``max_bytes``, taken in the order given."""
    found: list[int] = []
    left = max_bytes
    for each in execution_ids:
        size = sizes.get(each)
        if size is not None and size <= left:
            found.append(each)
            left -= size
    return found
