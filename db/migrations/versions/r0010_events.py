"""The outbox: an event for every change of an execution, written in its transaction by triggers.

An event has the execution as it is after the change, or as it was last if it was deleted, and, if
it was changed, also as it was before. Executions that are there already have no events.
"""

import secrets

import sqlalchemy as sa
from alembic import op

from db.migrations.event_columns import FIRST
from db.migrations.postgres_events import create_postgres_events
from db.migrations.sqlite_events import create_sqlite_events

revision = "0010"
down_revision = "0009"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables and the triggers; times are epoch milliseconds by the database's clock."""
    # On SQLite, an id is one more than the highest there is. The newest event is never deleted.
    op.create_table(
        "execution_events",
        sa.Column("id", _INTEGER, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("occurred_on", _INTEGER, nullable=False),
        sa.Column("execution_id", _INTEGER, nullable=False),
        sa.Column("guid", _TEXT, nullable=False),
        sa.Column("agentflow_id", _TEXT, nullable=False),
        sa.Column("session_id", _TEXT),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("created_on", _INTEGER, nullable=False),
        sa.Column("updated_on", _INTEGER),
        sa.Column("finished_on", _INTEGER),
        sa.Column("old_execution_id", _INTEGER),
        sa.Column("old_agentflow_id", _TEXT),
        sa.Column("old_session_id", _TEXT),
        sa.Column("old_state", _TEXT),
        sa.Column("old_created_on", _INTEGER),
        sa.Column("old_updated_on", _INTEGER),
        sa.Column("old_finished_on", _INTEGER),
        sqlite_strict=True,
    )
    epochs = op.create_table(
        "event_epochs", sa.Column("epoch", sa.Text, primary_key=True), sqlite_strict=True
    )
    op.bulk_insert(epochs, [{"epoch": secrets.token_hex(8)}])
    if op.get_bind().dialect.name == "sqlite":
        create_sqlite_events(FIRST)
    else:
        create_postgres_events(FIRST)
