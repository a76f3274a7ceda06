"""How SQLite writes events: its own part of a revision.

SQLite fires the triggers of a write in no defined order, and none of them can change the row that
is written. ``updated_on`` and ``finished_on`` are set in a further update, and the trigger that
logs a write computes them too. A trigger that logs never writes executions: it would not run within
itself for what triggers of other programs write in turn.
"""

from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

from db.migrations.sqlite_order import create_sqlite_order
from db.migrations.versions.r0003_counts import subtract_replaced

_ROW = (
    "id",
    "guid",
    "agentflow_id",
    "session_id",
    "state",
    "created_on",
    "updated_on",
    "finished_on",
)
# As exact as strftime, in one call, and the same time for a whole statement.
_NOW = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"
_IS_MOVED = "(NEW.id, NEW.guid) IS NOT (OLD.id, OLD.guid)"
_IS_CHANGED = (
    "(NEW.state, NEW.agentflow_id, NEW.session_id, NEW.created_on)"
    " IS NOT (OLD.state, OLD.agentflow_id, OLD.session_id, OLD.created_on)"
)
_IS_AS_WRITTEN = (
    "(guid, state, agentflow_id, session_id, created_on)"
    " IS (NEW.guid, NEW.state, NEW.agentflow_id, NEW.session_id, NEW.created_on)"
)
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


_OF_CHANGED_ROW = _times_of_changed_row(
    "(NEW.updated_on IS NULL OR NEW.updated_on IS OLD.updated_on)"
)
_OF_RETIMED_ROW = _times_of_changed_row("NEW.updated_on IS NULL")
_OF_MOVED_ROW = _times_of_changed_row(
    "(NEW.updated_on IS NULL OR NEW.updated_on IS OLD.updated_on"
    f" AND (NEW.guid <> OLD.guid OR {_IS_CHANGED}))"
)
# A further update fires the trigger too, unless it is the trigger's own and the program has not
# turned recursive triggers on. It is known by its event, which is the newest, or else by the row
# that it corrects.
_IS_RETIMED = (
    f"NOT ({_IS_MOVED}) AND NOT ({_IS_CHANGED})"
    " AND (NEW.updated_on, NEW.finished_on) IS NOT (OLD.updated_on, OLD.finished_on)"
    f" AND OLD.updated_on IS NOT NULL AND NOT ({_IS_WRONG.format('OLD')})"
    " AND NOT EXISTS (SELECT 1 FROM execution_events"
    " WHERE id = (SELECT max(id) FROM execution_events) AND execution_id = NEW.id"
    " AND updated_on IS NEW.updated_on AND finished_on IS NEW.finished_on AND state = NEW.state"
    " AND agentflow_id = NEW.agentflow_id AND session_id IS NEW.session_id"
    " AND created_on = NEW.created_on AND guid = NEW.guid)"
)


def create_sqlite_events() -> None:
    """Create the triggers that write events, and drop those that only set times."""
    for name in ("inserted", "inserted_finished", "updated", "updated_finished"):
        op.execute(f"DROP TRIGGER executions_{name}")
    _keep_replaced_rows()
    for trigger in _triggers():
        op.execute(trigger)
    create_sqlite_order()


def _triggers() -> list[str]:
    """The statements that create the triggers."""
    replaced = _log(
        "DELETED", "", source="replaced_executions", only="id = NEW.id OR guid = NEW.guid"
    )
    is_renamed = "NEW.guid <> OLD.guid"
    return [
        _trigger("created", "INSERT", "", replaced, _log("CREATED", "NEW.", _OF_NEW_ROW)),
        _trigger(
            "changed",
            "UPDATE",
            f"NOT ({_IS_MOVED}) AND {_IS_CHANGED}",
            _log("UPDATED", "NEW.", _OF_CHANGED_ROW),
        ),
        _trigger(
            "retimed",
            "UPDATE",
            _IS_RETIMED,
            _log(
                "UPDATED",
                "NEW.",
                _OF_RETIMED_ROW,
                only=f"({_OF_RETIMED_ROW.updated_on}, {_OF_RETIMED_ROW.finished_on})"
                " IS NOT (OLD.updated_on, OLD.finished_on)",
            ),
        ),
        _trigger(
            "moved",
            "UPDATE",
            _IS_MOVED,
            replaced,
            _log("UPDATED", "NEW.", _OF_MOVED_ROW, only="NEW.guid = OLD.guid"),
            _log("DELETED", "OLD.", only=is_renamed),
            _log("CREATED", "NEW.", _OF_MOVED_ROW, only=is_renamed),
        ),
        _trigger("deleted", "DELETE", "", _log("DELETED", "OLD.")),
        # The second one sets times while the first one runs.
        *(
            _trigger(
                f"{name}{again}",
                event,
                f"{times.lacks_updated_on} OR {times.lacks_both}",
                *_set_times(times),
            )
            for name, event, times in (
                ("inserted", "INSERT", _OF_NEW_ROW),
                ("updated", "UPDATE", _OF_MOVED_ROW),
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
    type_: str, row: str, times: _Times | None = None, source: str = "", only: str = ""
) -> str:
    """The statement that logs a row: NEW, with times, OLD, or those of a table."""
    now: dict[str, str] = {}
    if times:
        now = {"updated_on": times.updated_on, "finished_on": times.finished_on}
    columns = ["execution_id" if column == "id" else column for column in _ROW]
    values = [now.get(column, f"{row}{column}") for column in _ROW]
    if type_ == "UPDATED":
        columns += [f"old_{name}" for name in columns if name != "guid"]
        values += [f"OLD.{column}" for column in _ROW if column != "guid"]
    logged = f"'{type_}', {_NOW}, {', '.join(values)}"
    rows = f"VALUES ({logged})"
    if only:
        rows = f"SELECT {logged}{source and f' FROM {source}'} WHERE {only}"
    return f"INSERT INTO execution_events (type, occurred_on, {', '.join(columns)}) {rows};"


def _set_times(times: _Times) -> tuple[str, str]:
    """The statements that update the times of the new row, as far as it lacks them."""
    updated_on, finished_on = times.updated_on, times.finished_on
    only_updated_on = f"{times.lacks_updated_on} AND NOT {times.lacks_both}"
    # A row that another trigger has changed since got its times from that change, but its end only
    # if that change was an end.
    has_that_end = f"({_IS_AS_WRITTEN} OR state = NEW.state AND finished_on IS NEW.finished_on)"
    sets_one = (
        f"UPDATE executions SET updated_on = {updated_on} WHERE id = NEW.id"
        f" AND {only_updated_on} AND {_IS_AS_WRITTEN} AND finished_on IS NEW.finished_on"
        f" AND updated_on IS NOT {updated_on};"
    )
    sets_both = (
        f"UPDATE executions SET updated_on = {updated_on}, finished_on = {finished_on}"
        f" WHERE id = NEW.id AND ({times.lacks_both} OR finished_on IS NOT NEW.finished_on)"
        f" AND {has_that_end} AND (updated_on, finished_on) IS NOT ({updated_on}, {finished_on});"
    )
    return sets_one, sets_both


def _keep_replaced_rows() -> None:
    """Note whole rows before a write that may replace them, and keep them until it is logged."""
    for name in ("noted", "noted_update", "replaced", "replaced_update"):
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
    columns = ", ".join(_ROW)
    noted = (
        "DELETE FROM replaced_executions;"
        f" INSERT INTO replaced_executions ({columns}) SELECT {columns} FROM executions WHERE"
    )
    op.execute(
        "CREATE TRIGGER executions_noted BEFORE INSERT ON executions"
        f" BEGIN {noted} id = NEW.id OR guid = NEW.guid; END"
    )
    op.execute(
        f"CREATE TRIGGER executions_noted_update BEFORE UPDATE ON executions WHEN {_IS_MOVED}"
        f" BEGIN {noted} id <> OLD.id AND (id = NEW.id OR guid = NEW.guid); END"
    )
    # An unspecified id is -1 in a BEFORE trigger, and has its value in an AFTER trigger.
    spared = "DELETE FROM replaced_executions WHERE id <> NEW.id AND guid <> NEW.guid;"
    for name, event in (
        ("executions_replaced", "INSERT"),
        ("executions_replaced_update", "UPDATE OF id, guid"),
    ):
        op.execute(
            f"CREATE TRIGGER {name} AFTER {event} ON executions"
            f" WHEN EXISTS (SELECT 1 FROM replaced_executions)"
            f" BEGIN {spared} {subtract_replaced()} END"
        )
