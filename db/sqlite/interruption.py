"""Interrupt a statement of a driver connection, and never the one after it.

SQLite interrupts whatever a connection is running. By the time the loop learns that a statement has
ended, the thread may have begun the next one, so the thread itself records what it runs.
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

# SQLite ignores an interruption before the statement's first step, so repeat it.
_AGAIN = 0.01

Interrupt = Callable[[float], float]
"""Interrupts a statement that began so many seconds ago; returns when to call it again."""


class Interruptible:
    """A driver connection that records when its current statement began."""

    __slots__ = ("_began", "_driver", "_lock")

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._lock = threading.Lock()
        self._began: float | None = None

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection of sqlite3 itself, for use in the driver's thread."""
        connection: sqlite3.Connection = self._driver._conn  # noqa: SLF001 - as the dialect does
        return connection

    def send(self, future: Any, function: Callable[[], object]) -> None:
        """Hand a function to the driver's thread, with the future for its outcome."""
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

        Returns the seconds after which to call this again.
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
    """Interrupt a driver connection that has only one user."""
    driver._conn.interrupt()  # noqa: SLF001 - the driver's own coroutine only calls it
    return _AGAIN


class Interrupter:
    """Interrupts statements that take longer than ``seconds``; starts when it is first called.

    Goes on until it is stopped.
    """

    __slots__ = ("_interrupt", "_seconds", "_timer")

    def __init__(self, interrupt: Interrupt, seconds: float) -> None:
        self._interrupt = interrupt
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def for_block(cls, driver: Any, seconds: float) -> "Interrupter":
        """Return one for a block that has a connection to itself; it starts at once."""
        interrupter = cls(partial(interrupt_connection, driver), seconds)
        interrupter._look_in(seconds)
        return interrupter

    def __call__(self) -> None:
        """Interrupt statements that are late, and schedule the next check."""
        self._look_in(self._interrupt(self._seconds))

    def interrupt_now(self) -> None:
        """Interrupt the statement at once."""
        self.stop()
        self._seconds = 0.0
        self()

    def stop(self) -> None:
        """Stop interrupting."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_in(self, seconds: float) -> None:
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(seconds, self)
