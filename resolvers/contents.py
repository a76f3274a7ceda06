"""The data that engines recorded for executions, and the steps in it."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import orjson
from graphql import FieldNode
from graphql.type import GraphQLField

from db.contents.json_text import on_one_line
from db.contents.shown import ShownContent
from db.contents.steps import Step
from db.instants import format_ms
from resolvers.context import Run, copies
from resolvers.objects import Leaf, Objects, Planning, RowType, Together, plan_objects
from resolvers.row_code import Columns
from resolvers.selections import object_of

_LONG = frozenset({"input", "output", "error"})
CONTENT_KEY = "content_key"
"""The column of events with the id of the execution whose content they show."""


def _json(written: str) -> orjson.Fragment:
    return orjson.Fragment(on_one_line(written))


EXECUTION_STEP: RowType = {
    "nodeId": Leaf("node_id"),
    "label": Leaf("label"),
    "name": Leaf("name"),
    "status": Leaf("status"),
    "startedOn": Leaf("started_on", format_ms, is_nullable=True),
    "finishedOn": Leaf("finished_on", format_ms, is_nullable=True),
    "durationMs": Leaf("duration_ms"),
    "error": Leaf("error"),
    "input": Leaf("input", _json, is_nullable=True),
    "output": Leaf("output", _json, is_nullable=True),
    "previous": Leaf("previous"),
    "parent": Leaf("parent"),
    "iteration": Leaf("iteration"),
    "inputTokens": Leaf("input_tokens"),
    "outputTokens": Leaf("output_tokens"),
    "totalTokens": Leaf("total_tokens"),
    "cost": Leaf("cost"),
}


class ContentFields:
    """The fields of a selection that show contents, which are read once for all of them."""

    def __init__(self, planning: Planning) -> None:
        self._planning = planning
        planning.content_fields.append(self)
        self._fields: list[str] = []
        self._steps: dict[int, Objects] = {}
        self._copies = 0

    def add(self, nodes: list[FieldNode], field: GraphQLField) -> int:
        """Add a field; return the index of its value in what ``read`` returns."""
        index = len(self._fields)
        name = nodes[0].name.value
        self._fields.append(name)
        if name == "steps":
            kind = object_of(field)
            self._steps[index] = plan_objects(self._planning, nodes, kind, Columns(Step._fields))
            selected = [each[0].name.value for each in self._planning.below(nodes, kind).values()]
            # A step takes some room in any case, which is enough for one of each other field.
            most = max(Counter(selected).values(), default=1)
            self._copies += most if _LONG.intersection(selected) else most - 1
        elif name == "data":
            self._copies += 1
        return index

    async def read(self, run: Run, keys: Sequence[int]) -> Sequence[Sequence[Any]]:
        """Return the values of all fields for the content of each execution."""
        reader = run.context.executions.content_reader
        times = max(1, self._copies) * copies()
        found = await run.room.read(reader, keys, times, with_steps=bool(self._steps))
        columns = [
            await self._lists(run, self._steps[index], found)
            if index in self._steps
            else [_OF_CONTENT[name](content) for content in found]
            for index, name in enumerate(self._fields)
        ]
        return list(zip(*columns, strict=True))

    def nothing(self) -> Sequence[Any]:
        """Return the values of all fields where there is no execution."""
        return tuple([] if name == "steps" else None for name in self._fields)

    @staticmethod
    async def _lists(run: Run, objects: Objects, found: Sequence[ShownContent]) -> list[list[Any]]:
        """Return the steps of each content as objects."""
        made = await objects.answer(run, [step for content in found for step in content.steps])
        remaining = iter(made)
        return [list(islice(remaining, len(content.steps))) for content in found]


_OF_CONTENT: dict[str, Callable[[ShownContent], Any]] = {
    "data": lambda content: None if content.data is None else _json(content.data),
    "dataProblem": lambda content: content.problem,
}
_TOGETHER = Together((CONTENT_KEY, "id"), ContentFields)
CONTENT: RowType = dict.fromkeys(("data", "dataProblem", "steps"), _TOGETHER)
"""The fields of an execution that show its content."""
