"""Two worlds with the same workspace in them: alone in one, beside others in the other.

Who is bound to that workspace must not be able to tell the worlds apart.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import httpx

from db.keys import Keys, Scope
from db.models import ExecutionState
from db.opening import open_database
from db.source import ExecutionRow
from tests.gateway import Gateway, bearer, insert, running_gateway
from tests.places import Place
from tests.sample import START, as_kept

OWN, OTHER = "ws-alpha", "ws-bravo"
_STATES = list(ExecutionState)
_FLOWS = {
    OWN: ("flow-alpha", "flow-shared"),
    OTHER: ("flow-bravo", "flow-shared"),
    None: ("flow-nobody", "flow-shared"),
}
FLOWS = {
    "flow-alpha": "Alpha's flow",
    "flow-shared": "The shared flow",
    "flow-bravo": "Bravo's flow",
    "flow-nobody": "Nobody's flow",
    "flow-idle": "Nobody's idle flow",
}
OTHERS = ("bravo", "nobody")
"""What is in every text that is not for the workspace."""


def _rows_of(workspace: str | None, first_id: int) -> list[ExecutionRow]:
    name = (workspace or "ws-nobody").removeprefix("ws-")
    rows = []
    for number in range(12):
        flow = _FLOWS[workspace][number % 2]
        # At the same times as in the other workspaces, and in sessions that they share.
        created_on = START + number // 2 * 3_600_000
        rows.append(
            as_kept(
                ExecutionRow(
                    first_id + 3 * number,
                    f"{name}-{number:02}",
                    flow,
                    FLOWS[flow],
                    ["session-shared", f"session-{name}", None][number % 3],
                    _STATES[number % 6].value,
                    created_on,
                    created_on + 1000 * number,
                    created_on + 700 * number,
                    workspace_id=workspace,
                    error=f"{name} failed" if number % 6 == 2 else None,
                )
            )
        )
    return rows


ROWS = [*_rows_of(OWN, 1), *_rows_of(OTHER, 2), *_rows_of(None, 3)]
OWN_ROWS = [row for row in ROWS if row.workspace_id == OWN]
OTHER_ROWS = [row for row in ROWS if row.workspace_id != OWN]


@dataclass
class World:
    """A gateway, and keys for it: bound to the workspace, to another one, and to none."""

    gateway: Gateway
    own: str
    other: str
    all: str

    def send(self, request: httpx.Request | None = None, **options: Any) -> httpx.Response:
        """Send a request with the key of the workspace, unless it has another one."""
        assert request is None
        method, url = options.pop("method"), options.pop("url")
        key = options.pop("key", self.own)
        headers = {**options.pop("headers", {}), **bearer(key)}
        return self.gateway.http.request(method, url, headers=headers, **options)

    def post(self, query: str, *, key: str | None = None, **variables: Any) -> httpx.Response:
        """Run an operation with the key of the workspace, or another one."""
        body = {"query": query, "variables": variables}
        return self.send(method="POST", url="/graphql", json=body, key=key or self.own)

    def rows(self, where: str = "true") -> list[tuple[Any, ...]]:
        """The executions as they are in the table."""
        return self.gateway.sql(
            "SELECT id, guid, agentflow_id, session_id, state, created_on, workspace_id"
            f" FROM executions WHERE {where} ORDER BY id"
        )


@dataclass
class Worlds:
    """The workspace beside others, and alone."""

    beside: World
    alone: World
    may_be_changed: bool = False
    """Whether something may have changed since all executions were written."""

    def __iter__(self) -> Iterator[World]:
        return iter((self.beside, self.alone))

    def fill(self) -> None:
        """Write all executions anew."""
        for world, rows in ((self.beside, ROWS), (self.alone, OWN_ROWS)):
            world.gateway.sql("DELETE FROM executions")
            insert(world.gateway.place, rows)
            world.gateway.place.run(
                "INSERT INTO execution_data (execution_id, data) VALUES (?, ?)",
                [(row.id, _data_of(row)) for row in rows],
            )
        self.may_be_changed = False


def _data_of(row: ExecutionRow) -> str:
    """The data of an execution, with an error if it has one."""
    status = "FINISHED" if row.error is None else "ERROR"
    data = {"output": f"of {row.guid}", "error": row.error}
    return json.dumps([{"nodeId": "one", "nodeLabel": "One", "status": status, "data": data}])


def _keys(place: Place) -> list[str]:
    async def make() -> list[str]:
        database = open_database(place.url)
        try:
            keys = Keys(database)
            return [
                (await keys.create("key", Scope, workspace=workspace))[1]
                for workspace in (OWN, OTHER, None)
            ]
        finally:
            await database.close()

    return anyio.run(make)


@contextmanager
def running_worlds(new_place: Callable[[], Place], **settings: Any) -> Iterator[Worlds]:
    """Two gateways, over filled databases."""
    with ExitStack() as stack:
        made = []
        for flows in (FLOWS, _flows_of(OWN_ROWS)):
            place = new_place()
            keys = _keys(place)
            place.run("INSERT INTO agentflows (id, name) VALUES (?, ?)", list(flows.items()))
            gateway = stack.enter_context(running_gateway(place, auth="keys", **settings))
            made.append(World(gateway, *keys))
        worlds = Worlds(beside=made[0], alone=made[1])
        worlds.fill()
        yield worlds


def _flows_of(rows: list[ExecutionRow]) -> dict[str, str]:
    return {row.agentflow_id: FLOWS[row.agentflow_id] for row in rows}
