"""How SQLite counts executions: its own part of a revision.

SQLite compiles the triggers of a write with each statement, and a program that prepares a statement
each time that it runs it pays for that. So these are short: all widths are one statement.
"""

from alembic import op

from db.migrations.versions.r0003_counts import STATES, WIDTHS

_COLUMNS = ", ".join(state.lower() for state in STATES)
_IS_MOVED = "(NEW.agentflow_id, NEW.created_on) IS NOT (OLD.agentflow_id, OLD.created_on)"


COUNTED = "counted_executions"
"""A view. What is written into it is counted."""


def replace_sqlite_counts() -> None:
    """Create the triggers that count anew, except those of replaced rows."""
    op.execute(
        f"CREATE VIEW {COUNTED} (agentflow_id, created_on, state, old_state) AS"
        " SELECT NULL, NULL, NULL, NULL"
    )
    counts = (f"(NEW.state IS '{state}') - (NEW.old_state IS '{state}')" for state in STATES)
    op.execute(
        f"CREATE TRIGGER {COUNTED}_added INSTEAD OF INSERT ON {COUNTED}"
        f" BEGIN {_upserts(', '.join(counts))} END"
    )
    made = {
        "counted_insert": f"AFTER INSERT ON executions BEGIN {_count('NEW.state', 'NULL')} END",
        "counted_delete": (
            f"AFTER DELETE ON executions BEGIN {_count('NULL', 'OLD.state', 'OLD.')}"
            " DELETE FROM replaced_executions WHERE id = OLD.id; END"
        ),
        "counted_state": (
            "AFTER UPDATE OF state ON executions"
            f" WHEN NEW.state <> OLD.state AND NOT ({_IS_MOVED})"
            f" BEGIN {_count('NEW.state', 'OLD.state')} END"
        ),
        "counted_move": (
            f"AFTER UPDATE OF agentflow_id, created_on ON executions WHEN {_IS_MOVED} BEGIN"
            f" {_count('NULL', 'OLD.state', 'OLD.')} {_count('NEW.state', 'NULL')} END"
        ),
    }
    for name, text in made.items():
        op.execute(f"DROP TRIGGER executions_{name}")
        op.execute(f"CREATE TRIGGER executions_{name} {text}")


def subtract_replaced() -> str:
    """Return the statement that no longer counts the rows in ``replaced_executions``."""
    return (
        f"INSERT INTO {COUNTED} SELECT agentflow_id, created_on, NULL, state"
        " FROM replaced_executions;"
    )


def _count(state: str, old_state: str, row: str = "NEW.") -> str:
    """The statement that counts one more row of a state, and one less of the old one.

    What is written into the view does it, whose trigger SQLite compiles once for all that use it.
    """
    return (
        f"INSERT INTO {COUNTED} VALUES ({row}agentflow_id, {row}created_on, {state}, {old_state});"
    )


def _upserts(counts: str) -> str:
    """The statements that add to the counts in the buckets of the new row."""
    # SQL's division rounds towards zero, but a bucket starts at or before its times. All of time
    # has a width of 0, and a remainder of null.
    start = "coalesce(NEW.created_on - ((NEW.created_on % width) + width) % width, 0)"
    added = ", ".join(f"{state} = {state} + excluded.{state}" for state in _COLUMNS.split(", "))
    statements = []
    for table, of_table in WIDTHS.items():
        is_by_flow = table == "agentflow_counts"
        # Columns of a key that are compared with = come before the range of time.
        key = "width, agentflow_id, start" if is_by_flow else "width, start"
        bucket = f"width, NEW.agentflow_id, {start}" if is_by_flow else f"width, {start}"
        first, *others = of_table
        widths = f"SELECT {first} AS width" + "".join(f" UNION ALL SELECT {w}" for w in others)
        statements.append(
            f"INSERT INTO {table} ({key}, {_COLUMNS}) SELECT {bucket}, {counts}"
            # The limit keeps SQLite from compiling it for each width.
            f" FROM ({widths} LIMIT -1)"
            f" WHERE true ON CONFLICT ({key}) DO UPDATE SET {added};"
        )
    return " ".join(statements)
