"""The payloads and results of mutations, field by field."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, GraphQLObjectType, get_named_type, is_union_type
from graphql.type import GraphQLField

from db.errors import GatewayError
from db.models import ExecutionState
from db.source import ExecutionRow
from db.writing.batches import Bounds, Matched
from db.writing.changes import DeleteOutcome, UpdateOutcome
from resolvers.arguments import Arguments
from resolvers.checks import check_matching
from resolvers.connection import graphql_int
from resolvers.context import Run, is_over
from resolvers.messages import conflict_message, not_found_message
from resolvers.objects import Objects, Planning, plan_objects
from resolvers.page_arguments import check_number
from resolvers.row_code import Columns
from resolvers.selections import TYPENAME, object_of
from schema.node import global_id

RootAnswer = Callable[[Run, Arguments], Any]


class AlreadyCommitted(Exception):
    """A change was committed, but its response failed: it must not be made again.

    ``reason`` is the error of a read after the change that callers can be told about, if that was
    it, and ``key`` the response key of the root field, once known.
    """

    def __init__(self, reason: GatewayError | None) -> None:
        super().__init__(reason and reason.message)
        self.reason = reason
        self.key = ""

    @property
    def message(self) -> str:
        """What callers are told."""
        return f"The change was made, but what its result leads to could not be read: {self}"


@dataclass(frozen=True, slots=True)
class Update:
    """The outcome of an update, with its arguments."""

    outcome: UpdateOutcome
    guid: str = ""
    expected: ExecutionState | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """The outcome of a deletion, with its arguments."""

    outcome: DeleteOutcome
    guid: str = ""


@dataclass(frozen=True, slots=True)
class _Rows:
    """A field with executions: all of some rows, or with ``is_one`` the first."""

    rows: Callable[[Any], Sequence[ExecutionRow]]
    is_one: bool = False


Described = Mapping[str, Callable[[Any], Any] | _Rows]
"""The fields of a payload or result, by their GraphQL names."""

_NOT_FOUND: Described = {
    "message": lambda change: not_found_message(change.guid),
    "guid": lambda change: change.guid,
}
_MATCHED: Described = {
    "affected": lambda done: graphql_int(done.affected),
    "hasMore": lambda done: done.has_more,
}
PAYLOADS: Mapping[str, Described] = {
    "UpdateExecutionSuccess": {
        "execution": _Rows(lambda change: change.outcome.updated, is_one=True)
    },
    "ExecutionStateConflict": {
        "message": lambda change: conflict_message(
            change.outcome.conflicts[0].state, change.expected
        ),
        "execution": _Rows(lambda change: change.outcome.conflicts, is_one=True),
        "expectedState": lambda change: change.expected and change.expected.value,
    },
    "ExecutionNotFound": _NOT_FOUND,
    "DeleteExecutionSuccess": {
        "id": lambda change: global_id("Execution", change.outcome.deleted[0]),
        "guid": lambda change: change.guid,
    },
    "UpdateExecutionsPayload": {
        "affected": lambda change: graphql_int(len(change.outcome.updated)),
        "executions": _Rows(lambda change: change.outcome.updated),
        "notFound": lambda change: change.outcome.not_found,
        "conflicts": _Rows(lambda change: change.outcome.conflicts),
    },
    "DeleteExecutionsPayload": {
        "affected": lambda change: graphql_int(len(change.outcome.deleted)),
        "deleted": lambda change: change.outcome.deleted,
        "deletedIds": lambda change: [
            global_id("Execution", guid) for guid in change.outcome.deleted
        ],
        "notFound": lambda change: change.outcome.not_found,
    },
    "UpdateExecutionsMatchingPayload": _MATCHED,
    "DeleteExecutionsMatchingPayload": _MATCHED,
}
"""Every GraphQL type with the outcome of a change."""


class _PayloadPlan:
    """The selection of a payload or result."""

    def __init__(self, planning: Planning, nodes: list[FieldNode], kind: GraphQLObjectType) -> None:
        described = PAYLOADS[kind.name]
        self._parts: list[tuple[str, Callable[[Any], Any] | _Rows, Objects | None]] = []
        for key, inner in planning.below(nodes, kind).items():
            name = inner[0].name.value
            if name == TYPENAME:
                self._parts.append((key, lambda _change: kind.name, None))
                continue
            part, objects = described[name], None
            if isinstance(part, _Rows):
                # A change returns whole rows, because it can't run again for further columns.
                columns = Columns(ExecutionRow._fields)
                objects = plan_objects(planning, inner, object_of(kind.fields[name]), columns)
            self._parts.append((key, part, objects))

    async def answer(self, run: Run, change: Any) -> dict[str, Any]:
        answered: dict[str, Any] = {}
        try:
            for key, part, objects in self._parts:
                if objects is None or not isinstance(part, _Rows):
                    answered[key] = part(change)  # type: ignore[operator]
                    continue
                made = await objects.answer(run, part.rows(change))
                answered[key] = made[0] if part.is_one else made
        except Exception as error:
            raise AlreadyCommitted(error if isinstance(error, GatewayError) else None) from error
        return answered


def plan_update_execution(
    planning: Planning, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``updateExecution``."""
    results = _results(planning, nodes, field)

    async def answer(run: Run, arguments: Arguments) -> Any:
        guid, given = arguments["guid"], arguments["input"]
        expected = given.get("expectedState")
        outcome = await run.context.executions.update([guid], given.get("state"), expected)
        if outcome.not_found:
            name = "ExecutionNotFound"
        else:
            name = "ExecutionStateConflict" if outcome.conflicts else "UpdateExecutionSuccess"
        return await results[name].answer(run, Update(outcome, guid, expected))

    return answer


def plan_delete_execution(
    planning: Planning, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``deleteExecution``."""
    results = _results(planning, nodes, field)

    async def answer(run: Run, arguments: Arguments) -> Any:
        guid = arguments["guid"]
        outcome = await run.context.executions.delete([guid])
        name = "DeleteExecutionSuccess" if outcome.deleted else "ExecutionNotFound"
        return await results[name].answer(run, Deletion(outcome, guid))

    return answer


def plan_update_executions(
    planning: Planning, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``updateExecutions``."""
    payload = _PayloadPlan(planning, nodes, object_of(field))

    async def answer(run: Run, arguments: Arguments) -> Any:
        guids, given = arguments["guids"], arguments["input"]
        check_number("guids", guids, run.context.max_ids)
        outcome = await run.context.executions.update(
            guids, given.get("state"), given.get("expectedState")
        )
        return await payload.answer(run, Update(outcome))

    return answer


def plan_delete_executions(
    planning: Planning, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``deleteExecutions``."""
    payload = _PayloadPlan(planning, nodes, object_of(field))

    async def answer(run: Run, arguments: Arguments) -> Any:
        guids = arguments["guids"]
        check_number("guids", guids, run.context.max_ids)
        return await payload.answer(run, Deletion(await run.context.executions.delete(guids)))

    return answer


def plan_update_executions_matching(
    planning: Planning, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``updateExecutionsMatching``."""

    async def run_change(run: Run, arguments: Arguments, bounds: Bounds) -> Matched:
        executions, given = run.context.executions, arguments["input"]
        filter_ = arguments.narrowing_filter(run.context.max_ids)
        change = filter_, given.get("state"), given.get("expectedState")
        if arguments["dryRun"]:
            return await executions.would_update_matching(*change, limit=bounds.limit)
        return await executions.update_matching(*change, bounds=bounds)

    return _plan_matching(planning, nodes, field, run_change)


def plan_delete_executions_matching(
    planning: Planning, nodes: list[FieldNode], field: GraphQLField
) -> RootAnswer:
    """Plan ``deleteExecutionsMatching``."""

    async def run_change(run: Run, arguments: Arguments, bounds: Bounds) -> Matched:
        executions = run.context.executions
        filter_ = arguments.narrowing_filter(run.context.max_ids)
        if arguments["dryRun"]:
            return await executions.would_delete_matching(filter_, limit=bounds.limit)
        return await executions.delete_matching(filter_, bounds=bounds)

    return _plan_matching(planning, nodes, field, run_change)


def _plan_matching(
    planning: Planning,
    nodes: list[FieldNode],
    field: GraphQLField,
    run_change: Callable[[Run, Arguments, Bounds], Awaitable[Matched]],
) -> RootAnswer:
    payload = _PayloadPlan(planning, nodes, object_of(field))

    async def answer(run: Run, arguments: Arguments) -> Any:
        for error in check_matching(arguments, run.context):
            raise error
        bounds = Bounds(
            limit=arguments.given.get("limit"),
            seconds=run.context.max_matching_seconds,
            should_stop=is_over,
        )
        return await payload.answer(run, await run_change(run, arguments, bounds))

    return answer


def _results(
    planning: Planning, nodes: list[FieldNode], field: GraphQLField
) -> dict[str, _PayloadPlan]:
    union = get_named_type(field.type)
    if not is_union_type(union):
        raise TypeError(f"{union} is no union")
    return {kind.name: _PayloadPlan(planning, nodes, kind) for kind in union.types}
