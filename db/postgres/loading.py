"""Write many executions into PostgreSQL, by COPY into a temporary table."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.errors import InvalidInput

_TABLE = "gateway_loaded"
_COLUMNS = (
    "id",
    "guid",
    "agentflow_id",
    "session_id",
    "state",
    "created_on",
    "updated_on",
    "finished_on",
    "workspace_id",
    "data",
    "error",
)
_GUID, _UPDATED_ON, _FINISHED_ON, _DATA = 1, 6, 7, 9
_CREATE = f"""
CREATE TEMPORARY TABLE {_TABLE} (
    number bigint GENERATED ALWAYS AS IDENTITY, id bigint,
    guid text COLLATE "C", agentflow_id text, session_id text, state text,
    created_on bigint, updated_on bigint, finished_on bigint, workspace_id text, data text,
    error text, UNIQUE (guid)
) ON COMMIT DROP
"""
# New ids must differ from all ids that are kept.
_MOVE_SEQUENCE = f"SELECT gateway_move_sequence(max(id)) FROM {_TABLE}"
_UPSERT = f"""
INSERT INTO executions AS known
    (id, guid, agentflow_id, session_id, state, created_on, updated_on, finished_on,
     workspace_id, error)
SELECT CASE WHEN kept THEN id ELSE nextval('executions_id_seq') END,
       guid, agentflow_id, session_id, state, created_on, updated_on, finished_on,
       workspace_id, error
FROM (
    SELECT *, id IS NOT NULL AND row_number() OVER (PARTITION BY id ORDER BY number) = 1
           AND (SELECT id FROM executions WHERE executions.id = {_TABLE}.id) IS NULL AS kept
    FROM {_TABLE} ORDER BY number
) AS loaded
ON CONFLICT (guid) DO UPDATE SET
    agentflow_id = excluded.agentflow_id,
    session_id = coalesce(excluded.session_id, known.session_id),
    state = excluded.state,
    created_on = excluded.created_on,
    workspace_id = coalesce(excluded.workspace_id, known.workspace_id),
    (error, updated_on, finished_on) = (
        SELECT CASE WHEN given.data IS NULL THEN known.error ELSE given.error END,
               coalesce(given.updated_on, known.updated_on),
               coalesce(
                   given.finished_on,
                   CASE WHEN known.state = excluded.state THEN known.finished_on END,
                   given.updated_on
               )
        FROM {_TABLE} AS given WHERE given.guid = excluded.guid
    )
"""
_UPSERT_DATA = f"""
INSERT INTO execution_data AS known (execution_id, data)
SELECT executions.id, {_TABLE}.data FROM {_TABLE} JOIN executions USING (guid)
WHERE {_TABLE}.data IS NOT NULL
ON CONFLICT (execution_id) DO UPDATE SET data = excluded.data WHERE known.data <> excluded.data
"""
# A trigger sets the times when an execution changes, unless the statement changes them too. What it
# has set is the same in both, when it has set both.
_SET_TIMES = f"""
UPDATE executions SET
    updated_on = coalesce(given.updated_on, executions.updated_on),
    finished_on = coalesce(
        given.finished_on,
        CASE WHEN executions.finished_on = executions.updated_on THEN given.updated_on END,
        executions.finished_on
    )
FROM {_TABLE} AS given
WHERE executions.guid = given.guid AND (
    given.updated_on <> executions.updated_on
    OR executions.state <> 'INPROGRESS' AND given.finished_on <> executions.finished_on
)
"""
# Look rows up in indexes. The planner has no statistics of the temporary table and would read
# the whole of ``executions`` for each batch.
_LOOK_UP = ("SET LOCAL enable_hashjoin = off", "SET LOCAL enable_mergejoin = off")
_UPSERT_FLOW = """
INSERT INTO agentflows AS known (id, name) VALUES ($1, $2)
ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE known.name IS DISTINCT FROM excluded.name
"""


class PostgresLoader:
    """Writes batches of executions within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._driver: Any = None

    async def begin(self) -> None:
        """Create the temporary table that rows are copied into."""
        self._driver = (await self._connection.get_raw_connection()).driver_connection
        # An import has no time limit.
        await self._connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        for setting in _LOOK_UP:
            await self._connection.exec_driver_sql(setting)
        await self._connection.exec_driver_sql(_CREATE)

    async def name(self, flows: list[tuple[str, str]]) -> None:
        """Write the names of agentflows, by their ids."""
        with _refused():
            await self._driver.executemany(_UPSERT_FLOW, flows)

    async def write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert or update executions one by one."""
        with _refused():
            for part in _without_repeats(rows):
                await self._write(part)

    async def _write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        await self._driver.copy_records_to_table(_TABLE, columns=_COLUMNS, records=rows)
        await self._driver.execute(_MOVE_SEQUENCE)
        await self._driver.execute(_UPSERT)
        if any(row[_DATA] is not None for row in rows):
            await self._driver.execute(_UPSERT_DATA)
        if any(row[_UPDATED_ON] is not None or row[_FINISHED_ON] is not None for row in rows):
            await self._driver.execute(_SET_TIMES)
        await self._driver.execute(f"TRUNCATE {_TABLE}")


def _without_repeats(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Split rows so that no guid occurs twice in a part; nearly always one part."""
    if len({row[_GUID] for row in rows}) == len(rows):
        yield rows
        return
    part: dict[Any, tuple[Any, ...]] = {}
    for row in rows:
        if row[_GUID] in part:
            yield list(part.values())
            part = {}
        part[row[_GUID]] = row
    yield list(part.values())


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError) as error:
        raise InvalidInput(
            "A text has a null character in it, which PostgreSQL can't store; nothing was changed"
        ) from error
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, TypeError) as error:
        raise IntegrityError("COPY", None, error) from error
