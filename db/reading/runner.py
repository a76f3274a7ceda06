"""Compile statements once, and run them on a database."""

import asyncio
from collections.abc import Hashable, Sequence
from typing import Any

from db.database import Database, Rows
from db.reading.statement_cache import Build, Statement, StatementCache

_COMPILED_ON_THE_LOOP = 40
"""With more values than this, a statement is compiled in a thread."""


class Runner:
    """Runs statements on a database, each compiled once for its cache key."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.statements = StatementCache(database.dialect)

    async def compiled(
        self, cache_key: Hashable, build: Build, values: Sequence[Any], about: Any = None
    ) -> Statement:
        """Return the statement of a cache key; ``build`` builds it if need be."""
        found = self.statements.find(cache_key)
        if found is not None:
            return found
        if len(values) <= _COMPILED_ON_THE_LOOP:
            return self.statements.get(cache_key, build, about)
        # Compiling hundreds of conditions would block the loop for too long.
        statement = await asyncio.to_thread(self.statements.compile, build, about)
        return self.statements.keep(cache_key, statement)

    async def read(
        self, cache_key: Hashable, build: Build, values: Sequence[Any], *, is_short: bool = False
    ) -> Rows:
        """Run the statement of a cache key with its values, and return its rows."""
        statement = await self.compiled(cache_key, build, values)
        return await self.database.read(
            statement.text, statement.parameters(values), is_short=is_short
        )

    async def read_latest(self, cache_key: Hashable, build: Build, values: Sequence[Any]) -> Rows:
        """Like ``read``, but where writes are made, never on a replica."""
        statement = await self.compiled(cache_key, build, values)
        return await self.database.read_latest(statement.text, statement.parameters(values))
