"""Write what a server's list has into the database, and remember how far that is.

Each page is one transaction. The database remembers, beside the rows themselves, the creation up to
which all is read and the last change that is known, so that an import that was ended goes on there.
"""

import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError

from db.database import Database
from db.errors import InvalidInput, ServiceUnavailable
from db.instants import EARLIEST_MS, LATEST_MS, format_ms, now_ms
from db.writing.loading import load
from db.writing.rest_imports import RestImports
from server.cli.import_files import Row
from server.cli.rest_import.answers import TooLarge, TryAgain
from server.cli.rest_import.changes import ChangeReader, Known, newest_change
from server.cli.rest_import.execution_list import EVERYTHING, ExecutionList, Page
from server.cli.rest_import.items import Item
from server.cli.rest_import.retries import Notify, Retries
from server.cli.rest_import.windows import read_windows

_DAY = 86_400_000
_MOST_NAMED = 1000
_MOST_KNOWN = 100_000
"""How many executions are remembered as they were written, in some twenty megabytes."""


@dataclass(slots=True)
class Progress:
    """How far an import is, in epoch milliseconds.

    All executions created before ``until`` are read, or all that there were if it is None; and all
    changes before ``since`` of those, which is None for a list that does not tell changes. See
    ``changes.Known`` for ``is_settled``.
    """

    until: int | None = EARLIEST_MS
    since: int | None = None
    is_settled: bool = False
    read: int = 0

    @classmethod
    def of(cls, text: str | None) -> "Progress | None":
        """Read what was remembered; None if that is nothing, or nothing that can be used."""
        try:
            found = cls(**json.loads(text or ""))
        except (TypeError, ValueError):
            return None
        told = (found.until, found.since, found.read)
        is_valid = all(each is None or type(each) is int for each in told)
        is_valid = is_valid and type(found.is_settled) is bool and found.read is not None
        return found if is_valid else None


class RestImport:
    """An import of one list into a database."""

    def __init__(
        self,
        database: Database,
        source: ExecutionList,
        name: str,
        *,
        retries: Retries,
        notify: Notify,
        advance: Callable[[int], object] = lambda _: None,
        on_total: Callable[[int | None], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._source = source
        self._remembered = RestImports(database, name)
        self._retries = retries
        self._notify = notify
        self._advance = advance
        self._on_total = on_total
        self._clock = clock
        self._changes: ChangeReader | None = None
        self._progress = Progress()
        self._newest = EARLIEST_MS
        # What was written last, by guid, in the order of writing.
        self._known: dict[str, int] = {}
        self.written = 0
        """How many executions were written, each change of one counted."""
        self.left_out: dict[str, str] = {}
        """Executions that can't be read, by guid, with the reason; the first thousand."""
        self.left_out_count = 0

    async def run(self, *, anew: bool = False) -> None:
        """Read everything that is not read yet, or everything with ``anew``."""
        remembered = None if anew else Progress.of(await self._remembered.read())
        front = await self._front()
        self._on_total(front.total)
        self._progress = remembered or Progress(since=newest_change(front))
        if self._progress.until is None and self._progress.since is None:
            # Which of them have changed since can't be known.
            self._progress = Progress()
        if self._progress.since is not None:
            known = Known(self._progress.since, self._progress.is_settled)
            self._changes = ChangeReader(self._source, known, self._clock)
        if remembered and self._progress.until not in (None, EARLIEST_MS):
            self._notify(
                "Going on where an earlier import of this list ended: with executions created "
                f"since {format_ms(self._progress.until or 0)}"
            )
            self._advance(self._progress.read)
        if self._progress.until is not None:
            await self._read_windows(front)
        await self._read_changes()

    async def follow(
        self, interval: float, on_round: Callable[[], object], sleep: Callable[[float], Any]
    ) -> None:
        """Read what is new every ``interval`` seconds, until the caller is cancelled.

        A list that does not tell changes is read from a day before its newest execution on.
        """
        while True:
            await sleep(interval)
            if self._progress.since is None:
                self._progress.until = max(EARLIEST_MS, self._newest - _DAY)
                await self._read_windows(await self._front())
            await self._read_changes()
            on_round()

    async def _front(self) -> Page:
        try:
            return await self._source.first(EVERYTHING)
        except TooLarge:
            return Page([], None, is_last=False)

    async def _read_windows(self, front: Page) -> None:
        if front.is_last:
            await self._write(front.items)
        else:
            start = EARLIEST_MS if self._progress.until is None else self._progress.until
            steps = read_windows(self._source, start, max(now_ms(), self._newest), front)
            async with contextlib.aclosing(steps):
                async for step in steps:
                    await self._write(step.items)
                    if step.until is not None and step.until < LATEST_MS:
                        self._progress.until = step.until
                        await self._remember()
        self._progress.until = None
        await self._remember()

    async def _read_changes(self) -> None:
        if self._changes is None:
            return
        async with contextlib.aclosing(self._changes.read(self._is_written)) as changes:
            async for found in changes:
                await self._write(found.items)
                if found.known is not None:
                    self._progress.since = found.known.since
                    self._progress.is_settled = found.known.is_settled
                    await self._remember()

    async def _write(self, items: Sequence[Item]) -> None:
        fresh: list[tuple[Item, Row]] = []
        for item in items:
            if item.row is None:
                self._leave_out(item.guid, item.problem or "")
                continue
            self._newest = max(self._newest, item.row[0].created_on)
            # What lies at the bound of two windows is in both, and rounds overlap.
            if not self._is_written(item):
                fresh.append((item, item.row))
        for item, row in await self._loaded(fresh):
            self._known.pop(item.guid, None)
            self._known[item.guid] = hash(row)
            if self.left_out.pop(item.guid, None):
                self.left_out_count -= 1
        while len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]

    async def _loaded(self, fresh: list[tuple[Item, Row]]) -> list[tuple[Item, Row]]:
        """Write executions and return them, without those that the database refuses."""
        if not fresh:
            return []
        rows = [row for _, row in fresh]
        try:
            await self._retries.run(lambda: _retried(load(self._database, rows)))
        except (IntegrityError, InvalidInput) as error:
            if len(fresh) == 1:
                self._leave_out(fresh[0][0].guid, _refusal(error))
                return []
            half = len(fresh) // 2
            return await self._loaded(fresh[:half]) + await self._loaded(fresh[half:])
        self.written += len(fresh)
        self._progress.read += len(fresh)
        self._advance(len(fresh))
        return fresh

    def _is_written(self, item: Item) -> bool:
        """Whether the execution was written last as it is now; true for what can't be read."""
        return item.row is None or self._known.get(item.guid) == hash(item.row)

    def _leave_out(self, guid: str, problem: str) -> None:
        if guid not in self.left_out:
            self.left_out_count += 1
        if guid in self.left_out or len(self.left_out) < _MOST_NAMED:
            self.left_out[guid] = problem

    async def _remember(self) -> None:
        text = json.dumps(asdict(self._progress))
        await self._retries.run(lambda: _retried(self._remembered.write(text)))


async def _retried(writing: Awaitable[Any]) -> None:
    try:
        await writing
    except ServiceUnavailable as error:
        # Whether it was written or not: to write it again changes nothing.
        raise TryAgain(error.message) from None


def _refusal(error: Exception) -> str:
    reason = error.orig if isinstance(error, IntegrityError) else error
    return f"the database rejected it: {reason}"
