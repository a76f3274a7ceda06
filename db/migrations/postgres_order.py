"""How events come into order on PostgreSQL if triggers of other programs write executions too.

What a trigger for each row writes is logged before the statement that fired it, whose events would
then tell what is no longer so. The two events of a row become one, at the place of the inner one:
from the row before the outer statement to the row after the inner one.
"""

from alembic import op

from db.migrations.dollar_quoting import dollar_quoted
from db.migrations.event_columns import EventColumns, logged_as

_NESTS = "gateway.nests"
"""A setting of a transaction in which a trigger has written executions."""
LOGGED = "logged bigint;"
"""What a statement declares: the id of the last event before its own, if any could be nested."""


def notes_logged(schema: str) -> str:
    """Return what a statement runs before it logs its events."""
    return (
        f"IF current_setting('{_NESTS}', true) = 'on' THEN logged := (SELECT max(id)"
        f" FROM {schema}execution_events WHERE xid = pg_current_xact_id()); END IF;"
    )


def orders_events(schema: str) -> str:
    """Return what a statement runs after it has logged its events."""
    return (
        f"IF logged IS NOT NULL THEN PERFORM {schema}gateway_order_events(logged); END IF;"
        f" IF pg_trigger_depth() > 1 THEN PERFORM set_config('{_NESTS}', 'on', true); END IF;"
    )


def create_postgres_order(schema: str, columns: EventColumns) -> None:
    """Create the function that makes one event of that of an outer and that of an inner write.

    An inner write is the last one that began with what the outer one wrote.
    """
    names = tuple(map(logged_as, columns.changing))
    row, old, outer_row, outer_old, inner_row, inner_old = (
        ", ".join(f"{prefix}{name}" for name in names)
        for prefix in ("", "old_", "outr.", "outr.old_", "innr.", "innr.old_")
    )
    there = ", ".join(f"there.{name}" for name in columns.changing)
    # Both events are of one execution, which its guid alone does not tell.
    others = columns.identity[1:]
    is_same, is_there = (
        "".join(f" AND {side}.{name} IS NOT DISTINCT FROM outr.{name}" for name in others)
        for side in ("innr", "there")
    )
    merged = f"UPDATE {schema}execution_events SET"
    body = (
        " DECLARE pair record; BEGIN"
        " FOR pair IN"
        " SELECT DISTINCT ON (outr.id) outr.id AS outer_id, outr.type AS outer_type,"
        " innr.id AS inner_id, innr.type AS inner_type,"
        f" CASE outr.type WHEN 'UPDATED' THEN ({inner_row}) IS NOT DISTINCT FROM ({outer_old})"
        f" ELSE ({inner_row}) IS NOT DISTINCT FROM ({outer_row}) END AS is_as_before"
        f" FROM {schema}execution_events AS outr"
        f" JOIN {schema}execution_events AS innr ON innr.guid = outr.guid{is_same}"
        f" LEFT JOIN {schema}executions AS there ON there.guid = outr.guid{is_there}"
        " WHERE outr.xid = pg_current_xact_id() AND outr.id > logged"
        " AND innr.xid = pg_current_xact_id() AND innr.id <= logged"
        " AND CASE outr.type WHEN 'DELETED' THEN there.id IS NOT NULL AND innr.type = 'CREATED'"
        f" ELSE ({there}) IS DISTINCT FROM ({outer_row}) AND CASE innr.type"
        f" WHEN 'UPDATED' THEN ({inner_old}) IS NOT DISTINCT FROM ({outer_row})"
        f" WHEN 'DELETED' THEN ({inner_row}) IS NOT DISTINCT FROM ({outer_row})"
        " ELSE false END END"
        " ORDER BY outr.id, innr.id DESC"
        " LOOP"
        # What came and went, or is as before, has no event.
        " IF pair.outer_type = 'CREATED' AND pair.inner_type = 'DELETED'"
        " OR pair.outer_type = 'UPDATED' AND pair.inner_type = 'UPDATED' AND pair.is_as_before"
        " OR pair.outer_type = 'DELETED' AND pair.is_as_before THEN"
        f" DELETE FROM {schema}execution_events WHERE id = pair.inner_id;"
        " ELSIF pair.outer_type = 'DELETED' THEN"
        f" {merged} (type, {old}) = (SELECT 'UPDATED', {row} FROM {schema}execution_events"
        " WHERE id = pair.outer_id) WHERE id = pair.inner_id;"
        " ELSIF pair.inner_type = 'DELETED' THEN"
        f" {merged} ({row}) = (SELECT {old} FROM {schema}execution_events"
        " WHERE id = pair.outer_id) WHERE id = pair.inner_id;"
        " ELSE"
        f" {merged} (type, {old}) = (SELECT type, {old} FROM {schema}execution_events"
        " WHERE id = pair.outer_id) WHERE id = pair.inner_id;"
        " END IF;"
        f" DELETE FROM {schema}execution_events WHERE id = pair.outer_id;"
        " END LOOP; END "
    )
    op.execute(
        f"CREATE OR REPLACE FUNCTION {schema}gateway_order_events(logged bigint) RETURNS void"
        " LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
        # A plan is kept, and a transaction may have written any number of events.
        f" SET enable_nestloop = off AS {dollar_quoted(body)}"
    )
    op.execute(f"REVOKE ALL ON FUNCTION {schema}gateway_order_events(bigint) FROM PUBLIC")
