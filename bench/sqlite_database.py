"""SQLite databases."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from gateways import gateway_command
from rows import AGENTFLOWS, COLUMNS, executions

from db.migrations.versions.r0003_counts import WIDTHS, count_all

INSERT = (
    f"INSERT INTO executions ({', '.join(COLUMNS)}, finished_on) VALUES"
    # As a trigger would set it.
    f" ({', '.join('?' for _ in COLUMNS)}, CASE WHEN ?5 <> 'INPROGRESS' THEN ?7 END)"
)


class SQLiteDatabase:
    """An SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def is_there(self) -> bool:
        """Whether the file exists."""
        return self.path.exists()

    def select(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(statement).fetchall()

    def copy_to(self, name: str) -> "SQLiteDatabase":
        """Copy the file to one beside it, replacing one that exists."""
        return SQLiteDatabase(Path(shutil.copy(self.path, self.path.with_name(f"{name}.db"))))

    def warm(self) -> None:
        """Load the whole file into the system's cache."""
        shutil.copyfile(self.path, os.devnull)

    def create(self) -> None:
        """Remove the file if it exists: it is created when it is opened."""
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(f"{self.path.name}{suffix}").unlink(missing_ok=True)

    def make(self) -> None:
        """Create the file, without executions, replacing one that exists."""
        self.create()
        gateway_command("migrate", database=self.url)

    def fill(self, rows: int, span: int) -> None:
        """Create the file with executions, oldest first.

        Creates indexes and counts last, which takes a tenth of the time.
        """
        self.make()
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -500000")
            dropped = _drop_what_follows_rows(connection)
            connection.executemany("INSERT INTO agentflows (id, name) VALUES (?, ?)", AGENTFLOWS)
            for batch in executions(rows, span):
                connection.execute("BEGIN")
                connection.executemany(INSERT, batch)
                connection.execute("COMMIT")
            for table, widths in WIDTHS.items():
                for width in widths:
                    connection.execute(count_all(table, width))
            for statement in dropped:
                connection.execute(statement)


def _drop_what_follows_rows(connection: sqlite3.Connection) -> list[str]:
    """Drop the indexes and triggers of executions, and return what creates them anew."""
    found = connection.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger')"
        " AND tbl_name = 'executions' AND sql IS NOT NULL"
    ).fetchall()
    for kind, name, _ in found:
        connection.execute(f"DROP {kind} {name}")
    return [sql for _, _, sql in found]
