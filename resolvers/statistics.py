"""Statistics: what to read for a selection, and how to build its objects."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode
from graphql.type import GraphQLField

from db.errors import GatewayError, InvalidInput
from db.instants import format_ms
from db.models import ExecutionState
from db.reading.statistics import FlowCount, Statistics, StatisticsQuery, check_timelines
from resolvers.arguments import Arguments, ArgumentsOf, arguments_of
from resolvers.checks import Check, check_filter, check_nothing
from resolvers.connection import graphql_int
from resolvers.context import Context, Run
from resolvers.objects import (
    Constant,
    Leaf,
    Nested,
    Objects,
    ObjectsBuilder,
    Planning,
    RowType,
    SameRow,
    SameRows,
    Step,
    plan_objects,
)
from resolvers.page_arguments import check_size
from resolvers.row_code import Columns
from resolvers.selections import TYPENAME, object_of

_Part = Callable[[Run, Sequence[Statistics]], Awaitable[Sequence[Any]]]
"""Returns the values of a field for the statistics of each parent."""

STATE_COUNTS: tuple[RowType, ...] = tuple(
    {"state": Constant(state.value), "count": Leaf(state.lower(), graphql_int)}
    for state in ExecutionState
)
"""The fields of ``StateCount``, for each state."""
TIMELINE_BUCKET: RowType = {
    "start": Leaf("start", format_ms),
    "totalCount": Leaf("total", graphql_int),
    "byState": SameRows(STATE_COUNTS),
}
AGENTFLOW_COUNT: RowType = {
    "agentflow": SameRow("agentflow_id"),
    "count": Leaf("number", graphql_int),
}
_STATES = tuple(state.lower() for state in ExecutionState)
_BUCKET_COLUMNS = ("start", "total", *_STATES)


class StatisticsPlan:
    """The selection of statistics: what to read, and how to build their fields.

    ``arguments`` reads the arguments of ``field``, which returns the statistics.
    """

    def __init__(
        self,
        planning: Planning,
        nodes: list[FieldNode],
        field: GraphQLField,
        arguments: ArgumentsOf,
    ) -> None:
        self._planning = planning
        self._kind = object_of(field)
        self._arguments = arguments
        self._with_states = False
        self._firsts: list[ArgumentsOf] = []
        self._buckets: list[ArgumentsOf] = []
        below = planning.below(nodes, self._kind)
        self._parts = {key: self._part(inner) for key, inner in below.items()}

    def query(self, run: Run, arguments: Arguments) -> StatisticsQuery:
        """Return what to read. Raises InvalidInput if an argument is invalid."""
        values = run.variables
        firsts = [read(values)["first"] for read in self._firsts]
        return StatisticsQuery(
            arguments.filter(run.context.max_ids),
            self._with_states,
            max(firsts, default=0),
            frozenset([read(values)["bucket"] for read in self._buckets]),
            arguments.created_within() if self._buckets else None,
        )

    async def answer(self, run: Run, found: Sequence[Statistics]) -> list[Any]:
        """Build an object of each statistics."""
        parts = [(key, await part(run, found)) for key, part in self._parts.items()]
        return [{key: values[index] for key, values in parts} for index in range(len(found))]

    def _part(self, nodes: list[FieldNode]) -> _Part:
        name = nodes[0].name.value
        if name == TYPENAME:
            return _constant(self._kind.name)
        return STATISTICS[name].plan(self, nodes)

    def _objects(self, nodes: list[FieldNode], columns: Sequence[str]) -> Objects:
        kind = object_of(self._kind.fields[nodes[0].name.value])
        return plan_objects(self._planning, nodes, kind, Columns(columns))

    def plan_total_count(self, _nodes: list[FieldNode]) -> _Part:
        """Plan the number of executions."""
        self._with_states = True

        async def part(_run: Run, found: Sequence[Statistics]) -> Sequence[Any]:
            return [graphql_int(each.total) for each in found]

        return part

    def plan_by_state(self, nodes: list[FieldNode]) -> _Part:
        """Plan the number of executions in each state."""
        self._with_states = True
        builder = ObjectsBuilder(self._planning, Columns(_STATES))
        kind = object_of(self._kind.fields["byState"])
        objects = builder.build(builder.objects(nodes, kind, STATE_COUNTS))

        async def part(run: Run, found: Sequence[Statistics]) -> Sequence[Any]:
            return await objects.answer(run, [each.states for each in found])

        return part

    def plan_by_agentflow(self, nodes: list[FieldNode]) -> _Part:
        """Plan the agentflows with the most executions."""
        field = self._kind.fields["byAgentflow"]
        arguments = self._planning.arguments(field, nodes[0], check_first)
        self._firsts.append(arguments)
        objects = self._objects(nodes, FlowCount._fields)

        async def part(run: Run, found: Sequence[Statistics]) -> Sequence[Any]:
            first = arguments(run.variables)["first"]
            return await _answer_lists(run, objects, [each.agentflows[:first] for each in found])

        return part

    def plan_timeline(self, nodes: list[FieldNode]) -> _Part:
        """Plan the number of executions in each bucket of time."""
        field = self._kind.fields["timeline"]
        # Only the check needs the filter.
        self._planning.arguments(field, nodes[0], check_timeline, self._arguments)
        arguments = arguments_of(field, nodes[0])
        self._buckets.append(arguments)
        objects = self._objects(nodes, _BUCKET_COLUMNS)

        async def part(run: Run, found: Sequence[Statistics]) -> Sequence[Any]:
            bucket = arguments(run.variables)["bucket"]
            timelines = [each.timelines[bucket] for each in found]
            # Every alias has objects of its own.
            run.take_buckets(bucket, sum(map(len, timelines)))
            return await _answer_lists(run, objects, timelines)

        return part


async def _answer_lists(
    run: Run, objects: Objects, lists: Sequence[Sequence[Any]]
) -> Sequence[list[Any]]:
    """Build the objects of several lists of rows together."""
    if len(lists) == 1:
        return [await objects.answer(run, lists[0])]
    made = iter(await objects.answer(run, [row for rows in lists for row in rows]))
    return [[next(made) for _ in rows] for rows in lists]


def _constant(value: str) -> _Part:
    async def part(_run: Run, found: Sequence[Statistics]) -> Sequence[Any]:
        return [value] * len(found)

    return part


def check_first(arguments: Arguments, context: Context) -> Iterator[GatewayError]:
    """Check the number of agentflows."""
    try:
        check_size("first", arguments["first"], context.max_page_size, least=0)
    except InvalidInput as error:
        yield error


def check_timeline(arguments: Arguments, _context: Context) -> Iterator[GatewayError]:
    """Check the length of a timeline, as far as the filter above it tells."""
    if arguments.parent is not None:
        try:
            check_timelines(arguments.parent.created_within(), (arguments["bucket"],))
        except InvalidInput as error:
            yield error


@dataclass(frozen=True, slots=True)
class StatisticsField:
    """A field of ``ExecutionStats``: how it is planned, and how its arguments are checked."""

    plan: Callable[[StatisticsPlan, list[FieldNode]], _Part]
    check: Check = check_nothing


STATISTICS: Mapping[str, StatisticsField] = {
    "totalCount": StatisticsField(StatisticsPlan.plan_total_count),
    "byState": StatisticsField(StatisticsPlan.plan_by_state),
    "byAgentflow": StatisticsField(StatisticsPlan.plan_by_agentflow, check_first),
    "timeline": StatisticsField(StatisticsPlan.plan_timeline, check_timeline),
}
"""Every field of ``ExecutionStats``."""


def plan_execution_stats(
    planning: Planning, nodes: list[FieldNode], field: GraphQLField
) -> Callable[[Run, Arguments], Awaitable[Any]]:
    """Plan ``executionStats``."""
    statistics = StatisticsPlan(planning, nodes, field, arguments_of(field, nodes[0]))

    async def answer(run: Run, arguments: Arguments) -> Any:
        query = statistics.query(run, arguments)
        found = await run.context.executions.statistics(query)
        return (await statistics.answer(run, (found,)))[0]

    return answer


def stats_of(by: str) -> Nested:
    """Return the statistics of the executions whose field ``by`` is the row's."""

    def plan(
        planning: Planning, nodes: list[FieldNode], field: GraphQLField, arguments: ArgumentsOf
    ) -> Step:
        statistics = StatisticsPlan(planning, nodes, field, arguments)

        async def read(run: Run, keys: Sequence[Any]) -> Sequence[Any]:
            query = statistics.query(run, arguments(run.variables))
            found = await run.in_turn(lambda: run.context.executions.statistics_of(query, by, keys))
            return await statistics.answer(run, found)

        return read

    return Nested(by, plan, check_filter)
