"""Uses a client that ariadne-codegen has generated, and prints what it got.

Run by the Python that has what generated clients need; the URL of GraphQL is its argument.
"""

import json
import sys

from graphql_client import Client
from graphql_client.one_node import OneNodeNodeExecution
from graphql_client.stop import StopUpdateExecutionUpdateExecutionSuccess


def use(url: str) -> dict[str, object]:
    """Read all pages, one node, and make a change."""
    client = Client(url=url)
    guids: list[str] = []
    states: set[str] = set()
    first_id = after = None
    while True:
        page = client.execution_page(first=5, after=after).executions
        guids += [edge.node.guid for edge in page.edges]
        states |= {edge.node.state.value for edge in page.edges}
        first_id = first_id or page.edges[0].node.id
        if not page.page_info.has_next_page:
            break
        after = page.page_info.end_cursor
    assert first_id
    flows = client.agentflow_page(first=10, size=2).agentflows
    node = client.one_node(id=first_id).node
    stopped = client.stop(guid=guids[0]).update_execution
    assert isinstance(stopped, StopUpdateExecutionUpdateExecutionSuccess)
    return {
        "guids": guids,
        "states": sorted(states),
        "agentflows": [edge.node.name for edge in flows.edges],
        "counts": [edge.node.stats.total_count for edge in flows.edges],
        "months": sorted(
            {
                bucket.start.isoformat()
                for edge in flows.edges
                for bucket in edge.node.stats.timeline
            }
        ),
        "node": node.guid if isinstance(node, OneNodeNodeExecution) else None,
        "stopped": stopped.execution.state.value,
    }


if __name__ == "__main__":
    print(json.dumps(use(sys.argv[1])))  # noqa: T201 - the test reads it
