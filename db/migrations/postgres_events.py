"""How PostgreSQL writes events, and puts them into one order: its own part of a revision.

A statement that writes executions inserts its events in the same transaction, all in one statement.
``postgres_ticks`` orders them.
"""

from alembic import op

from db.migrations.postgres_counting import delta_bodies
from db.migrations.postgres_order import (
    LOGGED,
    create_postgres_order,
    notes_logged,
    orders_events,
)
from db.migrations.postgres_ticks import create_postgres_ticks, wakes_gateways
from db.migrations.versions.r0003_counts import STATES, WIDTHS
from db.migrations.versions.r0006_rights_and_names import (
    create_as_owner,
    moves_sequence,
    schema_of_tables,
)

_OTHERS = ("agentflow_id", "session_id", "state", "created_on", "updated_on", "finished_on")
_COLUMNS = ("id", *_OTHERS)
_SETS_GUIDS = "gateway.sets_guids"
"""A setting of a transaction with a statement that names the guid among what it changes."""
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
        # A statement that has changed nothing has nothing to count either.
        create_as_owner(
            f"{schema}gateway_note_{name}",
            f"{notes_logged(schema)} {logged[name]} IF NOT FOUND THEN RETURN NULL; END IF;"
            f" {orders_events(schema)} {counted}{moving} {wakes_gateways()} RETURN NULL;",
            f"{_NOW} {LOGGED}",
        )
    # Before the rows are gone.
    create_as_owner(
        f"{schema}gateway_log_truncate",
        f"{logged['truncate']} IF FOUND THEN {wakes_gateways()} END IF; RETURN NULL;",
        _NOW,
    )
    op.execute(
        f"CREATE TRIGGER executions_logged_truncate BEFORE TRUNCATE ON {schema}executions"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {schema}gateway_log_truncate()"
    )
    # Changes of guids are rare, and sorting costs a twentieth of an update.
    create_as_owner(
        f"{schema}gateway_note_guids",
        f"PERFORM set_config('{_SETS_GUIDS}', 'on', true); RETURN NULL;",
    )
    op.execute(
        f"CREATE TRIGGER executions_noted_guids BEFORE UPDATE OF guid ON {schema}executions"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {schema}gateway_note_guids()"
    )
    create_postgres_order(schema)
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
    # A client knows an execution by its guid, so with another guid it is another execution. A full
    # join is made by hashes or by order, and never row by row, whatever plan is kept.
    changes = (
        "SELECT CASE WHEN newer.id IS NULL THEN 'DELETED' WHEN older.id IS NULL THEN 'CREATED'"
        f" ELSE 'UPDATED' END, now, guid, {last}, {before}"
        " FROM old_rows AS older FULL JOIN new_rows AS newer USING (guid)"
        f" WHERE ({new}) IS DISTINCT FROM ({old})"
    )
    insertion = f"{log}, old_execution_id, {', '.join(f'old_{name}' for name in _OTHERS)})"
    # In a row that gets another guid, one execution is deleted before another one is created.
    sorted_ = f"{changes} ORDER BY newer.id IS NOT NULL"
    return {
        "insert": f"{log}) SELECT 'CREATED', now, {row} FROM new_rows;",
        "delete": f"{log}) SELECT 'DELETED', now, {row} FROM old_rows;",
        "truncate": f"{log}) SELECT 'DELETED', now, {row} FROM {schema}executions;",
        "update": f"IF current_setting('{_SETS_GUIDS}', true) = 'on' THEN {insertion} {sorted_};"
        f" ELSE {insertion} {changes}; END IF;",
    }
