"""An index by which agentflows are listed in the order of their names."""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the index."""
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("agentflows_by_name", "agentflows", ["name", "id"], if_not_exists=True)
    else:
        # PostgreSQL rejects entries of more than some 2,700 bytes, and names may be longer.
        beginning = text("left(name, 200) NULLS FIRST")
        op.create_index("agentflows_by_name", "agentflows", [beginning, "id"])
