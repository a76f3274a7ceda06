"""The databases to measure, of the kind that the command line names."""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from postgres_database import PostgresDatabase, postgres_server
from sqlite_database import SQLiteDatabase

KINDS = ("sqlite", "postgres")


class Database(Protocol):
    """A database of executions, and what a benchmark does with it directly."""

    url: str

    def is_there(self) -> bool:
        """Whether the database exists."""

    def select(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""

    def copy_to(self, name: str) -> "Database":
        """Copy the database to another name, replacing one that exists."""

    def warm(self) -> None:
        """Load the whole database into memory, as far as the system keeps it there."""

    def create(self) -> None:
        """Create the database, without tables, replacing one that exists."""

    def make(self) -> None:
        """Create the database, without executions, replacing one that exists."""

    def fill(self, rows: int, span: int) -> None:
        """Create the database with executions from a span of milliseconds, oldest first."""


@contextmanager
def databases(kind: str) -> Iterator[Callable[[str], Any]]:
    """Provide a function from a name to a database until the block ends.

    The databases are kept in the folder ``BENCH_DATABASES`` if it is set, and removed otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="gateway-bench-", dir="/tmp") as temporary:
        folder = Path(os.environ.get("BENCH_DATABASES") or temporary)
        if kind == "sqlite":
            yield lambda name: SQLiteDatabase(folder / f"{name}.db")
            return
        with postgres_server(folder) as url:
            yield lambda name: PostgresDatabase(url, name)


def arguments(about: str | None, **defaults: int) -> tuple[str, list[int]]:
    """Return the kind of database and the numbers on the command line."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--database", choices=KINDS, default=KINDS[0])
    for name, default in defaults.items():
        parser.add_argument(name, nargs="?", type=int, default=default)
    given = parser.parse_args()
    return given.database, [getattr(given, name) for name in defaults]
