"""How far imports over REST are, kept beside what they have written."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.database import Database
from db.models import RestImport

_TABLE: Any = RestImport.__table__


class RestImports:
    """What is remembered of the import of one list."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    async def read(self) -> str | None:
        """Return what was written last, or None for a list that was never imported."""
        statement = select(_TABLE.c.progress).where(_TABLE.c.name == self._name)
        found = await self._database.fetch(statement)
        return found[0][0] if found else None

    async def write(self, progress: str) -> None:
        """Remember a text in place of the one before."""
        insert = sqlite.insert if self._database.dialect.name == "sqlite" else postgresql.insert
        statement = (
            insert(_TABLE)
            .values(name=self._name, progress=progress)
            .on_conflict_do_update(index_elements=[_TABLE.c.name], set_={"progress": progress})
        )

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(statement)

        await self._database.transact(work)
