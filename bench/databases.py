"""The databases that are measured, of the kind that the command line names."""

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
    """A database of executions, and what a bench does with it past the gateway."""

    url: str

    def is_there(self) -> bool:
        """Whether it was made before."""

    def select(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows that a statement finds."""

    def copy_to(self, name: str) -> "Database":
        """A copy of another name, in place of one that is there."""

    def warm(self) -> None:
        """Have all of it in memory, as far as the system lets it stay there."""

    def make(self) -> None:
        """Make it, with no execution in it, in place of one that is there."""

    def fill(self, rows: int, span: int) -> None:
        """Make it, with executions created within a span of milliseconds, newest last."""


@contextmanager
def databases(kind: str) -> Iterator[Callable[[str], Any]]:
    """A function that gives the database of a name, until the block ends.

    They are kept in the folder ``BENCH_DATABASES``, and otherwise for as long as the block.
    """
    with tempfile.TemporaryDirectory(prefix="gateway-bench-", dir="/tmp") as temporary:
        folder = Path(os.environ.get("BENCH_DATABASES") or temporary)
        if kind == "sqlite":
            yield lambda name: SQLiteDatabase(folder / f"{name}.db")
            return
        with postgres_server(folder) as url:
            yield lambda name: PostgresDatabase(url, name)


def arguments(about: str | None, **defaults: int) -> tuple[str, list[int]]:
    """The kind of database and the numbers that the command line gives."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--database", choices=KINDS, default=KINDS[0])
    for name, default in defaults.items():
        parser.add_argument(name, nargs="?", type=int, default=default)
    given = parser.parse_args()
    return given.database, [getattr(given, name) for name in defaults]
