"""How far imports over REST are."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the table; a name says nothing of the list or its credentials."""
    op.create_table(
        "rest_imports",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("progress", sa.Text, nullable=False),
        sqlite_strict=True,
    )
