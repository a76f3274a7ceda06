"""Progress bars, shown only when standard error is a terminal."""

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
"""Advances a progress bar by a number of units."""


@contextlib.contextmanager
def progress_of_bytes(what: str, total: int | None) -> Iterator[Advance]:
    """Show how many of ``total`` bytes were read; ``total`` is None if unknown."""
    with _shown(what, total, DownloadColumn()) as advance:
        yield advance


@contextlib.contextmanager
def progress_of_rows(what: str, total: int | None) -> Iterator[Advance]:
    """Show how many of ``total`` rows were made; ``total`` is None if unknown."""
    with _shown(what, total, MofNCompleteColumn()) as advance:
        yield advance


@contextlib.contextmanager
def _shown(what: str, total: int | None, figures: ProgressColumn) -> Iterator[Advance]:
    columns = (TextColumn("{task.description}"), BarColumn(), figures, TimeRemainingColumn())
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, advance=done)
