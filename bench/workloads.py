"""The workloads: requests to the gateway, and their twins to the reference server."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

FIELDS = "guid state agentflowId agentflowName sessionId createdOn"
NESTED = """{
  agentflows(first: 100) { nodes {
    agentflowId
    name
    executions(first: 5, filter: {state: {eq: ERROR}}) {
      totalCount
      nodes {
        guid
        session { sessionId executions(first: 3) { nodes { guid agentflow { name } } } }
      }
      pageInfo { hasNextPage endCursor }
    }
    stats { byState { state count } }
  } }
}"""
"""Four levels of the graph, with totals and statistics."""
SINCE, UNTIL = 1_700_500_000_000, 1_702_000_000_000
"""A time range in the middle of the rows, in epoch milliseconds."""
DAYS = (1_700_006_400_000, 1_702_598_400_000)
"""Thirty whole days of the rows, in epoch milliseconds."""
DASHBOARD = (
    "query ($since: DateTime, $until: DateTime) { executionStats(filter: {createdOn:"
    " {gte: $since, lt: $until}}) { totalCount byState { state count }"
    " timeline { start totalCount byState { state count } }"
    " byAgentflow(first: 10) { agentflow { agentflowId name } count } } }"
)
"""The total, the states, a timeline of days and the top ten agentflows."""


@dataclass(frozen=True)
class Workload:
    """One request. ``target`` is the required share of the reference's requests a second.

    With ``changes``, every other request sends the second of the two texts in place of the first,
    so that each request changes something.
    """

    name: str
    path: str
    target: float
    query: str | None = None
    variables: tuple[tuple[str, object], ...] = ()
    changes: tuple[str, str] | None = None

    @property
    def body(self) -> str | None:
        """Return the body of a POST, or None for a GET."""
        if self.query is None:
            return None
        return json.dumps({"query": self.query, "variables": dict(self.variables)})


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat()


def workloads(guid: str, cursor: str, *, is_postgres: bool = False) -> list[Workload]:
    """Return all workloads, for one execution and one cursor in the middle."""
    page = f"edges {{ cursor node {{ {FIELDS} }} }} pageInfo {{ hasNextPage endCursor }}"
    filtered = (
        "query ($since: DateTime, $until: DateTime) { executions(first: 50, filter: {state:"
        " {eq: ERROR}, createdOn: {gte: $since, lt: $until}})"
        f" {{ totalCount nodes {{ {FIELDS} }} }} }}"
    )
    return [
        Workload("newest 50", "/graphql", 1.00, f"{{ executions(first: 50) {{ {page} }} }}"),
        Workload(
            "filtered 50 with total",
            "/graphql",
            1.30,
            filtered,
            (("since", _iso(SINCE)), ("until", _iso(UNTIL))),
        ),
        Workload(
            "one by guid",
            "/graphql",
            0.80,
            f"query ($guid: ID!) {{ execution(guid: $guid) {{ {FIELDS} }} }}",
            (("guid", guid),),
        ),
        Workload(
            "page in the middle",
            "/graphql",
            1.00,
            f"query ($after: String) {{ executions(first: 50, after: $after) {{ {page} }} }}",
            (("after", cursor),),
        ),
        Workload("REST list of 50", "/executions?page=1&limit=50", 1.00),
        Workload("REST get", f"/executions/{guid}", 0.95),
        Workload(
            "1,000 in one page",
            "/graphql",
            1.00,
            f"{{ executions(first: 1000) {{ nodes {{ {FIELDS} }} }} }}",
        ),
        Workload("nested pages", "/graphql", 0.70, NESTED),
        Workload(
            "dashboard",
            "/graphql",
            0.80,
            DASHBOARD,
            (("since", _iso(DAYS[0])), ("until", _iso(DAYS[1]))),
        ),
        Workload(
            "update, durable commit",
            "/graphql",
            1.00 if is_postgres else 1.30,
            "mutation ($guid: ID!, $state: ExecutionState!) {"
            " updateExecution(guid: $guid, input: {state: $state})"
            " { ... on UpdateExecutionSuccess { execution { guid state } } } }",
            (("guid", guid), ("state", "STOPPED")),
            changes=("STOPPED", "ERROR"),
        ),
    ]
