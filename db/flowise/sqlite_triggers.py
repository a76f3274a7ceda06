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


_NOT_YET = "CREATE TABLE flowise_not_yet (number INTEGER PRIMARY KEY, id NOT NULL)"
"""Executions of Flowise's that the gateway has yet to take over.

SQLite compiles with a statement whatever its triggers might do. So those of the statements that
Flowise runs can do no more than it takes, and leave the rest: a new row whose execution is there
already, and one that can't be taken over, could not be, or is like none that Flowise writes.
"""


def create_tables() -> dict[str, str]:
    """Return the statements that create the tables, by their names."""
    return {
        "flowise_left_out": _LEFT_OUT,
        "flowise_changes": _CHANGES,
        "flowise_taken": _TAKEN,
        "flowise_not_yet": _NOT_YET,
    }


def create_triggers(tables: FlowiseTables) -> dict[str, str]:
    """Return the statements that create the triggers, by their names."""
    identity = [f'"{name}"' for name in mapping.identity(tables)]
    new, old = (", ".join(f"{row}.{name}" for name in identity) for row in ("NEW", "OLD"))
    progress = ", ".join(f'"{name}"' for name in mapping.PROGRESS)
    made = {
        "flowise_execution_inserted": _trigger("INSERT ON execution", *_take_new(tables)),
        "flowise_execution_progressed": _trigger(
            f"UPDATE OF {progress} ON execution", *_take_progress(), when=f"({new}) IS ({old})"
        ),
        "flowise_execution_updated": _trigger(
            f"UPDATE OF {', '.join(identity)} ON execution", *_take_over(tables)
        ),
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


def _leave(which: str) -> str:
    """The statement that leaves the new row for the gateway."""
    return f'INSERT INTO flowise_not_yet (id) SELECT NEW."id" WHERE {which}'


def _take_new(tables: FlowiseTables) -> list[str]:
    """The statements that take over a row that was not there."""
    columns = ", ".join(name for name in ("guid", *mapping.COLUMNS) if name != "error")
    return [
        (
            f"INSERT INTO executions ({columns}) SELECT {columns} FROM"
            f" ({mapping.new(tables, 'NEW')} AND NOT EXISTS"
            ' (SELECT 1 FROM executions WHERE executions.guid = NEW."id"))'
        ),
        _leave('changes() = 0 OR EXISTS (SELECT 1 FROM flowise_left_out WHERE guid = NEW."id")'),
    ]


def _take_progress() -> list[str]:
    """The statements that take over how an execution goes on, which has been taken over."""
    error = mapping.error("NEW")
    return [
        "DELETE FROM given_times",
        (
            "INSERT INTO given_times (guid, updated_on, finished_on)"
            f" SELECT kept.guid, taken.updated_on, {mapping.finished('taken', 'kept')}"
            f" FROM ({mapping.progress('NEW')}) AS taken"
            ' JOIN executions AS kept ON kept.guid = NEW."id"'
        ),
        (
            f'UPDATE executions SET state = NEW."state", error = {error}, (updated_on, finished_on)'
            " = (SELECT updated_on, finished_on FROM given_times)"
            " WHERE guid = (SELECT guid FROM given_times)"
        ),
        _leave("changes() = 0"),
        "DELETE FROM given_times",
    ]


def _take_over(tables: FlowiseTables) -> list[str]:
    """The statements that make the execution of a row equal to it, or note why it can't be."""
    columns = ", ".join(mapping.COLUMNS)
    changed = {name: f"taken.{name}" for name in mapping.COLUMNS}
    for name in ("updated_on", "finished_on"):
        changed[name] = f"(SELECT {name} FROM given_times)"
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
        "DELETE FROM given_times",
        (
            "INSERT INTO given_times (guid, updated_on, finished_on)"
            f" SELECT kept.guid, taken.updated_on, {mapping.finished('taken', 'kept')}"
            " FROM flowise_taken AS taken JOIN executions AS kept ON kept.guid = taken.guid"
            f" WHERE taken.reason IS NULL AND {mapping.differs('taken', 'kept')}"
        ),
        (
            f"UPDATE executions SET {set_to} FROM flowise_taken AS taken"
            " WHERE executions.guid = (SELECT guid FROM given_times)"
        ),
        "DELETE FROM given_times",
        (
            f"INSERT INTO executions (guid, {columns}) SELECT guid, {columns} FROM flowise_taken"
            " WHERE reason IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM executions WHERE executions.guid = flowise_taken.guid)"
        ),
        _forget_changes('NEW."id"'),
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
            # Flowise's own changes give times.
            " AND NOT EXISTS (SELECT 1 FROM given_times WHERE guid = NEW.guid)"
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
