"""Interrupting a statement of a driver connection, and never the one that comes after it.

SQLite interrupts whatever a connection is at when it is told to. The loop learns that a statement
has ended after the thread may have begun the next one, so the thread itself keeps count.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from db.database import Rows
from db.sqlite.texts import fetch_all

# SQLite forgets an interruption that comes before the statement's first step.
_AGAIN = 0.01

Interrupt = Callable[[float], float]
"""Interrupts a statement that began so many seconds ago; says in how many to look again."""


class Interruptible:
    """A driver connection, and since when it has been at a statement of ``execute``."""

    __slots__ = ("_began", "_driver", "_lock")

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._lock = threading.Lock()
        self._began: float | None = None

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection of sqlite3 itself, for the driver's thread."""
        connection: sqlite3.Connection = self._driver._conn  # noqa: SLF001 - as the dialect does
        return connection

    def send(self, future: Any, function: Callable[[], object]) -> None:
        """Hand a function to the driver's thread, and what it is to tell of the outcome."""
        # SQLAlchemy's own dialect hands its work to the thread in the same way.
        self._driver._tx.put_nowait((future, function))  # noqa: SLF001

    def execute(self, statement: str, parameters: Sequence[Any]) -> Rows:
        """Run a statement in the driver's thread; it can be interrupted until this returns."""
        with self._lock:
            self._began = time.monotonic()
        try:
            return fetch_all(self.connection, statement, parameters)
        finally:
            with self._lock:
                self._began = None

    def interrupt(self, after: float) -> float:
        """Interrupt a statement that began at least ``after`` seconds ago.

        Returns in how many seconds to look again, as long as there is something to interrupt.
        """
        with self._lock:
            if self._began is None:
                return max(after, _AGAIN)
            left = self._began + after - time.monotonic()
            if left > 0:
                return left
            self.connection.interrupt()
        return _AGAIN


def interrupt_connection(driver: Any, _after: float) -> float:
    """Interrupt whatever runs on a driver connection that one caller alone has."""
    driver._conn.interrupt()  # noqa: SLF001 - the driver's own coroutine only calls it
    return _AGAIN


class Ending:
    """Interrupts statements that take longer than ``seconds``, from when it is called first.

    It goes on until it is stopped.
    """

    __slots__ = ("_interrupt", "_seconds", "_timer")

    def __init__(self, interrupt: Interrupt, seconds: float) -> None:
        self._interrupt = interrupt
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def of_block(cls, driver: Any, seconds: float) -> "Ending":
        """What ends a block that has a driver connection for itself; it begins to wait at once."""
        ending = cls(partial(interrupt_connection, driver), seconds)
        ending._look_in(seconds)
        return ending

    def __call__(self) -> None:
        """Interrupt what is too late, and go on to look."""
        self._look_in(self._interrupt(self._seconds))

    def hasten(self) -> None:
        """Interrupt at once, however short a time it has been."""
        self.stop()
        self._seconds = 0.0
        self()

    def stop(self) -> None:
        """Interrupt nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_in(self, seconds: float) -> None:
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(seconds, self)
