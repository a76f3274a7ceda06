"""Events tell all that happens to a table of SQLite, whatever programs run on it."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.events.outbox import EVENTS, ROWS, Copy, Logged, Row, logged, replay
from tests.db.sqlite.drawn_writes import (
    FIRST,
    Step,
    changes_each_row_once,
    steps,
    triggers_of_executions,
)
from tests.examples import examples

_PROGRAMS = 2


class _Watched:
    """A connection whose events are replayed onto a copy of what it sees."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.copy: Copy = {}
        self.last = 0

    def look(self) -> tuple[list[Logged], Copy]:
        """Replay new events, and compare the copy with the table; returns both as they were."""
        is_reading = not self.connection.in_transaction
        if is_reading:
            self.connection.execute("BEGIN")
        found = self.connection.execute(f"{EVENTS} WHERE id > ? ORDER BY id", [self.last])
        events, rows = logged(found), self.connection.execute(ROWS).fetchall()
        if is_reading:
            self.connection.execute("COMMIT")
        before = dict(self.copy)
        replay(events, self.copy)
        assert self.copy == {row.guid: row for row in map(Row._make, rows)}
        self.last = max([self.last, *(event.id for event in events)])
        return events, before

    def start_from(self, other: "_Watched") -> None:
        """See what another connection sees."""
        self.copy, self.last = dict(other.copy), other.last

    def start_anew(self) -> None:
        """Copy the table itself."""
        rows = map(Row._make, self.connection.execute(ROWS))
        self.copy = {row.guid: row for row in rows}
        [(self.last,)] = self.connection.execute(
            "SELECT coalesce(max(id), 0) FROM execution_events"
        )


def _run(program: _Watched, reader: _Watched, statement: str) -> None:
    """Run a statement, which may be refused, and check that it is logged."""
    connection = program.connection
    was_within_transaction = connection.in_transaction
    if not was_within_transaction:
        program.start_from(reader)
    try:
        connection.execute(statement)
    except sqlite3.OperationalError:
        # Another program writes, or there is no transaction.
        return
    except sqlite3.IntegrityError:
        # OR FAIL keeps the rows before the one that is refused.
        pass
    if was_within_transaction and not connection.in_transaction:
        return
    if statement.startswith("ROLLBACK"):
        program.start_anew()
        return
    events, before = program.look()
    if changes_each_row_once(statement):
        guids = {*before, *program.copy}
        changed = {guid for guid in guids if before.get(guid) != program.copy.get(guid)}
        assert sorted(event.row.guid for event in events) == sorted(changed)


def _shuffle_triggers(connection: sqlite3.Connection, seed: int) -> None:
    """Create the triggers anew, in another order, which is the order in which they run."""
    triggers = triggers_of_executions(connection)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    Random(seed).shuffle(triggers)
    for _, created in triggers:
        connection.execute(created)
    connection.execute("COMMIT")


@pytest.mark.parametrize("recursive", [False, True], ids=["plain", "with recursive triggers"])
@given(taken=steps(_PROGRAMS), seed=st.integers(0, 2**16))
@settings(max_examples=examples(500), deadline=None, suppress_health_check=list(HealthCheck))
def test_a_copy_that_follows_events_equals_the_table_at_every_commit(
    path: Path, *, recursive: bool, taken: Sequence[Step], seed: int
) -> None:
    copied = Path(shutil.copy(path, path.with_name("copied.db")))
    for suffix in ("-wal", "-shm"):
        copied.with_name(f"copied.db{suffix}").unlink(missing_ok=True)
    with ExitStack() as stack:
        reader, *programs = (
            _Watched(stack.enter_context(closing(sqlite3.connect(copied, 0, isolation_level=None))))
            for _ in range(1 + _PROGRAMS)
        )
        _shuffle_triggers(reader.connection, seed)
        reader.connection.execute(FIRST)
        reader.look()
        for program in programs:
            program.connection.execute("PRAGMA synchronous = OFF")
            program.connection.execute(f"PRAGMA recursive_triggers = {recursive:d}")
        for number, statement in taken:
            _run(programs[number], reader, statement)
            reader.look()
