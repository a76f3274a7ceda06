"""Progress bars, for people on a terminal; programs that read the output see none."""

import contextlib
from collections.abc import Callable, Iterator

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from server.cli.command import errors

Advance = Callable[[int], None]
"""Says how much more was done."""


@contextlib.contextmanager
def progress_of_bytes(what: str, total: int | None) -> Iterator[Advance]:
    """Show how many of ``total`` bytes were read; None when nobody knows how many there are."""
    with _shown(what, total, DownloadColumn()) as advance:
        yield advance


@contextlib.contextmanager
def progress_of_rows(what: str, total: int) -> Iterator[Advance]:
    """Show how many of ``total`` rows were made."""
    with _shown(what, total, MofNCompleteColumn()) as advance:
        yield advance


@contextlib.contextmanager
def _shown(what: str, total: int | None, figures: ProgressColumn) -> Iterator[Advance]:
    columns = (TextColumn("{task.description}"), BarColumn(), figures, TimeRemainingColumn())
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, advance=done)
