"""The commands that put the gateway in front of a Flowise, and take it away again."""

import asyncio
import contextlib
import logging
import re
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from db.database import Database
from db.errors import InvalidInput, ServiceUnavailable
from db.flowise.attachment import Attached, Attachment, Drift
from db.flowise.inspection import inspect
from db.flowise.marker import Marker
from db.flowise.read_only import PostgresReader, SQLiteReader, open_reader
from db.flowise.refusals import CannotAttach, read_own_marker, refuse, refuse_sessions
from db.flowise.tables import find_tables
from db.keys import Keys
from db.opening import normalize_url
from server.cli.command import DatabaseOption, read_settings, with_any_database
from server.cli.diagnosis import diagnose
from server.cli.flowise_report import (
    describe_attached,
    describe_found,
    describe_look,
    describe_plan,
)
from server.cli.progress import progress_of_rows
from server.cli.terminal import printable
from server.operation.settings import Settings

_T = TypeVar("_T")
_Reader = SQLiteReader | PostgresReader

attach_cli = typer.Typer(
    help="Put the gateway in front of a database that is there already: flowise.",
    epilog="Example: `executions-gateway attach flowise --help`",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
detach_cli = typer.Typer(
    help="Take the gateway away from such a database again: flowise.",
    epilog="Example: `executions-gateway detach flowise --help`",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_MYSQL = re.compile(r"(mysql2?|mariadb)(\+\w+)?:", re.IGNORECASE)
_NO_MYSQL = (
    "Flowise's database is MySQL or MariaDB, which the gateway can't use: there it can't be "
    "attached. These can: a Flowise on SQLite or PostgreSQL (DATABASE_TYPE=sqlite or postgres), or "
    "a database of the gateway's own, which `import` fills from Flowise's list over REST"
)
_JOURNAL_MODES = ("delete", "truncate", "persist", "memory", "wal", "off")
_FLOWISE_FILE = Path(".flowise") / "database.sqlite"


@attach_cli.command(
    "flowise",
    epilog="Example: `executions-gateway attach flowise --check --database "
    "sqlite:////home/me/.flowise/database.sqlite`",
)
def attach_flowise(
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only say what is there and what would be done."),
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Attach the database of a Flowise, while it runs: SQLite or PostgreSQL.

    Makes the gateway's tables beside Flowise's, copies Flowise's executions into them, and installs
    triggers that keep both equal from then on. What is deleted, or gets another state, on one side
    does so on the other. If the database is attached already, says what had drifted and mends it.
    After an interruption, run it again.
    """
    settings = read_settings(database_url=database)
    refuse_url(settings)
    if check:
        lines, marker = _with_reader(settings, _check)
        if marker is not None:
            lines += describe_look(marker, with_any_database(settings, _look))
        for line in lines:
            typer.echo(printable(line))
        return
    rows, journal_mode = _with_reader(settings, _prepare)

    async def attach(opened: Database) -> tuple[Attached, list[tuple[str, int]]]:
        attachment = Attachment(opened)
        with progress_of_rows("Copying executions", rows) as advance:
            attached = await attachment.attach(advance, journal_mode)
        return attached, await attachment.reasons_left_out()

    attached, reasons = with_any_database(settings, attach)
    for line in describe_attached(attached, reasons, settings.database_url):
        typer.echo(printable(line))
    if attached.counts.difference:
        raise typer.Exit(1)


async def _prepare(reader: _Reader) -> tuple[int, str | None]:
    """Refuse what can't be attached; return the number of rows, and the file's journal mode."""
    await refuse(reader, await find_tables(reader))
    [(rows,)] = await reader.read_latest("SELECT count(*) FROM execution", ())
    if reader.dialect.name != "sqlite":
        return rows, None
    return rows, str((await reader.read_latest("PRAGMA journal_mode", ()))[0][0])


async def _check(reader: _Reader) -> tuple[list[str], Marker | None]:
    tables = await find_tables(reader)
    marker = await refuse(reader, tables)
    [(rows,)] = await reader.read_latest("SELECT count(*) FROM execution", ())
    with progress_of_rows("Reading executions", rows) as advance:
        found = await inspect(reader, tables, advance)
    lines = describe_found(tables, found)
    return lines if marker else [*lines, *describe_plan(found, reader.dialect.name)], marker


async def _look(opened: Database) -> Drift:
    attachment = Attachment(opened)
    return await attachment.look(await attachment.open_sides())


@detach_cli.command(
    "flowise",
    epilog="Example: `executions-gateway detach flowise --database "
    "sqlite:////home/me/.flowise/database.sqlite`",
)
def detach_flowise(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Remove everything that the gateway has made in the database of a Flowise.

    Flowise's own tables stay as they are, and Flowise may run meanwhile; gateways may not. The API
    keys are lost.
    """
    settings = read_settings(database_url=database)
    refuse_url(settings)
    marker = _with_reader(settings, _attached)
    if not (yes or sys.stdin.isatty()):
        raise InvalidInput("detach removes the gateway's tables and its keys; say --yes to confirm")
    if not yes:
        typer.confirm(
            "Remove the gateway's tables, triggers and keys from the database?", abort=True
        )
    keys = with_any_database(settings, _detach)
    typer.echo(
        f"Detached: the gateway's triggers and tables are gone, and with them {keys} API "
        f"{'key' if keys == 1 else 'keys'}; nothing of the gateway is left in Flowise's tables"
    )
    mode = marker and marker.journal_mode
    if marker and mode not in (None, "wal") and not _set_journal_mode(settings, marker):
        typer.echo(
            "The file stays in SQLite's WAL mode, because another program has it open; Flowise "
            "works with it as before"
        )


async def _attached(reader: _Reader) -> Marker | None:
    marker = await read_own_marker(reader)
    if isinstance(reader, PostgresReader):
        await refuse_sessions(reader)
    return marker


async def _detach(opened: Database) -> int:
    try:
        keys = len(await Keys(opened).find_all())
    except ServiceUnavailable:
        # An earlier call did not come to its end.
        keys = 0
    await Attachment(opened).detach()
    return keys


def _set_journal_mode(settings: Settings, marker: Marker) -> bool:
    """Give the file the journal mode that it had before; return False if it is in use."""
    if marker.journal_mode not in _JOURNAL_MODES:
        return False
    name = normalize_url(settings.database_url).database or ""
    with contextlib.closing(
        sqlite3.connect(name, timeout=0, uri=name.startswith("file:"))
    ) as connection:
        try:
            [mode] = connection.execute(f"PRAGMA journal_mode = {marker.journal_mode}").fetchone()
        except sqlite3.OperationalError:
            return False
        return bool(mode == marker.journal_mode)


def refuse_url(settings: Settings) -> None:
    """Raise CannotAttach if there can be no Flowise, or none that can be attached, at the URL."""
    if _MYSQL.match(settings.database_url):
        raise CannotAttach(_NO_MYSQL)
    usual = Path.home() / _FLOWISE_FILE
    hint = f"; there is one at {usual}: --database sqlite:///{usual}" if usual.exists() else ""
    if "database_url" not in settings.model_fields_set:
        raise CannotAttach(
            "Name Flowise's database with --database: a file, usually database.sqlite in the folder"
            f" .flowise of its user, or a URL of PostgreSQL{hint}"
        )
    url = normalize_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        name = url.database or ""
        if not name.startswith("file:") and not Path(name).exists():
            raise CannotAttach(f"There is no file {Path(name).absolute()}{hint}")


def _with_reader(settings: Settings, work: Callable[[_Reader], Awaitable[_T]]) -> _T:
    """Run ``work`` on a connection that can only read."""
    # The error that is raised carries the database's own message, so don't log it as well.
    logging.getLogger("gateway.database").addHandler(logging.NullHandler())

    async def run() -> _T:
        try:
            url = normalize_url(settings.database_url)
            async with open_reader(url, busy_timeout=settings.busy_timeout) as reader:
                return await work(reader)
        except ServiceUnavailable as error:
            raise ServiceUnavailable(
                await diagnose(settings.database_url) or error.message
            ) from error

    return asyncio.run(run())
