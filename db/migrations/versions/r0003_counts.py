"""Counts of executions by state, agentflow and time, which triggers update with every write.

Buckets of time start at multiples of their width since the epoch, in UTC; a width of 0 is all of
time. The six states are columns of one row, so a change of state touches as few rows as an insert
does.
"""

import sqlalchemy as sa
from alembic import op

from db.migrations.postgres_counting import create_postgres_counting

revision = "0003"
down_revision = "0002"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
STATES = ("INPROGRESS", "FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED")
_HOUR, _DAY = 3_600_000, 86_400_000
WIDTHS = {"execution_counts": (32 * _DAY, _DAY, _HOUR), "agentflow_counts": (0, _DAY, _HOUR)}
_COLUMNS = ", ".join(state.lower() for state in STATES)


def upgrade() -> None:
    """Create the tables, count existing rows, and have triggers count every later write."""
    _create_tables()
    for table, widths in WIDTHS.items():
        for width in widths:
            op.execute(count_all(table, width))
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        _create_triggers()
    else:
        create_postgres_counting(WIDTHS, STATES)
    columns = ["agentflow_id", "state", "created_on"]
    op.create_index(
        "executions_by_agentflow_state_created_on",
        "executions",
        columns if is_sqlite else [*columns, "id"],
    )
    # Ties are broken by the time of creation, so that the indexes which begin with these serve
    # orders too.
    for column in ("state", "agentflow", "session"):
        op.drop_index(f"executions_by_{column}", "executions")


def _create_tables() -> None:
    for table in WIDTHS:
        flow = [sa.Column("agentflow_id", _TEXT, primary_key=True)] if _by_flow(table) else []
        op.create_table(
            table,
            sa.Column("width", _INTEGER, primary_key=True),
            *flow,
            sa.Column("start", _INTEGER, primary_key=True),
            *(sa.Column(state.lower(), _INTEGER, nullable=False) for state in STATES),
            sqlite_strict=True,
            sqlite_with_rowid=False,
        )
    if op.get_bind().dialect.name != "sqlite":
        return
    # What an INSERT OR REPLACE is about to replace, of which no trigger tells; see below.
    op.create_table(
        "replaced_executions",
        sa.Column("id", _INTEGER, primary_key=True),
        sa.Column("guid", sa.Text, nullable=False),
        sa.Column("agentflow_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_on", _INTEGER, nullable=False),
        sqlite_strict=True,
    )


def _create_triggers() -> None:
    op.execute(
        f"CREATE TRIGGER executions_counted_insert AFTER INSERT ON executions"
        f" BEGIN {_add('NEW', 1)} END"
    )
    op.execute(
        f"CREATE TRIGGER executions_counted_delete AFTER DELETE ON executions"
        f" BEGIN {_add('OLD', -1)} DELETE FROM replaced_executions WHERE id = OLD.id; END"
    )
    op.execute(
        "CREATE TRIGGER executions_counted_state AFTER UPDATE OF state ON executions"
        " WHEN NEW.state <> OLD.state AND (NEW.agentflow_id, NEW.created_on) IS"
        f" (OLD.agentflow_id, OLD.created_on) BEGIN {_move_state()} END"
    )
    op.execute(
        "CREATE TRIGGER executions_counted_move"
        " AFTER UPDATE OF agentflow_id, created_on ON executions"
        " WHEN (NEW.agentflow_id, NEW.created_on) IS NOT (OLD.agentflow_id, OLD.created_on)"
        f" BEGIN {_add('OLD', -1)} {_add('NEW', 1)} END"
    )
    # OR REPLACE deletes conflicting rows without firing triggers, unless the program has turned
    # recursive triggers on. So remember possible conflicts before a write: those that are still
    # remembered once the row is written, because no trigger saw them go, have been replaced.
    noted = (
        "DELETE FROM replaced_executions;"
        " INSERT INTO replaced_executions SELECT id, guid, agentflow_id, state, created_on"
        " FROM executions WHERE"
    )
    subtracted = f"{subtract_replaced()} DELETE FROM replaced_executions;"
    op.execute(
        f"CREATE TRIGGER executions_noted BEFORE INSERT ON executions BEGIN {noted}"
        " id = NEW.id OR guid = NEW.guid; END"
    )
    op.execute(
        f"CREATE TRIGGER executions_noted_update BEFORE UPDATE OF id, guid ON executions"
        f" BEGIN {noted} id <> OLD.id AND (id = NEW.id OR guid = NEW.guid); END"
    )
    # An unspecified id is -1 in a BEFORE trigger, and has its value in an AFTER trigger.
    spared = "DELETE FROM replaced_executions WHERE id <> NEW.id AND guid <> NEW.guid;"
    for name, event in (
        ("executions_replaced", "INSERT"),
        ("executions_replaced_update", "UPDATE OF id, guid"),
    ):
        op.execute(
            f"CREATE TRIGGER {name} AFTER {event} ON executions"
            f" WHEN EXISTS (SELECT 1 FROM replaced_executions) BEGIN {spared} {subtracted} END"
        )


def _by_flow(table: str) -> bool:
    return table == "agentflow_counts"


def _key(table: str) -> str:
    """The columns of a key: those compared with = come before the range of time."""
    return "width, agentflow_id, start" if _by_flow(table) else "width, start"


def _bucket(table: str, width: int, row: str = "") -> str:
    """The key of a row's bucket."""
    created_on = f"{row}created_on"
    # SQL's division rounds towards zero, but a bucket starts at or before its times.
    start = f"{created_on} - (({created_on} % {width}) + {width}) % {width}" if width else "0"
    flow = f"{row}agentflow_id, " if _by_flow(table) else ""
    return f"{width}, {flow}{start}"


def _ones(row: str, one: int) -> str:
    return ", ".join(f"({row}state = '{state}') * {one}" for state in STATES)


def count_all(table: str, width: int) -> str:
    """Return the statement that counts all executions in the buckets of a width."""
    sums = ", ".join(f"count(*) FILTER (WHERE state = '{state}')" for state in STATES)
    groups = "2, 3" if _by_flow(table) else "2"
    return (
        f"INSERT INTO {table} ({_key(table)}, {_COLUMNS})"
        f" SELECT {_bucket(table, width)}, {sums} FROM executions GROUP BY {groups}"
    )


def _upsert(table: str, rows: str) -> str:
    added = ", ".join(f"{state} = {state} + excluded.{state}" for state in _COLUMNS.split(", "))
    return (
        f"INSERT INTO {table} ({_key(table)}, {_COLUMNS}) {rows}"
        f" ON CONFLICT ({_key(table)}) DO UPDATE SET {added};"
    )


def _add(row: str, one: int) -> str:
    """Count the row that a trigger is about, with a one of 1, or no longer, with -1."""
    return " ".join(
        _upsert(
            table,
            "VALUES "
            + ", ".join(
                f"({_bucket(table, width, f'{row}.')}, {_ones(f'{row}.', one)})" for width in widths
            ),
        )
        for table, widths in WIDTHS.items()
    )


def _move_state() -> str:
    changes = ", ".join(
        f"{state.lower()} = {state.lower()} + (NEW.state = '{state}') - (OLD.state = '{state}')"
        for state in STATES
    )
    return " ".join(
        f"UPDATE {table} SET {changes} WHERE ({_key(table)}) = ({_bucket(table, width, 'NEW.')});"
        for table, widths in WIDTHS.items()
        for width in widths
    )


def subtract_replaced() -> str:
    """Return the statements that no longer count the rows in ``replaced_executions``."""
    return " ".join(
        _upsert(
            table,
            f"SELECT {_bucket(table, width)}, {_ones('', -1)} FROM replaced_executions WHERE true",
        )
        for table, widths in WIDTHS.items()
        for width in widths
    )
