"""The tables of executions and agentflows.

Triggers set ``updated_on`` after a plain INSERT and advance it after a plain UPDATE; a statement
that sets it itself takes precedence.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_EARLIEST, _LATEST = -62_135_596_800_000, 253_402_300_799_999
_STATES = "'INPROGRESS', 'FINISHED', 'ERROR', 'TERMINATED', 'TIMEOUT', 'STOPPED'"
_INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# Texts are compared by code point, as in SQLite, whatever the database's locale.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_INDEXES = {
    "executions_by_created_on": ["created_on"],
    "executions_by_updated_on": ["updated_on"],
    "executions_by_state_created_on": ["state", "created_on"],
    "executions_by_agentflow_created_on": ["agentflow_id", "created_on"],
    "executions_by_session_created_on": ["session_id", "created_on"],
    "executions_by_state": ["state"],
    "executions_by_agentflow": ["agentflow_id"],
    "executions_by_session": ["session_id"],
}
_NOW = (
    "CAST(strftime('%s', 'now') AS INTEGER) * 1000"
    " + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER)"
)


def upgrade() -> None:
    """Create the tables, their indexes and their triggers."""
    op.create_table(
        "executions",
        sa.Column("id", _INTEGER, primary_key=True),
        sa.Column("guid", _TEXT, nullable=False, unique=True),
        sa.Column("agentflow_id", _TEXT, nullable=False),
        sa.Column("session_id", _TEXT),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("created_on", _INTEGER, nullable=False),
        sa.Column("updated_on", _INTEGER),
        sa.CheckConstraint(f"state IN ({_STATES})", name="executions_state"),
        sa.CheckConstraint(
            f"created_on BETWEEN {_EARLIEST} AND {_LATEST}", name="executions_created_on"
        ),
        sa.CheckConstraint(
            f"updated_on BETWEEN {_EARLIEST} AND {_LATEST}", name="executions_updated_on"
        ),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    for name, columns in _INDEXES.items():
        op.create_index(name, "executions", _indexed(columns))
    op.create_table(
        "agentflows",
        sa.Column("id", _TEXT, primary_key=True),
        sa.Column("name", _TEXT),
        sqlite_strict=True,
    )
    if op.get_bind().dialect.name == "sqlite":
        _create_sqlite_triggers()
    else:
        _create_postgres_functions()


def _indexed(columns: list[str]) -> list[str | sa.TextClause]:
    if op.get_bind().dialect.name == "sqlite":
        # SQLite appends the row's id to every index entry.
        return list(columns)
    # Null sorts as the smallest value.
    nulls = {"session_id": sa.text("session_id NULLS FIRST")}
    return [*(nulls.get(column, column) for column in columns), "id"]


def _create_sqlite_triggers() -> None:
    op.execute(
        "CREATE TRIGGER executions_inserted AFTER INSERT ON executions"
        " WHEN NEW.updated_on IS NULL BEGIN"
        " UPDATE executions SET updated_on = NEW.created_on WHERE id = NEW.id; END"
    )
    op.execute(
        # All parts are constants of this file.
        "CREATE TRIGGER executions_updated AFTER UPDATE ON executions"
        " WHEN NEW.updated_on IS NULL OR NEW.updated_on IS OLD.updated_on AND"
        " (NEW.state, NEW.agentflow_id, NEW.session_id, NEW.created_on, NEW.guid) IS NOT"
        " (OLD.state, OLD.agentflow_id, OLD.session_id, OLD.created_on, OLD.guid) BEGIN"
        f" UPDATE executions SET updated_on = {_NOW} WHERE id = NEW.id; END"
    )


def _create_postgres_functions() -> None:
    op.execute(
        "CREATE FUNCTION gateway_casefold(folded text) RETURNS text LANGUAGE sql IMMUTABLE"
        f" PARALLEL SAFE RETURN {_postgres_casefold()}"
    )
    op.execute(
        "CREATE FUNCTION gateway_times() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF TG_OP = 'INSERT' THEN NEW.updated_on := coalesce(NEW.updated_on, NEW.created_on);"
        " ELSIF NEW.updated_on IS NULL OR NEW.updated_on IS NOT DISTINCT FROM OLD.updated_on AND"
        " (NEW.state, NEW.agentflow_id, NEW.session_id, NEW.created_on, NEW.guid) IS DISTINCT FROM"
        " (OLD.state, OLD.agentflow_id, OLD.session_id, OLD.created_on, OLD.guid) THEN"
        " NEW.updated_on := floor(extract(epoch FROM clock_timestamp()) * 1000);"
        " END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER executions_times BEFORE INSERT OR UPDATE ON executions"
        " FOR EACH ROW EXECUTE FUNCTION gateway_times()"
    )


def _postgres_casefold() -> str:
    """The expression that folds case in every script on this server."""
    if op.get_bind().execute(sa.text("SHOW server_encoding")).scalar_one() != "UTF8":
        return "lower(folded)"
    version = op.get_bind().dialect.server_version_info or (0,)
    if version >= (18,):
        return "casefold(folded COLLATE pg_catalog.pg_unicode_fast)"
    has_icu = sa.text("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'")
    if op.get_bind().execute(has_icu).first():
        # Through upper case, which expands letters that lower case keeps as one.
        return 'lower(upper(folded COLLATE "und-x-icu") COLLATE "und-x-icu")'
    return "lower(folded)"
