"""Encode events for a selection: once, whoever selects the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from resolvers.context import Context, Run
from resolvers.events import SeenEvent
from resolvers.plans import Plan
from server.http.json_text import write_json


class EventEncoder:
    """Encodes events as the responses of an operation.

    ``variables`` are coerced. Encoders with equal ``key`` encode alike. At most ``most_at_once``
    events should be encoded together.
    """

    def __init__(
        self,
        plan: Plan,
        variables: Mapping[str, Any],
        context: Context,
        key: object,
        most_at_once: int,
    ) -> None:
        [self._root] = plan.roots
        self._plan = plan
        self._variables = variables
        self._context = context
        self.key = key
        self.most_at_once = most_at_once
        self.reads = bool(plan.nested_checks)
        """Whether it reads what executions lead to, besides the events."""
        self._before = b'{"data":{' + write_json(self._root.key) + b":"

    async def encode(self, seen: Sequence[SeenEvent]) -> list[bytes]:
        """Return a response as JSON for each event.

        Raises ServiceUnavailable if what an execution leads to can't be read.
        """
        run = Run(self._context, self._variables, seen)
        values = await self._root.answer(run, self._root.arguments(self._variables))
        return [self._before + write_json(value) + b"}}" for value in values]
