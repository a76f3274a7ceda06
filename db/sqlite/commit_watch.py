"""Notice that anybody has committed to an SQLite file.

SQLite has no notifications. ``PRAGMA data_version`` tells a connection whether others have
committed since it last asked, for the price of reading shared memory, so it is asked on the loop.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable

LOOK_SECONDS = 0.02
"""The time between two looks, in seconds."""
# Waking up costs more than looking: a file that nobody writes is looked at less often.
_QUIET_LOOK_SECONDS = 0.05
_LOOKS_UNTIL_QUIET = 50
_RETRY_SECONDS = 0.5
# A look that takes long, because the disk does, is followed by a pause of so many times its length.
_REST = 20
_LONGEST_REST = 0.2

IsCurrent = Callable[[], bool]
"""Whether the path still leads to the file of a connection."""
Connect = Callable[[], Awaitable[tuple[sqlite3.Connection, IsCurrent]]]
"""Opens a connection that any thread may use and that never waits for a lock."""


@contextlib.asynccontextmanager
async def watching_commits(
    connect: Connect, on_commit: Callable[[], object]
) -> AsyncIterator[None]:
    """Call ``on_commit`` after commits while the block runs, on a connection of its own."""
    task = asyncio.create_task(_watch(connect, on_commit))
    try:
        yield
    finally:
        task.cancel()
        # Or a cancellation of this block would be taken for that of the task.
        await asyncio.wait([task])


async def _watch(connect: Connect, on_commit: Callable[[], object]) -> None:
    while True:
        # What was committed while there was no connection is not noticed otherwise.
        on_commit()
        try:
            connection, is_current = await connect()
        except Exception:  # noqa: BLE001 - whoever reads the database meets it too, and reports it
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        try:
            await _look(connection, is_current, on_commit)
        except sqlite3.Error:
            await asyncio.sleep(_RETRY_SECONDS)
        finally:
            # The last connection to a file moves the log into it.
            await asyncio.to_thread(connection.close)


async def _look(
    connection: sqlite3.Connection, is_current: IsCurrent, on_commit: Callable[[], object]
) -> None:
    version: int | None = None
    quiet = 0
    while is_current():
        began = time.perf_counter()
        found = _data_version(connection)
        if found is None or found != version:
            version = found
            quiet = 0
            on_commit()
        quiet += 1
        pause = LOOK_SECONDS if quiet < _LOOKS_UNTIL_QUIET else _QUIET_LOOK_SECONDS
        rest = min(_LONGEST_REST, _REST * (time.perf_counter() - began))
        await asyncio.sleep(max(pause, rest))


def _data_version(connection: sqlite3.Connection) -> int | None:
    """Return a number that others' commits change; None if somebody locks the whole file."""
    try:
        [(version,)] = connection.execute("PRAGMA data_version")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return None
    return int(version)
