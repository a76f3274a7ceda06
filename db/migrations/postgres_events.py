"""How PostgreSQL writes events, and puts them into one order: its own part of a revision.

A statement that writes executions inserts its events in the same transaction, all in one statement.
``postgres_ticks`` orders them.
"""

from alembic import op

from db.migrations.postgres_counting import delta_bodies
from db.migrations.postgres_ticks import create_postgres_ticks, wakes_gateways
from db.migrations.versions.r0003_counts import STATES, WIDTHS
from db.migrations.versions.r0006_rights_and_names import (
    create_as_owner,
    moves_sequence,
    schema_of_tables,
)

_OTHERS = ("agentflow_id", "session_id", "state", "created_on", "updated_on", "finished_on")
_COLUMNS = ("id", *_OTHERS)
_NOW = "DECLARE now bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);"


def create_postgres_events() -> None:
    """Create the triggers that write events, and the ticks that order them."""
    schema = schema_of_tables()
    op.execute(
        f"ALTER TABLE {schema}execution_events"
        " ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id()"
    )
    op.execute(f"CREATE INDEX execution_events_by_xid ON {schema}execution_events (xid, id)")
    logged = _bodies(schema)
    for name, counted in delta_bodies(WIDTHS, STATES, schema).items():
        if name == "truncate":
            continue
        moving = moves_sequence(schema) if name == "insert" else ""
        create_as_owner(
            f"{schema}gateway_note_{name}",
            f"{counted}{moving} {logged[name]} {wakes_gateways()} RETURN NULL;",
            _NOW,
        )
    # Before the rows are gone.
    create_as_owner(
        f"{schema}gateway_log_truncate",
        f"{logged['truncate']} {wakes_gateways()} RETURN NULL;",
        _NOW,
    )
    op.execute(
        f"CREATE TRIGGER executions_logged_truncate BEFORE TRUNCATE ON {schema}executions"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {schema}gateway_log_truncate()"
    )
    create_postgres_ticks(schema)


def _bodies(schema: str) -> dict[str, str]:
    """Return what the trigger of each event logs."""
    columns = ", ".join(("guid", "execution_id", *_OTHERS))
    log = f"INSERT INTO {schema}execution_events (type, occurred_on, {columns}"
    row = ", ".join(("guid", *_COLUMNS))
    old, new = (", ".join(f"{side}.{column}" for column in _COLUMNS) for side in ("older", "newer"))
    # Not coalesce, because a newer value may be null.
    last = ", ".join(
        f"CASE WHEN newer.id IS NULL THEN older.{column} ELSE newer.{column} END"
        for column in _COLUMNS
    )
    before = ", ".join(
        f"CASE WHEN newer.id IS NOT NULL THEN older.{column} END" for column in _COLUMNS
    )
    return {
        "insert": f"{log}) SELECT 'CREATED', now, {row} FROM new_rows;",
        "delete": f"{log}) SELECT 'DELETED', now, {row} FROM old_rows;",
        "truncate": f"{log}) SELECT 'DELETED', now, {row} FROM {schema}executions;",
        # A client knows an execution by its guid, so with another guid it is another execution. A
        # full join is made by hashes or by order, and never row by row, whatever plan is kept.
        "update": f"{log}, old_execution_id, {', '.join(f'old_{name}' for name in _OTHERS)})"
        " SELECT CASE WHEN newer.id IS NULL THEN 'DELETED' WHEN older.id IS NULL THEN 'CREATED'"
        f" ELSE 'UPDATED' END, now, guid, {last}, {before}"
        " FROM old_rows AS older FULL JOIN new_rows AS newer USING (guid)"
        f" WHERE ({new}) IS DISTINCT FROM ({old})"
        " ORDER BY newer.id IS NOT NULL;",
    }
