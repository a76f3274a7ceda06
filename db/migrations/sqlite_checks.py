"""How SQLite checks executions: its own part of a revision.

The triggers refuse what ``r0005_contents`` refuses. They try the values one after another with the
same expressions, because SQLite compiles them with each statement that may fire them, and an update
compiles only those of columns that it sets.
"""

from collections.abc import Sequence

from alembic import op

from db.migrations.sqlite_events import ROWID
from db.migrations.versions.r0005_contents import (
    LARGEST_ID,
    LONGEST,
    SMALLEST_ID,
    WRONG_ID,
)
from db.utf8_sql import sqlite_not_utf8

# Told at once of a row that is like any other.
_IS_UNUSUAL = (
    f"length(CAST({{0}} AS BLOB)) > {LONGEST} OR instr({{0}}, char(0)) > 0"
    " OR {0} GLOB '*[^' || char(1) || '-' || char(127) || ']*'"
)
_RULES = {
    f"must be at most {LONGEST} bytes long": f"length(CAST(value AS BLOB)) > {LONGEST}",
    "must have no null character in it": "instr(value, char(0)) > 0",
    "must be valid UTF-8": sqlite_not_utf8("value"),
}


def replace_sqlite_checks(texts: Sequence[str], error: str) -> None:
    """Create the triggers that check executions anew.

    ``texts`` are the columns that hold texts; engines often write ``error`` alone of them.
    """
    for event in ("insert", "update"):
        op.execute(f"DROP TRIGGER executions_checked_{event}")
    of_texts = ", ".join(("id", *ROWID, *texts))
    for name, event, columns in (
        ("insert", "INSERT", (*texts, error)),
        ("update", f"UPDATE OF {of_texts}", texts),
        ("error", f"UPDATE OF {error}", (error,)),
    ):
        checks = _check_texts(columns, is_insert=name == "insert")
        unusual = _IS_UNUSUAL.format(f"NEW.{error}")
        if name != "error":
            together = " || ".join(f"coalesce(NEW.{column}, '')" for column in columns)
            unusual = (
                f"{WRONG_ID.format('NEW.id')} OR EXISTS (SELECT 1"
                f" FROM (SELECT {together} AS texts LIMIT 1) WHERE {_IS_UNUSUAL.format('texts')})"
            )
            checks += f" {_check_id(is_insert=name == 'insert')}"
        op.execute(
            f"CREATE TRIGGER executions_checked_{name} BEFORE {event} ON executions"
            f" WHEN {unusual} BEGIN {checks} END"
        )


def _check_texts(columns: Sequence[str], *, is_insert: bool) -> str:
    values = " UNION ALL ".join(
        f"SELECT {number * len(_RULES)} AS first, NEW.{column} AS value"
        + ("" if is_insert else f" WHERE NEW.{column} IS NOT OLD.{column}")
        for number, column in enumerate(columns)
    )
    broken = " ".join(f"WHEN {wrong} THEN first + {n}" for n, wrong in enumerate(_RULES.values()))
    messages = (f"executions.{column} {message}" for column in columns for message in _RULES)
    refusals = " ".join(f"WHEN {n} THEN RAISE(ABORT, '{text}')" for n, text in enumerate(messages))
    if len(columns) == 1:
        refusals = " ".join(
            f"WHEN {wrong} THEN RAISE(ABORT, 'executions.{columns[0]} {message}')"
            for message, wrong in _RULES.items()
        )
        return f"SELECT CASE {refusals} END FROM ({values});"
    return (
        f"SELECT CASE broken {refusals} END"
        # The limits keep SQLite from compiling it for each value.
        f" FROM (SELECT CASE {broken} END AS broken FROM ({values} LIMIT -1) LIMIT -1);"
    )


def _check_id(*, is_insert: bool) -> str:
    is_new = "" if is_insert else " AND NEW.id IS NOT OLD.id"
    return (
        f"SELECT RAISE(ABORT, 'executions.id must be from {SMALLEST_ID} to {LARGEST_ID}')"
        f" WHERE {WRONG_ID.format('NEW.id')}{is_new};"
    )
