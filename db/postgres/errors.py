"""From what asyncpg raises to what callers are told."""

import contextlib
import logging
from collections.abc import Iterator

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.errors import ServiceUnavailable

logger = logging.getLogger("gateway.database")

DISCONNECTED = (
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionResetError,
    BrokenPipeError,
)
"""What is raised on a connection that was open and is no more."""

_TOO_LONG = (
    "The database took too long to answer (statement_timeout); "
    "ask for less, with a filter that is served by an index"
)
_BUSY = "The database is busy; try again in a moment"
_AWAY = "The database can't answer at the moment"
_REASONS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (asyncpg.QueryCanceledError, _TOO_LONG),
    (
        asyncpg.LockNotAvailableError,
        "The database is busy with another write; try again in a moment",
    ),
    ((asyncpg.SerializationError, asyncpg.DeadlockDetectedError), _BUSY),
    (asyncpg.TooManyConnectionsError, _BUSY),
    (asyncpg.DiskFullError, "The database's disk is full; nothing was written"),
    (asyncpg.ReadOnlySQLTransactionError, "The database can only be read; nothing was written"),
    (asyncpg.PostgresError, _AWAY),
    (asyncpg.InterfaceError, _AWAY),
    (TimeoutError, _TOO_LONG),
    (OSError, _AWAY),
)


@contextlib.contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what is raised when the database can't answer into ServiceUnavailable."""
    try:
        yield
    except Exception as error:
        translated = translate(error)
        if translated is error:
            raise
        raise translated from error


def translate(error: Exception) -> Exception:
    """ServiceUnavailable where the database can't answer, else the error itself."""
    if isinstance(error, PoolTimeout):
        return ServiceUnavailable(_BUSY)
    if isinstance(error, IntegrityError | asyncpg.IntegrityConstraintViolationError):
        return error
    original: BaseException | None = error
    if isinstance(error, DBAPIError):
        # SQLAlchemy wraps what asyncpg raised twice.
        original = getattr(error.orig, "__cause__", None) or error.orig
    for kinds, reason in _REASONS:
        if isinstance(original, kinds):
            logger.warning("The database can't answer: %s", original)
            return ServiceUnavailable(reason)
    return error
