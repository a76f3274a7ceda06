"""Write many executions into SQLite."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

_CACHE_KIB = 65_536
_GUID, _UPDATED_ON = 1, 6
_UPSERT = """
INSERT INTO executions (id, guid, agentflow_id, session_id, state, created_on, updated_on)
SELECT CASE WHEN EXISTS (SELECT 1 FROM executions WHERE id = ?1) THEN NULL ELSE ?1 END,
       ?2, ?3, ?4, ?5, ?6, coalesce(?7, ?6)
WHERE true
ON CONFLICT (guid) DO UPDATE SET
    agentflow_id = excluded.agentflow_id,
    session_id = coalesce(excluded.session_id, session_id),
    state = excluded.state,
    created_on = excluded.created_on,
    updated_on = coalesce(?7, updated_on)
"""
# A trigger sets updated_on when an execution changes, unless the statement changes it too.
_SET_UPDATED_ON = """
UPDATE executions SET updated_on = ?1 WHERE guid = ?2 AND updated_on IS NOT ?1
"""
_UPSERT_FLOW = """
INSERT INTO agentflows (id, name) VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE name IS NOT excluded.name
"""


class SQLiteLoader:
    """Writes batches of executions within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def begin(self) -> None:
        """Enlarge the transaction's page cache."""
        await self._connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")

    async def name(self, flows: list[tuple[str, str]]) -> None:
        """Write the names of agentflows, by their ids."""
        await self._connection.exec_driver_sql(_UPSERT_FLOW, flows)

    async def write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert or update executions one by one."""
        await self._connection.exec_driver_sql(_UPSERT, [tuple(row) for row in rows])
        changed = {row[_GUID]: row[_UPDATED_ON] for row in rows if row[_UPDATED_ON] is not None}
        if changed:
            times = [(updated_on, guid) for guid, updated_on in changed.items()]
            await self._connection.exec_driver_sql(_SET_UPDATED_ON, times)
