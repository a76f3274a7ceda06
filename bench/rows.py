"""Realistic rows of executions."""

import uuid
from collections.abc import Iterator
from random import Random
from typing import Any

STATES = ("FINISHED", "ERROR", "INPROGRESS", "TERMINATED", "TIMEOUT", "STOPPED")
WEIGHTS = (78, 9, 2, 3, 4, 4)
FLOWS = 50
SPAN_MS = 60_000_000_000
"""The span of creation times in milliseconds, for any number of executions."""
BEGIN_MS = 1_700_000_000_000
BATCH = 100_000
COLUMNS = ("id", "guid", "agentflow_id", "session_id", "state", "created_on", "updated_on")
AGENTFLOWS = [(f"flow-{n:05}", f"Agent {'ABCDE'[n % 5]} {n:02}") for n in range(FLOWS)]
"""Ids and names."""


def executions(rows: int, span: int) -> Iterator[list[tuple[Any, ...]]]:
    """Yield values of ``COLUMNS``, oldest first, in batches."""
    chance = Random(1)
    flows = [flow for flow, _ in AGENTFLOWS]
    by_rank = [1 / (rank + 1) for rank in range(FLOWS)]
    for start in range(0, rows, BATCH):
        size = min(BATCH, rows - start)
        chosen = zip(
            chance.choices(flows, by_rank, k=size),
            chance.choices(STATES, WEIGHTS, k=size),
            strict=True,
        )
        batch = []
        for number, (flow, state) in enumerate(chosen, start):
            at = BEGIN_MS + number * span // rows
            guid = str(uuid.UUID(int=chance.getrandbits(128), version=4))
            session = f"session-{chance.randrange(max(1, rows // 5)):07}"
            batch.append((number + 1, guid, flow, session, state, at, at))
        yield batch
