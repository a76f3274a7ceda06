"""Clients that vanish, and more of them than can be served: nothing leaks, nobody hangs."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import httpx
import orjson

from tests.faults.programs import graphql, is_ready, program, wait_until
from tests.faults.writes import UPDATE, assert_totals_are_true, fill
from tests.gateway import run_sql
from tests.places import Place

VANISHING = 10_000
MOST_GROWTH_KB = 60_000
"""As many as the work of some of them at once needs; 6 KB kept for each would be more."""
CROWD = 500
SERVED = 20
TURNS = 4

_PAGE = orjson.dumps({"query": "{ executions(first: 200) { totalCount nodes { guid state } } }"})
_CHANGE = orjson.dumps(
    {"query": 'mutation { deleteExecutions(guids: ["g-1", "nobody"]) { affected } }'}
)


def _request(body: bytes) -> bytes:
    head = f"POST /graphql HTTP/1.1\r\nhost: gateway\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"content-type: application/json\r\n\r\n" + body


_REQUESTS = (
    _request(_PAGE),
    _request(_CHANGE),
    b"GET /executions HTTP/1.1\r\nhost: gateway\r\n\r\n",
)


def _open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _memory_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.split("VmRSS:")[1].split()[0])


async def _vanish(url: str, count: int, chance: random.Random) -> None:
    """Clients that go away before, while and after they ask, or while they are answered."""
    address = urlsplit(url)

    async def one() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        request = chance.choice(_REQUESTS)
        writer.write(request[: chance.choice((0, 10, len(request) - 1, len(request)))])
        if chance.random() < 0.3:
            await asyncio.sleep(chance.random() / 50)
        if chance.random() < 0.2:
            with anyio.move_on_after(0.05):
                await reader.read(10)
        writer.transport.abort()

    async def several() -> None:
        for _ in range(count // 20):
            await one()

    await asyncio.gather(*(several() for _ in range(20)))


def test_clients_that_vanish_in_the_middle_of_everything_leave_nothing(place: Place) -> None:
    fill(place, 1_000)
    chance = random.Random(7)
    with program(place, receive_timeout="1") as running:
        # As many at once need some memory; what counts is that more of them need no more.
        anyio.run(_vanish, running.url, VANISHING, chance)
        wait_until(lambda: is_ready(running.url))
        files, memory = _open_files(running.pid), _memory_kb(running.pid)
        anyio.run(_vanish, running.url, VANISHING, chance)
        assert graphql(running.url, "{ __typename }") == {"__typename": "Query"}
        wait_until(lambda: _open_files(running.pid) <= files + 5)
        assert _memory_kb(running.pid) < memory + MOST_GROWTH_KB
        assert_totals_are_true(running.url, place)


async def _crowd(url: str) -> tuple[Counter[int], set[str], list[httpx.Response]]:
    """Each client of a crowd stops executions of its own, and what it was answered."""
    statuses: Counter[int] = Counter()
    acknowledged: set[str] = set()
    refused: list[httpx.Response] = []
    # A connection that is kept may be closed by the server just as it is used again.
    limits = httpx.Limits(max_connections=CROWD, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=120) as client:

        async def one(number: int) -> None:
            for turn in range(TURNS):
                guid = f"g-{number * TURNS + turn}"
                variables = {"guid": guid, "state": "STOPPED"}
                answer = await client.post(
                    "/graphql", json={"query": UPDATE, "variables": variables}
                )
                statuses[answer.status_code] += 1
                if answer.status_code == 503:
                    refused.append(answer)
                elif "errors" not in answer.json():
                    acknowledged.add(guid)

        await asyncio.gather(*map(one, range(CROWD)))
    return statuses, acknowledged, refused


def test_of_a_crowd_some_are_served_and_the_others_refused_and_nothing_is_lost(
    place: Place,
) -> None:
    fill(place, CROWD * TURNS)
    with program(place, max_concurrent_requests=str(SERVED)) as running:
        statuses, acknowledged, refused = anyio.run(_crowd, running.url)
        assert set(statuses) <= {200, 503}
        assert statuses[200] > 0
        assert all("retry-after" in answer.headers for answer in refused)
        stopped = run_sql(place, "SELECT guid FROM executions WHERE state = 'STOPPED'")
        assert acknowledged <= {guid for (guid,) in stopped}
        assert is_ready(running.url)
        assert_totals_are_true(running.url, place)
