"""Time of ``import``, as a multiple of the fastest way to load the same rows.

The fastest way is ``executemany`` of rows in memory for SQLite, and ``COPY`` of a file with the
columns in their own order for PostgreSQL. Both load an empty database with the same indexes,
triggers and durability as the gateway's. ``make bench`` runs it; ``python bench/import_rate.py
[ROWS] [ROUNDS] [--database postgres]``.
"""

import asyncio
import csv
import random
import sqlite3
import statistics
import tempfile
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
from databases import Database, arguments, databases
from gateways import gateway_command
from rows import COLUMNS, STATES
from sqlite_database import INSERT, SQLiteDatabase

PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "cache_size = -65536")
HEADER = ["id", "guid", "agentflow_id", "agentflow_name", "session_id", "state", "created_on"]


def main(kind: str, rows: int, rounds: int) -> None:
    """Run both alternately and print the median ratio."""
    with tempfile.TemporaryDirectory() as name, databases(kind) as database_of:
        file, bare_file = Path(name) / "rows.csv", Path(name) / "bare.csv"
        write_rows(file, bare_file, rows)
        empty: Database = database_of("import_empty")
        empty.make()
        ratios = []
        for number in range(1, rounds + 1):
            bare = timed_bare(bare_file, empty.copy_to("import_bare"))
            imported = timed_import(file, empty.copy_to("import_gateway"))
            ratios.append(imported / bare)
            print(f"round {number}: bare {bare:.1f} s, import {imported:.1f} s", flush=True)
        print(f"import / bare of {rows:,} rows: {statistics.median(ratios):.2f} (at most 2.00)")


def write_rows(file: Path, bare_file: Path, rows: int) -> None:
    """Write executions with random guids, in the order of time: as a file to import, and bare."""
    chance = random.Random(rows)
    with file.open("w", newline="") as target, bare_file.open("w", newline="") as bare_target:
        writer, bare_writer = csv.writer(target), csv.writer(bare_target)
        writer.writerow(HEADER)
        for number in range(1, rows + 1):
            flow = chance.randrange(50)
            guid = uuid.UUID(int=chance.getrandbits(128), version=4)
            session = f"session-{chance.randrange(max(1, rows // 5))}"
            state = chance.choice(STATES)
            at = 1_700_000_000_000 + number * 50
            writer.writerow([number, guid, f"flow-{flow}", f"Agent {flow}", session, state, at])
            bare_writer.writerow([number, guid, f"flow-{flow}", session, state, at, at])


def timed_bare(file: Path, database: Any) -> float:
    """Return the seconds of loading the rows without the gateway."""
    if isinstance(database, SQLiteDatabase):
        return timed_executemany(file, database.path)
    return asyncio.run(timed_copy(file, database.url))


def timed_executemany(file: Path, path: Path) -> float:
    """Return the seconds of ``executemany``, with the rows in memory."""
    with file.open(newline="") as source:
        rows = [
            (int(id_), guid, flow, session, state, int(at), int(changed))
            for id_, guid, flow, session, state, at, changed in csv.reader(source)
        ]
    with closing(sqlite3.connect(path)) as connection:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        began = time.perf_counter()
        with connection:
            connection.executemany(INSERT, rows)
        return time.perf_counter() - began


async def timed_copy(file: Path, url: str) -> float:
    """Return the seconds of one ``COPY`` from a CSV file that PostgreSQL itself reads."""
    connection = await asyncpg.connect(url)
    began = time.perf_counter()
    await connection.copy_to_table("executions", source=file, columns=COLUMNS, format="csv")
    taken = time.perf_counter() - began
    await connection.close()
    return taken


def timed_import(file: Path, database: Database) -> float:
    """Return the seconds of the whole command, including its start."""
    began = time.perf_counter()
    gateway_command("import", str(file), database=database.url)
    return time.perf_counter() - began


if __name__ == "__main__":
    chosen, numbers = arguments(__doc__, rows=1_000_000, rounds=3)
    main(chosen, *numbers)
