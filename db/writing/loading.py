"""Load many executions at once: upserts by guid, all of them or none."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable
from itertools import islice
from typing import NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from db.database import Database
from db.postgres.loading import PostgresLoader
from db.sqlite.loading import SQLiteLoader

_BATCH, _BATCH_BYTES = 10_000, 16 * 2**20


class LoadedExecution(NamedTuple):
    """An execution to load. Times are epoch milliseconds.

    ``id`` is kept if no execution has it yet; otherwise, or if it is None, a new one is assigned. A
    None in another field leaves the field of an existing execution unchanged, except that
    ``finished_on`` follows a change of the state: it is ``updated_on``, or else now. ``data`` is
    what the engine recorded, as JSON text, and ``error`` what ``error_in`` finds in it.
    """

    id: int | None
    guid: str
    agentflow_id: str
    session_id: str | None
    state: str
    created_on: int
    updated_on: int | None
    finished_on: int | None = None
    workspace_id: str | None = None
    data: str | None = None
    error: str | None = None


_Row = tuple[LoadedExecution, str | None]


class Loader(Protocol):
    """Writes batches into one kind of database, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None: ...

    async def begin(self) -> None:
        """Prepare the transaction."""

    async def name(self, flows: list[tuple[str, str]]) -> None:
        """Write the names of agentflows, by their ids."""

    async def write(self, rows: list[LoadedExecution]) -> None:
        """Insert or update executions one by one."""


async def load(
    database: Database,
    rows: Iterable[_Row],
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Insert or update executions, each with the name of its agentflow if known.

    Uses one transaction: if ``rows`` raises, nothing has changed. Rows are read in a thread, one
    batch ahead of the writes. Calls ``on_progress`` with the number of rows loaded so far. Memory
    holds two batches, which have 16 MiB of data each or one row that is larger, the names of all
    agentflows and, on SQLite, 64 MiB of the database's pages. Raises SQLAlchemy's IntegrityError
    for a row that the database rejects. Returns the number of loaded rows.
    """
    kind: type[Loader] = SQLiteLoader if database.dialect.name == "sqlite" else PostgresLoader

    async def work(connection: AsyncConnection) -> int:
        loader = kind(connection)
        await loader.begin()
        names: dict[str, str] = {}
        loaded = 0
        async with contextlib.aclosing(_batches(rows)) as batches:
            async for batch in batches:
                named = {row.agentflow_id: name for row, name in batch if name is not None}
                renamed = {flow: name for flow, name in named.items() if names.get(flow) != name}
                if renamed:
                    await loader.name(list(renamed.items()))
                    names.update(renamed)
                await loader.write([row for row, _ in batch])
                loaded += len(batch)
                if on_progress:
                    on_progress(loaded)
        return loaded

    return await database.transact(work)


async def _batches(rows: Iterable[_Row]) -> AsyncGenerator[list[_Row]]:
    """Read batches, each while the database writes the one before."""
    source = iter(rows)

    def read() -> list[_Row]:
        batch: list[_Row] = []
        size = 0
        for row in islice(source, _BATCH):
            batch.append(row)
            size += len(row[0].data or "")
            if size >= _BATCH_BYTES:
                break
        return batch

    reading = asyncio.ensure_future(asyncio.to_thread(read))
    try:
        while batch := await reading:
            reading = asyncio.ensure_future(asyncio.to_thread(read))
            yield batch
    finally:
        # The source must not be closed while it is being read.
        await asyncio.wait([reading])
        if not reading.cancelled():
            reading.exception()
