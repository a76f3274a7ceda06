"""The program and its commands."""

import contextlib
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import orjson
import typer

from db.database import Database
from db.demo import fill_if_empty
from db.errors import GatewayError
from db.flowise.refusals import refuse_foreign_executions, refuse_unattached
from db.migrations.upgrade import upgrade
from resolvers.schema import build_schema
from server.cli.command import (
    DatabaseOption,
    errors,
    print_error,
    read_settings,
    with_any_database,
    with_database,
)
from server.cli.explain import explain as explain_operation
from server.cli.export_command import export
from server.cli.flowise import attach_cli, detach_cli
from server.cli.health import health
from server.cli.import_command import FileError, import_
from server.cli.keys import keys_cli
from server.cli.progress import progress_of_rows
from server.cli.prune import prune
from server.cli.terminal import printable
from server.operation.listening import bind
from server.operation.program import NAME
from server.operation.serving import access_notice, run_server
from server.operation.settings import Settings

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
cli.add_typer(keys_cli, name="keys")
cli.add_typer(attach_cli, name="attach")
cli.add_typer(detach_cli, name="detach")


def _print_version(is_asked: bool) -> None:  # noqa: FBT001 - typer passes the value
    if is_asked:
        typer.echo(f"{NAME} {version(NAME)}")
        raise typer.Exit


def main() -> int:
    """Run the command that the arguments name and return the exit status."""
    try:
        cli(standalone_mode=True)
    except GatewayError as error:
        print_error(error.message)
        return 1
    return 0


@cli.callback()
def gateway(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """GraphQL, GraphiQL and REST in front of the executions of agent flows."""


@cli.command(epilog="Example: `executions-gateway serve --port 8080 --database sqlite:///runs.db`")
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(help="The port to listen on; 0 for a free one.")
    ] = None,
    database: DatabaseOption = None,
    workers: Annotated[int | None, typer.Option(help="How many processes serve.")] = None,
    demo: Annotated[
        int, typer.Option(min=0, help="Fill an empty database with this many executions first.")
    ] = 0,
) -> None:
    """Serve GraphQL, GraphiQL and REST. The gateway prints its URL when it is ready."""
    settings = read_settings(host=host, port=port, database_url=database, workers=workers)
    with contextlib.ExitStack() as open_sockets:
        # Bind first: if the port is taken, no database is created.
        sockets = bind(settings.host, settings.port)
        for each in sockets:
            open_sockets.enter_context(each)
        _prepare(settings, demo, database)
        if not run_server(settings, sockets):
            raise typer.Exit(1)


def _prepare(settings: Settings, demo: int, named: str | None) -> None:
    async def prepare(opened: Database) -> tuple[int, str | None]:
        if demo:
            await refuse_foreign_executions(opened)
        with progress_of_rows("Making demo executions", demo) as advance:
            made = await fill_if_empty(opened, demo, advance)
        return made, await access_notice(settings, opened, named)

    made, notice = with_database(settings, prepare)
    if made:
        executions = "execution" if made == 1 else "executions"
        typer.echo(f"Filled the empty database with {made:,} demo {executions}")
    if notice:
        errors.print(notice, style="yellow", markup=False, highlight=False, soft_wrap=True)


cli.command(
    "import",
    epilog="Example: `executions-gateway import executions.csv`, `... | executions-gateway "
    "import -`, or `executions-gateway import https://flowise.example/api/v1/executions --header "
    "'Authorization: Bearer …' --follow 30s`",
)(import_)


cli.command(
    epilog='Example: `executions-gateway export --filter \'{"state": {"eq": "ERROR"}}\' '
    "--output errors.csv`"
)(export)


@cli.command(epilog="Example: `executions-gateway schema > schema.graphql`")
def schema() -> None:
    """Print the GraphQL schema (SDL)."""
    typer.echo(build_schema().as_str())


@cli.command(
    epilog="Example: `executions-gateway explain newest.graphql --variables '{\"first\": 5}'`"
)
def explain(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A GraphQL document; - for input.")],
    variables: Annotated[str, typer.Option(help="The variables, as a JSON object.")] = "{}",
    operation: Annotated[str | None, typer.Option(help="The name of the operation.")] = None,
    database: DatabaseOption = None,
) -> None:
    """Explain how an operation runs: its cost, its plan, and the SQL statements of the plan.

    Queries are run on the database; mutations are not.
    """
    settings = read_settings(database_url=database)
    try:
        query = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        given = orjson.loads(variables)
    except OSError as error:
        raise FileError(f"{file} can't be read: {error.strerror}") from None
    except ValueError as error:
        raise FileError(f"The document must be UTF-8, and the variables JSON: {error}") from None
    if not isinstance(given, dict):
        raise FileError("The variables must be a JSON object")
    for line in with_database(
        settings, lambda opened: explain_operation(settings, opened, query, given, operation)
    ):
        typer.echo(printable(line))


@cli.command(epilog="Example: `executions-gateway migrate --database sqlite:///runs.db`")
def migrate(database: DatabaseOption = None) -> None:
    """Migrate the database to the newest revision, as `serve` does on start."""

    async def run(opened: Database) -> tuple[str | None, str]:
        await refuse_unattached(opened)
        return await upgrade(opened)

    before, after = with_any_database(read_settings(database_url=database), run)
    if before == after:
        typer.echo(f"The database is at the newest revision already ({after})")
    else:
        typer.echo(f"Migrated the database from revision {before or 'none'} to {after}")


cli.command(
    epilog="Example: `executions-gateway prune --older-than 30d --state FINISHED --keep-last 100 "
    "--dry-run`"
)(prune)


cli.command(epilog="Example: `executions-gateway health --port 8080`")(health)
