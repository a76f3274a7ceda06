"""What operations cost, reported to whoever asks, and what is too much."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.gateway import Gateway

REPORT = {"graphql-cost": "report"}


def _cost(gateway: Gateway, query: str, **variables: Any) -> int:
    body = {"query": query, "variables": variables}
    answer = gateway.http.post("/graphql", json=body, headers=REPORT).json()
    report = answer["extensions"]["cost"]
    assert report["maximum"] == 20_000
    return int(report["requested"])


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ __typename }", 1),
        ('{ execution(guid: "a") { guid state } }', 3),
        ("{ executions { totalCount } }", 2),
        ("{ executions(first: 10) { nodes { guid state } } }", 1 + 1 + 10 * 2),
        ("{ executions { nodes { guid state } } }", 1 + 1 + 50 * 2),
        ("{ executions(last: 3) { edges { cursor node { guid } } } }", 1 + 1 + 3 * (1 + 1 + 1)),
        ("{ executions(first: 0) { nodes { guid } } }", 2),
        ("{ executionPage(limit: 20) { items { guid } totalPages } }", 1 + 1 + 20 + 1),
        ("{ ...A } fragment A on Query { executions(first: 4) { nodes { guid } } }", 6),
        ("{ executions(first: 4) { ... { nodes { ... on Execution { guid } } } } }", 6),
        ('mutation { deleteExecution(guid: "a") { __typename } }', 2),
        ("{ a: executions(first: 5) { nodes { id } } b: executions { totalCount } }", 7 + 2),
    ],
)
def test_a_connection_costs_its_page_size_times_what_is_selected_in_a_node(
    gateway: Gateway, query: str, cost: int
) -> None:
    assert _cost(gateway, query) == cost


@pytest.mark.parametrize(
    ("variables", "size"), [({"n": 7}, 7), ({}, 4), ({"n": None}, 50), ({"n": -3}, 0)], ids=str
)
def test_the_page_size_is_read_from_variables_and_their_defaults(
    gateway: Gateway, variables: dict[str, Any], size: int
) -> None:
    query = "query ($n: Int = 4) { executions(first: $n) { nodes { guid } } }"
    assert _cost(gateway, query, **variables) == 2 + size


def test_without_the_header_nothing_is_reported(gateway: Gateway) -> None:
    assert "extensions" not in gateway.post("{ __typename }").json()


def test_what_costs_more_than_the_setting_allows_is_refused(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_cost=100)
    query = "query ($n: Int) { executions(first: $n) { nodes { guid } } }"
    assert "errors" not in gateway.post(query, n=98).json()
    assert gateway.refused(query, n=99) == (
        "OPERATION_TOO_COMPLEX",
        "The operation has a cost of 101; at most 100 are allowed (max_cost)",
    )


def test_the_largest_page_with_every_field_is_within_the_default(gateway: Gateway) -> None:
    fields = "id databaseId guid state agentflowId agentflowName sessionId createdOn updatedOn"
    query = f"{{ executions(first: 1000) {{ edges {{ cursor node {{ {fields} }} }} }} }}"
    assert "errors" not in gateway.post(query).json()
