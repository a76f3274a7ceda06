"""Changes that arrive together are committed together.

A commit waits until the disk has it, which takes longer than everything else about a change. One
commit for all that have gathered meanwhile is as durable for each of them: nobody is answered
before it. Each change is undone by itself if it fails.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from db.engine import Change, Execute, statements


def run_changes(connection: Any, changes: Sequence[Change]) -> list[Any]:
    """Make changes in one transaction; what each returned, or the exception that undid it.

    If the transaction itself comes to nothing, each change gets one of its own.
    """
    # Should a transaction of an earlier group not have come to its end.
    _roll_back(connection)
    if len(changes) == 1:
        return [_alone(connection, changes[0])]
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        # Another program writes; nobody is to wait for it twice.
        return [error] * len(changes)
    try:
        outcomes = [_within(connection, change) for change in changes]
        connection.execute("COMMIT")
    except Exception:  # noqa: BLE001 - each change meets it again, and tells whoever asked
        _roll_back(connection)
        return [_alone(connection, change) for change in changes]
    except BaseException:
        _roll_back(connection)
        raise
    return outcomes


def _alone(connection: Any, change: Change) -> Any:
    try:
        connection.execute("BEGIN IMMEDIATE")
        outcome = change(_executing(connection))
        connection.execute("COMMIT")
    except Exception as error:  # noqa: BLE001 - told to whoever asked
        _roll_back(connection)
        return error
    except BaseException:
        _roll_back(connection)
        raise
    return outcome


def _within(connection: Any, change: Change) -> Any:
    connection.execute("SAVEPOINT change")
    try:
        outcome = change(_executing(connection))
    except Exception as error:
        if not connection.in_transaction:
            # An interruption, or a full disk, undoes everything that is not committed.
            raise sqlite3.OperationalError("the transaction is gone") from error
        connection.execute("ROLLBACK TO change")
        outcome = error
    connection.execute("RELEASE change")
    return outcome


def _executing(connection: Any) -> Execute:
    def execute(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        statements.debug("%s", statement)
        rows: list[tuple[Any, ...]] = connection.execute(statement, parameters).fetchall()
        return rows

    return execute


def _roll_back(connection: Any) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
