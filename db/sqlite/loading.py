"""Write many executions into SQLite."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

_CACHE_KIB = 65_536
_GUID, _UPDATED_ON, _FINISHED_ON, _DATA = 1, 6, 7, 9
_UPSERT = """
INSERT INTO executions
    (id, guid, agentflow_id, session_id, state, created_on, updated_on, finished_on,
     workspace_id, error)
SELECT CASE WHEN EXISTS (SELECT 1 FROM executions WHERE id = ?1) THEN NULL ELSE ?1 END,
       ?2, ?3, ?4, ?5, ?6, coalesce(?7, ?6),
       CASE WHEN ?5 <> 'INPROGRESS' THEN coalesce(?8, ?7, ?6) END, ?9, ?11
WHERE true
ON CONFLICT (guid) DO UPDATE SET
    agentflow_id = excluded.agentflow_id,
    session_id = coalesce(excluded.session_id, session_id),
    state = excluded.state,
    created_on = excluded.created_on,
    updated_on = coalesce(?7, updated_on),
    finished_on = CASE WHEN excluded.state <> 'INPROGRESS'
        THEN coalesce(?8, CASE WHEN state = excluded.state THEN finished_on END, ?7) END,
    workspace_id = coalesce(excluded.workspace_id, workspace_id),
    error = CASE WHEN ?10 THEN excluded.error ELSE error END
"""
_UPSERT_DATA = """
INSERT INTO execution_data (execution_id, data) SELECT id, ?2 FROM executions WHERE guid = ?1
ON CONFLICT (execution_id) DO UPDATE SET data = excluded.data WHERE data IS NOT excluded.data
"""
# A trigger sets the times when an execution changes, unless the statement changes them too. What it
# has set is the same in both, when it has set both.
_SET_TIMES = """
UPDATE executions SET
    updated_on = coalesce(?2, updated_on),
    finished_on = CASE WHEN state <> 'INPROGRESS'
        THEN coalesce(?3, CASE WHEN finished_on = updated_on THEN ?2 END, finished_on) END
WHERE guid = ?1 AND (updated_on IS NOT coalesce(?2, updated_on)
    OR state <> 'INPROGRESS' AND finished_on IS NOT coalesce(?3, finished_on))
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
        written = [(*row[:_DATA], row[_DATA] is not None, *row[_DATA + 1 :]) for row in rows]
        await self._connection.exec_driver_sql(_UPSERT, written)
        data = [(row[_GUID], row[_DATA]) for row in rows if row[_DATA] is not None]
        if data:
            await self._connection.exec_driver_sql(_UPSERT_DATA, data)
        last = {row[_GUID]: (row[_UPDATED_ON], row[_FINISHED_ON]) for row in rows}
        times = [(guid, *given) for guid, given in last.items() if given != (None, None)]
        if times:
            await self._connection.exec_driver_sql(_SET_TIMES, times)
