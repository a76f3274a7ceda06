"""Migrate a database to the newest revision."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from db.database import Database
from db.errors import ServiceUnavailable

_LOCK = 0x6777_6D69_6772
"""The key of PostgreSQL's advisory lock for migrations."""


async def upgrade(database: Database) -> tuple[str | None, str]:
    """Run the revisions that a database lacks, in one write transaction.

    Several processes may call this at once: one of them migrates, the others wait and find nothing
    left to do. Returns the revision before and after. Raises ServiceUnavailable if the database
    can't be written, or is newer than this program.
    """
    return await database.transact(lambda connection: connection.run_sync(_upgrade))


def newest_revision() -> str:
    """Return the revision that this program needs."""
    return _scripts(_config()).get_current_head() or ""


def _config(**attributes: Any) -> Config:
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts(config: Config) -> ScriptDirectory:
    return ScriptDirectory.from_config(config)


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    if connection.dialect.name == "postgresql":
        # No time limit; processes take turns.
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    config = _config(connection=connection)
    before = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in _scripts(config).walk_revisions()}
    if before is not None and before not in known:
        raise ServiceUnavailable(
            f"The database is at revision {before}, which this version of the gateway does not "
            "know: it was made by a newer one"
        )
    command.upgrade(config, "head")
    return before, newest_revision()
