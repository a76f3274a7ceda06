"""A database of executions, whatever kind it is of."""

import abc
import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

from sqlalchemy import Executable
from sqlalchemy.engine import URL, Dialect, Row
from sqlalchemy.ext.asyncio import AsyncConnection

from db.errors import ServiceUnavailable

_T = TypeVar("_T")

Rows = Sequence[Any]
"""What a statement finds: rows whose values are reached by their places."""
Execute = Callable[[str, Sequence[Any]], Rows]
"""Runs a statement within a change and returns the rows that it returns."""
Change = Callable[[Execute], Any]
"""One change: statements that belong together. What it returns is answered when it is durable."""

PING_WITHIN = 3.0
"""How long a database that is ready may take to answer a short read, in seconds."""

statements = logging.getLogger("gateway.sql")
"""Logs every statement sent to the database, without its parameters, at DEBUG."""


class Metric(NamedTuple):
    """A number to monitor, which ``value`` returns.

    ``is_counter`` is true for numbers that only increase. ``aggregate`` says how the values of
    several processes combine.
    """

    name: str
    description: str
    labels: Mapping[str, str]
    value: Callable[[], float]
    is_counter: bool = False
    aggregate: Literal["sum", "max"] = "sum"


class Database(abc.ABC):
    """Connections to a database, and how a read and a write go through them.

    What begins is not interrupted half-way when the caller is cancelled. Everything raises
    ServiceUnavailable when the database can't answer.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.on_read: Callable[[str, tuple[Any, ...]], object] | None = None
        self._under_way: set[asyncio.Future[Any]] = set()

    @property
    @abc.abstractmethod
    def dialect(self) -> Dialect:
        """What SQLAlchemy knows of this kind of database."""

    @abc.abstractmethod
    async def fetch(self, statement: Executable) -> Sequence[Row[Any]]:
        """Run one SELECT on a connection of its own and return all of its rows."""

    def read(
        self, statement: str, parameters: tuple[Any, ...], *, is_short: bool = False
    ) -> Awaitable[Rows]:
        """Run the text of one SELECT in the driver itself; what is awaited are all of its rows.

        One ``is_short`` when an index bounds what it touches, however many rows there are. What
        was set as ``on_read`` is told the text and the parameters.
        """
        if statements.isEnabledFor(logging.DEBUG):
            statements.debug("%s", statement)
        if self.on_read is not None:
            self.on_read(statement, parameters)
        return self._read(statement, parameters, is_short=is_short)

    @abc.abstractmethod
    def _read(
        self, statement: str, parameters: tuple[Any, ...], *, is_short: bool
    ) -> Awaitable[Rows]:
        """Run the text of one SELECT."""

    @abc.abstractmethod
    async def change(self, change: Callable[[Execute], _T]) -> _T:
        """Run a change, which is durable when this returns.

        It may be run again, from its beginning, if another write came between; what came of it
        before that is undone.
        """

    async def change_at_once(self, statement: str, parameters: Sequence[Any]) -> Rows:
        """Run a change that is one statement, and return the rows that it returns."""
        return await self.change(lambda execute: execute(statement, parameters))

    @abc.abstractmethod
    def write(self) -> contextlib.AbstractAsyncContextManager[AsyncConnection]:
        """One write transaction, committed at the end and rolled back by an exception."""

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[_T]]) -> _T:
        """Run ``work`` in one write transaction: all of it is committed, or nothing."""

        async def run() -> _T:
            async with self.write() as connection:
                return await work(connection)

        return await self._finish(run())

    async def _finish(self, work: Coroutine[Any, Any, _T]) -> _T:
        # A driver call that is cancelled half-way leaves its connection in an unknown state.
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    @abc.abstractmethod
    async def explain(self, statement: str, parameters: tuple[Any, ...]) -> list[str]:
        """The steps in which the database would run the text of a SELECT."""

    async def ping(self) -> None:
        """Read what executions are read from, in line with all other short reads.

        Raises ServiceUnavailable when that can't be, or is not done within ``PING_WITHIN`` seconds.
        """
        try:
            async with asyncio.timeout(PING_WITHIN):
                # SQLite answers SELECT 1 without a look at the file.
                await self._read("SELECT 1 FROM executions LIMIT 1", (), is_short=True)
        except TimeoutError:
            raise ServiceUnavailable(
                f"The database did not answer a short read within {PING_WITHIN:g} seconds"
            ) from None

    @abc.abstractmethod
    def metrics(self) -> Sequence[Metric]:
        """How its connections are used."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Close every connection, after what is under way has come to its end."""


def connection_metrics(
    server: str,
    in_use: Callable[[], float],
    idle: Callable[[], float],
    waiting: Callable[[], float],
) -> list[Metric]:
    """How the connections to a server are used."""
    name, description = "gateway_database_connections", "Connections, by what they do."
    return [
        Metric(name, description, {"server": server, "state": "in_use"}, in_use),
        Metric(name, description, {"server": server, "state": "idle"}, idle),
        Metric(
            "gateway_database_waiting",
            "Requests that wait for a connection.",
            {"server": server},
            waiting,
        ),
    ]
