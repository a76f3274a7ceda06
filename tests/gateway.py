"""A real gateway on a free port of loopback, over a database of its own."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import uvicorn
from sqlalchemy import Connection
from starlette.types import ASGIApp

from app import create_app
from db.keys import Keys, Scope
from db.migrations.revisions import run_revisions
from db.migrations.upgrade import upgrade
from db.opening import open_database
from db.source import ExecutionRow
from server.http.bundle import FOLDER
from server.operation.serving import server_config
from server.operation.settings import Settings
from tests.places import Place, place_of
from tests.plain_http import NO_TLS


@dataclass
class Gateway:
    """What a test does with a running gateway."""

    url: str
    place: Place
    http: httpx.Client

    def graphql(self, query: str, **variables: Any) -> Any:
        """Run an operation that must succeed and return its data."""
        body = self.post(query, **variables).json()
        assert "errors" not in body, body
        return body["data"]

    def refused(self, query: str, **variables: Any) -> tuple[str, str]:
        """Run an operation that must fail and return its error's code and message."""
        [error] = self.post(query, **variables).json()["errors"]
        return error["extensions"]["code"], error["message"]

    def post(self, query: str, **variables: Any) -> httpx.Response:
        """Send an operation over HTTP."""
        return self.http.post("/graphql", json={"query": query, "variables": variables})

    def insert(self, rows: Iterable[ExecutionRow]) -> None:
        """Write executions as an engine does, with plain SQL."""
        insert(self.place, rows)

    def sql(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run one statement as another program does."""
        return run_sql(self.place, statement, *parameters)


def insert(place: Place | Path, rows: Iterable[ExecutionRow]) -> None:
    """Write executions and the names of their agentflows into a database."""
    rows, place = list(rows), place_of(place)
    place.run(
        "INSERT INTO executions"
        " (id, guid, agentflow_id, session_id, state, created_on, updated_on, finished_on,"
        " workspace_id, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                row.id,
                row.guid,
                row.agentflow_id,
                row.session_id,
                row.state,
                row.created_on,
                row.updated_on,
                row.finished_on,
                row.workspace_id,
                row.error,
            )
            for row in rows
        ],
    )
    names = {row.agentflow_id: row.agentflow_name for row in rows if row.agentflow_name}
    place.run(
        "INSERT INTO agentflows (id, name) VALUES (?, ?)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name",
        list(names.items()),
    )


def migrate(place: Place) -> None:
    """Bring a database to the newest revision."""

    async def bring() -> None:
        database = open_database(place.url)
        await upgrade(database)
        await database.close()

    anyio.run(bring)


def migrate_to(place: Place, revision: str) -> None:
    """Create the tables of an older revision in an empty database."""

    def bring(connection: Connection) -> None:
        run_revisions(connection, None, revision)

    async def run() -> None:
        database = open_database(place.url)
        await database.transact(lambda connection: connection.run_sync(bring))
        await database.close()

    anyio.run(run)


def make_key(
    place: Place | Path,
    *scopes: str,
    expires_on: int | None = None,
    workspace: str | None = None,
) -> str:
    """Make an API key in a database; ``expires_on`` is in epoch milliseconds."""

    async def make() -> str:
        database = open_database(place_of(place).url)
        try:
            created = await Keys(database).create(
                "test", map(Scope, scopes), expires_on, workspace=workspace
            )
            return created[1]
        finally:
            await database.close()

    return anyio.run(make)


def bearer(token: str) -> dict[str, str]:
    """The header that shows a key."""
    return {"authorization": f"Bearer {token}"}


def run_sql(place: Place | Path, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Run one statement in a database and commit it."""
    return place_of(place).run(statement, [parameters])


class _Server(uvicorn.Server):
    """Ends as soon as it is told to, not at its next tick."""

    _end: Callable[[], object] | None = None

    async def main_loop(self) -> None:
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._end = lambda: loop.call_soon_threadsafe(told.set)
        parts = [asyncio.create_task(part) for part in (super().main_loop(), told.wait())]
        _, others = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()

    def end(self) -> None:
        """Shut down, from any thread."""
        self.should_exit = True
        if self._end is not None:
            self._end()


@contextlib.contextmanager
def serving(app: ASGIApp, settings: Settings) -> Iterator[str]:
    """Serve an application with the gateway's own server until the block ends; gives its URL."""
    config = server_config(app, settings)
    config.host = "127.0.0.1"  # whatever address the gateway believes to be listening on
    server = _Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the gateway did not start"
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.end()
        thread.join()


@contextlib.contextmanager
def running_gateway(
    place: Place | Path, *, console: Path = FOLDER, **settings: Any
) -> Iterator[Gateway]:
    """Serve a database until the block ends, with the console as it was built in a folder."""
    place = place_of(place)
    read = Settings(_env_file=None, database_url=place.url, **{"port": 0, **settings})
    with (
        serving(create_app(read, console), read) as url,
        httpx.Client(base_url=url, timeout=30, verify=NO_TLS) as client,
    ):
        yield Gateway(url, place, client)
