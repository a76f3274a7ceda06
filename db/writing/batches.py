"""Change many executions in batches that keep nobody waiting.

The set of executions is frozen when a run begins: one statement reads the ids of those to change.
Each batch is a transaction of its own, and takes the next ids. It finds out again which of them
still match, so an execution that another program has changed meanwhile, or put in the place of a
deleted one, is left alone.
"""

import asyncio
import contextlib
import functools
import json
import logging
import math
import time
from array import array
from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Executable, Select, select

from db.database import Database, Execute
from db.dialect import Identity, ListedNumbers, Packed, locks_rows, unpacked
from db.errors import ServiceUnavailable, UncertainWrite
from db.pacing import USUAL_PACE, Pace, Pacing
from db.reading.filter_statements import cache_key_of, where
from db.reading.filters import AllOf, Filter
from db.reading.index_choice import for_filter
from db.reading.runner import Runner
from db.reading.statement_cache import BindParameters
from db.source import ExecutionRow, ExecutionSource

logger = logging.getLogger("gateway.database")

_MOST = 500_000
"""How many executions a run freezes at most; each takes 16 bytes."""
_MOST_A_SECOND = 50_000
"""How many executions a run freezes at most for each second it has."""
_FEWEST = 5_000
"""Up to this many, a run freezes all, however short it is."""
_RUNS = 2
"""How many runs of a process are under way at the same time."""
_SHORTEST_WAIT = 1.0

BuildChange = Callable[[BindParameters, ColumnElement[bool]], Executable]
"""Builds the statement that changes the executions of a condition, and returns a row for each."""


class _Done(NamedTuple):
    """How many executions a batch changed, and the ids of those that may be locked by others."""

    changed: int
    locked: Sequence[int]


_Batch = Callable[[Execute, Mapping[int, int], bool], _Done]
"""Changes those of some executions that still match; the last argument is whether it may wait.

If not, it leaves out executions that others have locked.
"""


class Matched(NamedTuple):
    """How many executions a run has affected, and whether another run would affect more."""

    affected: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class Target:
    """The executions that match all of some filters."""

    filters: tuple[Filter, ...]

    def cache_key(self, values: list[Any]) -> Hashable:
        """Return the cache key of the conditions; append their bind values to ``values``."""
        return tuple([cache_key_of(filter_, values) for filter_ in self.filters])

    def conditions(
        self, source: ExecutionSource, parameters: BindParameters
    ) -> list[ColumnElement[bool]]:
        """Build the conditions, binding values in the order of ``cache_key``."""
        source = for_filter(source, AllOf(self.filters))
        return [where(filter_, source, parameters.bind) for filter_ in self.filters]


@dataclass(frozen=True, slots=True)
class Bounds:
    """When a run ends: after ``seconds``, or once ``should_stop`` returns True.

    Either way it ends with a whole batch, and time alone does not end it before the first. Affects
    at most ``limit`` executions. ``on_batch`` is called with the number affected by each batch.
    """

    limit: int | None = None
    seconds: float | None = None
    should_stop: Callable[[], bool] = lambda: False
    on_batch: Callable[[int], object] = lambda _: None

    @property
    def most(self) -> int:
        """How many executions to freeze."""
        most = _MOST if self.limit is None else min(self.limit, _MOST)
        if self.seconds is None:
            return most
        return min(most, max(_FEWEST, int(self.seconds * _MOST_A_SECOND)))


class _Frozen:
    """Ids and identities of executions, in the order of their ids; 16 bytes each.

    Executions that others have locked are postponed. Once all others have been taken, ``waits`` is
    True, and those come again.
    """

    def __init__(self, numbers: "array[int]", most: int, *, waits: bool) -> None:
        found = len(numbers) // 2
        self.has_more = found > most
        self.waits = waits
        self._numbers = numbers
        self._size = min(found, most)
        self._start = 0
        self._postponed = array("q")
        self._comes_again = False

    @property
    def is_done(self) -> bool:
        """Whether none are left."""
        return self._start >= self._size

    def next(self, size: int) -> dict[int, int]:
        """Return the identities of the next executions, by their ids.

        Those that come again are taken one by one, so that none is locked while another is waited
        for.
        """
        if self._comes_again:
            size = 1
        part = self._numbers[2 * self._start : 2 * min(self._start + size, self._size)]
        return dict(zip(part[::2], part[1::2], strict=True))

    def take(self, part: Mapping[int, int], postponed: Iterable[int]) -> None:
        """Go on to those after a part, of which some are postponed."""
        self._start += len(part)
        for row_id in postponed:
            self._postponed.extend((row_id, part[row_id]))
        if self.is_done and not self.waits:
            self.waits = self._comes_again = True
            self._numbers, self._postponed = self._postponed, array("q")
            self._start, self._size = 0, len(self._numbers) // 2


class BatchRunner:
    """Runs changes in batches, which adapt to the time that they take."""

    def __init__(self, database: Database, source: ExecutionSource) -> None:
        self._database = database
        self._source = source
        self._statements = Runner(database)
        self._runs = asyncio.Semaphore(_RUNS)
        # Batches at the same time would hold the database for as many times as long.
        self._turn = asyncio.Lock()

    async def run(
        self,
        target: Target,
        what: str,
        build: BuildChange,
        values: Callable[[], Sequence[Any]] = tuple,
        *,
        bounds: Bounds = Bounds(),
        pace: Pace = USUAL_PACE,
    ) -> Matched:
        """Change the executions of a target; return how many were, and whether more match.

        ``build`` builds the change, which ``what`` names, with the bind values that ``values``
        returns for each batch. If a batch fails after others have changed something, those are
        returned, with more to do: the next run meets the failure by itself. Raises the failure
        otherwise, and UncertainWrite in any case. Raises ServiceUnavailable if others take too
        long.
        """
        batch = await self._batch(target, what, build, values)
        async with self._place(bounds):
            return await self._run(target, batch, bounds, pace)

    @contextlib.asynccontextmanager
    async def _place(self, bounds: Bounds) -> AsyncIterator[None]:
        """Wait for one of the few places for runs."""
        seconds = bounds.seconds
        try:
            async with asyncio.timeout(None if seconds is None else max(seconds, _SHORTEST_WAIT)):
                await self._runs.acquire()
        except TimeoutError:
            raise ServiceUnavailable(
                "The gateway is changing other executions that match a filter; try again in a "
                "moment"
            ) from None
        try:
            yield
        finally:
            self._runs.release()

    async def _run(self, target: Target, batch: _Batch, bounds: Bounds, pace: Pace) -> Matched:
        if bounds.should_stop():
            return Matched(0, has_more=True)
        began = time.monotonic()
        frozen = await self._freeze(target, bounds.most)
        ends = _end(began, time.monotonic(), bounds.seconds)
        pacing = Pacing(self._database, pace)
        affected = 0
        is_first = True
        while not frozen.is_done and not bounds.should_stop():
            if not is_first and time.monotonic() > ends:
                break
            is_first = False
            async with self._turn:
                part = frozen.next(pacing.size)
                try:
                    sent = time.monotonic()
                    done, seconds = await self._timed(batch, part, waits=frozen.waits)
                except UncertainWrite as error:
                    if not affected:
                        raise
                    raise UncertainWrite(f"{error.reason}, after {affected} executions") from error
                except Exception as error:
                    if not affected:
                        raise
                    is_bug = not isinstance(error, ServiceUnavailable)
                    logger.warning("A run ended after %d executions", affected, exc_info=is_bug)
                    break
                frozen.take(part, done.locked)
                affected += done.changed
                bounds.on_batch(done.changed)
                pacing.adapt(seconds)
                if not frozen.is_done:
                    # With the time that it waited, so that runs of several processes together
                    # leave others as much as one does.
                    await pacing.pause(time.monotonic() - sent)
        return Matched(affected, frozen.has_more or not frozen.is_done)

    async def _timed(
        self, batch: _Batch, part: Mapping[int, int], *, waits: bool
    ) -> tuple[_Done, float]:
        """Run a batch; return what it did, and for how long it wrote."""
        began = time.monotonic()

        def work(execute: Execute) -> _Done:
            nonlocal began
            # Other changes may come first.
            began = time.monotonic()
            return batch(execute, part, waits)

        done = await self._database.change(work)
        return done, time.monotonic() - began

    async def _freeze(self, target: Target, most: int) -> _Frozen:
        values: list[Any] = []
        key = ("freeze", target.cache_key(values))

        def build(parameters: BindParameters) -> Select[Any]:
            source = replace(self._source, seeks=True)
            # Hashed before they are sorted, because guids can be long.
            found = select(source.id.label("id"), Identity(source.guid).label("identity"))
            found = found.select_from(source.table)
            found = found.where(*target.conditions(source, parameters))
            found_first = found.limit(parameters.bind_number()).subquery("found")
            in_order = select(*found_first.c).order_by(found_first.c.id).subquery("in_order")
            return select(Packed(in_order.c.id, in_order.c.identity))

        values.append(most + 1)
        [(packed,)] = await self._statements.read_latest(key, build, values)
        dialect = self._database.dialect
        return _Frozen(unpacked(dialect, packed), most, waits=not locks_rows(dialect))

    async def _batch(
        self, target: Target, what: str, build: BuildChange, values: Callable[[], Sequence[Any]]
    ) -> _Batch:
        """Return the function that changes those of some executions that still match."""
        source = self._source
        # Their ids are known: no other index is of use.
        by_id = source
        for field in _INDEXED:
            by_id = by_id.off_index(field)

        def build_find(parameters: BindParameters, *, waits: bool) -> Executable:
            listed = self._among(parameters)
            found = select(source.id, Identity(source.guid)).select_from(source.table)
            found = found.where(listed, *target.conditions(by_id, parameters))
            # In one order for all writers, to avoid deadlocks.
            found = found.order_by(source.id)
            return found.with_for_update(of=source.written, skip_locked=not waits)

        def build_change(parameters: BindParameters) -> Executable:
            return build(parameters, self._among(parameters))

        matched: list[Any] = []
        key = ("still", target.cache_key(matched))
        finds = {
            waits: await self._statements.compiled(
                (waits, key), functools.partial(build_find, waits=waits), matched
            )
            for waits in (False, True)
        }
        change = await self._statements.compiled(("change", what), build_change, ())

        def run(execute: Execute, part: Mapping[int, int], waits: bool) -> _Done:  # noqa: FBT001 - see _Batch
            find = finds[waits]
            rows = execute(find.text, find.parameters([json.dumps(list(part)), *matched]))
            found = {row_id for row_id, _ in rows}
            locked = [] if waits else [row_id for row_id in part if row_id not in found]
            same = [row_id for row_id, identity in rows if identity == part[row_id]]
            if not same:
                return _Done(0, locked)
            changed = execute(change.text, change.parameters([json.dumps(same), *values()]))
            return _Done(len(changed), locked)

        return run

    def _among(self, parameters: BindParameters) -> ColumnElement[bool]:
        """Whether an id is in a list, which is the next bind value."""
        listed: ColumnElement[bool] = self._source.id.bool_op("IN")(
            ListedNumbers(parameters.bind("guid"))
        )
        return listed


_INDEXED = tuple(field for field in ExecutionRow._fields if field not in ("id", "agentflow_name"))


def _end(began: float, found: float, seconds: float | None) -> float:
    """Return when a run ends that began, and found its executions, at these times.

    If finding them took most of its time, changing them may take as long.
    """
    if seconds is None:
        return math.inf
    return max(began + seconds, found + min(seconds, found - began))
