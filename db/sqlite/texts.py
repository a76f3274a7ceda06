"""Reading and comparing texts that are not UTF-8, which the driver takes for an error.

The driver decodes in C, and fails at the first such text. Only then the statement is run again,
with texts decoded in Python; whatever else is read costs nothing more.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from db.texts import bytes_of, read_text

_UNDECODABLE = "Could not decode to UTF-8"


def fetch_all(
    connection: sqlite3.Connection, statement: str, parameters: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Run a SELECT and return its rows, whatever their texts and those of the parameters are."""
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
    """Parameters whose texts are bytes, which statements cast to text."""
    return tuple([bytes_of(each) if isinstance(each, str) else each for each in parameters])


def is_undecodable(error: sqlite3.Error) -> bool:
    """Whether a text could not be decoded. The message holds the text: it is for nobody."""
    return str(error).startswith(_UNDECODABLE)
