"""The command that loads executions from files."""

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, cast

import typer
from sqlalchemy.exc import IntegrityError

from db.errors import GatewayError
from db.opening import normalize_url
from db.writing.loading import load
from server.cli.command import DatabaseOption, read_settings, with_database
from server.cli.import_files import Row, read_executions
from server.cli.progress import Advance, progress_of_bytes


def import_(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="CSV, JSON Lines or JSON; - for standard input."),
    ],
    *,
    seconds: Annotated[
        bool, typer.Option("--seconds", help="Read numbers as epoch seconds, not milliseconds.")
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Load executions from files, all of them or none.

    Executions whose guid exists are updated. Columns: guid, agentflow_id, agentflow_name,
    session_id, state, created_on (epoch milliseconds or ISO 8601), and optionally id,
    updated_on and finished_on; the names of the REST API (agentflowId) work too. A row keeps its
    id unless another execution has it. Files may be in UTF-8 or UTF-16, compressed with gzip or
    not; CSV values may be separated by commas, semicolons, tabs or bars.
    """
    settings = read_settings(database_url=database)
    with _progress(files) as advance, _new_file_removed_on_failure(settings.database_url):
        rows = (row for file in files for row in _rows(file, advance, in_seconds=seconds))
        try:
            count = with_database(settings, lambda opened: load(opened, rows))
        except IntegrityError as error:
            raise FileError(f"The database rejected a row: {error.orig}") from None
    typer.echo(f"Imported {count:,} {'execution' if count == 1 else 'executions'}")


class FileError(GatewayError):
    """A file can't be read."""

    code = "BAD_USER_INPUT"


@contextlib.contextmanager
def _new_file_removed_on_failure(url: str) -> Iterator[None]:
    """Remove the database file if the block fails and the file did not exist before."""
    parsed = normalize_url(url)
    name = parsed.database or ""
    is_new = parsed.get_backend_name() == "sqlite" and not Path(name).exists()
    try:
        yield
    except BaseException:
        if is_new and not name.startswith("file:"):
            for end in ("", "-wal", "-shm", "-journal"):
                Path(name + end).unlink(missing_ok=True)
        raise


def _rows(name: str, advance: Advance, *, in_seconds: bool) -> Iterator[Row]:
    shown = "standard input" if name == "-" else name
    try:
        with contextlib.ExitStack() as stack:
            raw = sys.stdin.buffer if name == "-" else stack.enter_context(Path(name).open("rb"))
            yield from read_executions(
                cast("IO[bytes]", _Counted(raw, advance)), shown, in_seconds=in_seconds
            )
    except OSError as error:
        raise FileError(f"{shown} can't be read: {error.strerror or error}") from None


class _Counted(io.RawIOBase):
    """A file that reports how many bytes were read from it. The caller closes the file inside."""

    def __init__(self, file: io.BufferedIOBase | IO[bytes], advance: Advance) -> None:
        self._file = file
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        # ``read1`` returns what a pipe holds already, without waiting for more.
        data: bytes = self._file.read1(len(buffer))  # type: ignore[union-attr]
        buffer[: len(data)] = data
        self._advance(len(data))
        return len(data)


def _progress(files: list[str]) -> contextlib.AbstractContextManager[Advance]:
    sizes = [Path(name).stat().st_size for name in files if Path(name).is_file()]
    return progress_of_bytes("Importing", sum(sizes) if len(sizes) == len(files) else None)
