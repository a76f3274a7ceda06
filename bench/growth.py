"""Compare request times between a small and a large database.

``make bench`` runs it; ``python bench/growth.py [FEW] [MANY] [ROUNDS] [--database postgres]``. Each
request returns as much from both databases; the figure is its median time on the large one over
that on the small one, measured alternately. Set ``BENCH_DATABASES`` to a folder to keep the
databases, and ``BENCH_ONLY`` to a part of the names of the requests to send.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import httpx
from cursors import cursor_at
from databases import Database, arguments, databases
from gateways import make_key
from rows import BEGIN_MS, SPAN_MS
from servers import gateway, served
from workloads import NESTED

FIELDS = "guid state agentflowId agentflowName sessionId createdOn"
PAGE = (
    "query ($filter: ExecutionFilter, $orderBy: [ExecutionOrder!], $first: Int, $after: String,"
    " $last: Int) { executions(filter: $filter, orderBy: $orderBy, first: $first, after: $after,"
    f" last: $last) {{ nodes {{ {FIELDS} }} pageInfo {{ endCursor hasNextPage }} }} }}"
)
TOTAL = "query ($filter: ExecutionFilter) { executions(filter: $filter, first: 0) { totalCount } }"
DASHBOARD = (
    "query ($filter: ExecutionFilter) { executionStats(filter: $filter) { totalCount"
    " byState { state count } timeline { start totalCount byState { state count } }"
    " byAgentflow(first: 10) { agentflow { agentflowId name } count } } }"
)
LIMIT = 1.5

Filter = dict[str, Any]


class Side:
    """A gateway over a database of one size."""

    def __init__(self, database: Database, rows: int, url: str, key: str) -> None:
        self.database = database
        self.rows = rows
        self.client = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60
        )
        find = f"SELECT guid, session_id FROM executions WHERE id = {rows // 2}"
        [(self.guid, self.session)] = database.select(find)

    def graphql(self, query: str, **variables: Any) -> Any:
        """Run an operation and return its data."""
        answered = self.client.post("/graphql", json={"query": query, "variables": variables})
        body = answered.json()
        if "errors" in body:
            sys.exit(f"{query}\n{body['errors']}")
        return body["data"]

    def rest(self, **parameters: Any) -> None:
        """Request a page of the REST list."""
        self.client.get("/executions", params=parameters).raise_for_status()

    def cursor_at(self, share: float, order: list[dict[str, str]] | None, filter_: Filter) -> str:
        """Return a cursor past a share of all matching executions, in an order."""
        return cursor_at(self.database, share, order, filter_)


def iso(share: float) -> str:
    """Return the time at which a share of all executions had been created."""
    return datetime.fromtimestamp((BEGIN_MS + share * SPAN_MS) / 1000, UTC).isoformat()


FILTERS: dict[str, Callable[[Side], Filter]] = {
    "everything": lambda _: {},
    "one state": lambda _: {"state": {"eq": "ERROR"}},
    "two states": lambda _: {"state": {"in": ["TIMEOUT", "STOPPED"]}},
    "all states but one": lambda _: {"state": {"notIn": ["FINISHED"]}},
    "an agentflow": lambda _: {"agentflowId": {"eq": "flow-00003"}},
    "a rare agentflow": lambda _: {"agentflowId": {"eq": "flow-00049"}},
    "two agentflows": lambda _: {"agentflowId": {"in": ["flow-00004", "flow-00030"]}},
    "a part of names": lambda _: {"agentflowName": {"contains": "agent c"}},
    "a rare name": lambda _: {"agentflowName": {"contains": "49"}},
    "a range of time": lambda _: {"createdOn": {"gte": iso(0.3001), "lt": iso(0.6007)}},
    "state and time": lambda _: {
        "state": {"eq": "ERROR"},
        "createdOn": {"gte": iso(0.3001), "lt": iso(0.6007)},
    },
    "agentflow and state": lambda _: {
        "agentflowId": {"eq": "flow-00007"},
        "state": {"eq": "STOPPED"},
    },
    "agentflow, state, time": lambda _: {
        "agentflowId": {"eq": "flow-00001"},
        "state": {"eq": "ERROR"},
        "createdOn": {"gte": iso(0.1003), "lt": iso(0.9001)},
    },
    "either of two": lambda _: {
        "or": [{"state": {"eq": "TIMEOUT"}}, {"agentflowId": {"eq": "flow-00009"}}]
    },
    "a session": lambda side: {"sessionId": {"eq": side.session}},
    "a guid": lambda side: {"guid": {"eq": side.guid}},
}
ORDERS = (
    "CREATED_ON",
    "UPDATED_ON",
    "FINISHED_ON",
    "DURATION",
    "STATE",
    "AGENTFLOW_ID",
    "SESSION_ID",
)
_DAY = 86_400_000
_MIDNIGHT = (BEGIN_MS // _DAY + 1) * _DAY


def _days(first: int, number: int, moved: int = 0) -> Filter:
    """Return the range of some days after the first one, moved by some milliseconds."""
    since = (_MIDNIGHT + first * _DAY + moved) / 1000
    until = since + number * _DAY / 1000
    return {
        "createdOn": {
            "gte": datetime.fromtimestamp(since, UTC).isoformat(),
            "lt": datetime.fromtimestamp(until, UTC).isoformat(),
        }
    }


DASHBOARDS: dict[str, Callable[[Side], Filter]] = {
    "everything": FILTERS["everything"],
    "30 days": lambda _: _days(300, 30),
    "30 days of a state": lambda _: {"state": {"eq": "ERROR"}, **_days(300, 30)},
    "30 days of an agentflow": lambda _: {
        "agentflowId": {"eq": "flow-00003"},
        **_days(300, 30),
    },
    "30 days and minutes": lambda _: _days(300, 30, 90_000),
}
Ask = Callable[[Side], Callable[[], object]]
"""Makes the request to measure for one side."""


def requests() -> dict[str, Ask]:
    """Return all requests to measure."""
    asked: dict[str, Ask] = {}
    for name, filter_of in FILTERS.items():
        asked[f"first page: {name}"] = _page(filter_of)
        asked[f"page in the middle: {name}"] = _page(filter_of, after=0.5)
        asked[f"last page: {name}"] = _page(filter_of, is_last=True)
        asked[f"totalCount: {name}"] = _total(filter_of)
    for name, filter_of in DASHBOARDS.items():
        asked[f"dashboard: {name}"] = _dashboard(filter_of)
    for field in ORDERS:
        for direction in ("ASC", "DESC"):
            order = [{"field": field, "direction": direction}]
            for share in (0.1, 0.9):
                name = f"order {field} {direction}, behind {share:.0%}"
                asked[name] = _page(FILTERS["everything"], after=share, order=order)
    asked["REST page"] = lambda side: lambda: side.rest(page=1, limit=50)
    asked["REST page: state"] = lambda side: lambda: side.rest(page=1, limit=50, state="ERROR")
    asked["REST page: name"] = lambda side: lambda: side.rest(page=1, limit=50, agentflowName="49")
    asked["one by guid"] = lambda side: (
        lambda: side.graphql("query ($g: ID!) { execution(guid: $g) { guid } }", g=side.guid)
    )
    asked["nested pages"] = lambda side: lambda: side.graphql(NESTED)
    asked["delete of 100"] = _delete
    return asked


def _page(
    filter_of: Callable[[Side], Filter],
    *,
    after: float | None = None,
    order: list[dict[str, str]] | None = None,
    is_last: bool = False,
) -> Ask:
    def ask(side: Side) -> Callable[[], object]:
        variables: dict[str, Any] = {"filter": filter_of(side), "orderBy": order}
        if after is not None:
            variables["after"] = side.cursor_at(after, order, variables["filter"])
        variables["last" if is_last else "first"] = 50
        return lambda: side.graphql(PAGE, **variables)

    return ask


def _total(filter_of: Callable[[Side], Filter]) -> Ask:
    return lambda side: lambda: side.graphql(TOTAL, filter=filter_of(side))


def _dashboard(filter_of: Callable[[Side], Filter]) -> Ask:
    return lambda side: lambda: side.graphql(DASHBOARD, filter=filter_of(side))


def _delete(side: Side) -> Callable[[], object]:
    statement = "SELECT guid FROM executions WHERE id > {0} ORDER BY id LIMIT 100"
    groups = [
        [guid for (guid,) in side.database.select(statement.format(side.rows * share // 60))]
        for share in range(1, 55)
    ]
    mutation = "mutation ($g: [ID!]!) { deleteExecutions(guids: $g) { affected } }"
    return lambda: side.graphql(mutation, g=groups.pop())


def main(kind: str, few: int, many: int, rounds: int) -> None:
    """Measure both sides alternately and print one table."""
    with databases(kind) as database_of, ExitStack() as stack:
        sides = []
        for rows in (few, many):
            database: Database = database_of(f"g{rows}")
            # What an earlier run deleted is missed in the small database, not in the large one.
            if rows == few or not database.is_there():
                database.fill(rows, SPAN_MS)
            key = make_key(database.url, "read", "delete")
            server = stack.enter_context(served(*gateway(database.url), "/healthz"))
            sides.append(Side(database, rows, server.url, key))
        print(f"{'request':40} {few:>12,} {many:>12,}  ratio")
        only = os.environ.get("BENCH_ONLY", "")
        for name, ask in requests().items():
            if only not in name:
                continue
            if ask is _delete:
                # Don't measure how fast the disk reads a page for the first time.
                for side in sides:
                    side.database.warm()
            times = measure([ask(side) for side in sides], rounds)
            ratio = times[1] / times[0]
            mark = "" if ratio <= LIMIT else "  over"
            print(
                f"{name:40} {times[0]:9.2f} ms {times[1]:9.2f} ms  {ratio:5.2f}{mark}", flush=True
            )


def measure(asks: list[Callable[[], object]], rounds: int) -> list[float]:
    """Return the median time of each request in milliseconds, measured alternately."""
    times: list[list[float]] = [[] for _ in asks]
    for number in range(rounds + 5):
        for ask, taken in zip(asks, times, strict=True):
            began = time.perf_counter()
            ask()
            if number >= 5:
                taken.append((time.perf_counter() - began) * 1000)
    return [statistics.median(taken) for taken in times]


if __name__ == "__main__":
    chosen, numbers = arguments(__doc__, few=10_000, many=10_000_000, rounds=40)
    main(chosen, *numbers)
