"""When an execution came into its present final state, and indexes on that and on durations.

Triggers set ``finished_on`` in the transaction of a plain INSERT or UPDATE, and keep it null while
an execution is in progress. A statement that sets it itself takes precedence; otherwise it is when
the execution was changed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_RANGE = "BETWEEN -62135596800000 AND 253402300799999"
_CHECK = f"CONSTRAINT executions_finished_on CHECK (finished_on {_RANGE})"
_OF_OLDER_ROWS = "CASE WHEN state <> 'INPROGRESS' THEN coalesce(updated_on, created_on) END"
_NOW = (
    "CAST(strftime('%s', 'now') AS INTEGER) * 1000"
    " + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER)"
)
# As in the trigger that it replaces: nothing told updated_on of this change.
_HAS_NO_CHANGE_TIME = (
    "(NEW.updated_on IS NULL OR NEW.updated_on IS OLD.updated_on AND"
    " (NEW.state, NEW.agentflow_id, NEW.session_id, NEW.created_on, NEW.guid) IS NOT"
    " (OLD.state, OLD.agentflow_id, OLD.session_id, OLD.created_on, OLD.guid))"
)
_IS_WRONG_IN_NEW_ROW = "((NEW.state = 'INPROGRESS') = (NEW.finished_on IS NOT NULL))"
_IS_WRONG = (
    f"({_IS_WRONG_IN_NEW_ROW} OR NEW.state <> 'INPROGRESS' AND NEW.state <> OLD.state"
    " AND NEW.finished_on IS OLD.finished_on)"
)


def upgrade() -> None:
    """Add the column with the times of older rows, its triggers and its indexes."""
    if op.get_bind().dialect.name == "sqlite":
        _upgrade_sqlite()
    else:
        _upgrade_postgres()


def _upgrade_sqlite() -> None:
    op.execute(f"ALTER TABLE executions ADD COLUMN finished_on INTEGER {_CHECK}")
    # Without the triggers on updates, older rows keep their updated_on.
    for trigger in ("executions_inserted", "executions_updated"):
        op.execute(f"DROP TRIGGER {trigger}")
    op.execute(f"UPDATE executions SET finished_on = {_OF_OLDER_ROWS} WHERE state <> 'INPROGRESS'")
    op.execute("CREATE INDEX executions_by_finished_on ON executions (finished_on)")
    op.execute("CREATE INDEX executions_by_duration ON executions (finished_on - created_on)")
    # Each write is followed by one further update at most, of the columns that need it.
    _create_sqlite_trigger(
        "executions_inserted",
        f"INSERT ON executions WHEN NEW.updated_on IS NULL AND NOT {_IS_WRONG_IN_NEW_ROW}",
        "updated_on = NEW.created_on",
    )
    _create_sqlite_trigger(
        "executions_inserted_finished",
        f"INSERT ON executions WHEN {_IS_WRONG_IN_NEW_ROW}",
        "updated_on = coalesce(NEW.updated_on, NEW.created_on),"
        " finished_on = CASE WHEN NEW.state <> 'INPROGRESS'"
        " THEN coalesce(NEW.updated_on, NEW.created_on) END",
    )
    _create_sqlite_trigger(
        "executions_updated",
        f"UPDATE ON executions WHEN {_HAS_NO_CHANGE_TIME} AND NOT {_IS_WRONG}",
        f"updated_on = {_NOW}",
    )
    changed_on = f"CASE WHEN {_HAS_NO_CHANGE_TIME} THEN {_NOW} ELSE NEW.updated_on END"
    _create_sqlite_trigger(
        "executions_updated_finished",
        f"UPDATE ON executions WHEN {_IS_WRONG}",
        f"updated_on = {changed_on}, finished_on = CASE"
        " WHEN NEW.state = 'INPROGRESS' THEN NULL"
        " WHEN NEW.state = OLD.state AND OLD.finished_on IS NOT NULL THEN OLD.finished_on"
        f" ELSE {changed_on} END",
    )


def _create_sqlite_trigger(name: str, event: str, values: str) -> None:
    op.execute(
        f"CREATE TRIGGER {name} AFTER {event} BEGIN"
        f" UPDATE executions SET {values} WHERE id = NEW.id; END"
    )


def _upgrade_postgres() -> None:
    schema = _schema()
    executions = f"{schema}executions"
    op.execute(f"ALTER TABLE {executions} ADD COLUMN finished_on bigint")
    # Rewrites the table in one pass: an update would fire every trigger, also those of others, and
    # leave each row twice.
    op.execute(
        f"ALTER TABLE {executions} ALTER COLUMN finished_on TYPE bigint USING {_OF_OLDER_ROWS},"
        f" ADD {_CHECK}"
    )
    op.execute(
        f"CREATE INDEX executions_by_finished_on ON {executions} (finished_on NULLS FIRST, id)"
    )
    op.execute(
        f"CREATE INDEX executions_by_duration ON {executions}"
        " ((finished_on - created_on) NULLS FIRST, id)"
    )
    create_times(schema, ("state", "agentflow_id", "session_id", "created_on", "guid"))

    # Rewriting a table gathers no statistics, and autovacuum does not count it as a change.
    op.execute(f"ANALYZE {executions}")


def create_times(schema: str, changing: tuple[str, ...]) -> None:
    """Create the function that sets the times of a row, on PostgreSQL.

    A change of one of the columns that are ``changing`` is a change of the execution.
    """
    new, old = (", ".join(f"{row}.{name}" for name in changing) for row in ("NEW", "OLD"))
    op.execute(
        f"CREATE OR REPLACE FUNCTION {schema}gateway_times() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN"
        " IF TG_OP = 'INSERT' THEN NEW.updated_on := coalesce(NEW.updated_on, NEW.created_on);"
        " ELSIF NEW.updated_on IS NULL OR NEW.updated_on IS NOT DISTINCT FROM OLD.updated_on AND"
        f" ({new}) IS DISTINCT FROM ({old}) THEN"
        " NEW.updated_on := floor(extract(epoch FROM clock_timestamp()) * 1000);"
        " END IF;"
        " IF NEW.state = 'INPROGRESS' THEN NEW.finished_on := NULL;"
        " ELSIF TG_OP = 'INSERT' THEN"
        " NEW.finished_on := coalesce(NEW.finished_on, NEW.updated_on);"
        " ELSIF NEW.state IS NOT DISTINCT FROM OLD.state THEN"
        " NEW.finished_on := coalesce(NEW.finished_on, OLD.finished_on, NEW.updated_on);"
        " ELSIF NEW.finished_on IS NULL OR NEW.finished_on IS NOT DISTINCT FROM OLD.finished_on"
        " THEN NEW.finished_on := NEW.updated_on;"
        " END IF; RETURN NEW; END $$"
    )


def _schema() -> str:
    """The quoted schema of the tables, with a dot, to prefix their names."""
    of_table = sa.text(
        "SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE pg_class.oid = 'executions'::regclass"
    )
    name = op.get_bind().execute(of_table).scalar_one()
    return op.get_bind().dialect.identifier_preparer.quote_identifier(name) + "."
