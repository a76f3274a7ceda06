"""What a key sees follows from its workspace alone, whoever else asks the same, or asked before."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.gateway import bearer
from tests.places import Place
from tests.plain_http import NO_TLS
from tests.reference.rows import allow_anything
from tests.server.graphql.subscriptions.watchers import Watcher
from tests.workspaces.selections import asking
from tests.workspaces.worlds import OTHER, OWN, ROWS, World, Worlds, running_worlds

pytestmark = pytest.mark.anyio

_LATEST = 30
_COUNT = "{ executions { totalCount } executionStats { totalCount } }"
_ASKED: list[dict[str, Any]] = [
    *(
        {"method": "POST", "url": "/graphql", "json": {"query": query}}
        for query in (
            _COUNT,
            asking("executions", "first: 5", depth=2),
            asking("executionPage", "limit: 5", depth=1),
            asking("execution", 'guid: "alpha-03"', depth=2),
            asking("agentflows", depth=2),
            asking("session", 'sessionId: "session-shared"', depth=2),
            asking("executionStats", depth=2),
            asking("viewer"),
        )
    ),
    *(
        {"method": "GET", "url": url}
        for url in ("/executions", "/executions?limit=5", "/executions/alpha-03")
    ),
]


@pytest.fixture(scope="module")
def running(new_place: Callable[[], Place]) -> Iterator[Worlds]:
    with running_worlds(new_place) as worlds:
        yield worlds


@pytest.fixture
def world(running: Worlds) -> Iterator[World]:
    """The world with several workspaces."""
    world = running.beside
    yield world
    for number, workspace in enumerate((OWN, OTHER, None), 1):
        world.gateway.sql("UPDATE api_keys SET workspace_id = ? WHERE id = ?", workspace, number)


async def test_what_several_keys_ask_at_the_same_time_is_answered_for_each(world: World) -> None:
    keys = (world.own, world.other, world.all)
    limits = httpx.Limits(max_connections=30)
    async with httpx.AsyncClient(
        base_url=world.gateway.url, timeout=60, limits=limits, verify=NO_TLS
    ) as client:

        async def ask(asked: dict[str, Any], key: str) -> bytes:
            answer = await client.request(**asked, headers=bearer(key))
            return answer.content

        for asked in _ASKED:
            alone = [await ask(asked, key) for key in keys]
            assert len(set(alone)) >= 2
            together = await asyncio.gather(*(ask(asked, key) for _ in range(5) for key in keys))
            assert together == alone * 5


def _counted(world: World) -> int:
    counts = world.post(_COUNT).json()["data"]
    [count] = {each["totalCount"] for each in counts.values()}
    assert isinstance(count, int)
    return count


def test_a_key_that_is_bound_to_something_else_sees_that_instead(world: World) -> None:
    """An empty text is not all of them."""
    before = 12
    for workspace, count in (("", 0), (None, len(ROWS)), ("nobody's", 0), (OTHER, 12)):
        world.gateway.sql("UPDATE api_keys SET workspace_id = ? WHERE id = 1", workspace)
        until = time.monotonic() + _LATEST
        while (counted := _counted(world)) == before:
            assert time.monotonic() < until, "it still sees what it saw before"
        assert counted == count
        before = count


def test_a_websocket_asks_each_time_what_its_key_is_bound_to(world: World) -> None:
    until = time.monotonic() + _LATEST
    with Watcher(world.gateway.url, key=world.own) as watcher:

        def counted(name: str) -> int:
            watcher.subscribe(name, "{ executions { totalCount } }")
            told, done = watcher.read(), watcher.read()
            assert done == {"id": name, "type": "complete"}
            count: int = told["payload"]["data"]["executions"]["totalCount"]
            return count

        assert counted("first") == 12
        for workspace, count in ((None, len(ROWS)), (OWN, 12)):
            world.gateway.sql("UPDATE api_keys SET workspace_id = ? WHERE id = 1", workspace)
            while counted("next") != count:
                assert time.monotonic() < until, "it still sees what it saw before"


@pytest.mark.sqlite
def test_texts_that_are_shown_alike_are_found_in_the_own_workspace(
    new_place: Callable[[], Place],
) -> None:
    """Two that are not UTF-8 are shown with the same replacement character."""
    with running_worlds(new_place) as worlds:
        world = worlds.beside
        place = world.gateway.place
        allow_anything(place)
        for raw, workspace in ((b"\xfe", OTHER), (b"\xff", OWN)):
            place.run(
                "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on,"
                " workspace_id) VALUES (CAST(?1 AS TEXT), CAST(?1 AS TEXT), CAST(?1 AS TEXT),"
                " 'FINISHED', 0, ?2)",
                [(b"odd-" + raw, workspace)],
            )
        query = """{
          execution(guid: "odd-\ufffd") { workspaceId }
          agentflow(agentflowId: "odd-\ufffd") { executions { nodes { workspaceId } } }
          session(sessionId: "odd-\ufffd") { executions { nodes { workspaceId } } }
        }"""
        for key, workspace in ((world.own, OWN), (world.other, OTHER)):
            found = world.post(query, key=key).json()["data"]
            own = {"workspaceId": workspace}
            nodes = {"executions": {"nodes": [own]}}
            assert found == {"execution": own, "agentflow": nodes, "session": nodes}
        deletion = 'mutation { deleteExecution(guid: "odd-\ufffd") { __typename } }'
        assert "Success" in world.post(deletion).text
        left = "SELECT workspace_id FROM executions WHERE agentflow_id LIKE 'odd-%'"
        assert world.gateway.sql(left) == [(OTHER,)]
