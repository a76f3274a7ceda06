"""How SQLite writes events: its own part of a revision.

SQLite fires the triggers of a write in no defined order, and none of them can change the row that
is written. ``updated_on`` and ``finished_on`` are set in a further update, and the trigger that
logs a write computes them too. A trigger that logs never writes executions: it would not run within
itself for what triggers of other programs write in turn.
"""

import functools
from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

from db.migrations import sqlite_counts
from db.migrations.event_columns import TIMES, EventColumns, logged_as
from db.migrations.sqlite_data import DELETES_OTHER_REPLACED, DELETES_REPLACED, MOVES
from db.migrations.sqlite_order import create_sqlite_order
from db.migrations.versions.r0003_counts import subtract_replaced

# As exact as strftime, in one call, and the same time for a whole statement.
_NOW = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"
_IS_WRONG = "({0}.state = 'INPROGRESS') = ({0}.finished_on IS NOT NULL)"
"""Whether the end does not go with the state: no execution is so once all triggers have run."""
_HAS_ENDED_ANEW = (
    f"({_IS_WRONG.format('NEW')} OR NEW.state <> 'INPROGRESS' AND NEW.state <> OLD.state"
    " AND NEW.finished_on IS OLD.finished_on)"
)


class _Times(NamedTuple):
    """The times of a row once all triggers have run, as expressions.

    ``lacks_updated_on`` and ``lacks_both`` are the conditions of a further update of one or both.
    """

    updated_on: str
    finished_on: str
    lacks_updated_on: str
    lacks_both: str


_OF_NEW_ROW = _Times(
    updated_on="coalesce(NEW.updated_on, NEW.created_on)",
    finished_on="CASE WHEN NEW.state <> 'INPROGRESS'"
    " THEN coalesce(NEW.finished_on, NEW.updated_on, NEW.created_on) END",
    lacks_updated_on="NEW.updated_on IS NULL",
    lacks_both=f"({_IS_WRONG.format('NEW')})",
)


def _times_of_changed_row(lacks_updated_on: str) -> _Times:
    updated_on = f"CASE WHEN {lacks_updated_on} THEN {_NOW} ELSE NEW.updated_on END"
    return _Times(
        updated_on=updated_on,
        finished_on=f"CASE WHEN NOT {_HAS_ENDED_ANEW} THEN NEW.finished_on"
        " WHEN NEW.state = 'INPROGRESS' THEN NULL"
        " WHEN NEW.state = OLD.state AND OLD.finished_on IS NOT NULL THEN OLD.finished_on"
        f" ELSE {updated_on} END",
        lacks_updated_on=lacks_updated_on,
        lacks_both=_HAS_ENDED_ANEW,
    )


_ARE_GIVEN = (
    "EXISTS (SELECT 1 FROM given_times WHERE guid = NEW.guid"
    " AND updated_on IS NEW.updated_on AND finished_on IS NEW.finished_on)"
)
"""Whether the times of the new row are meant, even if they are those of the old one."""


def _as_they_are(times: _Times) -> _Times:
    return times


def _unless_given(times: _Times) -> _Times:
    return times._replace(
        updated_on=f"CASE WHEN {_ARE_GIVEN} THEN NEW.updated_on ELSE {times.updated_on} END",
        finished_on=f"CASE WHEN {_ARE_GIVEN} THEN NEW.finished_on ELSE {times.finished_on} END",
    )


_OF_CHANGED_ROW = _times_of_changed_row(
    "(NEW.updated_on IS NULL OR NEW.updated_on IS OLD.updated_on)"
)
_OF_RETIMED_ROW = _times_of_changed_row("NEW.updated_on IS NULL")


def create_sqlite_events(columns: EventColumns) -> None:
    """Create the triggers that write events, and drop those that only set times."""
    for name in ("inserted", "inserted_finished", "updated", "updated_finished"):
        op.execute(f"DROP TRIGGER executions_{name}")
    for name in _NOTES:
        op.execute(f"DROP TRIGGER executions_{name}")
    op.drop_table("replaced_executions")
    op.create_table(
        "replaced_executions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("guid", sa.Text, nullable=False),
        sa.Column("agentflow_id", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_on", sa.Integer, nullable=False),
        sa.Column("updated_on", sa.Integer),
        sa.Column("finished_on", sa.Integer),
        sqlite_strict=True,
    )
    for trigger in _triggers(columns, with_data=False):
        op.execute(trigger)
    create_sqlite_order(columns, keeps_earlier=False)


def replace_sqlite_events(columns: EventColumns) -> None:
    """Create the triggers that write events anew, for other columns and the table of data."""
    for name in (*_NOTES, *_LOGS, *_SETS_TIMES):
        op.execute(f"DROP TRIGGER executions_{name}")
    for name in ("ordered", "joined"):
        op.execute(f"DROP TRIGGER execution_events_{name}")
    for trigger in _triggers(columns, with_data=True):
        op.execute(trigger)
    create_sqlite_order(columns, keeps_earlier=True)


ROWID = ("rowid", "oid", "_rowid_")
"""The other names that an update may have for an id."""
_NOTES = ("noted", "noted_update", "replaced", "replaced_update")
_LOGS = ("created", "changed", "retimed", "moved", "deleted")
_SETS_TIMES = ("inserted", "inserted_within", "updated", "updated_within")


class _Conditions:
    """Conditions on the new row and the old one of an update."""

    def __init__(self, columns: EventColumns) -> None:
        self.columns = columns
        self.is_renamed = f"({_row(columns.identity)}) IS NOT ({_row(columns.identity, 'OLD.')})"
        names = ("id", *columns.identity)
        self.is_moved = f"({_row(names)}) IS NOT ({_row(names, 'OLD.')})"
        self.is_changed = f"({_row(columns.contents)}) IS NOT ({_row(columns.contents, 'OLD.')})"
        written = (*columns.identity, *columns.contents)
        self.is_as_written = f"({', '.join(written)}) IS ({_row(written)})"
        # A further update fires the trigger too, unless it is the trigger's own and the program has
        # not turned recursive triggers on. It is known by its event, which is the newest, or else
        # by the row that it corrects.
        is_logged = " AND ".join(f"{name} IS NEW.{name}" for name in (*TIMES, *written))
        self.is_retimed = (
            f"NOT ({self.is_moved}) AND NOT ({self.is_changed})"
            " AND (NEW.updated_on, NEW.finished_on) IS NOT (OLD.updated_on, OLD.finished_on)"
            f" AND OLD.updated_on IS NOT NULL AND NOT ({_IS_WRONG.format('OLD')})"
            " AND NOT EXISTS (SELECT 1 FROM execution_events"
            " WHERE id = (SELECT max(id) FROM execution_events) AND execution_id = NEW.id"
            f" AND {is_logged})"
        )
        self.times_of_moved_row = _times_of_changed_row(
            "(NEW.updated_on IS NULL OR NEW.updated_on IS OLD.updated_on"
            f" AND ({self.is_renamed} OR {self.is_changed}))"
        )


def _of_identity(columns: EventColumns) -> str:
    """The columns of which an update may make another execution of one, by all their names."""
    return f" OF {', '.join(('id', *ROWID, *columns.identity))}"


def _row(names: tuple[str, ...], row: str = "NEW.") -> str:
    return ", ".join(f"{row}{name}" for name in names)


def _triggers(columns: EventColumns, *, with_data: bool) -> list[str]:
    """The statements that create the triggers."""
    when = _Conditions(columns)
    of_moved_row = when.times_of_moved_row

    log = functools.partial(_log, columns)
    logged = _unless_given if with_data else _as_they_are
    sets_times = _sets_times_at_once if with_data else _sets_times
    sets_changed_times = _sets_times_unless_given if with_data else _sets_times
    # An update that sets none of them does not even compile the trigger.
    of_contents = f" OF {', '.join(columns.contents)}" if with_data else ""
    of_identity = _of_identity(columns) if with_data else ""
    replaced = log(
        "DELETED", "", source="replaced_executions", only="id = NEW.id OR guid = NEW.guid"
    )
    return [
        *_note_replaced_rows(when, with_data=with_data),
        _trigger("created", "INSERT", "", replaced, log("CREATED", "NEW.", _OF_NEW_ROW)),
        _trigger(
            "changed",
            f"UPDATE{of_contents}",
            f"NOT ({when.is_moved}) AND {when.is_changed}",
            log("UPDATED", "NEW.", logged(_OF_CHANGED_ROW)),
        ),
        _trigger(
            "retimed",
            "UPDATE",
            when.is_retimed,
            log(
                "UPDATED",
                "NEW.",
                _OF_RETIMED_ROW,
                only=f"({_OF_RETIMED_ROW.updated_on}, {_OF_RETIMED_ROW.finished_on})"
                " IS NOT (OLD.updated_on, OLD.finished_on)",
            ),
        ),
        _trigger(
            "moved",
            f"UPDATE{of_identity}",
            when.is_moved,
            replaced,
            log("UPDATED", "NEW.", logged(of_moved_row), only=f"NOT ({when.is_renamed})"),
            log("DELETED", "OLD.", only=when.is_renamed),
            log("CREATED", "NEW.", logged(of_moved_row), only=when.is_renamed),
            *((MOVES,) if with_data else ()),
        ),
        _trigger("deleted", "DELETE", "", log("DELETED", "OLD.")),
        # The second one sets times while the first one runs.
        *(
            _trigger(
                f"{name}{again}",
                event,
                condition,
                *statements,
            )
            for name, event, condition, statements in (
                ("inserted", "INSERT", *sets_times(_OF_NEW_ROW, when.is_as_written)),
                ("updated", "UPDATE", *sets_changed_times(of_moved_row, when.is_as_written)),
            )
            for again in ("", "_within")
        ),
    ]


def _trigger(name: str, event: str, when: str, *statements: str) -> str:
    return (
        f"CREATE TRIGGER executions_{name} AFTER {event} ON executions"
        f"{when and f' WHEN {when}'} BEGIN {' '.join(statements)} END"
    )


def _log(
    columns: EventColumns,
    type_: str,
    row: str,
    times: _Times | None = None,
    *,
    source: str = "",
    only: str = "",
) -> str:
    """The statement that logs a row: NEW, with times, OLD, or those of a table."""
    now: dict[str, str] = {}
    if times:
        now = {"updated_on": times.updated_on, "finished_on": times.finished_on}
    names = [logged_as(column) for column in columns.row]
    values = [now.get(column, f"{row}{column}") for column in columns.row]
    if type_ == "UPDATED":
        names += [f"old_{logged_as(column)}" for column in columns.changing]
        values += [f"OLD.{column}" for column in columns.changing]
    logged = f"'{type_}', {_NOW}, {', '.join(values)}"
    rows = f"VALUES ({logged})"
    if only:
        rows = f"SELECT {logged}{source and f' FROM {source}'} WHERE {only}"
    return f"INSERT INTO execution_events (type, occurred_on, {', '.join(names)}) {rows};"


def _sets_times(times: _Times, is_as_written: str) -> tuple[str, tuple[str, ...]]:
    """The statements that update the times of the new row, as far as it lacks them, and when."""
    updated_on, finished_on = times.updated_on, times.finished_on
    only_updated_on = f"{times.lacks_updated_on} AND NOT {times.lacks_both}"
    # A row that another trigger has changed since got its times from that change, but its end only
    # if that change was an end.
    has_that_end = f"({is_as_written} OR state = NEW.state AND finished_on IS NEW.finished_on)"
    sets_one = (
        f"UPDATE executions SET updated_on = {updated_on} WHERE id = NEW.id"
        f" AND {only_updated_on} AND {is_as_written} AND finished_on IS NEW.finished_on"
        f" AND updated_on IS NOT {updated_on};"
    )
    sets_both = (
        f"UPDATE executions SET updated_on = {updated_on}, finished_on = {finished_on}"
        f" WHERE id = NEW.id AND ({times.lacks_both} OR finished_on IS NOT NEW.finished_on)"
        f" AND {has_that_end} AND (updated_on, finished_on) IS NOT ({updated_on}, {finished_on});"
    )
    return f"{times.lacks_updated_on} OR {times.lacks_both}", (sets_one, sets_both)


def _sets_times_unless_given(times: _Times, is_as_written: str) -> tuple[str, tuple[str, ...]]:
    """The same as ``_sets_times_at_once``, but for a row whose times are given."""
    when, sets = _sets_times_at_once(times, is_as_written)
    return f"({when}) AND NOT {_ARE_GIVEN}", sets


def _sets_times_at_once(times: _Times, is_as_written: str) -> tuple[str, tuple[str, ...]]:
    """The same as ``_sets_times`` in one statement, which is less to compile."""
    # See ``_sets_times``.
    has_that_end = (
        f"({is_as_written} OR state = NEW.state AND finished_on IS NEW.finished_on"
        f" AND {times.lacks_both})"
    )
    # The limit keeps SQLite from compiling each time at each place where it is used.
    now = f"SELECT {times.updated_on} AS first, {times.finished_on} AS last LIMIT 1"
    sets = (
        f"UPDATE executions SET updated_on = first, finished_on = last FROM ({now})"
        f" WHERE id = NEW.id AND {has_that_end}"
        " AND (updated_on, finished_on) IS NOT (first, last);"
    )
    return f"{times.lacks_updated_on} OR {times.lacks_both}", (sets,)


def _note_replaced_rows(when: _Conditions, *, with_data: bool) -> list[str]:
    """Note whole rows before a write that may replace them, and keep them until it is logged."""
    columns = ", ".join(when.columns.row)
    noted = (
        "DELETE FROM replaced_executions;"
        f" INSERT INTO replaced_executions ({columns}) SELECT {columns} FROM executions WHERE"
    )
    # An unspecified id is -1 in a BEFORE trigger, and has its value in an AFTER trigger.
    spared = "DELETE FROM replaced_executions WHERE id <> NEW.id AND guid <> NEW.guid;"
    subtracted = sqlite_counts.subtract_replaced() if with_data else subtract_replaced()
    replaced = f"{spared} {subtracted}"
    deletes = (DELETES_REPLACED, DELETES_OTHER_REPLACED) if with_data else ("", "")
    is_there = "EXISTS (SELECT 1 FROM replaced_executions)"
    triggers = (
        ("noted", "BEFORE INSERT", "", f"{noted} id = NEW.id OR guid = NEW.guid;"),
        (
            "noted_update",
            f"BEFORE UPDATE{_of_identity(when.columns) if with_data else ''}",
            f" WHEN {when.is_moved}",
            f"{noted} id <> OLD.id AND (id = NEW.id OR guid = NEW.guid);",
        ),
        ("replaced", "AFTER INSERT", f" WHEN {is_there}", f"{replaced} {deletes[0]}"),
        (
            "replaced_update",
            f"AFTER UPDATE{_of_identity(when.columns) if with_data else ' OF id, guid'}",
            # Otherwise what is there was replaced, and subtracted, by an earlier write.
            f" WHEN {when.is_moved} AND {is_there}",
            f"{replaced} {deletes[1]}",
        ),
    )
    return [
        f"CREATE TRIGGER executions_{name} {event} ON executions{condition} BEGIN {body} END"
        for name, event, condition, body in triggers
    ]
