"""Commit changes that arrive together in one transaction.

A commit waits for the disk, which takes longer than everything else about a change. One commit for
all changes that have gathered is as durable for each of them: none is answered before it. A change
that fails is rolled back alone.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from db.database import Change, Execute, Rows, statements
from db.errors import WRITE_TOO_LONG, TookTooLong, UncertainWrite
from db.sqlite.driver_errors import uncertain_commit
from db.sqlite.flowise_changes import FlowiseChanges
from db.sqlite.interruption import Interruptible


def run_changes(
    interruptible: Interruptible, changes: Sequence[Change], *, flowise: FlowiseChanges
) -> list[Any]:
    """Run changes in one transaction; return for each its result or its exception.

    If the transaction as a whole fails, each change runs again in one of its own. What it changes
    is brought to ``flowise`` as a part of it.
    """
    connection = interruptible.connection
    # In case an earlier batch left its transaction open.
    _roll_back(connection)
    if len(changes) == 1:
        return [_alone(interruptible, changes[0], flowise)]
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        # Another program is writing; don't wait for it a second time.
        return [error] * len(changes)
    try:
        before = flowise.begin(interruptible.execute)
        outcomes = [_within(interruptible, change) for change in changes]
        flowise.bring(_executing(interruptible), before)
        _commit(connection)
    except UncertainWrite as error:
        _roll_back(connection)
        return [error] * len(changes)
    except Exception:  # noqa: BLE001 - each change meets it again by itself
        _roll_back(connection)
        return [_alone(interruptible, change, flowise) for change in changes]
    except BaseException:
        _roll_back(connection)
        raise
    return outcomes


def _alone(interruptible: Interruptible, change: Change, flowise: FlowiseChanges) -> Any:
    connection = interruptible.connection
    try:
        connection.execute("BEGIN IMMEDIATE")
        before = flowise.begin(interruptible.execute)
        outcome = change(_executing(interruptible))
        flowise.bring(_executing(interruptible), before)
        _commit(connection)
    except Exception as error:  # noqa: BLE001 - the caller gets it
        _roll_back(connection)
        return _undone(error)
    except BaseException:
        _roll_back(connection)
        raise
    return outcome


def _within(interruptible: Interruptible, change: Change) -> Any:
    connection = interruptible.connection
    connection.execute("SAVEPOINT change")
    try:
        outcome = change(_executing(interruptible))
    except Exception as error:
        if not connection.in_transaction:
            # An interruption or a full disk rolls back the whole transaction.
            raise sqlite3.OperationalError("the transaction is gone") from error
        connection.execute("ROLLBACK TO change")
        outcome = error
    connection.execute("RELEASE change")
    return outcome


def _executing(interruptible: Interruptible) -> Execute:
    def execute(statement: str, parameters: Sequence[Any]) -> Rows:
        statements.debug("%s", statement)
        return interruptible.execute(statement, parameters)

    return execute


def _commit(connection: sqlite3.Connection) -> None:
    # Not interruptible: a commit happens as a whole or not at all.
    with uncertain_commit():
        connection.execute("COMMIT")


def _undone(error: Exception) -> Exception:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_INTERRUPT:
        return error
    return TookTooLong(WRITE_TOO_LONG, limit="statement_timeout")


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
