"""Connections whose transactions overlap, and the events of all ticks in order."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

INSERT = (
    "INSERT INTO executions (guid, agentflow_id, state, created_on)"
    " VALUES ($1, 'flow-a', 'INPROGRESS', 0)"
)
UPDATE = "UPDATE executions SET state = $2 WHERE guid = $1"
DELETE = "DELETE FROM executions WHERE guid = $1"
_IN_ORDER = """
SELECT event.* FROM event_ticks AS tick
CROSS JOIN LATERAL gateway_events_of(tick.id, 0, 9223372036854775807) WITH ORDINALITY AS event
ORDER BY tick.id, event.ordinality
"""


class Sessions:
    """Opens connections to one database, which are closed in the end."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url = url
        self._stack = stack

    async def open(self, url: str | None = None) -> Any:
        """A new connection; ``url`` is that of another database."""
        connection = await asyncpg.connect(url or self._url)
        self._stack.callback(connection.terminate)
        return connection


@asynccontextmanager
async def sessions_to(url: str) -> AsyncIterator[Sessions]:
    async with AsyncExitStack() as stack:
        yield Sessions(url, stack)


async def tick(connection: Any) -> int | None:
    made: int | None = await connection.fetchval("SELECT gateway_tick()")
    return made


async def in_order(connection: Any) -> list[Any]:
    """The events of all ticks."""
    rows: list[Any] = await connection.fetch(_IN_ORDER)
    return rows


async def guids(connection: Any) -> list[str]:
    return [event["guid"] for event in await in_order(connection)]
