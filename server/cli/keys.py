"""The commands for API keys."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from db.database import Database
from db.instants import format_iso, from_ms, now_ms
from db.keys import Key, Keys, Scope
from server.cli.command import (
    DatabaseOption,
    print_error,
    read_duration,
    read_settings,
    with_database,
)
from server.cli.terminal import printable
from server.operation.program import program

keys_cli = typer.Typer(
    help="API keys: make, list, revoke.", no_args_is_help=True, rich_markup_mode="markdown"
)

_WIDTH_IN_PIPES = 300
_COLUMNS = ("id", "name", "scopes", "workspace", "state", "created", "expires", "last used")


@keys_cli.command(
    epilog="Example: `executions-gateway keys create dashboard --scope read --expires-in 90d`"
)
def create(
    name: Annotated[str, typer.Argument(help="What the key is for, for your own list.")],
    scope: Annotated[
        list[Scope],
        typer.Option(help="What it allows; give it again for more: read, update, delete."),
    ],
    expires_in: Annotated[
        int | None,
        typer.Option(
            metavar="AGE",
            parser=read_duration,
            help="When it expires, such as 12h, 90d or 52w; never if not.",
        ),
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="The one workspace whose executions it sees and touches; all of them if not.",
        ),
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Make a key and show it once."""
    expires_on = None if expires_in is None else now_ms() + expires_in
    settings = read_settings(database_url=database)
    key_id, token = with_database(
        settings, lambda opened: Keys(opened).create(name, scope, expires_on, workspace)
    )
    typer.echo(f"Key {key_id} ({printable(name)}) is shown this once; keep it safe:", err=True)
    typer.echo(token)


@keys_cli.command("list", epilog="Example: `executions-gateway keys list`")
def list_(database: DatabaseOption = None) -> None:
    """List all keys, expired and revoked ones too. The keys themselves are not stored."""

    async def find(opened: Database) -> list[Key]:
        return await Keys(opened).find_all()

    found = with_database(read_settings(database_url=database), find)
    table = Table(*_COLUMNS, box=None)
    for key in found:
        table.add_row(
            str(key.id),
            escape(printable(key.name)),
            " ".join(sorted(key.scopes)),
            escape(_workspace(key)),
            _state(key),
            _shown(key.created_on),
            _shown(key.expires_on),
            _shown(key.last_used_on),
        )
    # Don't cut the table at a terminal's width when the output is piped.
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH_IN_PIPES)
    console.print(table)


@keys_cli.command(epilog="Example: `executions-gateway keys revoke 3`")
def revoke(
    key_id: Annotated[int, typer.Argument(metavar="ID", help="Its id, from `keys list`.")],
    database: DatabaseOption = None,
) -> None:
    """Revoke a key. Every process refuses it within a second."""
    settings = read_settings(database_url=database)
    if not with_database(settings, lambda opened: Keys(opened).revoke(key_id)):
        print_error(f"There is no key {key_id}; see them with: {program()} keys list")
        raise typer.Exit(1)
    typer.echo(f"Key {key_id} is revoked")


def _state(key: Key) -> str:
    if key.revoked_on is not None:
        return "revoked"
    return "valid" if key.is_valid(now_ms()) else "expired"


def _workspace(key: Key) -> str:
    """Return the workspace of a key; nothing if it sees all of them."""
    if key.workspace is None:
        return ""
    # By SQL, it may be blank.
    return printable(key.workspace if key.workspace.strip() else repr(key.workspace))


def _shown(instant: int | None) -> str:
    if instant is None:
        return "never"
    try:
        return format_iso(from_ms(instant))
    except ValueError:
        return f"{instant} ms"
