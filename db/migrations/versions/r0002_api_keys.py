"""The table of API keys. It holds only a hash of each."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "api_keys",
        sa.Column("id", _INTEGER, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False, unique=True),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_on", _INTEGER, nullable=False),
        sa.Column("expires_on", _INTEGER),
        sa.Column("last_used_on", _INTEGER),
        sa.Column("revoked_on", _INTEGER),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
