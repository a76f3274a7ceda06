"""What the commands share: reading settings, opening the database, telling of errors."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console

from db.engine import Database
from db.errors import quote
from db.migrations.upgrade import upgrade
from db.opening import open_database
from server.settings import Settings

_T = TypeVar("_T")

errors = Console(stderr=True)
"""Where people look for what went wrong."""

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="The database, such as sqlite:///executions.db. Default: GATEWAY_DATABASE_URL.",
    ),
]


def print_error(message: str) -> None:
    """Say what went wrong."""
    errors.print(f"Error: {message}", style="red", markup=False, highlight=False, soft_wrap=True)


def read_settings(**given: Any) -> Settings:
    """The settings, those given on the command line above all others.

    Ends the command with a message for each that is wrong.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"])
            print_error(f"GATEWAY_{name.upper()}: {problem['msg']}; got {quote(problem['input'])}")
        raise typer.Exit(1) from None


def with_database(settings: Settings, work: Callable[[Database], Awaitable[_T]]) -> _T:
    """Run ``work`` on a database that is at the newest revision."""

    async def migrated(database: Database) -> _T:
        await upgrade(database)
        return await work(database)

    return with_any_database(settings, migrated)


def with_any_database(settings: Settings, work: Callable[[Database], Awaitable[_T]]) -> _T:
    """Run ``work`` on a database, whatever its revision."""

    async def run() -> _T:
        database = open_database(
            settings.database_url,
            busy_timeout=settings.busy_timeout,
            read_url=settings.read_database_url,
        )
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())
