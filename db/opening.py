"""Open the database that a URL names."""

import re
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from db.database import Database
from db.errors import InvalidInput
from db.postgres.database import PostgresDatabase
from db.postgres.replicated import ReplicatedDatabase
from db.sqlite.database import SQLiteDatabase

_POSTGRES = re.compile(r"^postgres://")
_PASSWORD = re.compile(r":[^@]*@")


def open_database(
    url: str,
    *,
    busy_timeout: float = 5.0,
    statement_timeout: float | None = None,
    connections: int = 10,
    read_url: str | None = None,
    max_replica_lag: float = 10.0,
    **more: Any,
) -> Database:
    """Return the database of a URL; connections are opened when first needed.

    ``busy_timeout`` is how long, in seconds, a write waits for another one, or any caller for a
    connection, before ServiceUnavailable is raised. Statements that take longer than
    ``statement_timeout`` seconds are interrupted in the database and raise ServiceUnavailable; None
    means no limit. At most ``connections`` PostgreSQL connections are opened for reads and changes.
    Raises InvalidInput for an unsupported URL.
    """
    parsed = normalize_url(url)
    limits: Any = {"busy_timeout": busy_timeout, "statement_timeout": statement_timeout, **more}
    if parsed.get_backend_name() == "sqlite":
        if read_url is not None:
            raise InvalidInput(
                "read_database_url is for PostgreSQL; a file of SQLite has no replica"
            )
        return SQLiteDatabase(parsed, **limits)
    primary = PostgresDatabase(parsed, connections=connections, **limits)
    if read_url is None:
        return primary
    read = normalize_url(read_url)
    if read.get_backend_name() == "sqlite":
        raise InvalidInput(
            "read_database_url must be a replica of PostgreSQL; it is a file of SQLite"
        )
    replica = PostgresDatabase(read, connections=connections, server="replica", **limits)
    return ReplicatedDatabase(primary, replica, max_lag=max_replica_lag)


def normalize_url(url: str) -> URL:
    """Parse a database URL as people write it, and add the asynchronous driver.

    Raises InvalidInput for an unsupported URL.
    """
    try:
        parsed = make_url(_POSTGRES.sub("postgresql://", url))
    except (ArgumentError, ValueError):
        shown = _PASSWORD.sub(":***@", url)
        raise InvalidInput.of("database", shown, _EXPECTED) from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+asyncpg")
    if backend != "sqlite":
        raise InvalidInput.of("database", parsed.render_as_string(hide_password=True), _EXPECTED)
    in_memory = ":memory:" in (parsed.database or "") or parsed.query.get("mode") == "memory"
    if not parsed.database or in_memory:
        raise InvalidInput.of("database", url, "a file, because every connection must see it")
    return parsed.set(drivername="sqlite+aiosqlite")


_EXPECTED = "a URL such as sqlite:///executions.db or postgresql://user@host/name"
