"""Reject texts, ids and scopes that could not be read back.

SQLite accepts any bytes as a text, texts of any length, and ids after which no other can be
assigned. Triggers check only what a statement changes, so older rows can still be written.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from alembic import op

from db.utf8_sql import sqlite_not_utf8

revision = "0005"
down_revision = "0004"

TEXTS: Mapping[str, Sequence[str]] = {
    "executions": ("guid", "agentflow_id", "session_id"),
    "agentflows": ("id", "name"),
    "api_keys": ("name",),
}
LONGEST = 10_000
"""The maximum length of a text, in bytes of UTF-8."""
SMALLEST_ID, LARGEST_ID = -(2**53), 2**53
"""The integers that are exact as JSON numbers."""
_TIMES = ("created_on", "expires_on", "last_used_on", "revoked_on")
_WRONG_TIME = "{} NOT BETWEEN -62135596800000 AND 253402300799999"
_WRONG_SCOPES = (
    "trim(replace(replace(replace(' ' || replace({}, ' ', '  ') || ' ',"
    " ' read ', ''), ' update ', ''), ' delete ', '')) <> ''"
)


class _Rule(NamedTuple):
    """A value to reject: ``wrong`` is a condition on the column's new value, written as ``{}``.

    ``only_if`` is a condition that is tested first, because ``wrong`` is too expensive for every
    row.
    """

    column: str
    message: str
    wrong: str
    only_if: str = "true"


def upgrade() -> None:
    """Create the triggers."""
    for table, texts in TEXTS.items():
        if op.get_bind().dialect.name == "sqlite":
            create_sqlite_checks(table, texts)
        else:
            create_postgres_checks(table, texts)


def _of_keys(wrong_hash: str) -> Iterator[_Rule]:
    yield _Rule("scopes", "must be read, update and delete, separated by spaces", _WRONG_SCOPES)
    yield _Rule("hash", "must be a SHA-256 in lower-case hexadecimal digits", wrong_hash)
    for column in _TIMES:
        yield _Rule(column, "must be epoch milliseconds in the years 1 to 9999", _WRONG_TIME)


def _sqlite_rules(table: str, texts: Sequence[str]) -> Iterator[_Rule]:
    for column in texts:
        too_long = f"length(CAST({{}} AS BLOB)) > {LONGEST}"
        yield _Rule(column, f"must be at most {LONGEST} bytes long", too_long)
        yield _Rule(column, "must have no null character in it", "instr({}, char(0)) > 0")
        yield _Rule(column, "must be valid UTF-8", sqlite_not_utf8("{0}"))
    if table == "executions":
        yield _Rule("id", f"must be from {SMALLEST_ID} to {LARGEST_ID}", WRONG_ID)
    if table == "api_keys":
        yield from _of_keys("length({0}) <> 64 OR {0} GLOB '*[^0-9a-f]*'")


WRONG_ID = f"{{}} NOT BETWEEN {SMALLEST_ID} AND {LARGEST_ID}"


def create_sqlite_checks(table: str, texts: Sequence[str]) -> None:
    """Create the triggers that check a table, some of whose columns are texts."""
    rules = list(_sqlite_rules(table, texts))
    # Told at once of a row that is like any other.
    together = " || ".join(f"coalesce(NEW.{column}, '')" for column in texts)
    unusual = (
        f"length(CAST({together} AS BLOB)) > {LONGEST} OR instr({together}, char(0)) > 0"
        f" OR ({together}) GLOB '*[^' || char(1) || '-' || char(127) || ']*'"
    )
    if table == "executions":
        unusual += f" OR {WRONG_ID.format('NEW.id')}"
    for event in _events(rules):
        is_insert = event == "INSERT"
        refusals = []
        for column, message, wrong, _ in rules:
            condition = f"({wrong.format(f'NEW.{column}')})"
            if not is_insert:
                condition += f" AND NEW.{column} IS NOT OLD.{column}"
            refusals.append(f"SELECT RAISE(ABORT, '{table}.{column} {message}') WHERE {condition};")
        when = "" if table == "api_keys" else f" WHEN {unusual}"
        op.execute(
            f"CREATE TRIGGER IF NOT EXISTS {table}_checked_{event[:6].lower()}"
            f" BEFORE {event} ON {table}{when}"
            f" BEGIN {' '.join(refusals)} END"
        )


def _postgres_rules(table: str, texts: Sequence[str]) -> Iterator[_Rule]:
    # The server itself refuses null characters, and what is no UTF-8.
    for column in texts:
        too_long = f"octet_length({{}}) > {LONGEST}"
        yield _Rule(column, f"must be at most {LONGEST} bytes long", too_long)
    if table == "executions":
        # What the sequence gives is never refused.
        given = "(NEW.id < 0 OR NEW.id > (SELECT last_value FROM executions_id_seq))"
        yield _Rule("id", f"must be from {SMALLEST_ID} to {LARGEST_ID}", WRONG_ID, given)
    if table == "api_keys":
        yield from _of_keys("{} !~ '^[0-9a-f]{{64}}$'")


def create_postgres_checks(table: str, texts: Sequence[str]) -> None:
    """Create the triggers that check a table, some of whose columns are texts."""
    rules = list(_postgres_rules(table, texts))
    refusals = " ".join(
        f"IF ({wrong.format(f'NEW.{column}')}) AND {only_if}"
        f" AND (TG_OP = 'INSERT' OR NEW.{column} IS DISTINCT FROM OLD.{column}) THEN"
        f" RAISE EXCEPTION '{table}.{column} {message}'"
        f" USING ERRCODE = 'check_violation', TABLE = '{table}', COLUMN = '{column}'; END IF;"
        for column, message, wrong, only_if in rules
    )
    op.execute(
        f"CREATE OR REPLACE FUNCTION gateway_check_{table}() RETURNS trigger LANGUAGE plpgsql"
        # Writers need no rights on the sequence.
        f" SECURITY DEFINER SET search_path FROM CURRENT AS $$ BEGIN {refusals} RETURN NEW; END $$"
    )
    unusual = " OR ".join(f"({wrong.format(f'NEW.{column}')})" for column, _, wrong, _ in rules)
    for event in _events(rules):
        op.execute(
            f"CREATE TRIGGER {table}_checked_{event[:6].lower()} BEFORE {event} ON {table}"
            f" FOR EACH ROW WHEN ({unusual}) EXECUTE FUNCTION gateway_check_{table}()"
        )


def _events(rules: list[_Rule]) -> tuple[str, str]:
    columns = dict.fromkeys(rule.column for rule in rules)
    return "INSERT", f"UPDATE OF {', '.join(columns)}"
