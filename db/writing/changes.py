"""The statements that change executions, each change in one go."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    delete,
    exists,
    false,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.engine import Dialect

from db.database import Execute, Rows
from db.dialect import among_listed, listed
from db.instants import now_ms
from db.models import ExecutionState
from db.reading.statement_cache import BindParameters, StatementCache
from db.source import ExecutionRow, ExecutionSource


@dataclass(frozen=True, slots=True)
class UpdateOutcome:
    """What became of each guid of an update.

    ``updated`` are as the update left them; ``conflicts`` as they are, in a state other
    than the expected one; ``not_found`` are the guids of no execution.
    """

    updated: tuple[ExecutionRow, ...]
    conflicts: tuple[ExecutionRow, ...]
    not_found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteOutcome:
    """Which guids were deleted, and which belong to no execution."""

    deleted: tuple[str, ...]
    not_found: tuple[str, ...]


class Writing:
    """What is done within a change; guids are each given once."""

    def __init__(self, dialect: Dialect, source: ExecutionSource) -> None:
        self._source = source
        self._statements = StatementCache(dialect)
        # Used within changes, which on SQLite are made by a thread of their own.
        self._within_changes = StatementCache(dialect)

    def update(
        self,
        execute: Execute,
        guids: tuple[str, ...],
        state: ExecutionState | None,
        expected: ExecutionState | None,
    ) -> UpdateOutcome:
        """Set the state of executions, except of those that are not in the expected one."""
        found = {row.guid: row for row in self._find(execute, guids)}
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
        self, guid: str, state: ExecutionState, expected: ExecutionState | None
    ) -> tuple[str, Sequence[Any]]:
        """One statement that does what ``update`` does for one execution, and its parameters."""
        values = [str(state), now_ms(), guid, *([str(expected)] if expected else [])]

        def build(places: BindParameters) -> Executable:
            new_state, now, at = map(places.bind, ("state", "updated_on", "guid"))
            only_from = [places.bind("state")] if expected else []
            source = self._source
            columns = [source.column(field).label(field) for field in ExecutionRow._fields]
            # After waiting for the lock, this sees the latest version.
            locked = select(*columns).where(source.guid == at)
            found = locked.with_for_update(of=source.written, key_share=True).cte("found")
            changed = (
                update(source.written)
                .values({source.state: new_state, source.updated_on: now})
                .where(source.id == found.c.id, found.c.state != new_state)
                .where(*(found.c.state == each for each in only_from))
                .returning(*columns)
                .cte("changed")
            )
            unchanged = select(*found.c, false()).where(~exists(select(changed.c.id)))
            return union_all(select(*changed.c, true()), unchanged)

        statement = self._statements.get(("update of one", expected is None), build)
        return statement.text, statement.parameters(values)

    @staticmethod
    def outcome_of_one(rows: Rows, guid: str, expected: ExecutionState | None) -> UpdateOutcome:
        """What ``update_of_one`` came to."""
        if not rows:
            return UpdateOutcome((), (), (guid,))
        *values, is_changed = rows[0]
        row = ExecutionRow._make(values)
        if not is_changed and expected and row.state != expected:
            return UpdateOutcome((), (row,), ())
        return UpdateOutcome((row,), (), ())

    def deletion(self, guids: tuple[str, ...]) -> tuple[str, Sequence[Any]]:
        """The statement that deletes executions and finds their guids, and its parameters."""

        def build(places: BindParameters) -> Executable:
            deleted = delete(self._source.written).where(self._is_among(places, guids))
            return deleted.returning(self._source.guid)

        parameters = listed(guids)
        statement = self._statements.get(("delete", len(parameters)), build)
        return statement.text, statement.parameters(parameters)

    @staticmethod
    def outcome_of_deletion(rows: Rows, guids: tuple[str, ...]) -> DeleteOutcome:
        """What a deletion came to."""
        deleted = {guid for (guid,) in rows}
        return DeleteOutcome(
            deleted=tuple(guid for guid in guids if guid in deleted),
            not_found=tuple(guid for guid in guids if guid not in deleted),
        )

    def _find(self, execute: Execute, guids: tuple[str, ...]) -> list[ExecutionRow]:
        def build(places: BindParameters) -> Executable:
            found = select(*self._source.columns).select_from(self._source.table)
            found = found.where(self._is_among(places, guids))
            # Where writers don't wait for each other anyway: what is found stays as it is, and
            # all who lock several do it in one order.
            return found.order_by(self._source.id).with_for_update(of=self._source.written)

        return list(map(ExecutionRow._make, self._run(execute, "find", build, guids)))

    def _set_state(
        self, execute: Execute, rows: Sequence[ExecutionRow], state: ExecutionState | None
    ) -> tuple[ExecutionRow, ...]:
        if state is None:
            return tuple(rows)
        changing = tuple(row.guid for row in rows if row.state != state)
        now = now_ms()

        def build(places: BindParameters) -> Executable:
            values = {
                self._source.state: places.bind("state"),
                self._source.updated_on: places.bind("updated_on"),
            }
            changed = update(self._source.written).values(values)
            return changed.where(self._is_among(places, changing))

        if changing:
            self._run(execute, "set state", build, changing, str(state), now)
        return tuple(
            row if row.state == state else row._replace(state=str(state), updated_on=now)
            for row in rows
        )

    def _is_among(self, places: BindParameters, guids: tuple[str, ...]) -> ColumnElement[bool]:
        return among_listed(self._source.guid, tuple(places.bind("guid") for _ in listed(guids)))

    def _run(
        self,
        execute: Execute,
        what: str,
        build: Callable[[BindParameters], Executable],
        guids: tuple[str, ...],
        *values: Any,
    ) -> Rows:
        """Run a statement on some guids, whose places come after those of other values."""
        parameters = [*values, *listed(guids)]
        statement = self._within_changes.get((what, len(parameters)), build)
        return execute(statement.text, statement.parameters(parameters))
