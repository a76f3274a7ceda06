"""The statements that update and delete executions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    case,
    delete,
    select,
    true,
    update,
)
from sqlalchemy.engine import Dialect

from db.columns import STORED
from db.database import Execute, Rows
from db.dialect import among_listed, listed
from db.instants import now_ms
from db.models import ExecutionState
from db.reading.statement_cache import BindParameters, StatementCache
from db.reading.workspaces import Workspace
from db.source import ExecutionRow, ExecutionSource


@dataclass(frozen=True, slots=True)
class UpdateOutcome:
    """The outcome of an update for each guid.

    ``updated`` holds executions after the update; ``conflicts`` those in another state than the
    expected one; ``not_found`` guids without an execution.
    """

    updated: tuple[ExecutionRow, ...]
    conflicts: tuple[ExecutionRow, ...]
    not_found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteOutcome:
    """The guids that were deleted, and those without an execution."""

    deleted: tuple[str, ...]
    not_found: tuple[str, ...]


CHANGED = ("state", "updated_on", "finished_on")
"""The columns that a change of state sets: a trigger would set them in a second write."""


def values_of(state: ExecutionState, at: int) -> tuple[str, int, int | None]:
    """Return the values of ``CHANGED`` for executions that come into another state at a time."""
    return str(state), at, None if state is ExecutionState.INPROGRESS else at


class Writing:
    """Updates and deletes executions within a change. Each guid is given once.

    Executions outside of the ``workspace`` are not there.
    """

    def __init__(self, dialect: Dialect, source: ExecutionSource) -> None:
        self._source = source
        self._statements = StatementCache(dialect)
        # For use within changes, which SQLite runs in another thread.
        self._within_changes = StatementCache(dialect)

    def update(
        self,
        execute: Execute,
        guids: tuple[str, ...],
        state: ExecutionState | None,
        expected: ExecutionState | None,
        workspace: Workspace,
    ) -> UpdateOutcome:
        """Set the state of executions, except of those that are not in the expected one."""
        found = {row.guid: row for row in self._find(execute, guids, workspace)}
        present = [found[guid] for guid in guids if guid in found]
        conflicts = tuple(row for row in present if expected and row.state != expected)
        refused = {row.id for row in conflicts}
        accepted = [row for row in present if row.id not in refused]
        return UpdateOutcome(
            updated=self._set_state(execute, accepted, state),
            conflicts=conflicts,
            not_found=tuple(guid for guid in guids if guid not in found),
        )

    def update_of_one(
        self,
        guid: str,
        state: ExecutionState,
        expected: ExecutionState | None,
        workspace: Workspace,
    ) -> tuple[str, Sequence[Any]]:
        """Return a statement and its parameters that do what ``update`` does, for one execution."""
        own = workspace.values
        values = [str(state), now_ms(), guid, *([str(expected)] if expected else []), *own]

        def build(parameters: BindParameters) -> Executable:
            new_state, now, at = map(parameters.bind, ("state", "updated_on", "guid"))
            only_from = [parameters.bind("state")] if expected else []
            source = self._source
            locked = select(*(source.column(field).label(field) for field in STORED))
            locked = locked.where(source.guid == at, *workspace.conditions(source, parameters))
            # After waiting for the lock, this sees the latest version.
            found = locked.with_for_update(of=source.written, key_share=True).cte("found")
            changed = (
                update(source.written)
                .values({source.state: new_state, source.updated_on: now})
                .where(source.id == found.c.id, found.c.state != new_state)
                .where(*(found.c.state == each for each in only_from))
                .returning(*(source.column(field).label(field) for field in CHANGED))
                .cte("changed")
            )
            row = source.moved_to(found)
            is_changed = changed.c.state.is_not(None)
            values: dict[str, Any] = {
                field: case((is_changed, changed.c[field]), else_=row.column(field))
                for field in CHANGED
            }
            row = replace(row, **values).with_duration()
            return select(*row.columns, is_changed).select_from(found.outerjoin(changed, true()))

        statement = self._statements.get(("update of one", expected is None, len(own)), build)
        return statement.text, statement.parameters(values)

    @staticmethod
    def outcome_of_one(rows: Rows, guid: str, expected: ExecutionState | None) -> UpdateOutcome:
        """Return the outcome of ``update_of_one`` from its rows."""
        if not rows:
            return UpdateOutcome((), (), (guid,))
        *values, is_changed = rows[0]
        row = ExecutionRow._make(values)
        if not is_changed and expected and row.state != expected:
            return UpdateOutcome((), (row,), ())
        return UpdateOutcome((row,), (), ())

    def deletion(self, guids: tuple[str, ...], workspace: Workspace) -> tuple[str, Sequence[Any]]:
        """Return the statement and its parameters that delete executions and return their guids."""
        own = workspace.values

        def build(parameters: BindParameters) -> Executable:
            deleted = delete(self._source.written).where(self._is_among(parameters, guids))
            deleted = deleted.where(*workspace.conditions(self._source, parameters))
            return deleted.returning(self._source.guid)

        values = (*listed(guids), *own)
        statement = self._statements.get(("delete", len(values), len(own)), build)
        return statement.text, statement.parameters(values)

    @staticmethod
    def outcome_of_deletion(rows: Rows, guids: tuple[str, ...]) -> DeleteOutcome:
        """Return the outcome of ``deletion`` from its rows."""
        deleted = {guid for (guid,) in rows}
        return DeleteOutcome(
            deleted=tuple(guid for guid in guids if guid in deleted),
            not_found=tuple(guid for guid in guids if guid not in deleted),
        )

    def _find(
        self, execute: Execute, guids: tuple[str, ...], workspace: Workspace
    ) -> list[ExecutionRow]:
        own = workspace.values

        def build(parameters: BindParameters) -> Executable:
            found = select(*self._source.columns).select_from(self._source.table)
            own_ones = workspace.conditions(self._source, parameters)
            found = found.where(self._is_among(parameters, guids), *own_ones)
            # For databases with concurrent writers: lock the rows, in one order for all writers
            # to avoid deadlocks.
            return found.order_by(self._source.id).with_for_update(of=self._source.written)

        return list(map(ExecutionRow._make, self._run(execute, "find", build, guids, *own)))

    def _set_state(
        self, execute: Execute, rows: Sequence[ExecutionRow], state: ExecutionState | None
    ) -> tuple[ExecutionRow, ...]:
        if state is None:
            return tuple(rows)
        changing = tuple(row.guid for row in rows if row.state != state)
        now = _another_time(rows)

        def build(parameters: BindParameters) -> Executable:
            values = {self._source.column(field): parameters.bind(field) for field in CHANGED}
            changed = update(self._source.written).values(values)
            return changed.where(self._is_among(parameters, changing))

        if changing:
            self._run(execute, "set state", build, changing, *values_of(state, now))
        return tuple(row if row.state == state else row.changed_to(state, now) for row in rows)

    def _is_among(self, parameters: BindParameters, guids: tuple[str, ...]) -> ColumnElement[bool]:
        return among_listed(
            self._source.guid, tuple(parameters.bind("guid") for _ in listed(guids))
        )

    def _run(
        self,
        execute: Execute,
        what: str,
        build: Callable[[BindParameters], Executable],
        guids: tuple[str, ...],
        *values: Any,
    ) -> Rows:
        """Run a statement on some guids, which are bound after the other values."""
        all_values = [*values, *listed(guids)]
        statement = self._within_changes.get((what, len(values), len(all_values)), build)
        return execute(statement.text, statement.parameters(all_values))


def _another_time(rows: Sequence[ExecutionRow]) -> int:
    """Return the current time, or the next one that is none of some rows'.

    Triggers take a time that stays the same for one that a statement does not set.
    """
    now = now_ms()
    taken = {time for row in rows for time in (row.updated_on, row.finished_on)}
    while now in taken:
        now += 1
    return now
