"""The command that loads executions from files and from other servers."""

import contextlib
import io
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Annotated, cast

import typer
from sqlalchemy.exc import IntegrityError

from db.database import Database
from db.errors import GatewayError
from db.flowise.refusals import refuse_foreign_executions
from db.opening import normalize_url
from db.writing.loading import load
from server.cli.command import DatabaseOption, read_duration, read_settings, with_database
from server.cli.import_files import Row, read_executions
from server.cli.progress import Advance, progress_of_bytes
from server.cli.rest_import.command import import_list
from server.cli.rest_import.source import Source, is_url


def import_(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="CSV, JSON Lines or JSON; - for standard input; or the URL of a server's list.",
        ),
    ],
    *,
    seconds: Annotated[
        bool, typer.Option("--seconds", help="Read numbers as epoch seconds, not milliseconds.")
    ] = False,
    header: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME: VALUE'|@FILE",
            help="A header for the server, or a file with one on each line, which keeps it out of "
            "the shell's history; give it again for more.",
        ),
    ] = None,
    follow: Annotated[
        int | None,
        typer.Option(
            metavar="INTERVAL",
            parser=read_duration,
            help="Go on, and import what is new or changed at the server every 30s, say.",
        ),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Read the whole list of a server again.")
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Load executions from files, all of them or none, or from another server.

    Executions whose guid exists are updated. Columns: guid, agentflow_id, agentflow_name,
    session_id, state, created_on (epoch milliseconds or ISO 8601), and optionally id,
    updated_on, finished_on, workspace_id and data (JSON, as the engine wrote it); the names of
    the REST API (agentflowId) and executionData work too. A row keeps its id unless another
    execution has it. Files may be in UTF-8 or UTF-16, compressed with gzip or not; CSV values may
    be separated by commas, semicolons, tabs or bars.

    The server may be a Flowise, a gateway, or any that has their `GET /executions`. Its list is
    read by windows of creation, page by page, each of which is kept: the same command resumes where
    it was ended, and later reads only what has changed since (a Flowise tells; other lists are read
    again). Executions that can't be read are left out and named; the exit status is then 1. What is
    deleted at the server stays here.
    """
    settings = read_settings(database_url=database)
    if any(map(is_url, files)):
        source = _source(files, header or [], in_seconds=seconds)
        with _new_file_removed_on_failure(settings.database_url) as keep:
            import_list(settings, source, follow=follow, anew=anew, on_written=keep)
        return
    if header or follow is not None or anew:
        raise FileError("--header, --follow and --anew are for the address of a server")
    with _progress(files) as advance, _new_file_removed_on_failure(settings.database_url):
        rows = (row for file in files for row in _rows(file, advance, in_seconds=seconds))
        try:
            count = with_database(settings, lambda opened: _load(opened, rows))
        except IntegrityError as error:
            raise FileError(f"The database rejected a row: {error.orig}") from None
    typer.echo(f"Imported {count:,} {'execution' if count == 1 else 'executions'}")


def _source(files: list[str], headers: list[str], *, in_seconds: bool) -> Source:
    if len(files) > 1:
        # Not shown: they may be credentials, of a header that was not in quotes.
        raise FileError(
            "An address must be the only argument, and a header in quotes: "
            "--header 'Authorization: Bearer …'"
        )
    if in_seconds:
        raise FileError("--seconds is for files: a server's numbers are epoch milliseconds")
    return Source.of(files[0], headers)


async def _load(opened: Database, rows: Iterator[Row]) -> int:
    await refuse_foreign_executions(opened)
    return await load(opened, rows)


class FileError(GatewayError):
    """A file can't be read."""

    code = "BAD_USER_INPUT"


@contextlib.contextmanager
def _new_file_removed_on_failure(url: str) -> Iterator[Callable[[], None]]:
    """Remove the database file if the block fails and the file did not exist before.

    The block may call what is yielded to keep the file in any case.
    """
    parsed = normalize_url(url)
    name = parsed.database or ""
    is_new = parsed.get_backend_name() == "sqlite" and not Path(name).exists()
    keeping = threading.Event()
    try:
        yield keeping.set
    except BaseException:
        if is_new and not keeping.is_set() and not name.startswith("file:"):
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
