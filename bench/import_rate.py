"""How long `import` takes, as a multiple of a bare ``executemany`` of the same rows.

Both write into the same tables with the same indexes and triggers, each into an empty database
with the gateway's own pragmas. Run with ``python bench/import_rate.py [ROWS] [ROUNDS]``.
"""

import csv
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "cache_size = -65536")
HEADER = ["id", "guid", "agentflow_id", "agentflow_name", "session_id", "state", "created_on"]


def main(rows: int, rounds: int) -> None:
    """Run both in turn and print the median ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, empty = folder / "rows.csv", folder / "empty.db"
        write_rows(file, rows)
        gateway("migrate", empty)
        ratios = []
        for number in range(1, rounds + 1):
            bare = timed_bare(file, Path(shutil.copy(empty, folder / "bare.db")))
            imported = timed_import(file, Path(shutil.copy(empty, folder / "imported.db")))
            ratios.append(imported / bare)
            print(f"round {number}: bare {bare:.1f} s, import {imported:.1f} s")
        print(f"import / bare executemany of {rows:,} rows: {statistics.median(ratios):.2f}")


def write_rows(file: Path, rows: int) -> None:
    """Write executions with random guids, in the order of time."""
    chance = random.Random(rows)
    states = ["FINISHED", "ERROR", "INPROGRESS", "TERMINATED", "TIMEOUT", "STOPPED"]
    with file.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(HEADER)
        for number in range(1, rows + 1):
            flow = chance.randrange(50)
            writer.writerow(
                [
                    number,
                    uuid.UUID(int=chance.getrandbits(128), version=4),
                    f"flow-{flow}",
                    f"Agent {flow}",
                    f"session-{chance.randrange(max(1, rows // 5))}",
                    chance.choice(states),
                    1_700_000_000_000 + number * 50,
                ]
            )


def timed_bare(file: Path, database: Path) -> float:
    """Seconds that ``executemany`` takes once the rows are in memory."""
    with file.open(newline="") as source:
        reader = csv.reader(source)
        next(reader)
        rows = [
            (int(id_), guid, flow, session, state, int(at), int(at))
            for id_, guid, flow, _, session, state, at in reader
        ]
    with closing(sqlite3.connect(database)) as connection:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        began = time.perf_counter()
        with connection:
            connection.executemany(
                "INSERT INTO executions (id, guid, agentflow_id, session_id, state, created_on,"
                " updated_on) VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
        return time.perf_counter() - began


def timed_import(file: Path, database: Path) -> float:
    """Seconds that the whole command takes, its start included."""
    began = time.perf_counter()
    gateway("import", database, str(file))
    return time.perf_counter() - began


def gateway(command: str, database: Path, *arguments: str) -> None:
    """Run a command of the gateway."""
    url = f"sqlite:///{database}"
    program = [sys.executable, str(ROOT / "app.py"), command, *arguments, "--database", url]
    subprocess.run(program, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    given = [int(value) for value in sys.argv[1:]]
    main(*(given + [200_000, 3][len(given) :]))
