"""Loading many executions at once: upserts by guid, all of them or none."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database

_BATCH = 10_000
_CACHE_KIB = 65_536


class LoadedExecution(NamedTuple):
    """An execution to be loaded. Times are epoch milliseconds.

    ``id`` is kept when no execution has it yet; otherwise, or when it is None, a new one is
    given. What is None leaves an execution that exists as it is.
    """

    id: int | None
    guid: str
    agentflow_id: str
    session_id: str | None
    state: str
    created_on: int
    updated_on: int | None


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
# A trigger moves the time of an execution that changes, unless the statement moves it too.
_SET_UPDATED_ON = """
UPDATE executions SET updated_on = ?1 WHERE guid = ?2 AND updated_on IS NOT ?1
"""
_UPSERT_FLOW = """
INSERT INTO agentflows (id, name) VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE name IS NOT excluded.name
"""


async def load(
    database: Database,
    rows: Iterable[tuple[LoadedExecution, str | None]],
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Insert or update executions, each with the name of its agentflow if that is known.

    One transaction: when ``rows`` raises, nothing was changed. ``on_progress`` is told how
    many were loaded so far. Memory holds one batch, the name of every agentflow, and
    64 MiB of the database's pages.
    Returns how many were loaded.
    """

    async def work(connection: AsyncConnection) -> int:
        await connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")
        names: dict[str, str] = {}
        source = iter(rows)
        loaded = 0
        while batch := list(islice(source, _BATCH)):
            named = {row.agentflow_id: name for row, name in batch if name is not None}
            renamed = {flow: name for flow, name in named.items() if names.get(flow) != name}
            if renamed:
                await connection.exec_driver_sql(_UPSERT_FLOW, list(renamed.items()))
                names.update(renamed)
            await connection.exec_driver_sql(_UPSERT, [tuple(row) for row, _ in batch])
            changed = {row.guid: row.updated_on for row, _ in batch if row.updated_on is not None}
            if changed:
                times = [(updated_on, guid) for guid, updated_on in changed.items()]
                await connection.exec_driver_sql(_SET_UPDATED_ON, times)
            loaded += len(batch)
            if on_progress:
                on_progress(loaded)
        return loaded

    return await database.transact(work)
