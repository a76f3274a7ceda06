"""Run an import over REST for the command ``import``: what it prints, and how it ends."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import typer

from db.database import Database
from db.flowise.refusals import refuse_foreign_executions
from server.cli.command import errors, with_database
from server.cli.progress import progress_of_rows
from server.cli.rest_import.connection import Bounds, Connection
from server.cli.rest_import.execution_list import ExecutionList
from server.cli.rest_import.importing import RestImport
from server.cli.rest_import.retries import Retries
from server.cli.rest_import.source import Source
from server.cli.terminal import printable
from server.operation.settings import Settings

_INTERRUPTED = 130
"""The exit status of a program that was ended by Ctrl-C."""


def import_list(
    settings: Settings,
    source: Source,
    *,
    follow: int | None,
    anew: bool,
    on_written: Callable[[], object],
) -> None:
    """Import a list, and follow it every ``follow`` milliseconds if that is given.

    ``on_written`` is called once a first execution is in the database.
    """
    bounds = Bounds()

    async def work(database: Database) -> tuple[RestImport, bool]:
        await refuse_foreign_executions(database)
        connection = Connection(source, bounds)
        retries = Retries(_notify, is_endless=follow is not None)
        listed = ExecutionList(connection.get, retries.run, source.filters, most_bytes=bounds.bytes)
        with contextlib.ExitStack() as bar:
            shown = _Bar(bar, on_written)
            importing = RestImport(
                database,
                listed,
                source.name,
                retries=retries,
                notify=_notify,
                advance=shown.advance,
                on_total=shown.open,
            )

            async def run() -> None:
                await importing.run(anew=anew)
                bar.close()
                if follow is not None:
                    report = _Rounds(importing)
                    await importing.follow(follow / 1000, report.after_round, asyncio.sleep)

            try:
                return importing, await _finished(run())
            except BaseException:
                bar.close()
                _name(importing.left_out)
                raise
            finally:
                connection.close()

    importing, is_finished = with_database(settings, work)
    count = f"{importing.written:,} {'execution' if importing.written == 1 else 'executions'}"
    if is_finished:
        typer.echo(f"Imported {count}")
    else:
        typer.echo(f"Stopped: imported {count}; the same command goes on from there")
    _name(importing.left_out)
    if importing.left_out_count:
        is_one = importing.left_out_count == 1
        _notify(f"{importing.left_out_count:,} {'was' if is_one else 'were'} left out")
    if not is_finished or importing.left_out_count:
        raise typer.Exit(1 if is_finished else _INTERRUPTED)


class _Bar:
    """The progress bar, which is opened once the total is known."""

    def __init__(self, stack: contextlib.ExitStack, on_written: Callable[[], object]) -> None:
        self._stack = stack
        self._on_written = on_written
        self._advance: Callable[[int], object] = lambda _: None

    def open(self, total: int | None) -> None:
        self._advance = self._stack.enter_context(progress_of_rows("Importing", total))

    def advance(self, count: int) -> None:
        self._on_written()
        self._advance(count)


class _Rounds:
    """Tells of each round of following that found something."""

    def __init__(self, importing: RestImport) -> None:
        self._importing = importing
        self._told = importing.written
        self._named: set[str] = set()
        self._name_new()
        _notify(f"Imported {importing.written:,}; following until Ctrl-C")

    def after_round(self) -> None:
        count = self._importing.written - self._told
        if count:
            self._told += count
            typer.echo(f"Imported {count:,} more")
        self._name_new()

    def _name_new(self) -> None:
        new = {
            guid: problem
            for guid, problem in self._importing.left_out.items()
            if guid not in self._named
        }
        _name(new)
        self._named = set(self._importing.left_out)


async def _finished(work: Coroutine[Any, Any, None]) -> bool:
    """Do the work; return False if Ctrl-C or SIGTERM ended it."""
    task = asyncio.ensure_future(work)
    with _cancelled_by_signals(task) as is_stopped:
        try:
            await task
        except asyncio.CancelledError:
            if is_stopped():
                return False
            raise
    return True


@contextlib.contextmanager
def _cancelled_by_signals(task: "asyncio.Future[None]") -> Iterator[Callable[[], bool]]:
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        received.append(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        yield lambda: bool(received)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _notify(message: str) -> None:
    errors.print(
        printable(message),
        style="yellow",
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
    )


def _name(left_out: dict[str, str]) -> None:
    for guid, problem in left_out.items():
        _notify(f"Left out {guid}: {problem}")
