"""Translate asyncpg's errors into those for callers."""

import contextlib
import logging
from collections.abc import Iterator

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.errors import (
    READ_TOO_LONG,
    WRITE_TOO_LONG,
    InvalidInput,
    ServiceUnavailable,
    TookTooLong,
    UncertainWrite,
)

logger = logging.getLogger("gateway.database")

DISCONNECTED = (
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # A statement between the server's last words and the end of the connection.
    asyncpg.InternalClientError,
    ConnectionResetError,
    BrokenPipeError,
)
"""Raised on a connection that has broken."""

_UNCERTAIN = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.StatementCompletionUnknownError,
)
"""Raised when the server has not reported the outcome of a statement."""

_BUSY = "The database is busy; try again in a moment"
_AWAY = "The database can't answer at the moment"
# By the first two letters of PostgreSQL's codes (its appendix A), or all five.
_REASONS = {
    "57014": READ_TOO_LONG,
    "55P03": "The database is busy with another write; try again in a moment",
    "25P03": _AWAY,  # the transaction was idle for too long
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


class Write:
    """The progress of a write: once it is sent, only a response tells its outcome."""

    is_sent = False


_TOO_LONG_FOR_INDEX = (
    "A guid or an id is too long for PostgreSQL, whose indexes hold some 2,700 bytes that can't be "
    "compressed; nothing was written"
)


@contextlib.contextmanager
def uncertain_writes() -> Iterator[Write]:
    """Raise UncertainWrite if a write was sent and its outcome is unknown.

    Errors that the server reports, such as its own timeouts, mean that it has rolled the write
    back.
    """
    write = Write()
    try:
        yield write
    except Exception as error:
        original = _original(error)
        if not write.is_sent or not isinstance(original, _UNCERTAIN):
            raise
        if isinstance(original, ValueError):
            # asyncpg could not send the values.
            raise
        logger.warning("The outcome of a write is unknown: %s", original or type(original).__name__)
        raise UncertainWrite(
            "The database took too long to answer (statement_timeout)"
            if isinstance(original, TimeoutError)
            else "The connection to the database broke during the write"
        ) from error


@contextlib.contextmanager
def translated_errors(*, is_write: bool = False) -> Iterator[None]:
    """Raise ServiceUnavailable for errors that mean the database can't answer.

    With ``is_write``, a timeout is reported as that of a write, which has been rolled back.
    """
    try:
        yield
    except Exception as error:
        translated = translate(error, is_write=is_write)
        if translated is error:
            raise
        raise translated from error


def translate(error: Exception, *, is_write: bool = False) -> Exception:
    """Return ServiceUnavailable if the database can't answer, or else the error itself."""
    if isinstance(error, PoolTimeout):
        return ServiceUnavailable(_BUSY)
    if isinstance(error, IntegrityError | asyncpg.IntegrityConstraintViolationError):
        return error
    original = _original(error)
    if isinstance(original, asyncpg.ProgramLimitExceededError):
        return InvalidInput(_TOO_LONG_FOR_INDEX)
    reason = _reason(original)
    if reason is None:
        return error
    logger.warning("The database can't answer: %s", original)
    if reason is READ_TOO_LONG:
        return TookTooLong(WRITE_TOO_LONG if is_write else READ_TOO_LONG, limit="statement_timeout")
    return ServiceUnavailable(reason)


def _original(error: BaseException) -> BaseException | None:
    if isinstance(error, DBAPIError):
        # SQLAlchemy wraps what asyncpg raised twice.
        return getattr(error.orig, "__cause__", None) or error.orig
    return error


def _reason(error: BaseException | None) -> str | None:
    if isinstance(error, asyncpg.PostgresError):
        code = error.sqlstate or ""
        return _REASONS.get(code) or _REASONS.get(code[:2])
    if isinstance(error, TimeoutError):
        return READ_TOO_LONG
    # asyncpg reports an unexpected state when a server stops in the middle of a response.
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError):
        return _AWAY
    return None
