"""Flowise's tables beside the gateway's in PostgreSQL, and whether both sides are equal."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from db.contents.steps import error_in
from db.database import Database
from db.flowise.postgres_sides import PostgresSides
from db.flowise.tables import find_tables
from db.instants import EARLIEST_MS, LATEST_MS
from db.models import ExecutionState
from tests.db.flowise.kept import KEPT, LEFT_OUT, Kept, check_kept
from tests.flowise_tables import create_flowise
from tests.places import PostgresPlace

_DAY = 86_400_000
_LONGEST = 2000
_MILLISECONDS = 'floor(extract(epoch FROM "{}") * 1000)::text'
_THEIRS = f"""
SELECT id::text, "agentflowId"::text, "sessionId"::text, "workspaceId"::text, state,
       {_MILLISECONDS.format("createdDate")} AS created_on,
       {_MILLISECONDS.format("updatedDate")} AS updated_on,
       {_MILLISECONDS.format("stoppedDate")} AS stopped_on, "executionData"
FROM execution
"""
_FLOWS = "SELECT id::text, name FROM chat_flow ORDER BY 1"
FINISHED = "FINISHED"


def _taken_over(row: Any) -> Kept | None:
    """What the gateway makes of a row of ``execution``; None if it leaves it out."""
    times = [_time(row[name]) for name in ("created_on", "updated_on")]
    session = row["sessionId"]
    if row["state"] not in list(ExecutionState) or len(session.encode()) > _LONGEST:
        return None
    created_on, updated_on = times
    if created_on is None or updated_on is None:
        return None
    is_final = row["state"] != "INPROGRESS"
    error = error_in(row["executionData"]) if is_final else None
    identity = (row["id"], row["agentflowId"], session)
    return Kept(*identity, row["state"], created_on, updated_on, row["workspaceId"], error)


def _time(milliseconds: str | None) -> int | None:
    if milliseconds is None or "Infinity" in milliseconds:
        return None
    at = int(milliseconds)
    return at if EARLIEST_MS + _DAY <= at <= LATEST_MS - _DAY else None


async def check_sides(connection: Any) -> None:
    """Compare both sides as a connection sees them, while nobody writes."""
    theirs = {row["id"]: row for row in await connection.fetch(_THEIRS)}
    taken = {guid: _taken_over(row) for guid, row in theirs.items()}
    stopped = {guid: _time(row["stopped_on"]) for guid, row in theirs.items()}
    left_out = [row["guid"] for row in await connection.fetch(LEFT_OUT)]
    check_kept(await connection.fetch(KEPT), left_out, taken, stopped)
    agentflows = "SELECT id, name FROM agentflows ORDER BY 1"
    assert await connection.fetch(_FLOWS) == await connection.fetch(agentflows)


async def install(place: PostgresPlace, database: Database) -> PostgresSides:
    """Create Flowise's tables, empty, and what is between the two sides."""
    create_flowise(place)
    sides = PostgresSides(database, await find_tables(database))
    await sides.install()
    return sides


@contextlib.asynccontextmanager
async def connected(place: PostgresPlace, **settings: str) -> AsyncIterator[Any]:
    """A connection of a program with settings of its session."""
    connection = await asyncpg.connect(place.url, server_settings=settings)
    try:
        yield connection
    finally:
        connection.terminate()


def insert(*ids: str, state: str = "INPROGRESS", data: str = "[]") -> str:
    """The statement by which Flowise inserts executions."""
    rows = ", ".join(f"('{id_}', '{data}', '{state}', '{FLOW}', 'session-a')" for id_ in ids)
    return (
        'INSERT INTO execution ("id", "executionData", "state", "agentflowId", "sessionId")'
        f" VALUES {rows}"
    )


def identity(number: int) -> str:
    """One of the ids of executions, in order."""
    return f"00000000-0000-4000-8000-{number:012}"


FLOW = identity(900)
