"""The table of leases: which process does the work that one of all does."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the table; times are epoch milliseconds by the database's clock."""
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("expires_on", _INTEGER, nullable=False),
        sa.Column("completed_on", _INTEGER),
        sqlite_strict=True,
    )
