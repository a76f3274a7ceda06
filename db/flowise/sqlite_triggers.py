"""The triggers and tables between Flowise's tables and the gateway's in SQLite.

Triggers of a table of Flowise's name that table and the gateway's: SQLite refuses to rebuild a
table, as Flowise's migrations do, while a trigger of another table or a view names it. So what is
changed on the gateway's side is noted in a table, and ``db.sqlite.flowise_changes`` brings it to
Flowise.

What is taken over is the row that is there when a trigger runs, and not the one that its statement
wrote: triggers of others, which SQLite may run first, may have changed or deleted that.

A trigger must never fail the statement that fires it, whatever a row holds, and that statement's
OR REPLACE or OR IGNORE holds for everything within the trigger. So nothing in one meets a conflict.
"""

from collections.abc import Sequence

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


_TAKEN = (
    f"CREATE TABLE flowise_taken (guid, {', '.join(mapping.COLUMNS)}, times, texts, stopped_on,"
    " reason, kept_id, is_same DEFAULT false)"
)
"""What the last row that Flowise has written comes to: triggers have no variables.

Working it out once keeps what SQLite has to compile for a statement small.
"""


TRIGGERS = (
    "flowise_execution_inserted",
    "flowise_execution_progressed",
    "flowise_execution_updated",
    "flowise_execution_renamed",
    "flowise_execution_deleted",
    "flowise_flow_inserted",
    "flowise_flow_updated",
    "flowise_flow_deleted",
    "flowise_changed",
    "flowise_removed",
    "flowise_replaced",
    "flowise_replaced_update",
)
"""The names of all triggers, in the order in which they are created."""


def create_tables() -> dict[str, str]:
    """Return the statements that create the tables, by their names."""
    return {
        "flowise_left_out": _LEFT_OUT,
        "flowise_changes": _CHANGES,
        "flowise_taken": _TAKEN,
    }


def create_triggers(tables: FlowiseTables) -> dict[str, str]:
    """Return the statements that create the triggers, by their names."""
    identity = [f'"{name}"' for name in mapping.identity(tables)]
    new, old = (", ".join(f"{row}.{name}" for name in identity) for row in ("NEW", "OLD"))
    progress = ", ".join(f'"{name}"' for name in mapping.PROGRESS)
    made = {
        "flowise_execution_inserted": _trigger("INSERT ON execution", *_take_new(tables)),
        "flowise_execution_progressed": _trigger(
            f"UPDATE OF {progress} ON execution",
            *_take_changed(tables, _FOLLOWING),
            when=f"({new}) IS ({old})",
        ),
        "flowise_execution_updated": _trigger(
            f"UPDATE OF {', '.join(identity)} ON execution",
            *_take_changed(tables, mapping.COLUMNS),
        ),
        "flowise_execution_renamed": _trigger(
            'UPDATE OF "id" ON execution', *_let_go(), when=_is_gone("execution")
        ),
        "flowise_execution_deleted": _trigger(
            "DELETE ON execution", *_let_go(), when=_is_gone("execution")
        ),
        **_of_flows(),
        **_of_changes(),
    }
    return {name: f"CREATE TRIGGER {name} {text}" for name, text in made.items()}


def _trigger(event: str, *statements: str, when: str = "") -> str:
    body = " ".join(f"{statement};" for statement in statements)
    return f"AFTER {event}{when and f' WHEN {when}'} BEGIN {body} END"


def _is_gone(table: str) -> str:
    """A condition: whether a table has no longer a row of the id that the old row had."""
    return f'NOT EXISTS (SELECT 1 FROM {table} WHERE "id" = OLD."id")'


def _let_go() -> list[str]:
    return [
        'DELETE FROM executions WHERE guid = OLD."id"',
        'DELETE FROM flowise_left_out WHERE guid = OLD."id"',
        _forget_changes('OLD."id"'),
    ]


_INTO_EXECUTIONS = (
    f"INSERT INTO executions (id, guid, {', '.join(mapping.COLUMNS)})"
    f" SELECT kept_id, guid, {', '.join(mapping.COLUMNS)} FROM flowise_taken WHERE"
)


def _take_new(tables: FlowiseTables) -> list[str]:
    """The statements that take over a row that was inserted.

    If there is an execution of it already, because the row replaces another one, say, that is
    deleted and inserted again under its number: an UPDATE would be more to compile for each INSERT.
    """
    return [
        *_read(tables),
        (
            "DELETE FROM executions WHERE id = (SELECT kept_id FROM flowise_taken"
            " WHERE reason IS NOT NULL OR NOT is_same)"
        ),
        f"{_INTO_EXECUTIONS} reason IS NULL AND NOT is_same",
        *_note(),
    ]


_FOLLOWING = ("state", "error", "updated_on", "finished_on")
"""What of an execution follows ``mapping.PROGRESS``."""


def _take_changed(tables: FlowiseTables, columns: Sequence[str]) -> list[str]:
    """The statements that take over a row that was changed, in no more than some columns."""
    changed = ", ".join(f"{name} = taken.{name}" for name in columns)
    return [
        *_read(tables),
        (
            "DELETE FROM executions WHERE id ="
            " (SELECT kept_id FROM flowise_taken WHERE reason IS NOT NULL)"
        ),
        "DELETE FROM given_times",
        (
            "INSERT INTO given_times (guid, updated_on, finished_on)"
            " SELECT guid, updated_on, finished_on FROM flowise_taken"
            " WHERE reason IS NULL AND kept_id IS NOT NULL AND NOT is_same"
        ),
        (
            f"UPDATE executions SET {changed} FROM flowise_taken AS taken"
            " WHERE executions.guid = (SELECT guid FROM given_times)"
        ),
        "DELETE FROM given_times",
        f"{_INTO_EXECUTIONS} reason IS NULL AND kept_id IS NULL",
        *_note(),
    ]


def _read(tables: FlowiseTables) -> list[str]:
    """The statements that work out what a row comes to, and compare it with what is kept of it.

    They are several because SQLite's parser refuses what is nested more deeply. If the row is no
    longer there, there is nothing to take over.
    """
    # By another name, because SQLite renames no table whose own name stands before a column here.
    read = mapping.read(tables, "now")
    times = ", ".join(f"{name} = {value}" for name, value in mapping.WORKED_OUT.items())
    return [
        "DELETE FROM flowise_taken",
        (
            f"INSERT INTO flowise_taken ({', '.join(read)}) SELECT {', '.join(read.values())}"
            ' FROM execution AS now WHERE now."id" = NEW."id"'
        ),
        f"UPDATE flowise_taken SET {times}",
        f"UPDATE flowise_taken SET reason = {mapping.REASON}, finished_on = {mapping.FINISHED}",
        (
            f"UPDATE flowise_taken SET finished_on = {mapping.finished('flowise_taken', 'kept')},"
            f" kept_id = kept.id, is_same = NOT {mapping.differs('flowise_taken', 'kept')}"
            " FROM executions AS kept WHERE kept.guid = flowise_taken.guid"
        ),
    ]


def _note() -> list[str]:
    """The statements that note why a row can't be taken over, or that it could be."""
    return [
        'DELETE FROM flowise_left_out WHERE guid = NEW."id"',
        (
            "INSERT INTO flowise_left_out (guid, reason)"
            " SELECT guid, reason FROM flowise_taken WHERE reason IS NOT NULL"
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
    values = mapping.flow_values("now")
    columns = ", ".join(values)
    source = (
        f"(SELECT {mapping.named(values)} FROM chat_flow AS now"
        f' WHERE now."id" = NEW."id" AND {mapping.is_flow("now")} LIMIT 1)'
    )
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
    let_go = f'DELETE FROM agentflows WHERE id = OLD."id" AND {_is_gone("chat_flow")}'
    return {
        "flowise_flow_inserted": _trigger("INSERT ON chat_flow", *take_over),
        "flowise_flow_updated": _trigger("UPDATE ON chat_flow", let_go, *take_over),
        "flowise_flow_deleted": _trigger("DELETE ON chat_flow", let_go),
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
