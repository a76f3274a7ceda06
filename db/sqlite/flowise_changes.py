"""Bring changes of executions to Flowise, within the transaction that makes them.

In a database that is attached to Flowise, triggers note in ``flowise_changes`` which executions a
program has changed or deleted. A trigger can't bring that to Flowise's table: SQLite would refuse
to rebuild it, as Flowise's migrations do. So the gateway does it before it commits. What other
programs have changed is brought a part at a time.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from db.database import Execute

_FIND = """
SELECT (SELECT count(*) FROM sqlite_master
        WHERE type = 'table' AND name IN ('execution', 'flowise_changes', 'flowise_left_out')),
       EXISTS (SELECT 1 FROM pragma_table_info('chat_message') WHERE name = 'executionId')
"""
_TABLES = 3
_NEWEST = "SELECT max(id) FROM flowise_changes"
_DELETED = """
SELECT DISTINCT guid FROM flowise_changes
WHERE id > ? AND id <= ? AND is_deleted
    AND EXISTS (SELECT 1 FROM execution WHERE execution.id = flowise_changes.guid)
    AND NOT EXISTS (SELECT 1 FROM executions WHERE executions.guid = flowise_changes.guid)
    AND NOT EXISTS (
        SELECT 1 FROM flowise_left_out WHERE flowise_left_out.guid = flowise_changes.guid
    )
"""
_MESSAGES = f'SELECT id, "executionId" FROM chat_message WHERE "executionId" IN ({_DELETED})'
_CLEAR_MESSAGE = 'UPDATE chat_message SET "executionId" = NULL WHERE id IS ? AND "executionId" IS ?'
_DELETE = f"DELETE FROM execution WHERE id IN ({_DELETED})"


def text_of_time(milliseconds: str) -> str:
    """Return an expression for the text that TypeORM writes for a time."""
    rest = f"((({milliseconds}) % 1000) + 1000) % 1000"
    return (
        f"strftime('%Y-%m-%d %H:%M:%S', (({milliseconds}) - {rest}) / 1000, 'unixepoch')"
        f" || printf('.%03d', {rest})"
    )


_UPDATE = f"""
UPDATE execution SET
    "state" = changed.state,
    "updatedDate" = {text_of_time("changed.updated_on")},
    "stoppedDate" = CASE WHEN changed.state = 'STOPPED'
        THEN {text_of_time("changed.finished_on")} ELSE execution."stoppedDate" END
FROM executions AS changed
WHERE changed.guid = execution.id AND execution."state" IS NOT changed.state
    AND execution.id IN (SELECT guid FROM flowise_changes WHERE id > ? AND id <= ?)
"""
_FORGET = "DELETE FROM flowise_changes WHERE id > ? AND id <= ?"
_OLDEST = "SELECT max(id), count(*) FROM (SELECT id FROM flowise_changes ORDER BY id LIMIT ?)"


class _Found(NamedTuple):
    """What is in an attached database."""

    clears_messages: bool


class FlowiseChanges:
    """Brings to Flowise what the transactions on the connections to one file change.

    A file that is attached, or no longer is, by any program is noticed by the next transaction.
    """

    def __init__(self) -> None:
        self._known: tuple[int, _Found | None] = (-1, None)
        self.searched_for = 0.0
        """How long, in seconds, chat messages were searched; no index finds those of executions."""

    def begin(self, execute: Execute) -> int | None:
        """Return what ``bring`` needs; None if there is nothing to bring changes to.

        To be called when a transaction has begun.
        """
        [(version,)] = execute("PRAGMA schema_version", ())
        if version != self._known[0]:
            self._known = (version, _find(execute))
        return None if self._known[1] is None else _newest(execute)

    def bring(self, execute: Execute, before: int | None) -> None:
        """Bring to Flowise what has been changed since ``begin`` returned ``before``.

        To be called right before the transaction is committed.
        """
        if before is None:
            return
        version, found = self._known
        if execute("PRAGMA schema_version", ()) != [(version,)]:
            # The transaction itself has changed the schema, and may be rolled back.
            found = _find(execute)
        if found is not None and (newest := _newest(execute)) > before:
            self.searched_for += _bring(execute, found, (before, newest))


def bring_oldest(execute: Execute, limit: int) -> int:
    """Bring to Flowise the oldest changes of other programs; return how many."""
    found = _find(execute)
    if found is None:
        return 0
    [(newest, count)] = execute(_OLDEST, (limit,))
    if count:
        _bring(execute, found, (-1, newest))
    return int(count)


def _find(execute: Execute) -> _Found | None:
    [(tables, clears_messages)] = execute(_FIND, ())
    return _Found(bool(clears_messages)) if tables == _TABLES else None


def _newest(execute: Execute) -> int:
    [(newest,)] = execute(_NEWEST, ())
    return newest or 0


def _bring(execute: Execute, found: _Found, numbers: Sequence[Any]) -> float:
    """Bring some changes; return how long chat messages were searched."""
    searched_for = 0.0
    execute(_UPDATE, numbers)
    if execute(_DELETED, numbers):
        if found.clears_messages:
            began = time.monotonic()
            messages = execute(_MESSAGES, numbers)
            searched_for = time.monotonic() - began
            for message in messages:
                execute(_CLEAR_MESSAGE, message)
        execute(_DELETE, numbers)
    execute(_FORGET, numbers)
    return searched_for
