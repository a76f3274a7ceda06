"""Which of the gateways on an attached database watches it."""

import logging
from pathlib import Path

from db.database import Database
from db.leases import Lease
from db.sqlite.file_lock import FileLock

logger = logging.getLogger("gateway.flowise")

_FILE = "SELECT file FROM pragma_database_list WHERE name = 'main'"
SUFFIX = "-gateway"
"""What the name of SQLite's file has at its end for the file that is locked."""


class WatchTurn:
    """The turn of one of the gateways that run on an attached database; each may take it.

    On PostgreSQL it is a lease, which is to be acquired more than once a minute. On SQLite, where
    each commit can fail what Flowise is doing, it is a lock on a file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lease = Lease(database, "flowise_watch")
        self._lock: FileLock | None = None
        self._is_warned = False

    async def acquire(self) -> bool:
        """Take the turn, or keep it; return False if another process has it.

        Where no file can be made beside the database's, each process has a turn. Raises
        ServiceUnavailable if the database can't answer.
        """
        if self._database.dialect.name != "sqlite":
            return await self._lease.acquire()
        if self._lock is None:
            [(name,)] = await self._database.read_latest(_FILE, ())
            if not name:  # a database in memory is seen by this process alone
                return True
            self._lock = FileLock(Path(name + SUFFIX))
        try:
            return self._lock.acquire()
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
        """Let others take the turn where the table of leases is gone."""
        if self._lock is not None:
            self._lock.release()
