"""Notice that anybody has written events to a PostgreSQL database.

Writers notify, but not all of them: see ``postgres_ticks`` among the migrations. And a connection
that a firewall has dropped hears nothing. So there is a look every 100 ms as well.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

logger = logging.getLogger("gateway.database")

CHANNEL = "gateway_events"
LOOK_SECONDS = 0.1
"""The time between two looks, in seconds."""
_CHECK_SECONDS = 30.0
"""How often a connection that hears nothing is checked, in seconds."""
_ANSWER_SECONDS = 2.0
_SHORTEST_PAUSE = 0.25
_LONGEST_PAUSE = 8.0

Connect = Callable[[], Awaitable[Any]]
OnCommit = Callable[[], object]


@contextlib.asynccontextmanager
async def watching_commits(connect: Connect | None, on_commit: OnCommit) -> AsyncIterator[None]:
    """Call ``on_commit`` after commits, and every 100 ms, while the block runs.

    ``connect`` opens a connection to listen on; without it there are only the looks.
    """
    tasks = [asyncio.create_task(_look(on_commit))]
    if connect is not None:
        tasks.append(asyncio.create_task(_listen(connect, on_commit)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _look(on_commit: OnCommit) -> None:
    while True:
        on_commit()
        await asyncio.sleep(LOOK_SECONDS)


async def _listen(connect: Connect, on_commit: OnCommit) -> None:
    pause = _SHORTEST_PAUSE
    while True:
        try:
            connection = await connect()
            try:
                pause = _SHORTEST_PAUSE
                await _hear(connection, on_commit)
            finally:
                with contextlib.suppress(Exception):
                    await connection.close(timeout=_ANSWER_SECONDS)
        except Exception as error:  # noqa: BLE001 - the looks go on, and listening begins anew
            logger.info("Notifications are not heard at the moment: %s", type(error).__name__)
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _hear(connection: Any, on_commit: OnCommit) -> None:
    """Listen until the connection breaks."""
    is_broken = asyncio.Event()
    connection.add_termination_listener(lambda _: is_broken.set())
    await connection.add_listener(CHANNEL, lambda *_: on_commit())
    while not is_broken.is_set():
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await is_broken.wait()
        except TimeoutError:
            await connection.fetchval("SELECT 1", timeout=_ANSWER_SECONDS)
