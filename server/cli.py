"""The command line."""

import asyncio
import contextlib
import io
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import IO, Annotated, Any, BinaryIO, TypeVar, cast

import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from uvicorn.supervisors import Multiprocess

from db.demo import fill_if_empty
from db.engine import Database
from db.errors import GatewayError, quote
from db.loading import load
from db.migrations.upgrade import upgrade
from resolvers.schema import build_schema
from server.import_files import Row, read_executions
from server.settings import Settings

_T = TypeVar("_T")

cli = typer.Typer(
    help="The gateway in front of executions: GraphQL, GraphiQL and REST.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
_errors = Console(stderr=True)

_DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="The database, such as sqlite:///executions.db. Default: GATEWAY_DATABASE_URL.",
    ),
]


def main() -> int:
    """Run the command that the arguments name and return the exit status."""
    try:
        cli(standalone_mode=True)
    except GatewayError as error:
        _errors.print(f"Error: {error.message}", style="red", markup=False, highlight=False)
        return 1
    return 0


def _settings(**given: Any) -> Settings:
    """The settings, those given on the command line above all others."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"])
            _errors.print(
                f"Error: GATEWAY_{name.upper()}: {problem['msg']}; got {quote(problem['input'])}",
                style="red",
                markup=False,
                highlight=False,
            )
        raise typer.Exit(1) from None


def _with_database(settings: Settings, work: Callable[[Database], Awaitable[_T]]) -> _T:
    """Run ``work`` on a database that is at the newest revision."""

    async def run() -> _T:
        database = Database(settings.database_url, busy_timeout=settings.busy_timeout)
        try:
            await upgrade(database)
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


@cli.command(
    epilog="Example: `python app.py serve --port 8080 --database sqlite:///runs.db --demo 2000`"
)
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(help="The port to listen on; 0 for a free one.")
    ] = None,
    database: _DatabaseOption = None,
    workers: Annotated[int | None, typer.Option(help="How many processes serve.")] = None,
    demo: Annotated[
        int, typer.Option(min=0, help="Fill an empty database with this many executions first.")
    ] = 0,
) -> None:
    """Serve GraphQL, GraphiQL and REST. It is ready when it prints its URL."""
    settings = _settings(host=host, port=port, database_url=database, workers=workers)
    made = _with_database(settings, lambda opened: fill_if_empty(opened, demo))
    if made:
        typer.echo(f"Filled the empty database with {made:,} demo executions")
    # The server reads its settings anew, in as many processes as it has workers.
    for name, value in settings.model_dump(mode="json", exclude_unset=True).items():
        os.environ[f"GATEWAY_{name.upper()}"] = _as_text(value)
    config = uvicorn.Config(
        "app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        workers=settings.workers,
    )
    if settings.workers > 1:
        listening = config.bind_socket()
        _announce(listening)
        Multiprocess(config, sockets=[listening]).run()
        return
    server = _AnnouncingServer(config)
    server.run()
    if not server.started:
        raise typer.Exit(1)


def _as_text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


class _AnnouncingServer(uvicorn.Server):
    """Prints its URL as soon as it accepts connections."""

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            _announce(self.servers[0].sockets[0])


def _announce(listening: Any) -> None:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"Executions Gateway: http://{shown}:{port}")
    sys.stdout.flush()


@cli.command(
    "import",
    epilog="Example: `python app.py import executions.csv` or `... | python app.py import -`",
)
def import_(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="CSV, JSON Lines or JSON; - for input.")
    ],
    database: _DatabaseOption = None,
) -> None:
    """Load executions from files, all of them or none.

    An execution whose guid exists is updated. Columns: guid, agentflow_id, agentflow_name,
    session_id, state, created_on (epoch milliseconds or ISO 8601), and if there are any id and
    updated_on; the names of the REST API (agentflowId) are read too. A row's id is kept unless
    another execution has it.
    """
    settings = _settings(database_url=database)
    with _progress(files) as advance:
        rows = (row for file in files for row in _rows(file, advance))
        count = _with_database(settings, lambda opened: load(opened, rows))
    typer.echo(f"Imported {count:,} executions")


def _rows(name: str, advance: Callable[[int], None]) -> Iterator[Row]:
    shown = "standard input" if name == "-" else name
    try:
        with contextlib.ExitStack() as stack:
            raw = sys.stdin.buffer if name == "-" else stack.enter_context(Path(name).open("rb"))
            yield from read_executions(cast("IO[bytes]", _Counted(raw, advance)), shown)
    except OSError as error:
        raise _FileError(f"{shown} can't be read: {error.strerror}") from None


class _FileError(GatewayError):
    """A file can't be read."""

    code = "BAD_USER_INPUT"


class _Counted(io.BufferedIOBase):
    """A file that tells how many bytes were read of it; whoever opened it closes it."""

    def __init__(self, file: BinaryIO, advance: Callable[[int], None]) -> None:
        self._file = file
        self._advance = advance

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1, /) -> bytes:
        data: bytes = self._file.read1(size)  # type: ignore[attr-defined]
        self._advance(len(data))
        return data


@contextlib.contextmanager
def _progress(files: list[str]) -> Iterator[Callable[[int], None]]:
    sizes = [Path(name).stat().st_size for name in files if Path(name).is_file()]
    total = sum(sizes) if len(sizes) == len(files) else None
    columns = (TextColumn("Importing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_errors, disable=not _errors.is_terminal) as progress:
        task = progress.add_task("import", total=total)
        yield lambda size: progress.update(task, advance=size)


@cli.command(epilog="Example: `python app.py schema > schema.graphql`")
def schema() -> None:
    """Print the GraphQL schema (SDL)."""
    typer.echo(build_schema().as_str())


@cli.command(epilog="Example: `python app.py migrate --database sqlite:///runs.db`")
def migrate(database: _DatabaseOption = None) -> None:
    """Bring the database to the newest revision; `serve` does it by itself."""

    async def run() -> tuple[str | None, str]:
        opened = Database(settings.database_url, busy_timeout=settings.busy_timeout)
        try:
            return await upgrade(opened)
        finally:
            await opened.close()

    settings = _settings(database_url=database)
    before, after = asyncio.run(run())
    if before == after:
        typer.echo(f"The database is at the newest revision already ({after})")
    else:
        typer.echo(f"Migrated the database from revision {before or 'none'} to {after}")
