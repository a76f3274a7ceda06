"""Which requests count towards the concurrency limit, and which do not."""

import contextlib
import functools
import json
import re
import socket
from collections.abc import Callable, Iterator

import anyio
import httpx
import pytest

from server.http.health import SingleFlight
from tests.faults.programs import wait_until
from tests.gateway import Gateway, bearer, make_key, running_gateway
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.wire import connected, places_taken, taken_places

_FILL = """
INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
SELECT 'guid-' || n, 'flow', 'session', 'FINISHED', 1700000000000 + n FROM numbers
"""


def _requests_under_way(gateway: Gateway) -> int:
    metrics = gateway.http.get("/metrics").text
    return (
        int(float(re.findall(r"^gateway_requests_under_way (\S+)", metrics, re.MULTILINE)[0])) - 1
    )


@contextlib.contextmanager
def unread_streams(gateway: Gateway, count: int) -> Iterator[None]:
    """Clients that ask for the whole list and read nothing of it."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.connect((gateway.http.base_url.host, gateway.http.base_url.port))
            client.sendall(b"GET /executions HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: _requests_under_way(gateway) == count)
        yield


@pytest.fixture
def key(place: Place) -> dict[str, str]:
    return bearer(make_key(place, "read", "update", "delete"))


def test_who_has_no_key_takes_no_place(place: Place, key: dict[str, str]) -> None:
    with running_gateway(place, max_concurrent_requests=1, busy_timeout=60.0) as gateway:
        gateway.insert(SAMPLE)
        gateway.http.headers.update(key)
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                client = stack.enter_context(connected(gateway))
                client.sendall(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n")
                assert client.recv(65_536).startswith(b"HTTP/1.1 401 ")
            assert gateway.http.get("/executions?page=1").status_code == 200


def test_a_body_that_is_still_being_sent_takes_no_place(place: Place, key: dict[str, str]) -> None:
    with running_gateway(place, max_concurrent_requests=1, receive_timeout=60.0) as gateway:
        gateway.http.headers.update(key)
        lines = f"Host: x\r\nAuthorization: {key['authorization']}\r\nContent-Length: 99\r\n\r\n"
        requests = [
            "POST /graphql HTTP/1.1\r\nContent-Type: application/json\r\n",
            "PUT /executions/x HTTP/1.1\r\n",
            "DELETE /executions HTTP/1.1\r\n",
        ]
        with contextlib.ExitStack() as stack:
            for head in requests:
                stack.enter_context(connected(gateway)).sendall(f"{head}{lines}{{".encode())
            wait_until(lambda: _requests_under_way(gateway) == len(requests))
            assert gateway.http.get("/executions?page=1").status_code == 200
            assert gateway.http.put("/executions/x", json={}).status_code == 404


def test_who_finds_no_place_is_refused_before_the_body(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_concurrent_requests=1, busy_timeout=60.0)
    gateway.insert(SAMPLE)
    with places_taken(gateway, 1), connected(gateway) as client:
        client.sendall(
            b"PUT /executions/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        )
        assert client.recv(65_536).startswith(b"HTTP/1.1 503 ")


@pytest.mark.sqlite
def test_whole_lists_that_nobody_reads_keep_only_whole_lists_out(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_concurrent_requests=1, max_streams=2, send_timeout=600.0)
    gateway.sql(_FILL, 100_000)
    with unread_streams(gateway, 2):
        assert gateway.http.get("/executions?page=1").status_code == 200
        assert gateway.http.get("/executions/guid-1").status_code == 200
        refused = gateway.http.get("/executions")
        assert refused.status_code == 503
        assert refused.json()["message"] == (
            "The gateway works on 2 streams already (max_streams); try again in a moment"
        )
        events = gateway.http.post(
            "/graphql", json={"query": "{ __typename }"}, headers={"accept": "text/event-stream"}
        )
        assert events.status_code == 503
    wait_until(lambda: gateway.http.get("/executions?guid=guid-1").status_code == 200)


@pytest.mark.sqlite
def test_pages_that_nobody_reads_keep_nobody_out(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(max_concurrent_requests=1, send_timeout=600.0)
    gateway.sql(_FILL, 1_000)
    # A page is larger than what the system takes for a client that reads nothing.
    gateway.sql("UPDATE executions SET session_id = printf('%.*c', 9000, 'x')")
    page = b"GET /executions?page=1&limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n"

    def is_stuck(count: int) -> bool:
        # Of one moment: each client has its first answer, and the second one waits for it.
        metrics = gateway.http.get("/metrics").text
        return all(
            line in metrics.splitlines()
            for line in (
                f'gateway_requests_total{{edge="rest",method="GET",status="200"}} {count}.0',
                f"gateway_requests_under_way {count + 1}.0",
                'gateway_places_taken{limit="max_concurrent_requests"} 0.0',
            )
        )

    with contextlib.ExitStack() as stack:
        for count in range(1, 4):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.connect((gateway.http.base_url.host, gateway.http.base_url.port))
            # The second answer waits for the first one, which was handed over whole.
            client.sendall(page * 2)
            wait_until(functools.partial(is_stuck, count))
        for _ in range(20):
            wait_until(lambda: gateway.http.get("/executions/guid-1").status_code == 200)
        wait_until(lambda: taken_places(gateway, "max_concurrent_requests") == 0)


@pytest.mark.sqlite
def test_a_stream_that_is_not_read_is_cut_off(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(max_streams=1, send_timeout=0.5)
    gateway.sql(_FILL, 100_000)
    with unread_streams(gateway, 1):
        wait_until(lambda: gateway.http.get("/executions?guid=guid-1").status_code == 200)
        wait_until(lambda: _requests_under_way(gateway) == 0)
    assert 'gateway_limit_refusals_total{limit="send_timeout"} 1.0' in (
        gateway.http.get("/metrics").text
    )


@pytest.mark.sqlite
def test_a_stream_that_is_read_slowly_comes_to_its_end(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(send_timeout=2.0)
    gateway.sql(_FILL, 50_000)
    small = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)]
    transport = httpx.HTTPTransport(socket_options=small)
    with (
        httpx.Client(transport=transport, timeout=60) as client,
        client.stream("GET", f"{gateway.url}/executions") as answer,
    ):
        pieces = []
        for piece in answer.iter_raw(16_384):
            anyio.run(anyio.sleep, 0.01)
            pieces.append(piece)
    assert len(json.loads(b"".join(pieces))) == 50_000


@pytest.mark.anyio
async def test_all_who_ask_whether_it_is_ready_share_one_look() -> None:
    looks, asked = 0, anyio.Event()

    async def look() -> None:
        nonlocal looks
        looks += 1
        await asked.wait()

    ready = SingleFlight(look)
    gone = anyio.CancelScope()

    async def go_away() -> None:
        with gone:
            await ready()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(go_away)
        for _ in range(100):
            tasks.start_soon(ready)
        await anyio.wait_all_tasks_blocked()
        gone.cancel()
        await anyio.wait_all_tasks_blocked()
        asked.set()
    assert looks == 1
    await ready()
    assert looks == 2


def test_a_link_is_left_out_where_the_query_is_long(sample_gateway: Gateway) -> None:
    short, long = "x" * 3_000, "x" * 60_000
    assert "link" in sample_gateway.http.get(f"/executions?page=1&own={short}").headers
    answer = sample_gateway.http.get(f"/executions?page=1&own={long}")
    assert (answer.status_code, "link" in answer.headers) == (200, False)
    assert answer.headers["x-total-count"] == str(len(SAMPLE))


def test_lists_that_were_read_are_bounded_in_bytes(sample_gateway: Gateway) -> None:
    for number in range(100):
        query = f"page=1&own={number:05}{'x' * 60_000}"
        assert sample_gateway.http.get(f"/executions?{query}").status_code == 200
    metrics = sample_gateway.http.get("/metrics").text
    [kept] = re.findall(r'gateway_store_bytes{store="rest_lists"} (\S+)', metrics)
    assert float(kept) <= 2 * 1024 * 1024
