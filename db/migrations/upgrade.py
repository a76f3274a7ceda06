"""Migrate a database to the newest revision."""

from sqlalchemy import Connection, inspect, text

from db.database import Database

NEWEST_REVISION = "0012"
"""The revision that this program needs."""

_LOCK = 0x6777_6D69_6772
"""The key of PostgreSQL's advisory lock for migrations."""


async def upgrade(database: Database) -> tuple[str | None, str]:
    """Run the revisions that a database lacks, in one write transaction.

    Several processes may call this at once: one of them migrates, the others wait and find nothing
    left to do. Returns the revision before and after. Raises ServiceUnavailable if the database
    can't be written, or is newer than this program.
    """
    return await database.transact(lambda connection: connection.run_sync(_upgrade))


def take_turns(connection: Connection) -> None:
    """Wait, without a time limit, until no other process changes the tables."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    take_turns(connection)
    before = _current(connection)
    if before != NEWEST_REVISION:
        # Loading Alembic takes a tenth of a start, and most databases need no migration.
        from db.migrations.revisions import run_revisions  # noqa: PLC0415

        run_revisions(connection, before)
    return before, NEWEST_REVISION


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    current: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return current
