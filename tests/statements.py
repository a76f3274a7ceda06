"""The statements that a gateway sends to its database, and how SQLite would run them."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from db.casefolding import fold
from db.sqlite.sql import CASEFOLD, PACKED

_LOGGER = logging.getLogger("gateway.sql")


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.statements: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        statement = record.getMessage()
        # Keys are read and files tidied up by the clock, whatever a test asks.
        if "api_keys" not in statement and not statement.startswith("PRAGMA"):
            self.statements.append(statement)


class _Nothing:
    """An aggregate of nothing."""

    def step(self, *_: object) -> None:
        pass

    def finalize(self) -> int:
        return 0


@contextmanager
def recorded_statements() -> Iterator[list[str]]:
    """The statements sent while the block runs."""
    recorder = _Recorder()
    level = _LOGGER.level
    _LOGGER.addHandler(recorder)
    _LOGGER.setLevel(logging.DEBUG)
    try:
        yield recorder.statements
    finally:
        _LOGGER.removeHandler(recorder)
        _LOGGER.setLevel(level)


def plan_of(path: Path, statement: str) -> list[str]:
    """The steps in which SQLite would run a statement."""
    with closing(sqlite3.connect(path)) as connection:
        connection.create_function(CASEFOLD, 1, fold, deterministic=True)
        connection.create_aggregate(PACKED, 2, _Nothing)
        unknown = [None] * statement.count("?")
        steps = connection.execute(f"EXPLAIN QUERY PLAN {statement}", unknown).fetchall()
    return [step[3] for step in steps]
