"""An index serves every documented filter in its order: no sorting, no full scan."""

from typing import Any

import pytest

from tests.gateway import Gateway
from tests.places import file_of
from tests.statements import plan_of, recorded_statements

_AT = "2023-11-14T22:13:20Z"

DOCUMENTED_FILTERS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "guid": ({"guid": "g"}, {"guid": {"eq": "g"}}),
    "agentflowId": ({"agentflowId": "f"}, {"agentflowId": {"eq": "f"}}),
    "agentflowName": ({"agentflowName": "n"}, {"agentflowName": {"contains": "n"}}),
    "sessionId": ({"sessionId": "s"}, {"sessionId": {"eq": "s"}}),
    "state": ({"state": "ERROR"}, {"state": {"eq": "ERROR"}}),
    "two states": ({"state": "ERROR,STOPPED"}, {"state": {"in": ["ERROR", "STOPPED"]}}),
    "startDate": ({"startDate": _AT}, {"createdOn": {"gte": _AT}}),
    "endDate": ({"endDate": _AT}, {"createdOn": {"lte": _AT}}),
    "both dates": ({"startDate": _AT, "endDate": _AT}, {"createdOn": {"gte": _AT, "lte": _AT}}),
    "state and date": (
        {"state": "ERROR", "startDate": _AT},
        {"state": {"eq": "ERROR"}, "createdOn": {"gte": _AT}},
    ),
    "agentflow and date": (
        {"agentflowId": "f", "endDate": _AT},
        {"agentflowId": {"eq": "f"}, "createdOn": {"lte": _AT}},
    ),
}

PAGE = """
query ($filter: ExecutionFilter, $orderBy: [ExecutionOrder!], $first: Int, $after: String,
       $last: Int, $before: String) {
  executions(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last,
             before: $before) {
    nodes { guid agentflowName }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}
"""

documented = pytest.mark.parametrize("name", DOCUMENTED_FILTERS)

# The plans of SQLite.
pytestmark = pytest.mark.sqlite


def _assert_served_by_an_index(gateway: Gateway, statements: list[str]) -> None:
    assert statements
    for statement in statements:
        plan = plan_of(file_of(gateway.place), statement)
        on_executions = [step for step in plan if "executions" in step]
        assert on_executions, plan
        assert all(" INDEX executions_by_" in step or "(guid=?)" in step for step in on_executions)
        assert not any("TEMP B-TREE" in step for step in plan), plan


@documented
def test_a_filtered_rest_page_is_read_in_order_from_an_index(
    sample_gateway: Gateway, name: str
) -> None:
    with recorded_statements() as statements:
        parameters: dict[str, Any] = {**DOCUMENTED_FILTERS[name][0], "page": 2, "limit": 5}
        assert sample_gateway.http.get("/executions", params=parameters).status_code == 200
    _assert_served_by_an_index(sample_gateway, [each for each in statements if "LIMIT" in each])


@documented
def test_a_filtered_stream_is_read_in_order_from_an_index(
    sample_gateway: Gateway, name: str
) -> None:
    with recorded_statements() as statements:
        parameters = DOCUMENTED_FILTERS[name][0]
        assert sample_gateway.http.get("/executions", params=parameters).status_code == 200
    _assert_served_by_an_index(sample_gateway, statements)


@documented
@pytest.mark.parametrize("direction", ["first page", "forward", "backward", "last page"])
def test_a_filtered_page_by_cursor_is_read_in_order_from_an_index(
    sample_gateway: Gateway, name: str, direction: str
) -> None:
    cursor = sample_gateway.graphql(PAGE, first=5)["executions"]["pageInfo"]["endCursor"]
    window: dict[str, Any] = {
        "first page": {"first": 5},
        "forward": {"first": 5, "after": cursor},
        "backward": {"last": 5, "before": cursor},
        "last page": {"last": 5},
    }[direction]
    with recorded_statements() as statements:
        sample_gateway.graphql(PAGE, filter=DOCUMENTED_FILTERS[name][1], **window)
    _assert_served_by_an_index(sample_gateway, statements)


@documented
def test_a_filtered_total_is_added_up_without_a_scan(sample_gateway: Gateway, name: str) -> None:
    with recorded_statements() as statements:
        sample_gateway.graphql(
            "query ($filter: ExecutionFilter) { executions(filter: $filter, first: 0)"
            " { totalCount } }",
            filter=DOCUMENTED_FILTERS[name][1],
        )
    [counted] = [each for each in statements if "count" in each]
    steps = plan_of(file_of(sample_gateway.place), counted)
    looks = [step for step in steps if "executions" in step or "counts" in step or "known" in step]
    assert looks
    assert all(step.startswith("SEARCH") for step in looks), steps


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize(
    "field", ["CREATED_ON", "UPDATED_ON", "STATE", "AGENTFLOW_ID", "SESSION_ID"]
)
def test_a_page_in_any_order_is_read_from_an_index(
    sample_gateway: Gateway, field: str, direction: str
) -> None:
    order_by = [{"field": field, "direction": direction}]
    first = sample_gateway.graphql(PAGE, orderBy=order_by, first=5)["executions"]
    with recorded_statements() as statements:
        after = first["pageInfo"]["endCursor"]
        sample_gateway.graphql(PAGE, orderBy=order_by, first=5, after=after)
    _assert_served_by_an_index(sample_gateway, statements)


def test_the_check_itself_notices_a_sort(sample_gateway: Gateway) -> None:
    with pytest.raises(AssertionError, match="TEMP B-TREE"):
        _assert_served_by_an_index(
            sample_gateway,
            ["SELECT id FROM executions WHERE state = ? ORDER BY updated_on"],
        )


def test_the_check_itself_notices_a_full_scan(sample_gateway: Gateway) -> None:
    with pytest.raises(AssertionError):
        _assert_served_by_an_index(sample_gateway, ["SELECT * FROM executions"])
