"""Who has written just now, through whichever gateway, so that they read what they wrote.

Every gateway tells it to the primary before it acknowledges a write, and asks the primary before
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
# The primary's own clock, in epoch milliseconds, so that no two clocks are compared.
_NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_NOTE = f"""
INSERT INTO recent_writers AS known (client, wrote_on) VALUES ($1, {_NOW})
ON CONFLICT (client) DO UPDATE SET wrote_on = greatest(known.wrote_on, excluded.wrote_on)
"""  # noqa: S608 - made of constants
_LOOK = f"SELECT client FROM recent_writers WHERE wrote_on > {_NOW} - $1"  # noqa: S608 - the same


class _Note(NamedTuple):
    """What a client is known to have written by, and when this process began to tell it."""

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
        self._notes: dict[str, _Note] = {}
        self._looking: asyncio.Task[frozenset[str]] | None = None
        self._next_look: asyncio.Task[frozenset[str]] | None = None

    async def note(self, client: Client) -> None:
        """Note that a client writes, unless that was noted within the last second.

        Raises ServiceUnavailable when the primary can't be written.
        """
        note = self._notes.get(client.name)
        if note is None or note.has_failed or time.monotonic() - note.began > _RENEWED_AFTER:
            written = _begun(self._write(client.name))
            note = self._notes[client.name] = _Note(time.monotonic(), written)
        await asyncio.shield(note.written)

    async def renew(self, client: Client) -> None:
        """Note again that a client has written, if its write took long; it was made in any case."""
        with contextlib.suppress(ServiceUnavailable):
            await self.note(client)

    async def _write(self, name: str) -> None:
        def change(execute: Execute) -> None:
            execute(_NOTE, (name,))

        await self._primary.change(change)

    async def has_written(self, client: Client) -> bool:
        """Whether a client has; what it was told of before this is called counts.

        Raises ServiceUnavailable when the primary can't be asked.
        """
        note = self._notes.get(client.name)
        if note is not None and time.monotonic() - note.began < self._seconds:
            return True
        return client.name in await self._look()

    async def _look(self) -> frozenset[str]:
        # A look that is under way may have begun too early for this caller; the next one serves
        # all who come until it begins.
        # One that ended before it became the one under way failed, and serves nobody.
        if self._next_look is None or self._next_look.done():
            self._next_look = _begun(self._look_after(self._looking))
        return await asyncio.shield(self._next_look)

    async def _look_after(self, before: "asyncio.Task[frozenset[str]] | None") -> frozenset[str]:
        if before is not None:
            await asyncio.wait([before])
        self._looking, self._next_look = self._next_look, None
        milliseconds = int(self._seconds * 1000)
        rows = await self._primary.read(_LOOK, (milliseconds,), is_short=True)
        return frozenset(row[0] for row in rows)


def _begun(work: Coroutine[Any, Any, _T]) -> "asyncio.Task[_T]":
    """Begin what several wait for, and what goes on when none of them does any more."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
