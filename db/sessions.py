"""The sessions of a database: one exists as long as it has an execution."""

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from sqlalchemy import ColumnElement, Select, exists, select

from db.database import Database
from db.dialect import each_listed, listed
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters
from db.reading.stored_texts import stored_texts
from db.reading.workspaces import is_own
from db.source import NATIVE, ExecutionSource


class SessionRow(NamedTuple):
    """A session as it is read from the database."""

    session_id: str


class Sessions:
    """The sessions of a database, in the tables of a source."""

    def __init__(self, database: Database, source: ExecutionSource = NATIVE) -> None:
        self._runner = Runner(database)
        self._source = source
        self._workspace: str | None = None

    def within(self, workspace: str | None) -> Self:
        """Return the view of the sessions with an execution in a workspace; without one, of all."""
        if workspace is None:
            return self
        view = copy.copy(self)
        view._workspace = workspace  # noqa: SLF001 - its own class
        return view

    async def find_many(self, ids: Sequence[str]) -> list[SessionRow | None]:
        """Return the session of each id, or None if it has no execution.

        Ids that are not UTF-8 may be given as clients see them.
        """
        found = await self._existing(ids)
        column = self._source.session_id, self._is_own if self._own else None
        stored = await stored_texts(self._runner, (column,), ids, found, self._own)
        texts = {**dict(zip(found, found, strict=True)), **stored}
        return [SessionRow(texts[each]) if each in texts else None for each in ids]

    async def _existing(self, ids: Sequence[str]) -> set[str]:
        values = listed(tuple(ids))

        def build(parameters: BindParameters) -> Select[Any]:
            keys = each_listed(tuple(parameters.bind("session_id") for _ in values))
            has_executions = exists().where(self._source.session_id == keys.c.value)
            if self._own:
                has_executions = has_executions.where(self._is_own(parameters))
            return select(keys.c.value).select_from(keys).where(has_executions)

        key = len(values), len(self._own)
        rows = await self._runner.read(key, build, (*values, *self._own), is_short=True)
        return {row[0] for row in rows}

    @property
    def _own(self) -> tuple[str, ...]:
        """The workspace as a bind value, if there is one."""
        return () if self._workspace is None else (self._workspace,)

    def _is_own(self, parameters: BindParameters) -> ColumnElement[bool]:
        return is_own(self._source, parameters.bind("workspace_id"))
