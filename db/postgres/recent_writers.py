"""Remember which clients have written recently, so that they read their own writes.

Every gateway records a write in the primary before it acknowledges it, and asks the primary before
it lets a client that may write read from a replica.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any, NamedTuple, TypeVar

from db.clients import Client
from db.database import Database, Execute
from db.errors import ServiceUnavailable

_T = TypeVar("_T")

_RENEWED_AFTER = 1.0
# Epoch milliseconds of the primary's clock, so that clocks are never compared.
_NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_RECORD = f"""
INSERT INTO recent_writers AS known (client, wrote_on) VALUES ($1, {_NOW})
ON CONFLICT (client) DO UPDATE SET wrote_on = greatest(known.wrote_on, excluded.wrote_on)
"""  # noqa: S608 - made of constants
_SELECT = f"SELECT client FROM recent_writers WHERE wrote_on > {_NOW} - $1"  # noqa: S608 - the same


class _Record(NamedTuple):
    """A record of a client's write, and when this process began to store it."""

    began: float
    written: "asyncio.Task[None]"

    @property
    def has_failed(self) -> bool:
        return self.written.done() and (self.written.cancelled() or bool(self.written.exception()))


class RecentWriters:
    """The clients that have written within the last ``seconds``."""

    def __init__(self, primary: Database, seconds: float) -> None:
        self._primary = primary
        self._seconds = seconds
        self._records: dict[str, _Record] = {}
        self._fetching: asyncio.Task[frozenset[str]] | None = None
        self._next_fetch: asyncio.Task[frozenset[str]] | None = None

    async def record(self, client: Client) -> None:
        """Record that a client is writing, unless that was recorded within the last second.

        Raises ServiceUnavailable if the primary can't be written.
        """
        record = self._records.get(client.name)
        if record is None or record.has_failed or time.monotonic() - record.began > _RENEWED_AFTER:
            written = _start_shared(self._write(client.name))
            record = self._records[client.name] = _Record(time.monotonic(), written)
        await asyncio.shield(record.written)

    async def renew(self, client: Client) -> None:
        """Record a write again if it took long; the write itself has succeeded."""
        with contextlib.suppress(ServiceUnavailable):
            await self.record(client)

    async def _write(self, name: str) -> None:
        def change(execute: Execute) -> None:
            execute(_RECORD, (name,))

        await self._primary.change(change)

    async def has_written(self, client: Client) -> bool:
        """Whether the client has written, counting all acknowledged writes before this call.

        Raises ServiceUnavailable if the primary can't be read.
        """
        record = self._records.get(client.name)
        if record is not None and time.monotonic() - record.began < self._seconds:
            return True
        return client.name in await self._fetch()

    async def _fetch(self) -> frozenset[str]:
        # A fetch that is running may have begun too early for this caller. The next one serves all
        # callers until it begins; one that is done already has failed before that.
        if self._next_fetch is None or self._next_fetch.done():
            self._next_fetch = _start_shared(self._fetch_after(self._fetching))
        return await asyncio.shield(self._next_fetch)

    async def _fetch_after(self, before: "asyncio.Task[frozenset[str]] | None") -> frozenset[str]:
        if before is not None:
            await asyncio.wait([before])
        self._fetching, self._next_fetch = self._next_fetch, None
        milliseconds = int(self._seconds * 1000)
        rows = await self._primary.read(_SELECT, (milliseconds,), is_short=True)
        return frozenset(row[0] for row in rows)


def _start_shared(work: Coroutine[Any, Any, _T]) -> "asyncio.Task[_T]":
    """Start work that several callers wait for, and that continues when they are cancelled."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
