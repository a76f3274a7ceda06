"""Read and compare texts that are not UTF-8, for which the driver raises an error.

The driver decodes in C and fails at the first such text. Only then is the statement run again with
texts decoded in Python, so other reads cost nothing more.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from db.texts import bytes_of, read_text

_UNDECODABLE = "Could not decode to UTF-8"


def fetch_all(
    connection: sqlite3.Connection, statement: str, parameters: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Run a SELECT and return its rows; neither texts nor parameters need be UTF-8."""
    try:
        return connection.execute(statement, parameters).fetchall()
    except UnicodeEncodeError:
        parameters = sendable(parameters)
    except sqlite3.OperationalError as error:
        if not is_undecodable(error):
            raise
    factory = connection.text_factory
    connection.text_factory = read_text
    try:
        return connection.execute(statement, parameters).fetchall()
    finally:
        connection.text_factory = factory


def sendable(parameters: Sequence[Any]) -> tuple[Any, ...]:
    """Return the parameters with texts as bytes, which statements cast to text."""
    return tuple([bytes_of(each) if isinstance(each, str) else each for each in parameters])


def is_undecodable(error: sqlite3.Error) -> bool:
    """Whether a text could not be decoded. The error's message contains it: don't show it."""
    return str(error).startswith(_UNDECODABLE)
