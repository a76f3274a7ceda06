"""The table of recent writers, on PostgreSQL only: an SQLite file has no replica."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table; times are epoch milliseconds."""
    if op.get_bind().dialect.name != "sqlite":
        op.create_table(
            "recent_writers",
            sa.Column("client", sa.Text, primary_key=True),
            sa.Column("wrote_on", sa.BigInteger, nullable=False),
        )
