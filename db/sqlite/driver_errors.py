"""Translate the driver's errors into those for callers."""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.errors import READ_TOO_LONG, ServiceUnavailable, TookTooLong, UncertainWrite
from db.sqlite.texts import is_undecodable

logger = logging.getLogger("gateway.database")


@contextlib.contextmanager
def translated_errors() -> Iterator[None]:
    """Raise ServiceUnavailable for errors that mean the database can't answer."""
    try:
        yield
    except Exception as error:
        translated = translate(error)
        if translated is error:
            raise
        raise translated from error


def translate(error: Exception) -> Exception:
    """Return ServiceUnavailable if the database can't answer, or else the error itself."""
    if isinstance(error, IntegrityError):
        return error
    if isinstance(error, PoolTimeout):
        return ServiceUnavailable("The database is busy; try again in a moment")
    original = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(original, sqlite3.DatabaseError) or isinstance(
        original, sqlite3.ProgrammingError | sqlite3.IntegrityError
    ):
        return error
    if isinstance(original, sqlite3.DataError) or is_undecodable(original):
        # Trying again would not help. The driver's message contains stored text, so drop it.
        return RuntimeError("The database holds a value that can't be read")
    logger.warning("The database can't answer: %s", original)
    code = getattr(original, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_INTERRUPT:
        return TookTooLong(READ_TOO_LONG, limit="statement_timeout")
    return ServiceUnavailable(_reason(code))


@contextlib.contextmanager
def uncertain_commit() -> Iterator[None]:
    """Raise UncertainWrite if the disk may not have kept a commit.

    After any other exception nothing was committed.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        original = error.orig if isinstance(error, DBAPIError) else error
        if getattr(original, "sqlite_errorcode", 0) != sqlite3.SQLITE_IOERR_FSYNC:
            raise
        logger.warning("The outcome of a write is unknown: %s", original)
        raise UncertainWrite("The database's disk failed during the write") from error


def _reason(code: int) -> str:
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "The database is busy with another write; try again in a moment"
        case sqlite3.SQLITE_FULL:
            return "The database's disk is full; nothing was written"
        case sqlite3.SQLITE_IOERR:
            return "The database's disk can't be read or written at the moment"
        case sqlite3.SQLITE_READONLY:
            return "The database can only be read; nothing was written"
        case _:
            return "The database can't answer at the moment"
