"""What is changed, one mutation after the other; the rules are those of ``queries``."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from db.source import ExecutionRow
from tests.reference.filters import matches
from tests.reference.objects import Execution
from tests.reference.statistics import Given
from tests.reference.table import Elapsed, GlobalId, Table
from tests.reference.texts import shown


@dataclass
class ExecutionNotFound:
    guid: str

    def message(self) -> str:
        return f"Execution {self.guid!r} not found"


@dataclass
class ExecutionStateConflict:
    execution: Execution
    expected_state: str

    def message(self) -> str:
        state = self.execution.state()
        return f"Execution is {state}, not {self.expected_state}; it was left as it is"


@dataclass
class UpdateExecutionSuccess:
    execution: Execution


@dataclass
class DeleteExecutionSuccess:
    id: str
    guid: str


@dataclass
class UpdateExecutionsPayload:
    executions: list[Execution] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    conflicts: list[Execution] = field(default_factory=list)

    def affected(self) -> int:
        return len(self.executions)


@dataclass
class DeleteExecutionsPayload:
    deleted: list[str] = field(default_factory=list)
    deleted_ids: list[str] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)

    def affected(self) -> int:
        return len(self.deleted)


@dataclass
class UpdateExecutionsMatchingPayload:
    affected: int
    has_more: bool


@dataclass
class DeleteExecutionsMatchingPayload:
    affected: int
    has_more: bool


@dataclass
class Mutation:
    table: Table

    def update_execution(self, given: Given) -> Any:
        [(_, row)] = self._named([given["guid"]])
        if row is None:
            return ExecutionNotFound(given["guid"])
        expected = given["input"].get("expectedState")
        if expected is not None and row.state != expected:
            return ExecutionStateConflict(Execution(self.table, row), expected)
        return UpdateExecutionSuccess(Execution(self.table, self._changed(row, given["input"])))

    def update_executions(self, given: Given) -> UpdateExecutionsPayload:
        payload = UpdateExecutionsPayload()
        expected = given["input"].get("expectedState")
        for guid, row in self._named(given["guids"]):
            if row is None:
                payload.not_found.append(guid)
            elif expected is not None and row.state != expected:
                payload.conflicts.append(Execution(self.table, row))
            else:
                payload.executions.append(Execution(self.table, self._changed(row, given["input"])))
        return payload

    def delete_execution(self, given: Given) -> Any:
        [(_, row)] = self._named([given["guid"]])
        if row is None:
            return ExecutionNotFound(given["guid"])
        self.table.rows.remove(row)
        return DeleteExecutionSuccess(GlobalId.of("Execution", row.guid), shown(row.guid))

    def delete_executions(self, given: Given) -> DeleteExecutionsPayload:
        payload = DeleteExecutionsPayload()
        for guid, row in self._named(given["guids"]):
            if row is None:
                payload.not_found.append(guid)
            else:
                self.table.rows.remove(row)
                payload.deleted.append(shown(row.guid))
                payload.deleted_ids.append(GlobalId.of("Execution", row.guid))
        return payload

    def update_executions_matching(self, given: Given) -> UpdateExecutionsMatchingPayload:
        """Those that have the state already count, except where a limit cuts off what changes."""
        change = given["input"]
        state, expected = change.get("state"), change.get("expectedState")
        matching = [
            row
            for row in self._rows()
            if matches(row, given["filter"]) and expected in (None, row.state)
        ]
        changing = [row for row in matching if state not in (None, row.state)]
        limit = given.get("limit")
        if not given["dryRun"]:
            self._change_some(changing, limit, lambda row: self._changed(row, change))
        has_more = limit is not None and len(changing) > limit
        counted = matching if limit is None or state in (None, expected) else changing
        affected = len(counted) if limit is None else min(limit, len(counted))
        return UpdateExecutionsMatchingPayload(affected, has_more)

    def delete_executions_matching(self, given: Given) -> DeleteExecutionsMatchingPayload:
        matching = [row for row in self._rows() if matches(row, given["filter"])]
        limit = given.get("limit")
        if not given["dryRun"]:
            self._change_some(matching, limit, self.table.rows.remove)
        affected = len(matching) if limit is None else min(limit, len(matching))
        return DeleteExecutionsMatchingPayload(affected, affected < len(matching))

    def _change_some(
        self,
        rows: list[ExecutionRow],
        limit: int | None,
        change: Callable[[ExecutionRow], object],
    ) -> None:
        """Which are changed is not specified, if there are more than the limit."""
        if limit is not None and len(rows) > limit:
            self.table.is_stale = True
            return
        for row in rows:
            change(row)

    def _rows(self) -> list[ExecutionRow]:
        self.table.is_uncertain |= self.table.is_stale
        return self.table.rows

    def _named(self, guids: list[str]) -> list[tuple[str, ExecutionRow | None]]:
        """The executions that guids name, each once, as they all are before the change."""
        self.table.is_uncertain |= self.table.is_stale
        return [(guid, self.table.find(guid)) for guid in dict.fromkeys(guids)]

    def _changed(self, row: ExecutionRow, change: dict[str, Any]) -> ExecutionRow:
        state = change.get("state")
        if state is None or state == row.state:
            return row
        is_final = state != "INPROGRESS"
        changed = row._replace(
            state=state,
            updated_on=self.table.now,
            finished_on=self.table.now if is_final else None,
            duration_ms=Elapsed.of(row.created_on, self.table.now) if is_final else None,
        )
        self.table.replace(row, changed)
        return changed
