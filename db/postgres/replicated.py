"""A primary for writes and a replica for reads."""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable
from sqlalchemy.engine import Dialect, Row
from sqlalchemy.ext.asyncio import AsyncConnection

from db.clients import current_client
from db.database import Database, Execute, Metric, Rows
from db.errors import ServiceUnavailable, TookTooLong, UncertainWrite
from db.postgres.database import PostgresDatabase
from db.postgres.lag import TRUSTED_FOR, Lag
from db.postgres.recent_writers import RecentWriters
from db.snapshots import ReadSnapshot, current_snapshot

_T = TypeVar("_T")

# A record may be a second old when its write is acknowledged; the rest is a safety margin.
_MARGIN = TRUSTED_FOR + 3.0


class ReplicatedDatabase(Database):
    """Sends reads to a replica, unless the client could notice its lag.

    Reads the replica while it is at most ``max_lag`` seconds behind, and only for clients without
    recent writes, through whichever gateway. Everything else goes to the primary: writes, keys, the
    reads of clients that have just written, and reads that the replica fails to answer.
    """

    def __init__(
        self, primary: PostgresDatabase, replica: PostgresDatabase, *, max_lag: float
    ) -> None:
        super().__init__(primary.url)
        self._primary = primary
        self._replica = replica
        self._lag = Lag(primary, replica, max_lag)
        self._writers = RecentWriters(primary, max_lag + _MARGIN)
        self._reads = {"primary": 0, "replica": 0}

    @property
    def dialect(self) -> Dialect:
        """What SQLAlchemy knows of PostgreSQL through asyncpg."""
        return self._primary.dialect

    async def fetch(self, statement: Executable) -> Sequence[Row[Any]]:
        """Run one SELECT on the primary, because keys must be up to date."""
        return await self._primary.fetch(statement)

    def read(
        self, statement: str, parameters: tuple[Any, ...], *, is_short: bool = False
    ) -> Awaitable[Rows]:
        """Run the text of one SELECT on the replica, or else on the primary."""
        if self.on_read is not None:
            self.on_read(statement, parameters)
        return self._read(statement, parameters, is_short=is_short)

    async def _read(self, statement: str, parameters: tuple[Any, ...], *, is_short: bool) -> Rows:
        if current_snapshot(self._primary) is None and await self._may_read_replica():
            try:
                rows = await self._replica.read(statement, parameters, is_short=is_short)
            except TookTooLong:
                # The primary would take as long.
                raise
            except ServiceUnavailable:
                self._lag.invalidate()
            else:
                self._reads["replica"] += 1
                return rows
        self._reads["primary"] += 1
        return await self._primary.read(statement, parameters, is_short=is_short)

    async def _may_read_replica(self) -> bool:
        client = current_client()
        if client is None or not self._lag.is_acceptable():
            return False
        return not (client.may_write and await self._writers.has_written(client))

    async def read_latest(self, statement: str, parameters: tuple[Any, ...]) -> Rows:
        """Run the text of one SELECT on the primary."""
        return await self._primary.read_latest(statement, parameters)

    def snapshot(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Let every read in the block see one state of the primary.

        A replica can't tell which transactions its own state shows.
        """
        return self._primary.snapshot()

    def _begin_snapshot(self) -> ReadSnapshot:
        raise NotImplementedError

    async def catch_up(self) -> None:
        """Compact the primary's count deltas."""
        await self._primary.catch_up()

    async def change(self, change: Callable[[Execute], _T]) -> _T:
        """Run a change on the primary; its client reads from there too for a while."""
        return await self._recorded(lambda: self._primary.change(change))

    async def change_at_once(self, statement: str, parameters: Sequence[Any]) -> Rows:
        """Run a change that is a single statement on the primary."""
        return await self._recorded(lambda: self._primary.change_at_once(statement, parameters))

    async def _recorded(self, change: Callable[[], Awaitable[_T]]) -> _T:
        client = current_client()
        if client is None:
            return await change()
        # Before the write: a client whose write is uncertain will check the result at once.
        try:
            await self._writers.record(client)
        except UncertainWrite as error:
            raise ServiceUnavailable(
                "The database can't answer at the moment; nothing was written"
            ) from error
        changed = await change()
        await self._writers.renew(client)
        return changed

    def watch_commits(
        self, on_commit: Callable[[], object]
    ) -> contextlib.AbstractAsyncContextManager[None]:
        """Watch the commits of the primary."""
        return self._primary.watch_commits(on_commit)

    def write(self) -> contextlib.AbstractAsyncContextManager[AsyncConnection]:
        """Run a write transaction on the primary."""
        return self._primary.write()

    async def explain(self, statement: str, parameters: tuple[Any, ...]) -> list[str]:
        """Return the lines of the primary's plan."""
        return await self._primary.explain(statement, parameters)

    async def ping(self) -> None:
        """Read from the primary, as short reads do; the gateway works without its replica."""
        await self._primary.ping()

    def metrics(self) -> Sequence[Metric]:
        """Return the use of both servers, and the lag of the replica."""
        return [
            *self._primary.metrics(),
            *self._replica.metrics(),
            Metric(
                "gateway_replica_lag_seconds",
                "How old the oldest write is that the replica lacks; +Inf while it is away.",
                {},
                lambda: self._lag.seconds,
                aggregate="max",
            ),
            *map(self._reads_of, self._reads),
        ]

    def _reads_of(self, server: str) -> Metric:
        return Metric(
            "gateway_database_reads",
            "Reads, by the server that answered them.",
            {"server": server},
            lambda: self._reads[server],
            is_counter=True,
        )

    async def close(self) -> None:
        """Close every connection to both once running work has finished."""
        await self._lag.close()
        await self._primary.close()
        await self._replica.close()
