"""Work that arrives together crosses to the database's thread together.

A crossing wakes a thread, and the thread wakes the loop: each costs more than finding a row. While
one group is under way the next one gathers, so that the busier the gateway is, the fewer crossings
a piece of work costs; one that comes alone crosses at once. What can be done in place does not
cross at all.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from db.deadlines import Deadlines
from db.sqlite.driver_errors import translate
from db.sqlite.interruption import Ending, Interruptible
from db.sqlite.loop_reader import LoopReader

Work = TypeVar("Work")
_Piece = tuple["asyncio.Future[Any]", Any]
RunGroup = Callable[[Interruptible, Sequence[Any]], list[Any]]
"""Does the work of a group in the thread; returns a result or an exception for each."""


class _Group:
    """What the driver's thread takes for a function, and for the future of its result."""

    __slots__ = ("_answer", "_connection", "_is_done", "_loop", "_run", "pieces")

    def __init__(
        self,
        pieces: list[_Piece],
        connection: Interruptible,
        run: RunGroup,
        loop: asyncio.AbstractEventLoop,
        answer: Callable[["_Group", list[Any]], None],
    ) -> None:
        self.pieces = pieces
        self._connection = connection
        self._run = run
        self._loop = loop
        self._answer = answer
        self._is_done = False

    def __call__(self) -> list[Any]:
        return self._run(self._connection, [work for _, work in self.pieces])

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def done(self) -> bool:
        return self._is_done

    def set_result(self, outcomes: list[Any]) -> None:
        self._is_done = True
        self._answer(self, outcomes)

    def set_exception(self, error: BaseException) -> None:
        self._is_done = True
        self._answer(self, [error] * len(self.pieces))


class Crossings:
    """Groups of work on one driver connection, which belongs to them alone.

    A statement that takes too long is interrupted, and the group goes on. Whatever is raised in a
    turn is told to those whose turn it was, and the next turn comes.
    """

    def __init__(
        self,
        connection: Interruptible,
        run: RunGroup,
        deadlines: Deadlines | None,
        loop_reader: LoopReader | None = None,
    ) -> None:
        self._connection = connection
        self._loop_reader = loop_reader
        self._run = run
        self._deadlines = deadlines
        self._gathering: list[_Piece] = []
        self._is_under_way = False
        self._deadline = 0
        # One for all groups, of which one is under way at a time.
        self._ending = Ending(connection.interrupt, deadlines.seconds if deadlines else 0.0)

    def send(self, work: object) -> "asyncio.Future[Any]":
        """What comes of a piece of work. Raises what it raises, as ``translate`` has it."""
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        self._gathering.append((answer, work))
        if not self._is_under_way:
            self._is_under_way = True
            # After what the loop has at hand, which may be more: a thread that is woken while
            # the loop works on only takes its turns away.
            loop.call_soon(self._cross, loop)
        return answer

    def _cross(self, loop: asyncio.AbstractEventLoop) -> None:
        pieces, self._gathering = self._gathering, []
        is_handed_over = False
        try:
            if self._loop_reader is not None:
                pieces, self._gathering = self._loop_reader.answer(pieces)
            if pieces:
                self._hand_over(pieces, loop)
                is_handed_over = True
        except BaseException as error:
            self._end_deadline()
            for answer, _ in pieces:
                tell(answer, error)
            if not isinstance(error, Exception):
                raise
        finally:
            if not is_handed_over:
                self._go_on(loop)

    def _hand_over(self, pieces: list[_Piece], loop: asyncio.AbstractEventLoop) -> None:
        group = _Group(pieces, self._connection, self._run, loop, self._answer)
        self._set_deadline()
        self._connection.send(group, group)

    def _answer(self, group: _Group, outcomes: list[Any]) -> None:
        self._end_deadline()
        try:
            missing = itertools.repeat(RuntimeError("A piece of work came to nothing"))
            for (answer, _), outcome in zip(
                group.pieces, itertools.chain(outcomes, missing), strict=False
            ):
                tell(answer, outcome)
        finally:
            self._go_on(group.get_loop())

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._gathering:
            # Those who have their answer are to go on first, and may ask again.
            loop.call_soon(self._cross, loop)
        else:
            self._is_under_way = False

    def _set_deadline(self) -> None:
        if self._deadlines is not None:
            self._deadline = self._deadlines.start(self._ending)

    def _end_deadline(self) -> None:
        if self._deadlines is not None:
            self._deadlines.end(self._deadline)
            self._ending.stop()


def tell(answer: "asyncio.Future[Any]", outcome: Any) -> None:
    """Give an answer to whoever waits for one, whatever it is."""
    if answer.done():
        return
    if not isinstance(outcome, BaseException):
        answer.set_result(outcome)
        return
    if isinstance(outcome, Exception) and not isinstance(outcome, StopIteration):
        try:
            answer.set_exception(translate(outcome))
        except Exception as error:  # noqa: BLE001 - the answer is all that can be told
            answer.set_exception(error)
        return
    # A future takes no StopIteration, and nobody's request ends the whole process.
    failed = RuntimeError("A turn of the database was broken off")
    failed.__cause__ = outcome
    answer.set_exception(failed)


def run_reads(connection: Interruptible, reads: Sequence[tuple[str, tuple[Any, ...]]]) -> list[Any]:
    """The rows that each statement finds."""
    outcomes: list[Any] = []
    for statement, parameters in reads:
        try:
            outcomes.append(connection.execute(statement, parameters))
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            outcomes.append(error)
    return outcomes
