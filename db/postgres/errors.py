"""From what asyncpg raises to what callers are told."""

import contextlib
import logging
from collections.abc import Iterator

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.errors import ServiceUnavailable, TookTooLong

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
# By the first two letters of PostgreSQL's codes (its appendix A), or all five.
_REASONS = {
    "57014": _TOO_LONG,
    "55P03": "The database is busy with another write; try again in a moment",
    "53100": "The database's disk is full; nothing was written",
    "25006": "The database can only be read; nothing was written",
    "3D000": _AWAY,  # there is no such database
    "42P01": _AWAY,  # there are no tables yet
    "08": _AWAY,
    "28": _AWAY,
    "40": _BUSY,
    "53": _BUSY,
    "57": _AWAY,
    "58": _AWAY,
}


@contextlib.contextmanager
def uncertain_writes() -> Iterator[None]:
    """Say of a write whose connection broke that nobody knows whether it was made."""
    try:
        yield
    except (*DISCONNECTED, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        logger.warning("The connection broke during a write: %s", error)
        raise ServiceUnavailable(
            "The connection to the database broke during the write, which was made as a whole or "
            "not at all; look before you try again"
        ) from error


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
    reason = _reason(original)
    if reason is None:
        return error
    logger.warning("The database can't answer: %s", original)
    if reason is _TOO_LONG:
        return TookTooLong(reason, limit="statement_timeout")
    return ServiceUnavailable(reason)


def _reason(error: BaseException | None) -> str | None:
    if isinstance(error, asyncpg.PostgresError):
        code = error.sqlstate or ""
        return _REASONS.get(code) or _REASONS.get(code[:2])
    if isinstance(error, TimeoutError):
        return _TOO_LONG
    # asyncpg finds its own state unexpected when a server ends in the middle of an answer.
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError):
        return _AWAY
    return None
