"""The triggers and tables between Flowise's tables and the gateway's in SQLite.

Triggers of Flowise's tables name only the gateway's: SQLite refuses to rebuild a table, as
Flowise's migrations do, while a trigger of another table or a view names it. So what is changed on
the gateway's side is noted in a table, and ``db.sqlite.flowise_changes`` brings it to Flowise.

A trigger must never fail the statement that fires it, whatever a row holds, and that statement's
OR REPLACE or OR IGNORE holds for everything within the trigger. So nothing in one meets a conflict.
"""

from db.flowise import sqlite_mapping as mapping
from db.flowise.tables import FlowiseTables

_LEFT_OUT = (
    "CREATE TABLE flowise_left_out (guid PRIMARY KEY NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID"
)
"""Executions of Flowise's that can't be taken over. Their ids may be of any type."""
_CHANGES = (
    "CREATE TABLE flowise_changes (id INTEGER PRIMARY KEY, guid TEXT NOT NULL,"
    " is_deleted INTEGER NOT NULL) STRICT"
)
"""The executions that have been changed on the gateway's side, for as long as Flowise lacks it."""


def create_tables() -> dict[str, str]:
    """Return the statements that create the tables, by their names."""
    return {"flowise_left_out": _LEFT_OUT, "flowise_changes": _CHANGES}


def create_triggers(tables: FlowiseTables) -> dict[str, str]:
    """Return the statements that create the triggers, by their names."""
    made = {
        "flowise_execution_inserted": _inserted(tables),
        "flowise_execution_updated": _updated(tables),
        "flowise_execution_deleted": _deleted(),
        **_of_flows(tables),
        **_of_changes(),
    }
    return {name: f"CREATE TRIGGER {name} {text}" for name, text in made.items()}


def _trigger(event: str, *statements: str) -> str:
    return f"AFTER {event} BEGIN {' '.join(f'{statement};' for statement in statements)} END"


def _inserted(tables: FlowiseTables) -> str:
    return _trigger("INSERT ON execution", *_take_over(tables, '(NEW."id")'))


def _updated(tables: FlowiseTables) -> str:
    is_other = 'NEW."id" IS NOT OLD."id"'
    return _trigger(
        "UPDATE ON execution",
        f'DELETE FROM executions WHERE guid = OLD."id" AND {is_other}',
        f'DELETE FROM flowise_left_out WHERE guid = OLD."id" AND {is_other}',
        *_take_over(tables, '(NEW."id", OLD."id")'),
    )


def _deleted() -> str:
    return _trigger(
        "DELETE ON execution",
        'DELETE FROM executions WHERE guid = OLD."id"',
        'DELETE FROM flowise_left_out WHERE guid = OLD."id"',
        _forget_changes('(OLD."id")'),
    )


def _take_over(tables: FlowiseTables, ids: str) -> list[str]:
    """The statements that make the execution of a new row equal to it, or note why it can't be."""
    values = mapping.values(tables, "NEW")
    columns = ", ".join(mapping.COLUMNS)
    taken = ", ".join(f"{values[name]} AS {name}" for name in mapping.COLUMNS)
    is_left_out = 'EXISTS (SELECT 1 FROM flowise_left_out WHERE guid = NEW."id")'
    # The limit keeps SQLite from working out each value at each place where it is used.
    source = f"(SELECT {taken} WHERE NOT {is_left_out} LIMIT 1)"
    found = f'SELECT NEW."id" AS guid, {mapping.reason(tables, "NEW")} AS reason LIMIT 1'
    end = mapping.finished("taken", "executions")
    changed = {name: f"taken.{name}" for name in mapping.COLUMNS} | {"finished_on": end}
    set_to = ", ".join(f"{name} = {value}" for name, value in changed.items())
    return [
        'DELETE FROM flowise_left_out WHERE guid = NEW."id"',
        (
            "INSERT INTO flowise_left_out (guid, reason)"
            f" SELECT guid, reason FROM ({found}) WHERE reason IS NOT NULL"
        ),
        f'DELETE FROM executions WHERE guid = NEW."id" AND {is_left_out}',
        (
            f"UPDATE executions SET {set_to} FROM {source} AS taken"
            f' WHERE guid = NEW."id" AND {mapping.differs("taken", "executions")}'
        ),
        *_correct_times(tables),
        (
            f'INSERT INTO executions (guid, {columns}) SELECT NEW."id", {columns} FROM {source}'
            ' WHERE NOT EXISTS (SELECT 1 FROM executions WHERE guid = NEW."id")'
        ),
        _forget_changes(ids),
    ]


def _correct_times(tables: FlowiseTables) -> list[str]:
    """The statements that give an execution the times of Flowise's row after an update.

    Triggers of the gateway's take a time that an update does not change for one that it does not
    set. What they have made of the times is the same in both, and in the newest event.
    """
    values = mapping.values(tables, "NEW")
    updated_on, finished_on = values["updated_on"], values["finished_on"]
    end = (
        f"CASE WHEN state IN ('INPROGRESS', 'STOPPED') THEN {finished_on}"
        f" WHEN finished_on = updated_on THEN {updated_on} ELSE finished_on END"
    )
    right = (
        f"SELECT id, updated_on, finished_on, {updated_on} AS right_time, {end} AS right_end"
        ' FROM executions WHERE guid = NEW."id"'
        ' AND NOT EXISTS (SELECT 1 FROM flowise_left_out WHERE guid = NEW."id") LIMIT 1'
    )
    is_wrong = (
        "(right_row.updated_on, right_row.finished_on)"
        " IS NOT (right_row.right_time, right_row.right_end)"
    )
    set_to = "updated_on = right_row.right_time, finished_on = right_row.right_end"
    return [
        (
            f"UPDATE execution_events SET {set_to} FROM ({right}) AS right_row WHERE {is_wrong}"
            " AND execution_events.id = (SELECT max(id) FROM execution_events)"
            " AND execution_events.execution_id = right_row.id"
            " AND (execution_events.updated_on, execution_events.finished_on)"
            " IS (right_row.updated_on, right_row.finished_on)"
        ),
        (
            f"UPDATE executions SET {set_to} FROM ({right}) AS right_row WHERE {is_wrong}"
            " AND executions.id = right_row.id"
        ),
    ]


def _forget_changes(ids: str) -> str:
    """The statement that takes out what a trigger's own writes have noted as changes."""
    return (
        "DELETE FROM flowise_changes WHERE id > (SELECT max(id) FROM flowise_changes) - 4"
        f" AND guid IN {ids}"
    )


def _of_flows(tables: FlowiseTables) -> dict[str, str]:
    values = mapping.flow_values(tables, "NEW")
    columns = ", ".join(values)
    taken = ", ".join(f"{value} AS {name}" for name, value in values.items())
    source = f"(SELECT {taken} WHERE {mapping.is_flow('NEW')} LIMIT 1)"
    take_over = [
        (
            "UPDATE agentflows SET name = taken.name, workspace_id = taken.workspace_id"
            f" FROM {source} AS taken WHERE agentflows.id = taken.id"
            " AND (agentflows.name, agentflows.workspace_id)"
            " IS NOT (taken.name, taken.workspace_id)"
        ),
        (
            f"INSERT INTO agentflows ({columns}) SELECT {columns} FROM {source} AS taken"
            " WHERE NOT EXISTS (SELECT 1 FROM agentflows WHERE id = taken.id)"
        ),
    ]
    old = 'DELETE FROM agentflows WHERE id = OLD."id"'
    return {
        "flowise_flow_inserted": _trigger("INSERT ON chat_flow", *take_over),
        "flowise_flow_updated": _trigger(
            "UPDATE ON chat_flow", f'{old} AND NEW."id" IS NOT OLD."id"', *take_over
        ),
        "flowise_flow_deleted": _trigger("DELETE ON chat_flow", old),
    }


def _of_changes() -> dict[str, str]:
    """The triggers that note what is changed on the gateway's side.

    An execution is noted, and not how it was changed: what it is when the change is brought counts.
    """
    note = "INSERT INTO flowise_changes (guid, is_deleted)"
    replaced = "FROM replaced_executions WHERE id = NEW.id OR guid = NEW.guid"
    return {
        "flowise_changed": (
            "AFTER UPDATE OF state ON executions WHEN NEW.state <> OLD.state"
            f" BEGIN {note} VALUES (NEW.guid, 0); END"
        ),
        "flowise_removed": (f"AFTER DELETE ON executions BEGIN {note} VALUES (OLD.guid, 1); END"),
        # OR REPLACE deletes without firing triggers.
        **{
            name: (
                f"AFTER {event} ON executions WHEN EXISTS (SELECT 1 {replaced})"
                f" BEGIN {note} SELECT guid, 1 {replaced}; END"
            )
            for name, event in (
                ("flowise_replaced", "INSERT"),
                ("flowise_replaced_update", "UPDATE OF id, guid"),
            )
        },
    }
