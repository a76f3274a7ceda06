"""Fill an empty database with demo executions."""

import random
import uuid
from collections.abc import Callable, Iterator

from db.database import Database
from db.executions import Executions
from db.instants import now_ms
from db.writing.loading import LoadedExecution, load

_FLOWS = ("Support", "Billing", "Research", "Triage", "Operations")
_FLOWS_PER_NAME = 4
_STATES = ("FINISHED", "ERROR", "INPROGRESS", "TERMINATED", "TIMEOUT", "STOPPED")
_WEIGHTS = (78, 9, 2, 3, 4, 4)
_SPAN_MS = 90 * 24 * 3600 * 1000


async def fill_if_empty(
    database: Database, count: int, on_made: Callable[[int], object] | None = None
) -> int:
    """Fill an empty database with ``count`` executions of the last 90 days.

    Calls ``on_made`` with the number of executions in each batch. Returns how many were made, which
    is none if the database is not empty.
    """
    if count < 1 or await Executions(database).count():
        return 0
    made = 0

    def on_progress(loaded: int) -> None:
        nonlocal made
        if on_made:
            on_made(loaded - made)
        made = loaded

    return await load(database, _demo_executions(count, now_ms()), on_progress)


def _demo_executions(count: int, now: int) -> Iterator[tuple[LoadedExecution, str]]:
    chance = random.Random(count)  # noqa: S311 - the same demo every time, no secret
    flows = [
        f"{name} agent {number}" for name in _FLOWS for number in range(1, _FLOWS_PER_NAME + 1)
    ]
    weights = [1 / (rank + 1) for rank in range(len(flows))]
    step = _SPAN_MS / count
    for number in range(count):
        flow = chance.choices(range(len(flows)), weights)[0]
        created_on = now - int((count - number - chance.random()) * step)
        execution = LoadedExecution(
            id=None,
            guid=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            agentflow_id=f"agentflow-{flow + 1:03d}",
            session_id=f"session-{chance.randrange(max(1, count // 5)):06d}",
            state=chance.choices(_STATES, _WEIGHTS)[0],
            created_on=created_on,
            updated_on=created_on + chance.randrange(1, 120_000),
        )
        yield execution, flows[flow]
