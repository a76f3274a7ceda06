"""How PostgreSQL writes events, and puts them into one order: its own part of a revision.

A statement that writes executions inserts its events in the same transaction, all in one statement.
``postgres_ticks`` orders them.
"""

from alembic import op

from db.migrations.event_columns import EventColumns, logged_as
from db.migrations.postgres_counting import delta_bodies
from db.migrations.postgres_data import deletes_data, truncates_data
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

_SETS_GUIDS = "gateway.sets_guids"
"""A setting of a transaction with a statement that may make another execution of one."""
_NOW = "DECLARE now bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);"


def create_postgres_events(columns: EventColumns) -> None:
    """Create the triggers that write events, and the ticks that order them."""
    schema = schema_of_tables()
    op.execute(
        f"ALTER TABLE {schema}execution_events"
        " ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id()"
    )
    op.execute(f"CREATE INDEX execution_events_by_xid ON {schema}execution_events (xid, id)")
    _create_logging(schema, columns, with_data=False)
    op.execute(
        f"CREATE TRIGGER executions_logged_truncate BEFORE TRUNCATE ON {schema}executions"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {schema}gateway_log_truncate()"
    )
    # Changes of guids are rare, and sorting costs a twentieth of an update.
    create_as_owner(
        f"{schema}gateway_note_guids",
        f"PERFORM set_config('{_SETS_GUIDS}', 'on', true); RETURN NULL;",
    )
    _create_noting(schema, columns)
    create_postgres_order(schema, columns)
    create_postgres_ticks(schema)


def replace_postgres_events(columns: EventColumns) -> None:
    """Create the functions that write events anew, for other columns and the table of data."""
    schema = schema_of_tables()
    _create_logging(schema, columns, with_data=True)
    op.execute(f"DROP TRIGGER executions_noted_guids ON {schema}executions")
    _create_noting(schema, columns)
    create_postgres_order(schema, columns)


def _create_noting(schema: str, columns: EventColumns) -> None:
    op.execute(
        "CREATE TRIGGER executions_noted_guids"
        f" BEFORE UPDATE OF {', '.join(columns.identity)} ON {schema}executions"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {schema}gateway_note_guids()"
    )


def _create_logging(schema: str, columns: EventColumns, *, with_data: bool) -> None:
    logged = _bodies(schema, columns)
    for name, counted in delta_bodies(WIDTHS, STATES, schema).items():
        if name == "truncate":
            continue
        moving = moves_sequence(schema) if name == "insert" else ""
        deleting = f" {deletes_data(schema)}" if name == "delete" and with_data else ""
        # A statement that has changed nothing has nothing to count either.
        create_as_owner(
            f"{schema}gateway_note_{name}",
            f"{notes_logged(schema)} {logged[name]} IF NOT FOUND THEN RETURN NULL; END IF;"
            f" {orders_events(schema)} {counted}{moving}{deleting} {wakes_gateways()}"
            " RETURN NULL;",
            f"{_NOW} {LOGGED}",
        )
    emptying = f"{truncates_data(schema)} " if with_data else ""
    # Before the rows are gone.
    create_as_owner(
        f"{schema}gateway_log_truncate",
        f"{emptying}{logged['truncate']} IF FOUND THEN {wakes_gateways()} END IF; RETURN NULL;",
        _NOW,
    )


def _bodies(schema: str, columns: EventColumns) -> dict[str, str]:
    """Return what the trigger of each event logs."""
    identity, changing = columns.identity, columns.changing
    names = ", ".join(map(logged_as, (*identity, *changing)))
    log = f"INSERT INTO {schema}execution_events (type, occurred_on, {names}"
    row = ", ".join((*identity, *changing))
    old, new = (", ".join(f"{side}.{column}" for column in changing) for side in ("older", "newer"))
    # Not coalesce, because a newer value may be null.
    last = ", ".join(
        f"CASE WHEN newer.id IS NULL THEN older.{column} ELSE newer.{column} END"
        for column in (*identity, *changing)
    )
    before = ", ".join(
        f"CASE WHEN newer.id IS NOT NULL THEN older.{column} END" for column in changing
    )
    # A client knows an execution by its guid, so with another guid it is another execution. A full
    # join is made by hashes or by order, and never row by row, whatever plan is kept.
    is_same = "newer.guid = older.guid" + "".join(
        f" AND newer.{name} IS NOT DISTINCT FROM older.{name}" for name in identity[1:]
    )
    changes = (
        "SELECT CASE WHEN newer.id IS NULL THEN 'DELETED' WHEN older.id IS NULL THEN 'CREATED'"
        f" ELSE 'UPDATED' END, now, {last}, {before}"
        f" FROM old_rows AS older FULL JOIN new_rows AS newer ON {is_same}"
        f" WHERE ({new}) IS DISTINCT FROM ({old})"
    )
    insertion = f"{log}, {', '.join(f'old_{logged_as(name)}' for name in changing)})"
    # In a row that gets another guid, one execution is deleted before another one is created.
    sorted_ = f"{changes} ORDER BY newer.id IS NOT NULL"
    return {
        "insert": f"{log}) SELECT 'CREATED', now, {row} FROM new_rows;",
        "delete": f"{log}) SELECT 'DELETED', now, {row} FROM old_rows;",
        "truncate": f"{log}) SELECT 'DELETED', now, {row} FROM {schema}executions;",
        "update": f"IF current_setting('{_SETS_GUIDS}', true) = 'on' THEN {insertion} {sorted_};"
        f" ELSE {insertion} {changes}; END IF;",
    }
