"""From what asyncpg raises to what callers are told."""

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
    ConnectionResetError,
    BrokenPipeError,
)
"""What is raised on a connection that was open and is no more."""

_UNCERTAIN = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.StatementCompletionUnknownError,
)
"""What is raised without a word from the server on how the statement ended."""

_BUSY = "The database is busy; try again in a moment"
_AWAY = "The database can't answer at the moment"
# By the first two letters of PostgreSQL's codes (its appendix A), or all five.
_REASONS = {
    "57014": READ_TOO_LONG,
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


class Write:
    """How far a write has come: once it is sent, only an answer tells how it ended."""

    is_sent = False


_TOO_LONG_FOR_INDEX = (
    "A guid or an id is too long for PostgreSQL, whose indexes hold some 2,700 bytes that can't be "
    "compressed; nothing was written"
)


@contextlib.contextmanager
def uncertain_writes() -> Iterator[Write]:
    """Raise UncertainWrite for a write that was sent and whose end the server did not tell.

    What the server refuses, its own limit of time included, was undone by it.
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
        logger.warning("How a write ended is not known: %s", original or type(original).__name__)
        raise UncertainWrite(
            "The database took too long to answer (statement_timeout)"
            if isinstance(original, TimeoutError)
            else "The connection to the database broke during the write"
        ) from error


@contextlib.contextmanager
def translated_errors(*, undone: bool = False) -> Iterator[None]:
    """Turn what is raised when the database can't answer into ServiceUnavailable.

    ``undone`` says that what takes too long is a write, of which nothing is left then.
    """
    try:
        yield
    except Exception as error:
        translated = translate(error, undone=undone)
        if translated is error:
            raise
        raise translated from error


def translate(error: Exception, *, undone: bool = False) -> Exception:
    """ServiceUnavailable where the database can't answer, else the error itself."""
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
        return TookTooLong(WRITE_TOO_LONG if undone else READ_TOO_LONG, limit="statement_timeout")
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
    # asyncpg finds its own state unexpected when a server ends in the middle of an answer.
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError):
        return _AWAY
    return None
