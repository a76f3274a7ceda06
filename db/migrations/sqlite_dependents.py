"""What of others in a file of SQLite names tables that are to be dropped.

SQLite drops a table that a view or a trigger names, and fails later: whoever renames any table in
the file is told of an error in that view or trigger.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence

SCHEMA = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
"""Finds what ``find_dependents`` asks for, in the order in which it was made."""
_PROBE = "gateway_probe"
_NAMED = """
SELECT type, name FROM sqlite_master WHERE type IN ('view', 'trigger') ORDER BY length(name) DESC
"""
_REFERRING = """
SELECT 'table', holder.name
FROM sqlite_master AS holder, pragma_foreign_key_list(holder.name) AS key
WHERE holder.type = 'table' AND lower(key."table") IN
"""


def find_dependents(schema: Iterable[Sequence[str]], dropped: Sequence[str]) -> list[str]:
    """Return what would name something that is gone, as "view mine", if some names were dropped.

    Nothing that does so already is among them. It is tried in memory, on tables without rows.
    """
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        for _, name, text in schema:
            # Tables of SQLite's own are there, and modules of virtual ones may not be.
            if not name.startswith("sqlite_"):
                with contextlib.suppress(sqlite3.Error):
                    copy.execute(text)
        marks = ", ".join("?" * len(dropped))
        keys = f"{_REFERRING} ({marks}) AND lower(holder.name) NOT IN ({marks})"
        names = [name.lower() for name in dropped]
        referring = copy.execute(keys, (*names, *names)).fetchall()
        _drop_broken(copy)
        for type_ in ("trigger", "view", "table"):
            found = copy.execute("SELECT name FROM sqlite_master WHERE type = ?", [type_])
            for (name,) in found.fetchall():
                if name.lower() in names:
                    _drop(copy, type_, name)
        return [f"{type_} {name}" for type_, name in (*referring, *_drop_broken(copy))]


def _drop_broken(copy: sqlite3.Connection) -> list[tuple[str, str]]:
    """Drop the views and triggers that name something that is not there; return them."""
    broken: list[tuple[str, str]] = []
    while found := _find_broken(copy):
        _drop(copy, *found)
        broken.append(found)
    return broken


def _find_broken(copy: sqlite3.Connection) -> tuple[str, str] | None:
    try:
        copy.execute(f"CREATE TABLE {_PROBE} (a)")
        copy.execute(f"ALTER TABLE {_PROBE} RENAME TO {_PROBE}_renamed")
    except sqlite3.OperationalError as error:
        for type_, name in copy.execute(_NAMED):
            if str(error).startswith((f"error in {type_} {name}:", f"error in {type_} {name} ")):
                return type_, name
    finally:
        for name in (_PROBE, f"{_PROBE}_renamed"):
            copy.execute(f"DROP TABLE IF EXISTS {name}")
    return None


def _drop(copy: sqlite3.Connection, type_: str, name: str) -> None:
    quoted = name.replace('"', '""')
    copy.execute(f'DROP {type_} IF EXISTS "{quoted}"')
