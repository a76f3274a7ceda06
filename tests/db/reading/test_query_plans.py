"""An index serves every documented filter in its order: no sorting, no full scan."""

from typing import Any

import pytest

from db.reading import row_query
from schema.inputs import ExecutionOrderField
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
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
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
@pytest.mark.parametrize("field", list(ExecutionOrderField.__members__))
@pytest.mark.parametrize("forward", [True, False])
def test_a_page_in_any_order_is_read_from_an_index(
    sample_gateway: Gateway, field: str, direction: str, *, forward: bool
) -> None:
    order_by = [{"field": field, "direction": direction}]
    size, cursor = ("first", "after") if forward else ("last", "before")
    page: dict[str, Any] = {"pageInfo": {"endCursor": None, "startCursor": None}}
    for _ in range(5):
        with recorded_statements() as statements:
            edge = page["pageInfo"]["endCursor" if forward else "startCursor"]
            asked = {size: 5, cursor: edge, "orderBy": order_by}
            page = sample_gateway.graphql(PAGE, **asked)["executions"]
        _assert_served_by_an_index(sample_gateway, statements)


_RANGES: dict[str, tuple[dict[str, Any], str]] = {
    "FINISHED_ON": ({"finishedOn": {"gte": _AT}}, "executions_by_finished_on (finished_on"),
    "DURATION": ({"durationMs": {"gt": 400}}, "executions_by_duration (<expr>"),
}


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("field", _RANGES)
def test_a_range_in_its_own_order_is_one_range_of_an_index(
    sample_gateway: Gateway, field: str, direction: str
) -> None:
    filter_, index = _RANGES[field]
    order_by = [{"field": field, "direction": direction}]
    page: dict[str, Any] = {"pageInfo": {"endCursor": None}}
    for _ in range(3):
        with recorded_statements() as statements:
            asked = {"filter": filter_, "after": page["pageInfo"]["endCursor"]}
            page = sample_gateway.graphql(PAGE, orderBy=order_by, first=5, **asked)["executions"]
        _assert_served_by_an_index(sample_gateway, statements[:1])
        steps = plan_of(file_of(sample_gateway.place), statements[0])
        assert any(f"{index}>" in step for step in steps), steps
        assert not any("=" in step and "finished_on IS" in step for step in steps), steps


@pytest.mark.parametrize("field", _RANGES)
def test_what_a_range_finds_beyond_a_bounded_scan_is_found_by_its_own_index(
    sample_gateway: Gateway, field: str
) -> None:
    filter_, index = _RANGES[field]
    with recorded_statements() as statements, pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_query, "SCAN_AT_LEAST", 1)
        patch.setattr(row_query, "SCAN_PER_ROW", 1)
        sample_gateway.graphql(PAGE, filter=filter_, first=19)
    steps = plan_of(file_of(sample_gateway.place), statements[-1])
    assert any(f"{index}>" in step for step in steps), steps


def test_the_check_itself_notices_a_sort(sample_gateway: Gateway) -> None:
    with pytest.raises(AssertionError, match="TEMP B-TREE"):
        _assert_served_by_an_index(
            sample_gateway,
            ["SELECT id FROM executions WHERE state = ? ORDER BY updated_on"],
        )


def test_the_check_itself_notices_a_full_scan(sample_gateway: Gateway) -> None:
    with pytest.raises(AssertionError):
        _assert_served_by_an_index(sample_gateway, ["SELECT * FROM executions"])
