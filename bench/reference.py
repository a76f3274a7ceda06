"""The smallest server that returns the same bytes: SQL through the driver, and orjson.

No GraphQL, no validation, no keys, no limits. It serves ``/0``, ``/1`` and so on, in the order of
``workloads``. The environment configures it: ``BENCH_DATABASE`` (a URL), ``BENCH_GUID`` and
``BENCH_POSITION`` (a JSON array of created_on and id).
"""

import functools
import itertools
import os
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiosqlite
import asyncpg
import orjson
from workloads import DAYS, SINCE, UNTIL

from db.instants import format_ms
from db.reading.cursors import cursor_encoder
from db.reading.paging import NEWEST_FIRST

DATABASE, GUID = os.environ["BENCH_DATABASE"], os.environ["BENCH_GUID"]
CREATED_ON, ID = orjson.loads(os.environ["BENCH_POSITION"])
COLUMNS = (
    "guid, state, agentflow_id,"
    " (SELECT name FROM agentflows WHERE agentflows.id = agentflow_id), session_id, created_on"
)
REST_COLUMNS = (
    "id, guid, agentflow_id, (SELECT name FROM agentflows WHERE agentflows.id = agentflow_id),"
    " session_id, state, created_on"
)
NEWEST = "ORDER BY created_on DESC, executions.id DESC LIMIT ?"
RANGE = "state = 'ERROR' AND created_on >= ? AND created_on < ?"
KEYS = ("guid", "state", "agentflowId", "agentflowName", "sessionId", "createdOn")
REST_KEYS = ("id", "guid", "agentflowId", "agentflowName", "sessionId", "state", "created_on")

encode = cursor_encoder(NEWEST_FIRST)


STATES = ("INPROGRESS", "FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED")
FLOWS = "SELECT id, name FROM agentflows ORDER BY name, id LIMIT 101"
COUNTS = (
    f"SELECT agentflow_id, {', '.join(map(str.lower, STATES))} FROM agentflow_counts"
    " WHERE width = 0 AND agentflow_id IN (SELECT id FROM agentflows)"
)
DAY = 86_400_000
NUMBERS = [state.lower() for state in STATES]
COUNTS_OF_DAYS = (
    f"SELECT start, {', '.join(NUMBERS)} FROM execution_counts"
    f" WHERE width = {DAY} AND start >= {{0}} AND start < {{1}}"
)
TOP_FLOWS = (
    "SELECT agentflow_id, (SELECT name FROM agentflows WHERE agentflows.id = agentflow_id),"
    f" CAST(sum({' + '.join(NUMBERS)}) AS bigint) AS number FROM {{}}"
    " GROUP BY agentflow_id ORDER BY number DESC, agentflow_id LIMIT 10"
)


class SQLite:
    """A single connection, as there is a single process."""

    first_of_each = (
        "SELECT guid, session_id, created_on, executions.id,"
        " (SELECT name FROM agentflows WHERE agentflows.id = agentflow_id), value"
        " FROM json_each(?) JOIN executions ON executions.id IN (SELECT id FROM executions WHERE"
        " {} = value ORDER BY created_on DESC, id DESC LIMIT ?)"
        " ORDER BY +created_on DESC, +executions.id DESC"
    )

    days = COUNTS_OF_DAYS.format("?", "?")
    top_flows = TOP_FLOWS.format(
        f"agentflow_counts WHERE width = {DAY} AND agentflow_id IN (SELECT agentflow_id"
        " FROM agentflow_counts WHERE width = 0) AND start >= ? AND start < ?"
    )

    connection: aiosqlite.Connection

    async def open(self) -> None:
        self.connection = await aiosqlite.connect(
            DATABASE.removeprefix("sqlite:///"), isolation_level=None
        )
        await self.connection.execute("PRAGMA cache_size = -4096")
        await self.connection.execute("PRAGMA synchronous = FULL")

    async def rows(self, sql: str, *parameters: object) -> list[Any]:
        return list(await self.connection.execute_fetchall(sql, parameters))

    async def close(self) -> None:
        await self.connection.close()


class Postgres:
    """asyncpg's pool, as large as the gateway's; asyncpg keeps statements prepared."""

    first_of_each = (
        "SELECT firsts.*, value FROM json_array_elements_text(CAST(? AS json)) JOIN LATERAL"
        " (SELECT guid, session_id, created_on, id,"
        " (SELECT name FROM agentflows WHERE agentflows.id = agentflow_id)"
        " FROM executions WHERE {} = value ORDER BY created_on DESC, id DESC LIMIT ?) AS firsts"
        " ON true"
    )

    # With the changes that are not yet in the counts.
    days = (
        f"SELECT start, {', '.join(f'CAST(sum({name}) AS bigint)' for name in NUMBERS)} FROM"
        f" ({COUNTS_OF_DAYS.format('$1', '$2')} UNION ALL SELECT start - start % {DAY},"
        f" {', '.join(NUMBERS)} FROM execution_count_notes WHERE start >= $1 AND start < $2)"
        " AS counted GROUP BY start"
    )
    top_flows = TOP_FLOWS.format(
        f"(SELECT agentflow_id, {', '.join(NUMBERS)} FROM agentflow_counts WHERE width = {DAY}"
        f" AND start >= $1 AND start < $2 UNION ALL SELECT agentflow_id, {', '.join(NUMBERS)}"
        " FROM execution_count_notes WHERE start >= $1 AND start < $2) AS counted"
    )

    pool: Any

    async def open(self) -> None:
        # Nothing here changes a connection's settings, so there is nothing to reset.
        self.pool = await asyncpg.create_pool(DATABASE, min_size=10, max_size=10, reset=leave)

    async def rows(self, sql: str, *parameters: object) -> list[Any]:
        found: list[Any] = await self.pool.fetch(numbered(sql), *parameters)
        return found

    async def close(self) -> None:
        await self.pool.close()


async def leave(_connection: object) -> None:
    """Leave a connection unchanged when it returns to the pool."""


@functools.cache
def numbered(sql: str) -> str:
    """Write ``?`` as PostgreSQL's numbered parameters."""
    numbers = itertools.count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", sql)


database = SQLite() if DATABASE.startswith("sqlite") else Postgres()
rows = database.rows


def node(row: Any) -> dict[str, Any]:
    """Return an execution as GraphQL returns it."""
    answer = dict(zip(KEYS, row))  # noqa: B905 - passing ``strict`` takes as long as making the pairs
    answer["createdOn"] = format_ms(answer["createdOn"])
    return answer


def connection_of(found: list[Any]) -> bytes:
    """Return a page with cursors; the id is the last column."""
    page = found[:50]
    edges = [{"cursor": encode((row[5], row[6])), "node": node(row)} for row in page]
    information = {"hasNextPage": len(found) > 50, "endCursor": edges[-1]["cursor"]}
    return orjson.dumps({"data": {"executions": {"edges": edges, "pageInfo": information}}})


async def newest() -> bytes:
    return connection_of(await rows(f"SELECT {COLUMNS}, id FROM executions {NEWEST}", 51))


async def filtered() -> bytes:
    found = await rows(f"SELECT {COLUMNS} FROM executions WHERE {RANGE} {NEWEST}", SINCE, UNTIL, 50)
    total = await rows(f"SELECT count(*) FROM executions WHERE {RANGE}", SINCE, UNTIL)
    nodes = [node(row) for row in found]
    return orjson.dumps({"data": {"executions": {"totalCount": total[0][0], "nodes": nodes}}})


async def one() -> bytes:
    [row] = await rows(f"SELECT {COLUMNS} FROM executions WHERE guid = ?", GUID)
    return orjson.dumps({"data": {"execution": node(row)}})


async def middle() -> bytes:
    sql = f"SELECT {COLUMNS}, id FROM executions WHERE (created_on, id) < (?, ?) {NEWEST}"
    return connection_of(await rows(sql, CREATED_ON, ID, 51))


async def rest_list() -> bytes:
    found = await rows(f"SELECT {REST_COLUMNS} FROM executions {NEWEST}", 50)
    await rows("SELECT count(*) FROM executions")
    return orjson.dumps([dict(zip(REST_KEYS, row, strict=True)) for row in found])


async def rest_get() -> bytes:
    [row] = await rows(f"SELECT {REST_COLUMNS} FROM executions WHERE guid = ?", GUID)
    return orjson.dumps(dict(zip(REST_KEYS, row, strict=True)))


async def thousand() -> bytes:
    found = await rows(f"SELECT {COLUMNS} FROM executions {NEWEST}", 1000)
    return orjson.dumps({"data": {"executions": {"nodes": [node(row) for row in found]}}})


async def first_of_each(keys: list[str], condition: str, limit: int) -> dict[str, list[Any]]:
    """Return the newest executions of each key, by key."""
    sql = database.first_of_each.format(condition)
    found: dict[str, list[Any]] = {key: [] for key in keys}
    for row in await rows(sql, orjson.dumps(keys).decode(), limit):
        found[row[5]].append(row)
    return found


async def nested() -> bytes:
    flows = await rows(FLOWS)
    executions = await first_of_each(
        [flow[0] for flow in flows], "state = 'ERROR' AND agentflow_id", 6
    )
    counts = {count[0]: count[1:] for count in await rows(COUNTS)}
    named = {row[1] for each in executions.values() for row in each[:5]}
    sessions = {
        key: [{"guid": row[0], "agentflow": {"name": row[4]}} for row in each]
        for key, each in (await first_of_each(list(named - {None}), "session_id", 3)).items()
    }
    nodes = []
    for flow, name in flows:
        page, by_state = executions[flow][:5], counts.get(flow, (0,) * 6)
        inner = [
            {
                "guid": row[0],
                "session": row[1]
                and {"sessionId": row[1], "executions": {"nodes": sessions[row[1]]}},
            }
            for row in page
        ]
        information = {
            "hasNextPage": len(executions[flow]) > 5,
            "endCursor": encode((page[-1][2], page[-1][3])) if page else None,
        }
        states = [
            {"state": state, "count": count} for state, count in zip(STATES, by_state, strict=True)
        ]
        nodes.append(
            {
                "agentflowId": flow,
                "name": name,
                "executions": {
                    "totalCount": by_state[2],
                    "nodes": inner,
                    "pageInfo": information,
                },
                "stats": {"byState": states},
            }
        )
    return orjson.dumps({"data": {"agentflows": {"nodes": nodes}}})


def states_of(counts: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return counts by state as GraphQL returns them."""
    return [{"state": state, "count": count} for state, count in zip(STATES, counts, strict=True)]


async def dashboard() -> bytes:
    found = {row[0]: tuple(row)[1:] for row in await rows(database.days, *DAYS)}
    days = [(start, found.get(start, (0,) * 6)) for start in range(*DAYS, DAY)]
    counts = tuple(map(sum, zip(*found.values(), strict=True)))
    stats = {
        "totalCount": sum(counts),
        "byState": states_of(counts),
        "timeline": [
            {"start": format_ms(start), "totalCount": sum(day), "byState": states_of(day)}
            for start, day in days
        ],
        "byAgentflow": [
            {"agentflow": {"agentflowId": row[0], "name": row[1]}, "count": row[2]}
            for row in await rows(database.top_flows, *DAYS)
        ],
    }
    return orjson.dumps({"data": {"executionStats": stats}})


states = itertools.cycle(("STOPPED", "ERROR"))


async def change() -> bytes:
    state = next(states)
    sql = "UPDATE executions SET state = ?, updated_on = ? WHERE guid = ? RETURNING guid, state"
    [row] = await rows(sql, state, time.time_ns() // 1_000_000, GUID)
    execution = dict(zip(("guid", "state"), row, strict=True))
    return orjson.dumps({"data": {"updateExecution": {"execution": execution}}})


HANDLERS: dict[str, Callable[[], Awaitable[bytes]]] = {
    f"/{number}": handler
    for number, handler in enumerate(
        (newest, filtered, one, middle, rest_list, rest_get, thousand, nested, dashboard, change)
    )
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        await receive()
        await database.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await database.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = await HANDLERS[scope["path"]]()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
