"""Compare how long readers and writers wait while very many executions are deleted.

``make bench`` runs it; ``python bench/deletion.py [ROWS] [SECONDS] [--database postgres]``. Deletes
ROWS executions by a filter, call by call, while clients read the newest 50, read one and update one
in turn, each as fast as it is answered; and lets the same clients ask for SECONDS before and after.
The figure is the longest time that each of them waited during the deletion, over the longest
without it.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
from databases import Database, arguments, databases
from gateways import make_key
from servers import gateway, served

KEPT = 0.1
"""How many executions are kept, as a share of those that are deleted."""
SPAN_MS = 3_000_000_000
NEWEST = "{ executions(first: 50) { nodes { guid state agentflowName createdOn } } }"
ONE = "query ($guid: ID!) { execution(guid: $guid) { guid state agentflowName } }"
UPDATE = (
    "mutation ($guid: ID!, $state: ExecutionState!) {"
    " updateExecution(guid: $guid, input: {state: $state}) { __typename } }"
)
DELETE = (
    "mutation ($filter: ExecutionFilter!) {"
    " deleteExecutionsMatching(filter: $filter) { affected hasMore } }"
)
STATES = ("STOPPED", "ERROR")
Times = dict[str, list[float]]


class Client:
    """A client of the gateway, with a connection of its own."""

    def __init__(self, url: str, key: str) -> None:
        headers = {"authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=120)

    def graphql(self, query: str, **variables: Any) -> Any:
        """Run an operation and return its data."""
        answered = self._http.post("/graphql", json={"query": query, "variables": variables})
        body = answered.raise_for_status().json()
        if "errors" in body:
            raise RuntimeError(body["errors"])
        return body["data"]


def main(kind: str, rows: int, seconds: int) -> None:
    """Measure, and print a table."""
    total = int(rows * (1 + KEPT))
    with databases(kind) as database_of:
        database: Database = database_of(f"deletion{rows}")
        database.fill(total, SPAN_MS)
        database.warm()
        [(guid, since)] = database.select(
            f"SELECT guid, created_on FROM executions WHERE id = {rows + 1}"
        )
        filter_ = {"createdOn": {"lt": datetime.fromtimestamp(since / 1000, UTC).isoformat()}}
        key = make_key(database.url, "read", "update", "delete")
        with served(*gateway(database.url), "/healthz") as running:

            def clients() -> Client:
                return Client(running.url, key)

            before = waits(clients, guid, lambda: time.sleep(seconds))
            calls: list[int] = []
            began = time.perf_counter()
            during = waits(clients, guid, lambda: calls.extend(deletion(clients(), filter_)))
            took = time.perf_counter() - began
            after = waits(clients, guid, lambda: time.sleep(seconds))
    if abs(sum(calls) - rows) > 1:
        raise RuntimeError(f"{sum(calls)} of {rows} were deleted")
    print(f"{sum(calls):,} deleted in {took:.1f} s by {len(calls)} calls")
    print(f"{'client':12} {'median':>14} {'99 %':>14} {'longest':>14}   ratio (at most 10)")
    for name in during:
        without, with_ = [*before[name], *after[name]], during[name]
        print(
            f"{name:12} {_pair(statistics.median, without, with_)}"
            f" {_pair(lambda times: statistics.quantiles(times, n=100)[-1], without, with_)}"
            f" {_pair(max, without, with_)}   {max(with_) / max(without):.1f}"
        )


def _pair(figure: Callable[[list[float]], float], *times: list[float]) -> str:
    return "/".join(f"{figure(each) * 1000:.1f}" for each in times).rjust(14)


def deletion(client: Client, filter_: dict[str, Any]) -> Iterator[int]:
    """Delete what matches, and yield the number of each call."""
    has_more = True
    while has_more:
        done = client.graphql(DELETE, filter=filter_)["deleteExecutionsMatching"]
        yield done["affected"]
        has_more = done["hasMore"]


def waits(clients: Callable[[], Client], guid: str, work: Callable[[], object]) -> Times:
    """Return the seconds that each answer took, by client, while ``work`` runs."""
    asked: dict[str, Callable[[Client, int], object]] = {
        "newest 50": lambda client, _: client.graphql(NEWEST),
        "one by guid": lambda client, _: client.graphql(ONE, guid=guid),
        "update": lambda client, turn: client.graphql(UPDATE, guid=guid, state=STATES[turn % 2]),
    }
    times: Times = {name: [] for name in asked}
    stop = threading.Event()
    threads = [_asking(clients(), each, times[name], stop) for name, each in asked.items()]
    try:
        work()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return times


def _asking(
    client: Client, ask: Callable[[Client, int], object], times: list[float], stop: threading.Event
) -> threading.Thread:
    def run() -> None:
        turn = 0
        while not stop.is_set():
            began = time.perf_counter()
            ask(client, turn)
            times.append(time.perf_counter() - began)
            turn += 1

    thread = threading.Thread(target=run)
    thread.start()
    return thread


if __name__ == "__main__":
    chosen, numbers = arguments(__doc__, rows=1_000_000, seconds=30)
    main(chosen, *numbers)
