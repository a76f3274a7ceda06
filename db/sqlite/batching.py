"""Hand work to the database's thread in batches.

Each hand-over wakes a thread, which wakes the loop again: that costs more than finding a row. While
one batch runs, the next one gathers, so the busier the gateway is, the less the hand-over of each
item costs; an item that comes alone is handed over at once. Reads that the loop reader can run
itself are not handed over at all.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from db.deadlines import Deadlines
from db.sqlite.driver_errors import translate
from db.sqlite.interruption import Interrupter, Interruptible
from db.sqlite.loop_reader import LoopReader

Work = TypeVar("Work")
_Item = tuple["asyncio.Future[Any]", Any]
RunBatch = Callable[[Interruptible, Sequence[Any]], list[Any]]
"""Runs the items of a batch in the thread; returns a result or an exception for each."""


class _Batch:
    """A batch, which is both the function that the driver's thread calls and its future."""

    __slots__ = ("_connection", "_is_done", "_loop", "_resolve_all", "_run", "items")

    def __init__(
        self,
        items: list[_Item],
        connection: Interruptible,
        run: RunBatch,
        loop: asyncio.AbstractEventLoop,
        resolve_all: Callable[["_Batch", list[Any]], None],
    ) -> None:
        self.items = items
        self._connection = connection
        self._run = run
        self._loop = loop
        self._resolve_all = resolve_all
        self._is_done = False

    def __call__(self) -> list[Any]:
        return self._run(self._connection, [work for _, work in self.items])

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def done(self) -> bool:
        return self._is_done

    def set_result(self, outcomes: list[Any]) -> None:
        self._is_done = True
        self._resolve_all(self, outcomes)

    def set_exception(self, error: BaseException) -> None:
        self._is_done = True
        self._resolve_all(self, [error] * len(self.items))


class Batcher:
    """Runs work in batches on one driver connection, which it owns.

    A statement that takes too long is interrupted, and the batch goes on. An exception fails the
    items that it concerns; the next batch runs all the same.
    """

    def __init__(
        self,
        connection: Interruptible,
        run: RunBatch,
        deadlines: Deadlines | None,
        loop_reader: LoopReader | None = None,
    ) -> None:
        self._connection = connection
        self._loop_reader = loop_reader
        self._run = run
        self._deadlines = deadlines
        self._queue: list[_Item] = []
        self._is_under_way = False
        self._deadline = 0
        # One for all batches, because they run one at a time.
        self._interrupter = Interrupter(
            connection.interrupt, deadlines.seconds if deadlines else 0.0
        )

    def send(self, work: object) -> "asyncio.Future[Any]":
        """Return a future for the result of an item; errors are passed through ``translate``."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._queue.append((future, work))
        if not self._is_under_way:
            self._is_under_way = True
            # Let the loop finish its ready callbacks first: they may add more items, and a thread
            # that wakes while the loop is running only competes with it for the interpreter.
            loop.call_soon(self._start_batch, loop)
        return future

    def _start_batch(self, loop: asyncio.AbstractEventLoop) -> None:
        items, self._queue = self._queue, []
        is_handed_over = False
        try:
            if self._loop_reader is not None:
                items, self._queue = self._loop_reader.answer(items)
            if items:
                self._hand_over(items, loop)
                is_handed_over = True
        except BaseException as error:
            self._end_deadline()
            for future, _ in items:
                resolve(future, error)
            if not isinstance(error, Exception):
                raise
        finally:
            if not is_handed_over:
                self._continue(loop)

    def _hand_over(self, items: list[_Item], loop: asyncio.AbstractEventLoop) -> None:
        batch = _Batch(items, self._connection, self._run, loop, self._resolve_all)
        self._set_deadline()
        self._connection.send(batch, batch)

    def _resolve_all(self, batch: _Batch, outcomes: list[Any]) -> None:
        self._end_deadline()
        try:
            missing = itertools.repeat(RuntimeError("A work item has no result"))
            for (future, _), outcome in zip(
                batch.items, itertools.chain(outcomes, missing), strict=False
            ):
                resolve(future, outcome)
        finally:
            self._continue(batch.get_loop())

    def _continue(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._queue:
            # Callers whose futures are resolved run first, and may submit more.
            loop.call_soon(self._start_batch, loop)
        else:
            self._is_under_way = False

    def _set_deadline(self) -> None:
        if self._deadlines is not None:
            self._deadline = self._deadlines.start(self._interrupter)

    def _end_deadline(self) -> None:
        if self._deadlines is not None:
            self._deadlines.end(self._deadline)
            self._interrupter.stop()


def resolve(future: "asyncio.Future[Any]", outcome: Any) -> None:
    """Set the result or the exception of a future, unless it is done."""
    if future.done():
        return
    if not isinstance(outcome, BaseException):
        future.set_result(outcome)
        return
    if isinstance(outcome, Exception) and not isinstance(outcome, StopIteration):
        try:
            future.set_exception(translate(outcome))
        except Exception as error:  # noqa: BLE001 - the caller must get an answer
            future.set_exception(error)
        return
    # A future can't hold a StopIteration, and a SystemExit must not end the process.
    failed = RuntimeError("The database's thread was interrupted")
    failed.__cause__ = outcome
    future.set_exception(failed)


def run_reads(connection: Interruptible, reads: Sequence[tuple[str, tuple[Any, ...]]]) -> list[Any]:
    """Return the rows of each statement, or its exception."""
    outcomes: list[Any] = []
    for statement, parameters in reads:
        try:
            outcomes.append(connection.execute(statement, parameters))
        except Exception as error:  # noqa: BLE001 - the caller gets it
            outcomes.append(error)
    return outcomes
