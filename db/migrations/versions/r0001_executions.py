"""Executions and agentflows.

A plain INSERT needs no ``updated_on`` and a plain UPDATE of anything else moves it, by
triggers; a statement that sets it is left alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_EARLIEST, _LATEST = -62_135_596_800_000, 253_402_300_799_999
_STATES = "'INPROGRESS', 'FINISHED', 'ERROR', 'TERMINATED', 'TIMEOUT', 'STOPPED'"
_INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
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
        sa.Column("guid", sa.Text, nullable=False, unique=True),
        sa.Column("agentflow_id", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
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
        op.create_index(name, "executions", columns)
    op.create_table(
        "agentflows",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text),
        sqlite_strict=True,
    )
    op.execute(
        "CREATE TRIGGER executions_inserted AFTER INSERT ON executions"
        " WHEN NEW.updated_on IS NULL BEGIN"
        " UPDATE executions SET updated_on = NEW.created_on WHERE id = NEW.id; END"
    )
    op.execute(
        # The pieces are constants of this file.
        "CREATE TRIGGER executions_updated AFTER UPDATE ON executions"
        " WHEN NEW.updated_on IS NULL OR NEW.updated_on IS OLD.updated_on AND"
        " (NEW.state, NEW.agentflow_id, NEW.session_id, NEW.created_on, NEW.guid) IS NOT"
        " (OLD.state, OLD.agentflow_id, OLD.session_id, OLD.created_on, OLD.guid) BEGIN"
        f" UPDATE executions SET updated_on = {_NOW} WHERE id = NEW.id; END"
    )
