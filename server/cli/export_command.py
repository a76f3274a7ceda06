"""The command that writes executions to a file or to standard output."""

import enum
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from db.database import Database
from db.errors import InvalidInput
from db.executions import Executions
from db.opening import normalize_url
from db.reading.filters import EVERYTHING, Filter
from db.texts import NO_CHARACTER, is_broken
from server.cli.command import DatabaseOption, errors, read_settings, with_database
from server.cli.filter_option import read_filter
from server.cli.output_file import STANDARD_OUTPUT, output_file
from server.cli.progress import progress_of_rows
from server.rest.files import COLUMNS, CSV_HEADER, csv_lines, json_lines


class Format(enum.StrEnum):
    """The formats of an export."""

    CSV = "csv"
    JSONL = "jsonl"


_LINES: dict[Format, Callable[[Sequence[Any]], bytes]] = {
    Format.CSV: csv_lines,
    Format.JSONL: json_lines,
}
_HEADERS = {Format.CSV: CSV_HEADER, Format.JSONL: b""}
_NO_CHARACTER = NO_CHARACTER.encode()


def export(
    filter_: Annotated[
        str | None,
        typer.Option("--filter", metavar="JSON", help="A filter, as GraphQL's ExecutionFilter."),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="CSV or JSON Lines.")] = Format.CSV,
    output: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="The file, written as a whole or not at all; - for standard output.",
        ),
    ] = STANDARD_OUTPUT,
    database: DatabaseOption = None,
) -> None:
    """Write executions, newest first, as `import` reads them.

    In CSV, a text that a spreadsheet would run as a formula begins with an apostrophe, which
    `import` removes. Executions that are created meanwhile are not included.
    """
    settings = read_settings(database_url=database)
    wanted = EVERYTHING if filter_ is None else read_filter(filter_, settings.max_ids)
    _expect_database(settings.database_url)
    is_shown = output != STANDARD_OUTPUT and errors.is_terminal

    async def work(opened: Database) -> tuple[int, int]:
        executions = Executions(opened)
        total = await executions.count(wanted) if is_shown else 0
        with output_file(output) as file, progress_of_rows("Exporting", total) as advance:
            return await _write(executions, wanted, format_, file, advance)

    count, broken = with_database(settings, work)
    if broken:
        noted = f"{broken:,} of the executions have texts that are not UTF-8, shown with U+FFFD"
        errors.print(noted, style="yellow", markup=False, highlight=False, soft_wrap=True)
    if output != STANDARD_OUTPUT:
        typer.echo(f"Exported {count:,} {'execution' if count == 1 else 'executions'}")


async def _write(
    executions: Executions,
    wanted: Filter,
    format_: Format,
    file: IO[bytes],
    advance: Callable[[int], None],
) -> tuple[int, int]:
    """Return how many executions were written, and how many have a text that is not UTF-8."""
    written = broken = 0
    file.write(_HEADERS[format_])
    async for rows in executions.stream(COLUMNS, wanted):
        lines = _LINES[format_](rows)
        file.write(lines)
        written += len(rows)
        # Few batches have any, so don't look at each text.
        if _NO_CHARACTER in lines:
            broken += sum(map(_is_broken, rows))
        advance(len(rows))
    return written, broken


def _is_broken(row: Sequence[Any]) -> bool:
    return any(isinstance(cell, str) and is_broken(cell) for cell in row)


def _expect_database(url: str) -> None:
    """Raise InvalidInput if a file would be created only to export nothing from it."""
    parsed = normalize_url(url)
    name = parsed.database or ""
    is_file = parsed.get_backend_name() == "sqlite" and not name.startswith("file:")
    if is_file and not Path(name).exists():
        raise InvalidInput(
            f"There is no database {name}; name another one with --database sqlite:///FILE"
        )
