"""The command that deletes old executions."""

import asyncio
import contextlib
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import asyncpg
import typer

from db.database import Database
from db.errors import GatewayError
from db.executions import Executions
from db.flowise.marker import read_marker
from db.models import ExecutionState
from db.writing.old_executions import FINAL_STATES, MOST_KEPT, Counts, OldExecutions, read_clock
from server.cli.command import (
    DatabaseOption,
    print_error,
    read_duration,
    read_settings,
    with_database,
)
from server.cli.progress import progress_of_rows

_INTERRUPTED = 130
"""The exit status of a program that was ended by Ctrl-C."""


class Refused(GatewayError):
    """A rule of the database itself refused to delete executions."""

    code = "BAD_USER_INPUT"


def prune(
    older_than: Annotated[
        int,
        typer.Option(
            metavar="AGE",
            parser=read_duration,
            help="Delete what was created longer ago than this: 45s, 90m (minutes), 12h, 30d, 2w.",
        ),
    ],
    *,
    state: Annotated[
        list[ExecutionState] | None,
        typer.Option(
            case_sensitive=False,
            metavar="STATE",
            help="Delete only executions in this state; give it again for more. Default: every "
            "state but INPROGRESS, which is never deleted.",
        ),
    ] = None,
    keep_last: Annotated[
        int,
        typer.Option(
            min=0,
            max=MOST_KEPT,
            metavar="N",
            help="Keep the newest N executions of each agentflow, whatever their state.",
        ),
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be deleted.")
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Delete old executions that have ended, in batches.

    It may run while gateways and engines use the database: each batch takes some milliseconds.
    Ctrl-C ends it after a whole batch.
    """
    if ExecutionState.INPROGRESS in (state or ()):
        raise typer.BadParameter(
            "executions that are INPROGRESS are never deleted; GATEWAY_TIMEOUT_AFTER ends those "
            "that are stuck",
            param_hint="'--state'",
        )
    states = dict.fromkeys(state or FINAL_STATES)
    settings = read_settings(database_url=database)

    async def work(opened: Database) -> bool:
        if await read_marker(opened) is not None:
            typer.echo(
                "The database is attached: what is deleted is deleted in Flowise, too", err=True
            )
        created_before = await read_clock(opened) - older_than
        old = OldExecutions(opened, dict.fromkeys(states, created_before), keep_last)
        counts = await old.count()
        total = await Executions(opened).count()
        verb = "Would delete" if dry_run else "To delete:"
        typer.echo(f"{verb} {sum(counts.values()):,} of {_executions(total)}{_by_state(counts)}")
        return True if dry_run else await _delete(opened, old, sum(counts.values()))

    if not with_database(settings, work):
        raise typer.Exit(_INTERRUPTED)


async def _delete(database: Database, old: OldExecutions, expected: int) -> bool:
    """Delete old executions; return False if Ctrl-C ended it before all were deleted."""
    deleted: Counter[ExecutionState] = Counter()
    is_stopped = asyncio.Event()
    try:
        with _stopped_by_interrupt(is_stopped), progress_of_rows("Deleting", expected) as advance:
            before = -1
            # What other programs were changing is left out; it may be free by now.
            while deleted.total() not in (before, expected) and not is_stopped.is_set():
                before = deleted.total()
                async with contextlib.aclosing(old.delete()) as batches:
                    async for counts in batches:
                        deleted.update(counts)
                        advance(sum(counts.values()))
                        if is_stopped.is_set():
                            break
    except Exception as error:
        print_error(f"It failed after it had deleted {_shown(deleted)}")
        if isinstance(error, sqlite3.IntegrityError | asyncpg.PostgresError):
            raise Refused(f"The database refused to delete the others: {error}") from None
        raise
    is_complete = not is_stopped.is_set() or deleted.total() >= expected
    left = await Executions(database).count()
    word = "Deleted" if is_complete else "Stopped: deleted"
    typer.echo(f"{word} {_shown(deleted)}; {left:,} left")
    return is_complete


@contextlib.contextmanager
def _stopped_by_interrupt(is_stopped: asyncio.Event) -> Iterator[None]:
    """Set the event on Ctrl-C; the next one ends the program at once."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        is_stopped.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, stop)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _shown(counts: Counts) -> str:
    return _executions(sum(counts.values())) + _by_state(counts)


def _executions(count: int) -> str:
    return f"{count:,} {'execution' if count == 1 else 'executions'}"


def _by_state(counts: Counts) -> str:
    shown = [f"{state} {counts[state]:,}" for state in FINAL_STATES if counts.get(state)]
    return f" ({', '.join(shown)})" if shown else ""
