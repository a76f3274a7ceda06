"""Encode events for a selection: once, whoever selects the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from resolvers.arguments import Arguments
from resolvers.context import Context, Run
from resolvers.events import SeenEvent
from resolvers.plans import Plan
from server.http.json_text import write_json

# Which events they are is known already.
_NO_ARGUMENTS = Arguments({})
_MOST_BYTES = 2 * 2**20
"""How many bytes of responses should be encoded together."""


class EventEncoder:
    """Encodes events as the responses of an operation.

    ``variables`` are coerced; only those on which the selection depends are needed. Encoders with
    equal ``key`` encode alike, for clients in the same ``workspace``. At most ``most_at_once``
    events should be encoded together, which is lowered if they turn out to be large.
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
        # The key names it.
        self._plan = plan
        self._variables = variables
        self._context = context
        self.workspace = context.workspace
        self.key = key, self.workspace
        # Each response has room for so much of contents.
        self.most_at_once = 1 if plan.shows_contents else most_at_once
        self.is_measured = False
        """Whether ``most_at_once`` takes into account how large the events are."""
        self.reads = bool(plan.nested_checks) or plan.shows_contents
        """Whether it reads what executions lead to, besides the events."""
        self._before = b'{"data":{' + write_json(self._root.key) + b":"

    async def encode(self, seen: Sequence[SeenEvent]) -> list[bytes]:
        """Return a response as JSON for each event.

        Raises ServiceUnavailable if what an execution leads to can't be read.
        """
        run = Run(self._context, self._variables, seen)
        values = await self._root.answer(run, _NO_ARGUMENTS)
        payloads = [self._before + write_json(value) + b"}}" for value in values]
        largest = max(map(len, payloads), default=0)
        self.is_measured = self.is_measured or largest > 0
        if largest * self.most_at_once > _MOST_BYTES:
            self.most_at_once = max(1, _MOST_BYTES // largest)
        return payloads
