"""How long one request can block the event loop, and how much memory many requests leave.

``python bench/limits.py [ROWS] [--database postgres]``. Each limit is used up by each kind of
request that it limits. The figure is the processor time of the longest callback of the event loop
that the request caused, also as a multiple of preparing a document of 30 fields. Set ``BENCH_ONLY``
to a part of the names of the requests to send.
"""

import asyncio
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from attack_requests import Request
from attacks import attacks
from databases import Database, arguments, databases
from rows import SPAN_MS

from app import create_app
from server.operation.serving import server_config
from server.operation.settings import Settings

ROUNDS = 3
LONGEST = 10.0
"""The longest that one callback of the loop may take, in milliseconds."""
DISTINCT = 2_000


class Turns:
    """The longest callback of an event loop, in milliseconds of its thread's processor time."""

    longest = 0.0

    def watch(self) -> None:
        """Time every callback of asyncio's own loop."""
        run = asyncio.Handle._run  # noqa: SLF001 - the loop offers no other place

        def measured(handle: asyncio.Handle) -> None:
            began = time.thread_time()
            run(handle)
            self.longest = max(self.longest, (time.thread_time() - began) * 1000)

        asyncio.Handle._run = measured  # type: ignore[assignment, method-assign] # noqa: SLF001 - as above


def main(kind: str, rows: int) -> None:
    """Send all requests and print one table."""
    turns = Turns()
    turns.watch()
    chosen = os.environ.get("BENCH_ONLY", "")
    with databases(kind) as database_of:
        database: Database = database_of(f"limits{rows}")
        if not database.is_there():
            database.fill(rows, SPAN_MS)
        guids = [guid for (guid,) in database.select("SELECT guid FROM executions")]
        with serving(database.url) as url, httpx.Client(base_url=url, timeout=120) as client:
            unit = calibrated(client, turns)
            print(f"a document of 30 fields: {unit:.2f} ms")
            print(f"{'request':54} {'status':>6} {'answer':>9} {'ms':>8} {'times':>7} {'told':>9}")
            for request in attacks(guids):
                if chosen in request.name:
                    report(request, client, turns, unit)
            growth(client)


@contextmanager
def serving(url: str) -> Iterator[str]:
    """Serve in this process, on asyncio's own loop."""
    settings = Settings(_env_file=None, database_url=url, port=0, max_batch=10)
    config = server_config(create_app(settings), settings, loop="asyncio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def calibrated(client: httpx.Client, turns: Turns) -> float:
    """Return the longest callback of preparing a new document."""
    fields = "guid state agentflowId agentflowName sessionId createdOn updatedOn"
    taken = []
    for number in range(21):
        page = f"executions(first: 1) {{ nodes {{ {fields} }} edges {{ cursor node {{ id }} }} }}"
        turns.longest = 0.0
        query = f"query N{number} {{ {page} b: {page} c: {page} }}"
        client.post("/graphql", json={"query": query}).raise_for_status()
        client.get("/healthz")
        taken.append(turns.longest)
    return statistics.median(taken)


def report(request: Request, client: httpx.Client, turns: Turns, unit: float) -> None:
    """Send a request several times, cold each time, and print the best result."""
    taken = []
    for number in range(ROUNDS):
        body = request.body(number)
        turns.longest = 0.0
        try:
            answer = client.request(
                request.method, request.path, content=body, headers=request.headers
            )
        except httpx.RemoteProtocolError as error:
            print(f"{request.name:54} {error}")
            return
        # Once another request is answered, the callback that wrote the response has ended.
        client.get("/healthz")
        taken.append(turns.longest)
    best = min(taken)
    mark = " !" if best > LONGEST else ""
    sent = len(answer.content)
    print(
        f"{request.name:54} {answer.status_code:6} {sent:9,} {best:8.1f} {best / unit:7.1f}"
        f" {said(answer)}{mark}",
        flush=True,
    )


def said(answer: httpx.Response) -> str:
    """Return the error code of a response."""
    try:
        body: Any = answer.json()
    except ValueError:
        return "-"
    if not isinstance(body, dict):
        return "-"
    errors = body.get("errors") or [{"extensions": body}]
    extensions = errors[0].get("extensions", {})
    return f"{extensions.get('code', 'ok')} {extensions.get('limit', '')}".strip()


def growth(client: httpx.Client) -> None:
    """Print how much memory thousands of distinct requests leave."""
    kinds: dict[str, Callable[[int], Any]] = {
        "documents of 900 kB": lambda n: {"query": f"#{n}{'x' * 900_000}\n{{ __typename }}"},
        "documents of 1,800 tokens": lambda n: {
            "query": f"query A{n} {{ executions(filter: {{or: ["
            + '{guid: {eq: "a"}}' * 170
            + "]}) { totalCount } }"
        },
        "choices of conditions": lambda n: {
            "query": "query ("
            + " ".join(f"$c{i}: Boolean!" for i in range(12))
            + ") { executions(first: 1) { nodes {"
            + " ".join(f"a{i}: guid @include(if: $c{i})" for i in range(12))
            + "} } }",
            "variables": {f"c{i}": bool(n >> i & 1) for i in range(12)},
        },
    }
    for name, body_of in kinds.items():
        before = resident()
        number = DISTINCT // 10 if "900" in name else DISTINCT
        for place in range(number):
            client.post("/graphql", json=body_of(place))
        print(f"{number} {name}: {resident() - before:+.0f} MB")
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(("gateway_store_bytes", "gateway_store_entries")):
            print(line)


def resident() -> float:
    """Return the resident memory of this process, in megabytes."""
    with open("/proc/self/statm") as file:  # noqa: PTH123 - the kernel's file
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit("The memory of a process is read from /proc")
    kind, numbers = arguments(__doc__, rows=12_000)
    main(kind, *numbers)
