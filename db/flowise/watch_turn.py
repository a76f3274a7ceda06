"""Which of the gateways on an attached database watches it."""

import logging
from collections.abc import Sequence
from pathlib import Path

from db.database import Database
from db.leases import Lease
from db.sqlite.file_lock import FileLock

logger = logging.getLogger("gateway.flowise")

_FILE = "SELECT file FROM pragma_database_list WHERE name = 'main'"
SUFFIX = "-gateway"
"""What the name of SQLite's file has at its end for the file that all gateways have locked."""
TURN_SUFFIX = "-gateway-turn"
"""What it has for the file that the one has locked whose turn it is."""


class WatchTurn:
    """The turn of one of the gateways that run on an attached database; each may take it.

    On PostgreSQL it is a lease, which is to be acquired more than once a minute. On SQLite, where
    each commit can fail what Flowise is doing, it is a lock on a file, and all gateways share a
    lock on another one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lease = Lease(database, "flowise_watch")
        self._locks: dict[str, FileLock] = {}
        self._is_warned = False

    async def join(self) -> None:
        """Let others know that this gateway runs. May be repeated.

        Does nothing on PostgreSQL, whose sessions tell.
        """
        await self._lock(SUFFIX, is_shared=True)

    async def acquire(self) -> bool:
        """Take the turn, or keep it; return False if another process has it.

        Where no file can be made beside the database's, each process has a turn. Raises
        ServiceUnavailable if the database can't answer.
        """
        if self._database.dialect.name != "sqlite":
            return await self._lease.acquire()
        return await self._lock(TURN_SUFFIX)

    async def acquire_alone(self) -> str | None:
        """Take the turn if no gateway runs; return who is in the way, or None.

        Raises ServiceUnavailable if the database can't answer.
        """
        if self._database.dialect.name != "sqlite":
            return None if await self._lease.acquire() else describe_running("processes", ())
        if await self._lock(SUFFIX):
            return None
        return describe_running("processes", self._locks[SUFFIX].holders())

    async def _lock(self, suffix: str, *, is_shared: bool = False) -> bool:
        """Lock a file beside that of SQLite; return False if another process has locked it."""
        if self._database.dialect.name != "sqlite":
            return True
        if suffix not in self._locks:
            [(name,)] = await self._database.read_latest(_FILE, ())
            if not name:  # a database in memory is seen by this process alone
                return True
            self._locks[suffix] = FileLock(Path(name + suffix), is_shared=is_shared)
        try:
            return self._locks[suffix].acquire()
        except OSError as error:
            # Both sides are kept equal all the same.
            if not self._is_warned:
                logger.warning("`detach` can't know that this gateway runs: %s", error)
            self._is_warned = True
            return True

    async def release(self) -> None:
        """Let others take the turn. Raises ServiceUnavailable if the database can't answer."""
        if self._database.dialect.name != "sqlite":
            await self._lease.release(is_completed=True)
        self.forget()

    def forget(self) -> None:
        """Let go what was locked; a lease may be gone with its table."""
        for lock in self._locks.values():
            lock.release()
        self._locks.clear()


def describe_running(kind: str, ids: Sequence[int]) -> str:
    """Say that gateways run; ``kind`` is that of the ids by which they are known, if they are."""
    if not ids:
        return "A gateway runs on this database, or was killed within the last minute"
    return f"A gateway runs on this database ({kind}: {', '.join(map(str, ids))})"
