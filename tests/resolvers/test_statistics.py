"""Statistics in GraphQL: totals, states and agentflows of executions."""

from collections import Counter
from typing import Any

import pytest

from db.models import ExecutionState
from db.source import ExecutionRow
from tests.gateway import Gateway
from tests.sample import FLOWS, SAMPLE

STATES = [state.value for state in ExecutionState]


def _by_state(rows: list[ExecutionRow]) -> list[dict[str, Any]]:
    found = Counter(row.state for row in rows)
    return [{"state": state, "count": found[state]} for state in STATES]


def test_statistics_of_everything_are_those_of_all_rows(sample_gateway: Gateway) -> None:
    data = sample_gateway.graphql(
        "{ executionStats { totalCount byState { state count }"
        " byAgentflow(first: 100) { agentflow { agentflowId name } count }"
        " timeline { start totalCount byState { state count } } } }"
    )
    flows = Counter(row.agentflow_id for row in SAMPLE)
    assert data["executionStats"] == {
        "totalCount": len(SAMPLE),
        "byState": _by_state(SAMPLE),
        "byAgentflow": [
            {"agentflow": {"agentflowId": flow, "name": FLOWS[flow]}, "count": count}
            for flow, count in sorted(flows.items(), key=lambda each: (-each[1], each[0]))
        ],
        "timeline": [
            {
                "start": "2023-11-14T00:00:00.000Z",
                "totalCount": len(SAMPLE),
                "byState": _by_state(SAMPLE),
            }
        ],
    }


def test_an_empty_table_has_all_six_states_and_no_timeline(gateway: Gateway) -> None:
    data = gateway.graphql(
        "{ executionStats { totalCount byState { state count } byAgentflow { count }"
        " timeline { start } } }"
    )
    assert data["executionStats"] == {
        "totalCount": 0,
        "byState": [{"state": state, "count": 0} for state in STATES],
        "byAgentflow": [],
        "timeline": [],
    }


def test_the_agentflows_with_the_most_executions_come_first(gateway: Gateway) -> None:
    flows = ["flow-b"] * 3 + ["flow-gone"] * 3 + ["flow-a"] * 2 + ["flow-c"]
    gateway.insert(
        row._replace(agentflow_id=flow, agentflow_name=FLOWS[flow])
        for row, flow in zip(SAMPLE, flows, strict=False)
    )
    data = gateway.graphql(
        "{ executionStats { byAgentflow(first: 3) { agentflow { agentflowId name } count }"
        " one: byAgentflow(first: 1) { count } none: byAgentflow(first: 0) { count } } }"
    )
    assert data["executionStats"] == {
        "byAgentflow": [
            {"agentflow": {"agentflowId": "flow-b", "name": FLOWS["flow-b"]}, "count": 3},
            {"agentflow": {"agentflowId": "flow-gone", "name": None}, "count": 3},
            {"agentflow": {"agentflowId": "flow-a", "name": FLOWS["flow-a"]}, "count": 2},
        ],
        "one": [{"count": 3}],
        "none": [],
    }


def test_an_agentflow_without_matching_executions_is_left_out(sample_gateway: Gateway) -> None:
    data = sample_gateway.graphql(
        '{ executionStats(filter: {agentflowId: {in: ["flow-a", "nothing"]}})'
        " { byAgentflow { agentflow { agentflowId } } } }"
    )
    found = data["executionStats"]["byAgentflow"]
    assert found == [{"agentflow": {"agentflowId": "flow-a"}}]


def test_a_counted_agentflow_leads_to_whatever_an_agentflow_does(sample_gateway: Gateway) -> None:
    data = sample_gateway.graphql(
        "{ executionStats { byAgentflow(first: 100) { count agentflow { id agentflowId"
        " executions(first: 1) { totalCount nodes { agentflowId } }"
        " stats { totalCount byAgentflow { count agentflow { agentflowId } } } } } } }"
    )
    for each in data["executionStats"]["byAgentflow"]:
        flow = each["agentflow"]
        assert flow["executions"]["totalCount"] == each["count"] == flow["stats"]["totalCount"]
        assert flow["executions"]["nodes"] == [{"agentflowId": flow["agentflowId"]}]
        own = {"count": each["count"], "agentflow": {"agentflowId": flow["agentflowId"]}}
        assert flow["stats"]["byAgentflow"] == [own]


def test_agentflows_and_sessions_have_the_statistics_of_their_executions(
    sample_gateway: Gateway,
) -> None:
    data = sample_gateway.graphql(
        '{ agentflow(agentflowId: "flow-a") { stats(filter: {state: {notIn: [ERROR]}})'
        " { totalCount byState { state count } } }"
        ' session(sessionId: "session-1") { stats { byState { state count }'
        " byAgentflow { count agentflow { name } }"
        " timeline(bucket: MONTH) { start totalCount } } } }"
    )
    of_flow = [row for row in SAMPLE if row.agentflow_id == "flow-a" and row.state != "ERROR"]
    assert data["agentflow"]["stats"] == {
        "totalCount": len(of_flow),
        "byState": _by_state(of_flow),
    }
    of_session = [row for row in SAMPLE if row.session_id == "session-1"]
    flows = Counter(row.agentflow_id for row in of_session)
    assert data["session"]["stats"] == {
        "byState": _by_state(of_session),
        "byAgentflow": [
            {"count": count, "agentflow": {"name": FLOWS[flow]}}
            for flow, count in sorted(flows.items(), key=lambda each: (-each[1], each[0]))
        ],
        "timeline": [{"start": "2023-11-01T00:00:00.000Z", "totalCount": len(of_session)}],
    }


@pytest.mark.parametrize(("first", "limit"), [(-1, None), (1001, "1000"), (2**31 - 1, "1000")])
def test_a_number_of_agentflows_out_of_range_is_refused(
    sample_gateway: Gateway, first: int, limit: str | None
) -> None:
    answer = sample_gateway.post(
        "query ($first: Int!) { executionStats { byAgentflow(first: $first) { count } } }",
        first=first,
    )
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == f"first must be from 0 to 1000; got {first}"
    assert error["path"] == ["executionStats", "byAgentflow"]
    assert limit is None or limit in error["message"]


def test_the_same_field_may_be_selected_with_different_arguments(
    sample_gateway: Gateway,
) -> None:
    data = sample_gateway.graphql(
        "query ($all: Boolean! = false, $bucket: TimeBucket! = MONTH) { executionStats {"
        " days: timeline { totalCount } months: timeline(bucket: $bucket) { totalCount }"
        " hours: timeline(bucket: HOUR) @include(if: $all) { totalCount } __typename"
        " total: totalCount ...More } } fragment More on ExecutionStats { byState { count } }"
    )["executionStats"]
    assert list(data) == ["days", "months", "__typename", "total", "byState"]
    assert data["days"] == data["months"] == [{"totalCount": len(SAMPLE)}]
    assert data["__typename"] == "ExecutionStats"


def test_a_selection_of_nothing_is_an_empty_object(sample_gateway: Gateway) -> None:
    data = sample_gateway.graphql(
        "{ executionStats { totalCount @skip(if: true) } agentflows(first: 1) { nodes"
        " { stats { timeline @include(if: false) { start } } } } }"
    )
    assert data == {"executionStats": {}, "agentflows": {"nodes": [{"stats": {}}]}}


# PostgreSQL's counts are in deltas at first.
@pytest.mark.sqlite
def test_a_count_beyond_32_bits_is_no_int(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    gateway.sql("UPDATE execution_counts SET finished = finished + 3000000000")
    for selected in ("totalCount", "byState { count }", "timeline { totalCount }"):
        body = gateway.post(f"{{ executionStats {{ {selected} }} }}").json()
        assert body["data"] is None
        assert body["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert gateway.graphql("{ executionStats { byState { state } timeline { start } } }")


def test_a_variable_that_is_left_out_takes_the_default_of_its_argument(
    sample_gateway: Gateway,
) -> None:
    query = """query ($first: Int, $bucket: TimeBucket, $direction: OrderDirection) {
      executionStats {
        byAgentflow(first: $first) { count }
        timeline(bucket: $bucket) { start }
      }
      agentflow(agentflowId: "flow-a") {
        executions(orderBy: [{ field: CREATED_ON, direction: $direction }]) { nodes { guid } }
      }
    }"""
    defaults = {"first": 10, "bucket": "DAY", "direction": "DESC"}
    assert sample_gateway.graphql(query) == sample_gateway.graphql(query, **defaults)
