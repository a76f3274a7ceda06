"""The statements that a gateway sends to its database, and how it runs them."""

import json
import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from db.casefolding import fold
from db.sqlite.sql import CASEFOLD, IDENTITY, PACKED
from tests.places import Place, SQLitePlace

_LOGGER = logging.getLogger("gateway.sql")
_BY_THE_CLOCK = re.compile(
    r"api_keys|^PRAGMA|gateway_tick|^SELECT (event_ticks\.id, event_ticks\.noted_on"
    r"|execution_events\.id, execution_events\.occurred_on|execution_events\.id\s+FROM"
    r"|CAST\(to_regclass|count\(\*\) FROM sqlite_master)"
)
"""What a gateway looks for whatever a test asks: keys, files to tidy up, old events, Flowise."""


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.statements: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        statement = record.getMessage()
        if not _BY_THE_CLOCK.search(statement):
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
        connection.create_function(IDENTITY, 1, hash)
        connection.create_aggregate(PACKED, 2, _Nothing)
        unknown = [None] * statement.count("?")
        steps = connection.execute(f"EXPLAIN QUERY PLAN {statement}", unknown).fetchall()
    return [step[3] for step in steps]


STEPS_FOR_A_ROW = 100
"""More steps than SQLite takes to read a row that it returns; to pass over one it takes five."""


async def rows_read(place: Place, table: str, statement: str, parameters: tuple[Any, ...]) -> int:
    """How many rows of a table a statement reads; on SQLite, what all of its steps come to."""
    if isinstance(place, SQLitePlace):
        return _steps(place, statement, parameters) // STEPS_FOR_A_ROW
    connection = await asyncpg.connect(place.url)
    try:
        explained = await connection.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *parameters
        )
    finally:
        await connection.close()
    [plan] = json.loads(explained)
    return round(sum(_read_by(node, table) for node in _nodes(plan["Plan"])))


def _steps(place: SQLitePlace, statement: str, parameters: tuple[Any, ...]) -> int:
    """How many steps SQLite's machine takes for a statement."""
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    with closing(sqlite3.connect(place.path)) as connection:
        connection.create_function(CASEFOLD, 1, fold)
        connection.set_progress_handler(step, 1)
        connection.execute(statement, parameters).fetchall()
    return taken


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", ()):
        yield from _nodes(part)


def _read_by(node: dict[str, Any], table: str) -> float:
    if node.get("Relation Name") != table:
        return 0
    passed = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return float(passed * node["Actual Loops"])
