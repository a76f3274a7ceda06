"""How the data of executions follows them on SQLite, and their error the data.

Data goes with its execution, moves with its id, and is refused for an execution that is not there.
"""

from alembic import op

from db.contents.error_sql import sqlite_error_of

_OF_REPLACED = (
    "DELETE FROM execution_data WHERE execution_id IN (SELECT id FROM replaced_executions"
)
DELETES_REPLACED = f"{_OF_REPLACED});"
"""Deletes the data of the rows that an INSERT has replaced."""
DELETES_OTHER_REPLACED = f"{_OF_REPLACED} WHERE id <> NEW.id);"
"""The same for an UPDATE; what had the new id of the row is deleted by ``MOVES``."""
MOVES = (
    "DELETE FROM execution_data WHERE NEW.id <> OLD.id AND execution_id = NEW.id;"
    " UPDATE execution_data SET execution_id = NEW.id"
    " WHERE NEW.id <> OLD.id AND execution_id = OLD.id;"
)
"""Takes data along when an execution gets another id."""
_UNKNOWN = "execution_data.execution_id must be the id of an execution"


def create_sqlite_data() -> None:
    """Create the triggers, except those statements that are parts of other triggers."""
    op.execute(
        "CREATE TRIGGER executions_data_deleted AFTER DELETE ON executions"
        " BEGIN DELETE FROM execution_data WHERE execution_id = OLD.id; END"
    )
    # With a limit, the error is found once and not wherever it is named.
    follows = (
        "UPDATE executions SET error = found.error"
        f" FROM (SELECT {sqlite_error_of('NEW.data')} AS error LIMIT 1) AS found"
        " WHERE id = NEW.execution_id AND executions.error IS NOT found.error"
    )
    # What has moved with an id has the error that it had.
    in_place = " AND NEW.execution_id = OLD.execution_id"
    for name, event, which in (
        ("inserted", "INSERT", ""),
        ("updated", "UPDATE OF execution_id, data", in_place),
    ):
        op.execute(
            f"CREATE TRIGGER execution_data_{name} AFTER {event} ON execution_data BEGIN"
            f" SELECT RAISE(ABORT, '{_UNKNOWN}') WHERE NOT EXISTS"
            " (SELECT 1 FROM executions WHERE id = NEW.execution_id);"
            f" {follows}{which}; END"
        )
