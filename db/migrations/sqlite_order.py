"""How events come into order on SQLite if triggers of other programs write executions too.

Such a trigger may run before the one that logs the write which fired it. What it writes to the same
row is logged first then, and the event of the outer write would tell what is no longer so. The two
events become one, at the place of the inner one: from what was before the outer write to what was
after the inner one.
"""

from alembic import op

from db.migrations.event_columns import TIMES, EventColumns

# The event of the outer write goes in the end, and until then its time is the id of the inner one.
_PLACE = "(SELECT occurred_on FROM execution_events WHERE id = NEW.id)"
# An update that only set the times of this row, and was logged before it and what it replaced: no
# more than two rows, and the row itself under another guid.
_RETIMED = (
    "SELECT id FROM execution_events WHERE id BETWEEN NEW.id - 4 AND NEW.id - 1"
    " AND guid = NEW.guid AND {} ORDER BY id DESC LIMIT 1"
)


def create_sqlite_order(columns: EventColumns, *, keeps_earlier: bool) -> None:
    """Create the trigger that makes one event of that of an outer and that of an inner write.

    Without ``keeps_earlier``, a row that is written anew as it was loses the event of an earlier
    write that set its times.
    """
    others = columns.identity[1:]
    # Times are not compared: those of an event are set in a further update.
    written = ("execution_id", *columns.contents)
    logged = (*written, *TIMES)
    # Both events are of one execution, which its guid alone does not tell.
    is_same = "".join(f" AND {name} IS NEW.{name}" for name in ("guid", *others))
    of_execution = "".join(f" AND {name} IS NEW.{name}" for name in others)
    was_written = f"({_names(written, 'NEW.')})"
    is_outer = (
        # What is replaced is logged as deleted when the row that replaces it is there.
        "CASE NEW.type WHEN 'DELETED' THEN EXISTS (SELECT 1 FROM executions"
        f" WHERE guid = NEW.guid{of_execution})"
        " AND NOT EXISTS (SELECT 1 FROM replaced_executions WHERE guid = NEW.guid)"
        " ELSE NOT EXISTS (SELECT 1 FROM executions WHERE id = NEW.execution_id AND guid = NEW.guid"
        f"{of_execution} AND ({_names(columns.contents)}) IS ({_names(columns.contents, 'NEW.')}))"
        " END"
    )
    is_considered = "type <> 'DELETED'"
    if keeps_earlier:
        # If the same row was deleted since, another write had set its times.
        is_considered = (
            f"({is_considered} OR ({_names(logged)}) IS ({_names(logged, 'NEW.')}){of_execution})"
        )
    retimed = _RETIMED.format(is_considered)
    has_retimed = (
        f"NEW.type <> 'DELETED' AND EXISTS (SELECT 1 FROM execution_events WHERE id = ({retimed})"
        f" AND type = 'UPDATED' AND ({_names(logged)}) IS ({_names(logged, 'NEW.')}){of_execution}"
        f" AND ({_names(written, 'old_')}) IS ({_names(written)}))"
    )
    # The inner write is the last one that began with what the outer one wrote. It is near, and if
    # it is not found, the outer write keeps its event.
    inner = (
        "SELECT id FROM execution_events WHERE id BETWEEN NEW.id - 1000 AND NEW.id - 1"
        f"{is_same} AND CASE type"
        " WHEN 'CREATED' THEN NEW.type = 'DELETED'"
        f" WHEN 'UPDATED' THEN ({_names(written, 'old_')}) IS {was_written}"
        f" ELSE ({_names(written)}) IS {was_written} END ORDER BY id DESC LIMIT 1"
    )
    body = " ".join(f"{each};" for each in _merging(logged, inner, is_same))
    op.execute(
        "CREATE TRIGGER execution_events_ordered AFTER INSERT ON execution_events"
        f" WHEN {is_outer} AND NOT ({has_retimed}) AND EXISTS ({inner}) BEGIN {body} END"
    )
    op.execute(
        "CREATE TRIGGER execution_events_joined AFTER INSERT ON execution_events"
        f" WHEN {has_retimed} BEGIN DELETE FROM execution_events WHERE id = ({retimed}); END"
    )


def _merging(logged: tuple[str, ...], inner: str, is_same: str) -> tuple[str, ...]:
    """Return the statements that make one event of two."""
    row, old = _names(logged), _names(logged, "old_")
    replaced = (
        f"id > {_PLACE} AND id < NEW.id{is_same} AND type = 'DELETED' AND NEW.type = 'CREATED'"
    )
    # A row that replaces another with its guid is a change of it.
    replaces = (
        f"UPDATE execution_events SET (type, {old}) ="
        f" (SELECT 'UPDATED', {row} FROM execution_events WHERE {replaced} LIMIT 1)"
        f" WHERE id = NEW.id AND EXISTS (SELECT 1 FROM execution_events WHERE {replaced})"
    )
    # What came and went, or is as before, has no event.
    inner_row = _names(logged, "execution_events.")
    goes = (
        f"DELETE FROM execution_events WHERE id = {_PLACE} AND EXISTS (SELECT 1"
        " FROM execution_events AS earlier WHERE earlier.id = NEW.id AND CASE earlier.type"
        " WHEN 'CREATED' THEN execution_events.type = 'DELETED'"
        " WHEN 'UPDATED' THEN execution_events.type = 'UPDATED'"
        f" AND ({inner_row}) IS ({_names(logged, 'earlier.old_')})"
        f" ELSE ({inner_row}) IS ({_names(logged, 'earlier.')}) END)"
    )
    merged = (
        f"UPDATE execution_events SET {changes} WHERE id = {_PLACE} AND id <> NEW.id"
        f" AND type = '{inner_type}'"
        f" AND (SELECT type FROM execution_events WHERE id = NEW.id) {outer_type}"
        for inner_type, outer_type, changes in (
            ("DELETED", "= 'UPDATED'", _taken(row, old)),
            ("UPDATED", "<> 'DELETED'", _taken(f"type, {old}", f"type, {old}")),
            ("CREATED", "= 'DELETED'", _taken(f"type, {old}", f"'UPDATED', {row}")),
        )
    )
    return (
        f"UPDATE execution_events SET occurred_on = ({inner}) WHERE id = NEW.id",
        replaces,
        f"DELETE FROM execution_events WHERE {replaced}",
        goes,
        *merged,
        "DELETE FROM execution_events WHERE id = NEW.id",
    )


def _names(names: tuple[str, ...], prefix: str = "") -> str:
    return ", ".join(f"{prefix}{name}" for name in names)


def _taken(columns: str, outer: str) -> str:
    return f"({columns}) = (SELECT {outer} FROM execution_events WHERE id = NEW.id)"
