"""What the commands share: reading settings, opening the database, printing errors."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console

from db.database import Database
from db.errors import ServiceUnavailable, quote
from db.flowise.refusals import refuse_unattached
from db.migrations.upgrade import upgrade
from db.opening import open_database
from server.cli.diagnosis import diagnose
from server.cli.terminal import printable
from server.operation.durations import parse_duration
from server.operation.settings import Settings, load_settings

_T = TypeVar("_T")

_KUBERNETES_HINT = (
    " (Kubernetes sets this for a Service that is named gateway: set enableServiceLinks: false)"
)

errors = Console(stderr=True)
"""The console that errors, notices and progress bars are printed on."""

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="The database, such as sqlite:///executions.db. Default: GATEWAY_DATABASE_URL.",
    ),
]


def read_duration(text: str) -> int:
    """Return the milliseconds of an option's duration; the parser of such options."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; got {quote(text)}") from None


def print_error(message: str) -> None:
    """Print an error message in red on standard error."""
    text = printable(f"Error: {message}")
    errors.print(text, style="red", markup=False, highlight=False, soft_wrap=True)


def read_settings(**given: Any) -> Settings:
    """Read the settings; values given on the command line take precedence.

    Prints a message for each invalid value and exits. Raises InvalidInput for names that are not
    settings.
    """
    try:
        return load_settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"])
            hint = _KUBERNETES_HINT if str(problem["input"]).startswith("tcp://") else ""
            got = quote(problem["input"])
            print_error(f"GATEWAY_{name.upper()}: {problem['msg']}; got {got}{hint}")
        raise typer.Exit(1) from None


def with_database(settings: Settings, work: Callable[[Database], Awaitable[_T]]) -> _T:
    """Run ``work`` on the database, after migrating it to the newest revision.

    Raises CannotAttach if it is a Flowise's, and no gateway has used it.
    """

    async def migrated(database: Database) -> _T:
        await refuse_unattached(database)
        await upgrade(database)
        return await work(database)

    return with_any_database(settings, migrated)


def with_any_database(settings: Settings, work: Callable[[Database], Awaitable[_T]]) -> _T:
    """Run ``work`` on the database, whatever its revision.

    Raises ServiceUnavailable when the database can't be opened; the message says why and what to
    do.
    """
    # The error that is raised carries the database's own message, so don't log it as well.
    logging.getLogger("gateway.database").addHandler(logging.NullHandler())

    async def run() -> _T:
        database = open_database(
            settings.database_url,
            busy_timeout=settings.busy_timeout,
            read_url=settings.read_database_url,
        )
        try:
            return await work(database)
        except ServiceUnavailable as error:
            raise ServiceUnavailable(
                await diagnose(settings.database_url) or error.message
            ) from error
        finally:
            await database.close()

    return asyncio.run(run())
