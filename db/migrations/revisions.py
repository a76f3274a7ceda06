"""Run revisions with Alembic."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from db.errors import ServiceUnavailable


def newest_revision_there_is() -> str:
    """Return the newest revision in the folder ``versions``."""
    return _scripts(_config()).get_current_head() or ""


def run_revisions(connection: Connection, current: str | None, last: str = "head") -> None:
    """Run the revisions that follow the current one, until the last.

    Raises ServiceUnavailable if the current one is not known.
    """
    config = _config(connection=connection)
    known = {script.revision for script in _scripts(config).walk_revisions()}
    if current is not None and current not in known:
        raise ServiceUnavailable(
            f"The database is at revision {current}, which this version of the gateway does not "
            "know: it was made by a newer one"
        )
    command.upgrade(config, last)


def _config(**attributes: Any) -> Config:
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts(config: Config) -> ScriptDirectory:
    return ScriptDirectory.from_config(config)
