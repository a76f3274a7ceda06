"""The triggers and tables between Flowise's tables and the gateway's in SQLite.

Triggers of Flowise's tables name only the gateway's: SQLite refuses to rebuild a table, as
Flowise's migrations do, while a trigger of another table or a view names it. So what is changed on
the gateway's side is noted in a table, and ``db.sqlite.flowise_changes`` brings it to Flowise.

A trigger must never fail the statement that fires it, whatever a row holds, and that statement's
OR REPLACE or OR IGNORE holds for everything within the trigger. So nothing in one meets a conflict.
"""

from db.flowise import sqlite_mapping as mapping
from db.flowise.tables import FlowiseTables
from db.migrations.sqlite_events import ROWID

_LEFT_OUT = (
    "CREATE TABLE flowise_left_out (guid PRIMARY KEY NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID"
)
"""Executions of Flowise's that can't be taken over. Their ids may be of any type."""
_CHANGES = (
    "CREATE TABLE flowise_changes (id INTEGER PRIMARY KEY, guid TEXT NOT NULL,"
    " is_deleted INTEGER NOT NULL) STRICT"
)
"""The executions that have been changed on the gateway's side, for as long as Flowise lacks it."""


_TAKEN = f"CREATE TABLE flowise_taken (row_id, guid, reason, {', '.join(mapping.COLUMNS)})"
"""What the last row that Flowise has written comes to: triggers have no variables.

Working it out once keeps what SQLite has to compile for a statement small.
"""


def create_tables() -> dict[str, str]:
    """Return the statements that create the tables, by their names."""
    return {
        "flowise_left_out": _LEFT_OUT,
        "flowise_changes": _CHANGES,
        "flowise_taken": _TAKEN,
    }


def create_triggers(tables: FlowiseTables) -> dict[str, str]:
    """Return the statements that create the triggers, by their names."""
    take_over = _take_over(tables)
    made = {
        "flowise_execution_inserted": _trigger("INSERT ON execution", *take_over),
        "flowise_execution_updated": _trigger("UPDATE ON execution", *take_over),
        # Of its own, because Flowise changes no id, and SQLite compiles what might fire.
        "flowise_execution_renamed": _trigger(
            'UPDATE OF "id" ON execution', *_let_go(), when='NEW."id" IS NOT OLD."id"'
        ),
        "flowise_execution_deleted": _trigger("DELETE ON execution", *_let_go()),
        **_of_flows(),
        **_of_changes(),
    }
    return {name: f"CREATE TRIGGER {name} {text}" for name, text in made.items()}


def _trigger(event: str, *statements: str, when: str = "") -> str:
    body = " ".join(f"{statement};" for statement in statements)
    return f"AFTER {event}{when and f' WHEN {when}'} BEGIN {body} END"


def _let_go() -> list[str]:
    return [
        'DELETE FROM executions WHERE guid = OLD."id"',
        'DELETE FROM flowise_left_out WHERE guid = OLD."id"',
        _forget_changes('OLD."id"'),
    ]


def _take_over(tables: FlowiseTables) -> list[str]:
    """The statements that make the execution of a new row equal to it, or note why it can't be."""
    columns = ", ".join(mapping.COLUMNS)
    end = mapping.finished("taken", "executions")
    changed = {name: f"taken.{name}" for name in mapping.COLUMNS} | {"finished_on": end}
    set_to = ", ".join(f"{name} = {value}" for name, value in changed.items())
    return [
        "DELETE FROM flowise_taken",
        f"INSERT INTO flowise_taken {mapping.taken_over(tables, 'NEW')}",
        'DELETE FROM flowise_left_out WHERE guid = NEW."id"',
        (
            "INSERT INTO flowise_left_out (guid, reason)"
            " SELECT guid, reason FROM flowise_taken WHERE reason IS NOT NULL"
        ),
        (
            "DELETE FROM executions WHERE guid ="
            " (SELECT guid FROM flowise_taken WHERE reason IS NOT NULL)"
        ),
        (
            f"UPDATE executions SET {set_to} FROM flowise_taken AS taken"
            " WHERE executions.guid = taken.guid AND taken.reason IS NULL"
            f" AND {mapping.differs('taken', 'executions')}"
        ),
        *_correct_times(),
        (
            f"INSERT INTO executions (guid, {columns}) SELECT guid, {columns} FROM flowise_taken"
            " WHERE reason IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM executions WHERE executions.guid = flowise_taken.guid)"
        ),
        _forget_changes('NEW."id"'),
    ]


def _correct_times() -> list[str]:
    """The statements that give an execution the times of Flowise's row after an update.

    Triggers of the gateway's take a time that an update does not change for one that it does not
    set. What they have made of the times is the same in both, and in the newest event.
    """
    end = (
        "CASE WHEN taken.state IN ('INPROGRESS', 'STOPPED') THEN taken.finished_on"
        " WHEN kept.finished_on = kept.updated_on THEN taken.updated_on ELSE kept.finished_on END"
    )
    is_wrong = (
        "kept.guid = taken.guid AND taken.reason IS NULL"
        f" AND (kept.updated_on, kept.finished_on) IS NOT (taken.updated_on, {end})"
    )
    set_to = f"updated_on = taken.updated_on, finished_on = {end}"
    return [
        (
            f"UPDATE execution_events SET {set_to} FROM flowise_taken AS taken, executions AS kept"
            f" WHERE {is_wrong} AND execution_events.id = (SELECT max(id) FROM execution_events)"
            " AND execution_events.execution_id = kept.id"
            " AND (execution_events.updated_on, execution_events.finished_on)"
            " IS (kept.updated_on, kept.finished_on)"
        ),
        (
            f"UPDATE executions SET {set_to} FROM flowise_taken AS taken, executions AS kept"
            f" WHERE {is_wrong} AND executions.id = kept.id"
        ),
    ]


def _forget_changes(guid: str) -> str:
    """The statement that takes out what a trigger's own writes have noted as changes."""
    return (
        "DELETE FROM flowise_changes WHERE id > (SELECT max(id) FROM flowise_changes) - 4"
        f" AND guid = {guid}"
    )


def _of_flows() -> dict[str, str]:
    values = mapping.flow_values("NEW")
    columns = ", ".join(values)
    taken = ", ".join(f"{value} AS {name}" for name, value in values.items())
    source = f"(SELECT {taken} WHERE {mapping.is_flow('NEW')} LIMIT 1)"
    take_over = [
        (
            f"UPDATE agentflows SET name = taken.name FROM {source} AS taken"
            " WHERE agentflows.id = taken.id AND agentflows.name IS NOT taken.name"
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
                ("flowise_replaced_update", f"UPDATE OF {', '.join(('id', *ROWID, 'guid'))}"),
            )
        },
    }
