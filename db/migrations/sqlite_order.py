"""How events come into order on SQLite if triggers of other programs write executions too.

Such a trigger may run before the one that logs the write which fired it. What it writes to the same
row is logged first then, and the event of the outer write would tell what is no longer so. The two
events become one, at the place of the inner one: from what was before the outer write to what was
after the inner one.
"""

from alembic import op

# Times are not compared: those of an event are set in a further update.
_WRITTEN = ("execution_id", "agentflow_id", "session_id", "state", "created_on")
_COLUMNS = (*_WRITTEN, "updated_on", "finished_on")
_ROW = ", ".join(_COLUMNS)
_OLD = ", ".join(f"old_{name}" for name in _COLUMNS)
_NEW_ROW = ", ".join(f"NEW.{name}" for name in _COLUMNS)
_WAS_WRITTEN = f"({', '.join(f'NEW.{name}' for name in _WRITTEN)})"
# What is replaced is logged as deleted when the row that replaces it is there.
_IS_OUTER = (
    "CASE NEW.type WHEN 'DELETED' THEN EXISTS (SELECT 1 FROM executions WHERE guid = NEW.guid)"
    " AND NOT EXISTS (SELECT 1 FROM replaced_executions WHERE guid = NEW.guid)"
    " ELSE NOT EXISTS (SELECT 1 FROM executions WHERE id = NEW.execution_id AND guid = NEW.guid"
    f" AND ({', '.join(_WRITTEN[1:])}) IS ({', '.join(f'NEW.{name}' for name in _WRITTEN[1:])}))"
    " END"
)
# An update that only set the times of this row, and was logged before it.
_RETIMED = (
    "SELECT id FROM execution_events WHERE id BETWEEN NEW.id - 3 AND NEW.id - 1"
    " AND guid = NEW.guid AND type <> 'DELETED' ORDER BY id DESC LIMIT 1"
)
_HAS_RETIMED = (
    f"NEW.type <> 'DELETED' AND EXISTS (SELECT 1 FROM execution_events WHERE id = ({_RETIMED})"
    f" AND type = 'UPDATED' AND ({_ROW}) IS ({_NEW_ROW})"
    f" AND ({', '.join(f'old_{name}' for name in _WRITTEN)}) IS ({', '.join(_WRITTEN)}))"
)
# The inner write is the last one that began with what the outer one wrote. It is near, and if it is
# not found, the outer write keeps its event.
_INNER = (
    "SELECT id FROM execution_events WHERE id BETWEEN NEW.id - 1000 AND NEW.id - 1"
    " AND guid = NEW.guid AND CASE type"
    " WHEN 'CREATED' THEN NEW.type = 'DELETED'"
    f" WHEN 'UPDATED' THEN ({', '.join(f'old_{name}' for name in _WRITTEN)}) IS {_WAS_WRITTEN}"
    f" ELSE ({', '.join(_WRITTEN)}) IS {_WAS_WRITTEN} END ORDER BY id DESC LIMIT 1"
)
# The event of the outer write goes in the end, and until then its time is the id of the inner one.
_PLACE = "(SELECT occurred_on FROM execution_events WHERE id = NEW.id)"
_REPLACED = (
    f"id > {_PLACE} AND id < NEW.id AND guid = NEW.guid AND type = 'DELETED'"
    " AND NEW.type = 'CREATED'"
)


def create_sqlite_order() -> None:
    """Create the trigger that makes one event of that of an outer and that of an inner write."""
    outer_old = ", ".join(f"earlier.old_{name}" for name in _COLUMNS)
    outer_row = ", ".join(f"earlier.{name}" for name in _COLUMNS)
    inner_row = ", ".join(f"execution_events.{name}" for name in _COLUMNS)
    # A row that replaces another with its guid is a change of it.
    replaces = (
        f"UPDATE execution_events SET (type, {_OLD}) ="
        f" (SELECT 'UPDATED', {_ROW} FROM execution_events WHERE {_REPLACED} LIMIT 1)"
        f" WHERE id = NEW.id AND EXISTS (SELECT 1 FROM execution_events WHERE {_REPLACED})"
    )
    # What came and went, or is as before, has no event.
    goes = (
        f"DELETE FROM execution_events WHERE id = {_PLACE} AND EXISTS (SELECT 1"
        " FROM execution_events AS earlier WHERE earlier.id = NEW.id AND CASE earlier.type"
        " WHEN 'CREATED' THEN execution_events.type = 'DELETED'"
        f" WHEN 'UPDATED' THEN execution_events.type = 'UPDATED' AND ({inner_row}) IS ({outer_old})"
        f" ELSE ({inner_row}) IS ({outer_row}) END)"
    )
    merged = (
        f"UPDATE execution_events SET {changes} WHERE id = {_PLACE} AND id <> NEW.id"
        f" AND type = '{inner}' AND (SELECT type FROM execution_events WHERE id = NEW.id) {outer}"
        for inner, outer, changes in (
            ("DELETED", "= 'UPDATED'", _taken(_ROW, _OLD)),
            ("UPDATED", "<> 'DELETED'", _taken(f"type, {_OLD}", f"type, {_OLD}")),
            ("CREATED", "= 'DELETED'", _taken(f"type, {_OLD}", f"'UPDATED', {_ROW}")),
        )
    )
    statements = (
        f"UPDATE execution_events SET occurred_on = ({_INNER}) WHERE id = NEW.id",
        replaces,
        f"DELETE FROM execution_events WHERE {_REPLACED}",
        goes,
        *merged,
        "DELETE FROM execution_events WHERE id = NEW.id",
    )
    body = " ".join(f"{each};" for each in statements)
    op.execute(
        "CREATE TRIGGER execution_events_ordered AFTER INSERT ON execution_events"
        f" WHEN {_IS_OUTER} AND NOT ({_HAS_RETIMED}) AND EXISTS ({_INNER}) BEGIN {body} END"
    )
    op.execute(
        "CREATE TRIGGER execution_events_joined AFTER INSERT ON execution_events"
        f" WHEN {_HAS_RETIMED} BEGIN DELETE FROM execution_events WHERE id = ({_RETIMED}); END"
    )


def _taken(columns: str, outer: str) -> str:
    return f"({columns}) = (SELECT {outer} FROM execution_events WHERE id = NEW.id)"
