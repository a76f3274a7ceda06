"""Open and configure connections to PostgreSQL."""

import uuid
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from db.postgres import sql  # noqa: F401 - registers how constructs are rendered for PostgreSQL
from db.postgres.connection_pool import Pool

# A prepared statement takes one round trip.
_STATEMENTS_KEPT = 500
_CACHE_SIZE = "statement_cache_size"
_RARE = 2


@dataclass(frozen=True, slots=True)
class Options:
    """How to connect. Times are in seconds.

    The URL's query is passed to asyncpg, which reads it as libpq does (``sslmode``,
    ``sslrootcert``, ``target_session_attrs``), except for ``statement_cache_size``. If that is 0,
    nothing is kept in a session that the next transaction might miss or find in another session, as
    behind pgbouncer in transaction mode: statements are unnamed, asyncpg sends each together with
    its values, and the gateway, which cancels reads, enforces their time limit.
    """

    url: URL
    busy_timeout: float
    statement_timeout: float | None

    @property
    def statements_kept(self) -> int:
        """The number of prepared statements that a connection keeps."""
        return int(str(self.url.query.get(_CACHE_SIZE, _STATEMENTS_KEPT)))

    @property
    def sessions_are_shared(self) -> bool:
        """Whether each transaction may run in another session of the server."""
        return self.statements_kept == 0

    @property
    def limits(self) -> tuple[str, ...]:
        """The statements that set the timeouts of a transaction."""
        return tuple(f"SET LOCAL {name} = {value}" for name, value in self._limits().items())

    async def connect(self, *_: Any, **more: Any) -> Any:
        """Open a connection with timeouts that the server enforces."""
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
        # The client gives up later than the server, in case the server is unreachable.
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
    """Return SQLAlchemy's engine for rare tasks: keys, migrations, imports."""

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
    """Return the pool for reads and changes."""
    return Pool(options.connect, size, options.busy_timeout)
