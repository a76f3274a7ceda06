"""What is changed, one mutation after the other; the rules are those of ``queries``."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from db.source import ExecutionRow
from tests.reference.filters import is_narrowing, matches, values_in
from tests.reference.queries import Execution, Given
from tests.reference.table import Elapsed, Opaque, Table
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
        row = self.table.find(given["guid"])
        if row is None:
            return ExecutionNotFound(given["guid"])
        expected = given["input"].get("expectedState")
        if expected is not None and row.state != expected:
            return ExecutionStateConflict(Execution(row), expected)
        return UpdateExecutionSuccess(Execution(self._changed(row, given["input"])))

    def check_update_execution(self, _given: Given) -> Iterator[str]:
        yield from ()

    def update_executions(self, given: Given) -> UpdateExecutionsPayload:
        payload = UpdateExecutionsPayload()
        expected = given["input"].get("expectedState")
        for guid, row in self._named(given["guids"]):
            if row is None:
                payload.not_found.append(guid)
            elif expected is not None and row.state != expected:
                payload.conflicts.append(Execution(row))
            else:
                payload.executions.append(Execution(self._changed(row, given["input"])))
        return payload

    def check_update_executions(self, given: Given) -> Iterator[str]:
        yield from self._check_number(given["guids"])

    def delete_execution(self, given: Given) -> Any:
        row = self.table.find(given["guid"])
        if row is None:
            return ExecutionNotFound(given["guid"])
        self.table.rows.remove(row)
        return DeleteExecutionSuccess(Opaque(f"Execution {row.guid!a}"), shown(row.guid))

    def check_delete_execution(self, _given: Given) -> Iterator[str]:
        yield from ()

    def delete_executions(self, given: Given) -> DeleteExecutionsPayload:
        payload = DeleteExecutionsPayload()
        for guid, row in self._named(given["guids"]):
            if row is None:
                payload.not_found.append(guid)
            else:
                self.table.rows.remove(row)
                payload.deleted.append(shown(row.guid))
                payload.deleted_ids.append(Opaque(f"Execution {row.guid!a}"))
        return payload

    def check_delete_executions(self, given: Given) -> Iterator[str]:
        yield from self._check_number(given["guids"])

    def update_executions_matching(self, given: Given) -> UpdateExecutionsMatchingPayload:
        state, expected = (given["input"].get(name) for name in ("state", "expectedState"))
        found = [row for row in self._matching(given) if expected in (None, row.state)]
        changing = [row for row in found if state not in (None, row.state)]
        if not given["dryRun"]:
            for row in changing:
                self._changed(row, given["input"])
        return UpdateExecutionsMatchingPayload(*_limited(given, found, changing))

    def check_update_executions_matching(self, given: Given) -> Iterator[str]:
        yield from self._check_matching(given)

    def delete_executions_matching(self, given: Given) -> DeleteExecutionsMatchingPayload:
        found = self._matching(given)
        if not given["dryRun"]:
            for row in found:
                self.table.rows.remove(row)
        return DeleteExecutionsMatchingPayload(*_limited(given, found, found))

    def check_delete_executions_matching(self, given: Given) -> Iterator[str]:
        yield from self._check_matching(given)

    def _matching(self, given: Given) -> list[ExecutionRow]:
        return [row for row in self.table.rows if matches(row, given["filter"])]

    def _check_matching(self, given: Given) -> Iterator[str]:
        if values_in(given["filter"]) > self.table.max_ids:
            yield "filter has too many values"
        elif not is_narrowing(given["filter"]):
            yield "filter narrows nothing"
        limit = given.get("limit")
        if limit is not None and limit < 1:
            yield f"limit is {limit}"

    def _named(self, guids: list[str]) -> list[tuple[str, ExecutionRow | None]]:
        """The executions that guids name, each once, as they all are before the change."""
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
            duration_ms=Elapsed.of(row.created_on) if is_final else None,
        )
        self.table.replace(row, changed)
        return changed

    def _check_number(self, guids: list[str]) -> Iterator[str]:
        if len(guids) > self.table.max_ids:
            yield f"{len(guids)} guids"


def _limited(
    given: Given, found: list[ExecutionRow], changing: list[ExecutionRow]
) -> tuple[int, bool]:
    limit = given.get("limit")
    if limit is None:
        return len(found), False
    return min(len(found), limit), len(changing) > limit
