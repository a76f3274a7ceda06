"""Compare how long readers and writers wait while very many executions are deleted.

``make bench`` runs it; ``python bench/deletion.py [ROWS] [SECONDS] [--database postgres]``. Deletes
ROWS executions by a filter, call by call, while clients read the newest 50, read one and update one
again and again, and an engine updates one with plain SQL; and lets the same clients ask for SECONDS
before and after.
The figure is the longest time that each of them waited during the deletion, over the longest
without it.
"""

import asyncio
import itertools
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
from databases import Database, arguments, databases
from gateways import make_key
from servers import gateway, served
from sqlite_database import SQLiteDatabase

KEPT = 0.1
"""How many executions are kept, as a share of those that are deleted."""
PAUSE = 0.01
"""How long each client pauses after an answer, in seconds."""
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

            asked = {
                "newest 50": lambda: reader(clients(), NEWEST),
                "one by guid": lambda: reader(clients(), ONE, guid=guid),
                "update": lambda: writer(clients(), guid),
                "plain SQL": lambda: engine(database, rows + 2),
            }
            before = waits(asked, lambda: time.sleep(seconds))
            calls: list[int] = []
            began = time.perf_counter()
            during = waits(asked, lambda: calls.extend(deletion(clients(), filter_)))
            took = time.perf_counter() - began
            after = waits(asked, lambda: time.sleep(seconds))
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


def reader(client: Client, query: str, **variables: Any) -> Iterator[None]:
    """Read again and again."""
    while True:
        client.graphql(query, **variables)
        yield


def writer(client: Client, guid: str) -> Iterator[None]:
    """Update an execution again and again."""
    for state in itertools.cycle(STATES):
        client.graphql(UPDATE, guid=guid, state=state)
        yield


def engine(database: Database, number: int) -> Iterator[None]:
    """Update an execution again and again with plain SQL, on a connection of its own."""
    statement = "UPDATE executions SET session_id = {} WHERE id = {}"
    if isinstance(database, SQLiteDatabase):
        with closing(sqlite3.connect(database.path, 60, isolation_level=None)) as connection:
            for turn in itertools.count():
                connection.execute(statement.format("?", "?"), (f"session-{turn}", number))
                yield
    with asyncio.Runner() as runner:
        server = runner.run(asyncpg.connect(database.url))
        try:
            for turn in itertools.count():
                runner.run(server.execute(statement.format("$1", "$2"), f"session-{turn}", number))
                yield
        finally:
            runner.run(server.close())


def waits(asked: dict[str, Callable[[], Iterator[None]]], work: Callable[[], object]) -> Times:
    """Return the seconds that each answer took, by client, while ``work`` runs."""
    times: Times = {name: [] for name in asked}
    stop = threading.Event()
    threads = [
        threading.Thread(target=_ask, args=(asked[name], times[name], stop)) for name in asked
    ]
    for thread in threads:
        thread.start()
    try:
        work()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return times


def _ask(start: Callable[[], Iterator[None]], times: list[float], stop: threading.Event) -> None:
    asking = start()
    # The first answer is that of a new connection.
    next(asking)
    # A writer that never pauses leaves no other program SQLite's lock.
    while not stop.wait(PAUSE):
        began = time.perf_counter()
        next(asking)
        times.append(time.perf_counter() - began)


if __name__ == "__main__":
    chosen, numbers = arguments(__doc__, rows=1_000_000, seconds=30)
    main(chosen, *numbers)
