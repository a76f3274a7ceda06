"""Clients that vanish, and more of them than can be served: nothing leaks, nobody hangs."""

import asyncio
import os
import random
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import orjson
import pytest

from tests.faults.load import load, share
from tests.faults.programs import graphql, is_ready, program, requests_under_way, wait_until
from tests.faults.writes import assert_totals_are_true, fill
from tests.gateway import run_sql
from tests.places import Place

pytestmark = pytest.mark.load

VANISHING = 10_000
MOST_GROWTH_KB = 60_000
"""As many as the work of some of them at once needs; 6 KB kept for each would be more."""
CROWD = 500
SERVED = 20
EACH = 20
SECONDS = float(os.environ.get("LOAD_SECONDS", "60"))
"""How long the crowd stays; on both databases two minutes in all."""
MOST_SLOWER = 8
"""Were none refused, everyone would wait for all others: as often longer as there are too many."""

_PAGE = orjson.dumps({"query": "{ executions(first: 200) { totalCount nodes { guid state } } }"})
_CHANGE = orjson.dumps(
    {"query": 'mutation { deleteExecutions(guids: ["g-1", "nobody"]) { affected } }'}
)


def _request(body: bytes, headers: bytes = b"") -> bytes:
    head = f"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + headers + b"content-type: application/json\r\n\r\n" + body


_REQUESTS = (
    _request(_PAGE),
    _request(_CHANGE),
    _request(_CHANGE.replace(b"{", b"{" + b" " * 20_000, 1)),
    _request(_PAGE, b"accept: text/event-stream\r\n"),
    b"GET /executions HTTP/1.1\r\nhost: localhost\r\n\r\n",
)
_HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
)


def _frame(message: object) -> bytes:
    """A text frame of a WebSocket (RFC 6455, section 5.2), masked with zeros."""
    text = orjson.dumps(message)
    assert len(text) < 126
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text


_MESSAGES = _frame({"type": "connection_init"}) + b"".join(
    _frame({"type": "subscribe", "id": str(n), "payload": {"query": query}})
    for n, query in enumerate(
        (
            "{ executions(first: 200) { nodes { guid } } }",
            'mutation { deleteExecution(guid: "g-2") { __typename } }',
        )
    )
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
        request = chance.choice((*_REQUESTS, _HANDSHAKE, _MESSAGES))
        if request is _MESSAGES:
            writer.write(_HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
        size = len(request)
        writer.write(request[: chance.choice((0, 10, size // 2, size - 1, size, size))])
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
        anyio.run(_vanish, running.url, VANISHING // 3, chance)
        wait_until(lambda: is_ready(running.url))
        files, memory = _open_files(running.pid), _memory_kb(running.pid)
        anyio.run(_vanish, running.url, VANISHING, chance)
        assert graphql(running.url, "{ __typename }") == {"__typename": "Query"}
        wait_until(lambda: _open_files(running.pid) <= files + 5)
        # The last of them may have gone while its statement ran, which is then interrupted.
        wait_until(lambda: requests_under_way(running.url) == 0)
        assert _memory_kb(running.pid) < memory + MOST_GROWTH_KB
        assert_totals_are_true(running.url, place)


def test_of_a_crowd_some_are_served_as_soon_as_ever_and_the_others_refused_at_once(
    place: Place,
) -> None:
    fill(place, CROWD * EACH)
    with program(place, max_concurrent_requests=str(SERVED)) as running:
        alone = anyio.run(load, running.url, SERVED, EACH, SECONDS / 6)
        first = anyio.run(load, running.url, CROWD, EACH, SECONDS / 3)
        files, memory = _open_files(running.pid), _memory_kb(running.pid)
        crowd = anyio.run(load, running.url, CROWD, EACH, SECONDS)
        assert alone.refused == []
        assert min(map(len, (crowd.served, crowd.refused))) > 10 * SECONDS
        # They have the gateway's processor to share with those who are refused, and no more.
        assert share(crowd.served, 0.5) < MOST_SLOWER * share(alone.served, 0.5)
        assert share(crowd.served, 0.99) < CROWD / SERVED * share(alone.served, 0.99)
        assert share(crowd.refused, 0.5) < share(crowd.served, 0.5)
        known = dict.fromkeys((f"g-{n}" for n in range(CROWD * EACH)), "INPROGRESS")
        known |= alone.states | first.states | crowd.states
        assert dict(run_sql(place, "SELECT guid, state FROM executions")) == known
        wait_until(lambda: _open_files(running.pid) <= files + 5)
        assert _memory_kb(running.pid) < memory + MOST_GROWTH_KB
        assert_totals_are_true(running.url, place)
