"""What attaching would come to, read in short batches and without changing anything."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from db.flowise.opening import reason_of
from db.flowise.tables import FlowiseTables, Readable
from db.models import ExecutionState

_FIRST, _LARGEST = 500, 20_000
_BATCH_SECONDS = 0.1
"""How long a batch should read: without a write-ahead log, Flowise can't commit meanwhile."""


@dataclass(slots=True)
class Inspection:
    """What is in Flowise's tables."""

    rows: int = 0
    states: Counter[str] = field(default_factory=Counter)
    """Executions by state, whatever it is."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Executions that can't be taken over, by the reason."""
    workspaces: Counter[str | None] = field(default_factory=Counter)
    """Executions by workspace; None for those of none."""
    flows: int = 0
    gone: Counter[str] = field(default_factory=Counter)
    """Executions by their agentflow, of those agentflows that are gone."""
    size: int = 0
    """The bytes that the file, or on PostgreSQL the table of executions, takes."""
    seconds: float = 0.0
    """How long reading the executions took."""

    @property
    def unknown_states(self) -> Counter[str]:
        """Executions by state, of those states that are none of the six."""
        return Counter(
            {state: count for state, count in self.states.items() if state not in _STATES}
        )


_STATES = frozenset(state.value for state in ExecutionState)


async def inspect(
    database: Readable, tables: FlowiseTables, on_rows: Callable[[int], object] = lambda _: None
) -> Inspection:
    """Read all executions of Flowise in short batches; call ``on_rows`` with the rows of each."""
    found = Inspection(size=await _size(database))
    flows = {row[0] for row in await database.read_latest(_FLOWS, ())}
    found.flows = len(flows)
    by_flow: Counter[str] = Counter()
    first, following = _batches(database, tables)
    last: str | None = None
    size = _FIRST
    while True:
        start = time.perf_counter()
        groups = await (
            database.read_latest(first, (size,))
            if last is None
            else database.read_latest(following, (last, size))
        )
        seconds = time.perf_counter() - start
        found.seconds += seconds
        if not groups:
            break
        rows = 0
        for state, reason, workspace, flow, count, _ in groups:
            rows += count
            found.states[state] += count
            found.workspaces[workspace] += count
            by_flow[flow] += count
            if reason is not None:
                found.left_out[reason] += count
        found.rows += rows
        on_rows(rows)
        last = groups[0][-1]
        size = min(_LARGEST, max(1, int(size * min(2.0, _BATCH_SECONDS / max(seconds, 1e-6)))))
    found.gone = Counter({flow: count for flow, count in by_flow.items() if flow not in flows})
    return found


_FLOWS = "SELECT CAST(id AS text) FROM chat_flow"


def _batches(database: Readable, tables: FlowiseTables) -> tuple[str, str]:
    """Return the statements for the first batch and, after an id, for the following ones."""
    is_sqlite = database.dialect.name == "sqlite"
    reason = reason_of(database.dialect)(tables, "batch")
    columns = ", ".join(f'"{name}"' for name in tables.execution if name != "executionData")
    workspace = "NULL"
    if tables.has_workspaces:
        workspace = "NULLIF(CAST(\"workspaceId\" AS text), '')"
    is_uuid = tables.execution["id"] == "uuid"
    newest = 'max(CAST("id" AS text) COLLATE "C")' if is_uuid else 'max("id")'
    after = "?" if is_sqlite else "$1::text::uuid" if is_uuid else "$1::text"

    def batch(where: str, limit: str) -> str:
        # The last of the batch is the last of one of its groups.
        return (
            "SELECT state, reason, workspace, flow, number, max(last) OVER () FROM ("
            f' SELECT CAST("state" AS text) AS state, {reason} AS reason, {workspace} AS workspace,'
            f' CAST("agentflowId" AS text) AS flow, count(*) AS number, {newest} AS last'
            f' FROM (SELECT {columns} FROM execution {where} ORDER BY "id" LIMIT {limit}) AS batch'
            " GROUP BY 1, 2, 3, 4) AS grouped"
        )

    return (
        batch("", "?" if is_sqlite else "$1::bigint"),
        batch(f'WHERE "id" > {after}', "?" if is_sqlite else "$2::bigint"),
    )


async def _size(database: Readable) -> int:
    if database.dialect.name == "sqlite":
        size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    else:
        size = "SELECT pg_total_relation_size('execution')"
    return int((await database.read_latest(size, ()))[0][0])
