"""How connections to PostgreSQL are opened, and what every one of them is set to."""

import uuid
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from db.postgres import sql  # noqa: F401 - from here on statements are written for PostgreSQL
from db.postgres.connection_pool import Pool

# As many as statements are kept compiled; a connection that has prepared one runs it in one go.
_STATEMENTS_KEPT = 500
_CACHE_SIZE = "statement_cache_size"
_RARE = 2


@dataclass(frozen=True, slots=True)
class Options:
    """How to connect. Times are in seconds.

    What the URL has behind its question mark goes to asyncpg, which reads it as libpq does
    (``sslmode``, ``sslrootcert``, ``target_session_attrs``), but for ``statement_cache_size``: 0
    leaves nothing in a session that the next transaction would miss, or find, in another one, as
    behind a pgbouncer in transaction mode. Statements have no names then, and asyncpg sends each
    together with its values; a read's limit of time is kept by the gateway, which cancels it.
    """

    url: URL
    busy_timeout: float
    statement_timeout: float | None

    @property
    def statements_kept(self) -> int:
        """How many prepared statements a connection keeps."""
        return int(str(self.url.query.get(_CACHE_SIZE, _STATEMENTS_KEPT)))

    @property
    def sessions_are_shared(self) -> bool:
        """Whether each transaction may be in another session of the server."""
        return self.statements_kept == 0

    @property
    def limits(self) -> tuple[str, ...]:
        """The statements that set the limits of one transaction."""
        return tuple(f"SET LOCAL {name} = {value}" for name, value in self._limits().items())

    async def connect(self, *_: Any, **more: Any) -> Any:
        """A connection, with limits that the server itself holds it to."""
        dsn = self.url.set(drivername="postgresql").difference_update_query([_CACHE_SIZE])
        return await asyncpg.connect(
            dsn.render_as_string(hide_password=False),
            timeout=self.busy_timeout,
            command_timeout=self._command_timeout(),
            statement_cache_size=self.statements_kept,
            server_settings=self._settings(),
            **more,
        )

    def _command_timeout(self) -> float | None:
        if self.statement_timeout is None or self.sessions_are_shared:
            return self.statement_timeout
        # Should the server itself be out of reach, the client gives up after it.
        return self.statement_timeout + 1

    def _settings(self) -> dict[str, str]:
        named = {"application_name": "executions-gateway"}
        return named if self.sessions_are_shared else named | self._limits()

    def _limits(self) -> dict[str, str]:
        limits = {"lock_timeout": f"{int(self.busy_timeout * 1000)}"}
        if self.statement_timeout is not None:
            limits["statement_timeout"] = f"{int(self.statement_timeout * 1000)}"
        return limits


def open_engine(options: Options) -> AsyncEngine:
    """An engine of SQLAlchemy's for what is rare: keys, migrations, imports."""

    async def connect(*_: Any, **__: Any) -> Any:
        return await options.connect()

    return create_async_engine(
        options.url.set(query={}),
        pool_size=_RARE,
        max_overflow=0,
        pool_timeout=options.busy_timeout,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "async_creator_fn": connect,
            "prepared_statement_cache_size": 0 if options.sessions_are_shared else 100,
            "prepared_statement_name_func": lambda: f"gateway_{uuid.uuid4()}",
        },
    )


def open_pool(options: Options, size: int) -> Pool:
    """The connections of reads and changes."""
    return Pool(options.connect, size, options.busy_timeout)
