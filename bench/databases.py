"""Databases with rows that look like real ones, made quickly."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import Random
from sqlite3 import Connection, connect
from typing import Any

ROOT = Path(__file__).parents[1]
STATES = ("FINISHED", "ERROR", "INPROGRESS", "TERMINATED", "TIMEOUT", "STOPPED")
WEIGHTS = (78, 9, 2, 3, 4, 4)
FLOWS = 50
SPAN_MS = 60_000_000_000
"""All executions were created within this many milliseconds, however many they are."""
BEGIN_MS = 1_700_000_000_000
_BATCH = 100_000


def fill(path: Path, rows: int, span: int = SPAN_MS) -> None:
    """Make a database of executions, newest last.

    Indexes and counts are made when the rows are there, which takes a tenth of the time.
    """
    gateway_command("migrate", database=path)
    connection = connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -500000")
        dropped = _drop_what_follows_rows(connection)
        connection.executemany(
            "INSERT INTO agentflows VALUES (?, ?)",
            [(f"flow-{n:05}", f"Agent {'ABCDE'[n % 5]} {n:02}") for n in range(FLOWS)],
        )
        numbers = iter(_rows(rows, span))
        for _ in range(0, rows, _BATCH):
            connection.execute("BEGIN")
            connection.executemany(
                "INSERT INTO executions (id, guid, agentflow_id, session_id, state, created_on,"
                " updated_on) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (row for row, _ in zip(numbers, range(_BATCH), strict=False)),
            )
            connection.execute("COMMIT")
        for statement in dropped:
            connection.execute(statement)
        for name in ("state", "agentflow", "session"):
            # The next revision drops what the one before had; there it need hold nothing.
            connection.execute(f"CREATE INDEX executions_by_{name} ON executions (id) WHERE 0")
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
    finally:
        connection.close()
    gateway_command("migrate", database=path)


def _drop_what_follows_rows(connection: Connection) -> list[str]:
    """Drop indexes, triggers and counts; return what makes those that no migration makes anew."""
    counted = ("execution_counts", "agentflow_counts", "replaced_executions")
    found = connection.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger')"
        " AND tbl_name = 'executions' AND sql IS NOT NULL"
    ).fetchall()
    for kind, name, _ in found:
        connection.execute(f"DROP {kind} {name}")
    for table in counted:
        connection.execute(f"DROP TABLE {table}")
    before = {"executions_inserted", "executions_updated"}
    return [
        sql
        for kind, name, sql in found
        if (kind == "index" and name != "executions_by_agentflow_state_created_on")
        or name in before
    ]


def _rows(rows: int, span: int) -> Iterator[tuple[Any, ...]]:
    chance = Random(1)
    flows = [f"flow-{number:05}" for number in range(FLOWS)]
    by_rank = [1 / (rank + 1) for rank in range(FLOWS)]
    for start in range(0, rows, _BATCH):
        size = min(_BATCH, rows - start)
        chosen = zip(
            chance.choices(flows, by_rank, k=size),
            chance.choices(STATES, WEIGHTS, k=size),
            strict=True,
        )
        for number, (flow, state) in enumerate(chosen, start):
            at = BEGIN_MS + number * span // rows
            guid = str(uuid.UUID(int=chance.getrandbits(128), version=4))
            session = f"session-{chance.randrange(max(1, rows // 5)):07}"
            yield number + 1, guid, flow, session, state, at, at


def gateway_command(*arguments: str, database: Path) -> str:
    """Run the gateway's command line and return what it printed."""
    command = [sys.executable, str(ROOT / "app.py"), *arguments, "--database"]
    return subprocess.run(
        [*command, f"sqlite:///{database}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
