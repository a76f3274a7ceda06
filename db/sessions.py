"""The sessions of a database: one exists as long as it has an execution."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, exists, select

from db.database import Database
from db.dialect import each_listed, listed
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters
from db.reading.stored_texts import stored_texts
from db.source import NATIVE, ExecutionSource


class SessionRow(NamedTuple):
    """A session as it is read from the database."""

    session_id: str


class Sessions:
    """The sessions of a database, in the tables of a source."""

    def __init__(self, database: Database, source: ExecutionSource = NATIVE) -> None:
        self._runner = Runner(database)
        self._source = source

    async def find_many(self, ids: Sequence[str]) -> list[SessionRow | None]:
        """Return the session of each id, or None if it has no execution.

        Ids that are not UTF-8 may be given as clients see them.
        """
        found = await self._existing(ids)
        stored = await stored_texts(self._runner, (self._source.session_id,), ids, found)
        texts = {**dict(zip(found, found, strict=True)), **stored}
        return [SessionRow(texts[each]) if each in texts else None for each in ids]

    async def _existing(self, ids: Sequence[str]) -> set[str]:
        values = listed(tuple(ids))

        def build(parameters: BindParameters) -> Select[Any]:
            keys = each_listed(tuple(parameters.bind("session_id") for _ in values))
            has_executions = exists().where(self._source.session_id == keys.c.value)
            return select(keys.c.value).select_from(keys).where(has_executions)

        rows = await self._runner.read(len(values), build, values, is_short=True)
        return {row[0] for row in rows}
