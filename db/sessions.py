"""The sessions of a database: one exists as long as it has an execution."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, exists, select

from db.database import Database
from db.dialect import each_listed, listed
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters
from db.reading.stored_texts import stored_texts
from db.reading.workspaces import Viewed
from db.source import NATIVE, ExecutionSource


class SessionRow(NamedTuple):
    """A session as it is read from the database."""

    session_id: str


class Sessions(Viewed):
    """The sessions of a database, in the tables of a source.

    A view sees those with an execution in its workspace.
    """

    def __init__(self, database: Database, source: ExecutionSource = NATIVE) -> None:
        self._runner = Runner(database)
        self._source = source

    async def find_many(self, ids: Sequence[str]) -> list[SessionRow | None]:
        """Return the session of each id, or None if it has no execution.

        Ids that are not UTF-8 may be given as clients see them.
        """
        found = await self._existing(ids)
        own = self._workspace.values
        column = self._source.session_id, self._own
        missing = [each for each in ids if each not in found]
        stored = await stored_texts(self._runner, (column,), missing, own)
        texts = {**dict(zip(found, found, strict=True)), **stored}
        return [SessionRow(texts[each]) if each in texts else None for each in ids]

    async def _existing(self, ids: Sequence[str]) -> set[str]:
        values = listed(tuple(ids))

        def build(parameters: BindParameters) -> Select[Any]:
            keys = each_listed(tuple(parameters.bind("session_id") for _ in values))
            has_executions = exists().where(self._source.session_id == keys.c.value)
            has_executions = has_executions.where(*self._own(parameters))
            return select(keys.c.value).select_from(keys).where(has_executions)

        own = self._workspace.values
        key = len(values), len(own)
        rows = await self._runner.read(key, build, (*values, *own), is_short=True)
        return {row[0] for row in rows}

    def _own(self, parameters: BindParameters) -> list[ColumnElement[bool]]:
        return self._workspace.conditions(self._source, parameters)
