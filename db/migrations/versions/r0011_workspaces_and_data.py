"""The workspaces of executions, the data that engines record for them, and the error in it.

Events have the workspace and the error. An execution that comes into another workspace is another
execution, like one with another guid.
"""

import sqlalchemy as sa
from alembic import op

from db.migrations.event_columns import WITH_WORKSPACES
from db.migrations.postgres_data import create_postgres_data
from db.migrations.postgres_events import replace_postgres_events
from db.migrations.sqlite_checks import replace_sqlite_checks
from db.migrations.sqlite_counts import replace_sqlite_counts
from db.migrations.sqlite_data import create_sqlite_data
from db.migrations.sqlite_events import replace_sqlite_events
from db.migrations.versions.r0005_contents import (
    TEXTS,
    create_postgres_checks,
    create_sqlite_checks,
)
from db.migrations.versions.r0006_rights_and_names import schema_of_tables
from db.migrations.versions.r0007_finished_on import create_times

revision = "0011"
down_revision = "0010"

_INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_ERROR = "CONSTRAINT executions_error CHECK (length(error) <= 500)"
_COLUMNS = {
    "executions": ("workspace_id", "error"),
    "api_keys": ("workspace_id",),
    "execution_events": ("workspace_id", "error", "old_error"),
}
_CHECKED = ("executions", "api_keys")


def upgrade() -> None:
    """Add the columns, the table of data, indexes, and what follows from writes."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    schema = "" if is_sqlite else schema_of_tables()
    type_ = "TEXT" if is_sqlite else 'text COLLATE "C"'
    tables = {**_COLUMNS}
    if is_sqlite:
        tables["replaced_executions"] = _COLUMNS["executions"]
    for table, columns in tables.items():
        for column in columns:
            check = f" {_ERROR}" if (table, column) == ("executions", "error") else ""
            op.execute(f"ALTER TABLE {schema}{table} ADD COLUMN {column} {type_}{check}")
    op.create_table(
        "execution_data",
        sa.Column("execution_id", _INTEGER, primary_key=True, autoincrement=False),
        sa.Column("data", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    _create_indexes(schema, is_sqlite=is_sqlite)
    if is_sqlite:
        _upgrade_sqlite()
    else:
        _upgrade_postgres(schema)


def _create_indexes(schema: str, *, is_sqlite: bool) -> None:
    """Create indexes that have only rows with a workspace or an error: most have neither."""
    id_ = "" if is_sqlite else ", id"
    op.execute(
        f"CREATE INDEX executions_by_workspace_created_on ON {schema}executions"
        f" (workspace_id, created_on{id_}) WHERE workspace_id IS NOT NULL"
    )
    # Whether a workspace runs an agentflow is asked without reading what others have of it, and its
    # executions are counted by state without reading them. The id is for the order of lists.
    op.execute(
        f"CREATE INDEX executions_by_workspace_agentflow_created_on ON {schema}executions"
        f" (workspace_id, agentflow_id, created_on, id, state) WHERE workspace_id IS NOT NULL"
    )
    # The id before the error, so that the index has errors in the order of lists.
    op.execute(
        f"CREATE INDEX executions_by_error ON {schema}executions"
        " (created_on, id, error) WHERE error IS NOT NULL"
    )


def _upgrade_sqlite() -> None:
    for event in ("insert", "update"):
        op.execute(f"DROP TRIGGER api_keys_checked_{event}")
    create_sqlite_checks("api_keys", (*TEXTS["api_keys"], *_COLUMNS["api_keys"]))
    replace_sqlite_checks((*TEXTS["executions"], "workspace_id"), "error")
    replace_sqlite_counts()
    op.create_table(
        "given_times",
        sa.Column("guid", sa.Text, primary_key=True),
        sa.Column("updated_on", sa.Integer, nullable=False),
        sa.Column("finished_on", sa.Integer),
        sqlite_strict=True,
    )
    replace_sqlite_events(WITH_WORKSPACES)
    create_sqlite_data()


def _upgrade_postgres(schema: str) -> None:
    path = f"SET search_path = pg_catalog, {schema.removesuffix('.')}, pg_temp"
    for table in _CHECKED:
        for event in ("insert", "update"):
            op.execute(f"DROP TRIGGER {table}_checked_{event} ON {schema}{table}")
        create_postgres_checks(table, (*TEXTS[table], "workspace_id"))
        op.execute(f"ALTER FUNCTION {schema}gateway_check_{table}() {path}")
    create_times(schema, (*WITH_WORKSPACES.contents, *WITH_WORKSPACES.identity))
    replace_postgres_events(WITH_WORKSPACES)
    create_postgres_data(schema)
