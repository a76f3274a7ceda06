"""Reads that arrive together cross to the database's thread together.

A crossing wakes a thread, and the thread wakes the loop: each costs more than finding a row. While
one group is under way the next one gathers, so that the busier the gateway is, the fewer crossings
a read costs; a read that comes alone crosses at once.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from db.deadlines import Deadlines
from db.driver_errors import translate
from db.interruption import interrupt

Rows = Sequence[tuple[Any, ...]]


class _Read(NamedTuple):
    answer: asyncio.Future[Rows]
    statement: str
    parameters: tuple[Any, ...]


class _Group:
    """What the driver's thread takes for the future of its work; it runs and answers the reads."""

    __slots__ = ("_answer", "_connection", "_loop", "reads")

    def __init__(
        self,
        reads: list[_Read],
        connection: Any,
        loop: asyncio.AbstractEventLoop,
        answer: Callable[["_Group", list[Any]], None],
    ) -> None:
        self.reads = reads
        self._connection = connection
        self._loop = loop
        self._answer = answer

    def __call__(self) -> list[Any]:
        """In the thread: the rows of each read, or the exception that it raised."""
        return [
            # Whoever has gone away needs no answer.
            None if answer.done() else _rows(self._connection, statement, parameters)
            for answer, statement, parameters in self.reads
        ]

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def done(self) -> bool:
        return False

    def set_result(self, outcomes: list[Any]) -> None:
        self._answer(self, outcomes)

    def set_exception(self, error: BaseException) -> None:
        self._answer(self, [error] * len(self.reads))


class GroupedReads:
    """Short reads on one driver connection, which belongs to them alone.

    A group that is not back in time has the statement that it is at interrupted, and goes on.
    """

    def __init__(self, driver: Any, deadlines: Deadlines | None) -> None:
        self._driver = driver
        self._deadlines = deadlines
        self._gathering: list[_Read] = []
        self._is_under_way = False
        self._deadline = 0

    def read(self, statement: str, parameters: tuple[Any, ...]) -> asyncio.Future[Rows]:
        """The rows that a statement finds. Raises ServiceUnavailable, as ``translate`` does."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Rows] = loop.create_future()
        self._gathering.append(_Read(answer, statement, parameters))
        if not self._is_under_way:
            self._is_under_way = True
            # After what the loop has at hand, which may be reads too: a thread that is woken
            # while the loop works on only takes its turns away.
            loop.call_soon(self._cross, loop)
        return answer

    def _cross(self, loop: asyncio.AbstractEventLoop) -> None:
        reads, self._gathering = self._gathering, []
        self._set_deadline()
        # SQLAlchemy's own dialect hands its work to the driver's thread in the same way.
        group = _Group(reads, self._driver._conn, loop, self._answer)  # noqa: SLF001
        self._driver._tx.put_nowait((group, group))  # noqa: SLF001

    def _answer(self, group: _Group, outcomes: list[Any]) -> None:
        if self._deadlines is not None:
            self._deadlines.end(self._deadline)
        for read, outcome in zip(group.reads, outcomes, strict=True):
            if read.answer.done():
                continue
            if isinstance(outcome, Exception):
                read.answer.set_exception(translate(outcome))
            else:
                read.answer.set_result(outcome)
        if self._gathering:
            # Those who have their rows are to go on first, and may read again.
            group.get_loop().call_soon(self._cross, group.get_loop())
        else:
            self._is_under_way = False

    def _set_deadline(self) -> None:
        if self._deadlines is not None:
            self._deadline = self._deadlines.start(self._interrupt)

    def _interrupt(self) -> None:
        interrupt(self._driver)
        self._set_deadline()


def _rows(connection: Any, statement: str, parameters: tuple[Any, ...]) -> Rows | Exception:
    try:
        rows: Rows = connection.execute(statement, parameters).fetchall()
    except Exception as error:  # noqa: BLE001 - told to whoever asked
        return error
    return rows
