"""The interface of a database of executions."""

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
from db.snapshots import ReadSnapshot, current_snapshot, reading_snapshot

_T = TypeVar("_T")

Rows = Sequence[Any]
"""The rows that a statement returns; values are accessed by index."""
Execute = Callable[[str, Sequence[Any]], Rows]
"""Runs a statement within a change and returns its rows."""
Change = Callable[[Execute], Any]
"""Statements that belong together. The result is passed on once the change is durable."""

PING_WITHIN = 3.0
"""How long a ready database may take for a short read, in seconds."""

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
    """Connections to a database, for reads and writes.

    Cancelling a caller does not interrupt a write half-way. All methods raise ServiceUnavailable if
    the database can't answer.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.on_read: Callable[[str, tuple[Any, ...]], object] | None = None
        self._under_way: set[asyncio.Future[Any]] = set()

    @property
    @abc.abstractmethod
    def dialect(self) -> Dialect:
        """SQLAlchemy's dialect of this database."""

    @property
    def searched_for(self) -> float:
        """How long, in seconds and in all, writes have searched tables that have no index for it.

        A transaction does so once, however much it writes.
        """
        return 0.0

    @abc.abstractmethod
    async def fetch(self, statement: Executable) -> Sequence[Row[Any]]:
        """Run one SELECT on a connection of its own and return all of its rows."""

    def read(
        self, statement: str, parameters: tuple[Any, ...], *, is_short: bool = False
    ) -> Awaitable[Rows]:
        """Run the text of one SELECT in the driver; awaiting the result returns all rows.

        Set ``is_short`` if an index bounds what the statement reads, whatever the size of the
        table. ``on_read``, if set, is called with the text and the parameters. Within ``snapshot``,
        the read waits for its turn on the snapshot's connection.
        """
        self._watch(statement, parameters)
        snapshot = current_snapshot(self)
        if snapshot is not None:
            return snapshot.read(statement, parameters)
        return self._read(statement, parameters, is_short=is_short)

    def _watch(self, statement: str, parameters: tuple[Any, ...]) -> None:
        if statements.isEnabledFor(logging.DEBUG):
            statements.debug("%s", statement)
        if self.on_read is not None:
            self.on_read(statement, parameters)

    @abc.abstractmethod
    def _read(
        self, statement: str, parameters: tuple[Any, ...], *, is_short: bool
    ) -> Awaitable[Rows]:
        """Run the text of one SELECT."""

    async def read_latest(self, statement: str, parameters: tuple[Any, ...]) -> Rows:
        """Run the text of one SELECT where writes are made, never on a replica or a snapshot."""
        self._watch(statement, parameters)
        return await self._read(statement, parameters, is_short=False)

    def snapshot(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Let every ``read`` in the block see one state of the database.

        That is the state at the first of them. Tasks that are started in the block see it too. The
        reads run one after the other, on a connection that is taken for the first of them and given
        back at the end of the block; only some connections can be taken at a time. A block within
        another one changes nothing. Once a read has failed, all later ones of the block do.
        """
        return reading_snapshot(self, self._begin_snapshot, self._keep)

    @abc.abstractmethod
    def _begin_snapshot(self) -> ReadSnapshot:
        """Return a snapshot that takes a connection for its first read."""

    @abc.abstractmethod
    async def change(self, change: Callable[[Execute], _T]) -> _T:
        """Run a change, which is durable when this returns.

        After a conflict with another write, it may be rolled back and run again from the beginning.
        """

    async def change_at_once(self, statement: str, parameters: Sequence[Any]) -> Rows:
        """Run a change that is a single statement, and return its rows."""
        return await self.change(lambda execute: execute(statement, parameters))

    @abc.abstractmethod
    async def catch_up(self) -> None:
        """Do now what is done in the background after writes; others may write meanwhile.

        A program that writes without a break calls it from time to time, because the background
        alone may not keep pace.
        """

    @abc.abstractmethod
    def watch_commits(
        self, on_commit: Callable[[], object]
    ) -> contextlib.AbstractAsyncContextManager[None]:
        """Call ``on_commit`` whenever something may have been committed, while the block runs.

        It is called on the loop, within a tenth of a second of a commit by any program, and also
        without one. The database may be away, or be replaced, meanwhile.
        """

    @abc.abstractmethod
    def write(self) -> contextlib.AbstractAsyncContextManager[AsyncConnection]:
        """Run a write transaction: commit at the end of the block, roll back on an exception."""

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[_T]]) -> _T:
        """Run ``work`` in one write transaction, which is committed as a whole or not at all."""

        async def run() -> _T:
            async with self.write() as connection:
                return await work(connection)

        return await self._finish(run())

    async def _finish(self, work: Coroutine[Any, Any, _T]) -> _T:
        # Cancelling a driver call half-way would leave its connection in an unknown state.
        return await asyncio.shield(self._keep(work))

    def _keep(self, work: Coroutine[Any, Any, _T]) -> asyncio.Future[_T]:
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    @abc.abstractmethod
    async def explain(self, statement: str, parameters: tuple[Any, ...]) -> list[str]:
        """Return the steps of the database's plan for a SELECT."""

    async def ping(self) -> None:
        """Read from the executions table, in the same queue as other short reads.

        Raises ServiceUnavailable if that fails or takes longer than ``PING_WITHIN`` seconds.
        """
        try:
            async with asyncio.timeout(PING_WITHIN):
                # SQLite would answer SELECT 1 without reading the file.
                await self._read("SELECT 1 FROM executions LIMIT 1", (), is_short=True)
        except TimeoutError:
            raise ServiceUnavailable(
                f"The database did not answer a short read within {PING_WITHIN:g} seconds"
            ) from None

    @abc.abstractmethod
    def metrics(self) -> Sequence[Metric]:
        """Return the use of its connections."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Close every connection once running work has finished."""


def connection_metrics(
    server: str,
    in_use: Callable[[], float],
    idle: Callable[[], float],
    waiting: Callable[[], float],
) -> list[Metric]:
    """Return metrics on the use of a server's connections."""
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
