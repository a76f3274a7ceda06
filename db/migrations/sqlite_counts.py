"""How SQLite counts executions: its own part of a revision.

SQLite compiles the triggers of a write with each statement, and a program that prepares a statement
each time that it runs it pays for that. So these are short: all widths are one statement.
"""

from alembic import op

from db.migrations.versions.r0003_counts import STATES, WIDTHS

_COLUMNS = ", ".join(state.lower() for state in STATES)
_IS_MOVED = "(NEW.agentflow_id, NEW.created_on) IS NOT (OLD.agentflow_id, OLD.created_on)"


def replace_sqlite_counts() -> None:
    """Create the triggers that count anew, except those of replaced rows."""
    made = {
        "counted_insert": f"AFTER INSERT ON executions BEGIN {_add('NEW.', 1)} END",
        "counted_delete": (
            f"AFTER DELETE ON executions BEGIN {_add('OLD.', -1)}"
            " DELETE FROM replaced_executions WHERE id = OLD.id; END"
        ),
        "counted_state": (
            "AFTER UPDATE OF state ON executions"
            f" WHEN NEW.state <> OLD.state AND NOT ({_IS_MOVED}) BEGIN {_change_state()} END"
        ),
        "counted_move": (
            f"AFTER UPDATE OF agentflow_id, created_on ON executions WHEN {_IS_MOVED}"
            f" BEGIN {_add('OLD.', -1)} {_add('NEW.', 1)} END"
        ),
    }
    for name, text in made.items():
        op.execute(f"DROP TRIGGER executions_{name}")
        op.execute(f"CREATE TRIGGER executions_{name} {text}")


def subtract_replaced() -> str:
    """Return the statements that no longer count the rows in ``replaced_executions``."""
    return _add("", -1, ", replaced_executions")


def _add(row: str, one: int, source: str = "") -> str:
    """Count a row with a one of 1, or no longer, with -1."""
    counts = (f"({row}state = '{state}') * {one}" for state in STATES)
    return _upserts(row, ", ".join(counts), source)


def _change_state() -> str:
    counts = (f"(NEW.state = '{state}') - (OLD.state = '{state}')" for state in STATES)
    return _upserts("NEW.", ", ".join(counts))


def _upserts(row: str, counts: str, source: str = "") -> str:
    """The statements that add to the counts in the buckets of a row."""
    # SQL's division rounds towards zero, but a bucket starts at or before its times. All of time
    # has a width of 0, and a remainder of null.
    created_on = f"{row}created_on"
    start = f"coalesce({created_on} - (({created_on} % width) + width) % width, 0)"
    added = ", ".join(f"{state} = {state} + excluded.{state}" for state in _COLUMNS.split(", "))
    statements = []
    for table, of_table in WIDTHS.items():
        is_by_flow = table == "agentflow_counts"
        # Columns of a key that are compared with = come before the range of time.
        key = "width, agentflow_id, start" if is_by_flow else "width, start"
        bucket = f"width, {row}agentflow_id, {start}" if is_by_flow else f"width, {start}"
        first, *others = of_table
        widths = f"SELECT {first} AS width" + "".join(f" UNION ALL SELECT {w}" for w in others)
        statements.append(
            f"INSERT INTO {table} ({key}, {_COLUMNS}) SELECT {bucket}, {counts}"
            # The limit keeps SQLite from compiling it for each width.
            f" FROM ({widths} LIMIT -1){source}"
            f" WHERE true ON CONFLICT ({key}) DO UPDATE SET {added};"
        )
    return " ".join(statements)
