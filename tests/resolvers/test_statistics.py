"""Statistics in GraphQL: totals, states, agentflows and timelines of executions."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.models import ExecutionState
from db.source import ExecutionRow
from tests.gateway import Gateway
from tests.sample import FLOWS, SAMPLE

STATES = [state.value for state in ExecutionState]
_DAY = 86_400_000
_TIMELINE = (
    "query ($filter: ExecutionFilter, $bucket: TimeBucket! = DAY) { executionStats(filter: $filter)"
    " { timeline(bucket: $bucket) { start totalCount } } }"
)


def _timeline(gateway: Gateway, bucket: str = "DAY", **created_on: str) -> list[tuple[str, int]]:
    """The starts and totals of a timeline."""
    filter_ = {"createdOn": created_on} if created_on else None
    data = gateway.graphql(_TIMELINE, filter=filter_, bucket=bucket)
    return [(each["start"], each["totalCount"]) for each in data["executionStats"]["timeline"]]


def _insert_at(gateway: Gateway, *times: str) -> None:
    rows = [
        SAMPLE[number]._replace(created_on=round(datetime.fromisoformat(time).timestamp() * 1000))
        for number, time in enumerate(times)
    ]
    gateway.insert(rows)


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


@pytest.mark.parametrize(
    ("bucket", "starts"),
    [
        ("HOUR", ["2024-02-29T23:00", "2024-03-01T00:00", "2024-03-01T01:00"]),
        ("DAY", ["2024-02-29T00:00", "2024-03-01T00:00"]),
        ("WEEK", ["2024-02-26T00:00"]),
        ("MONTH", ["2024-02-01T00:00", "2024-03-01T00:00"]),
    ],
)
def test_buckets_begin_at_hours_days_mondays_and_months(
    gateway: Gateway, bucket: str, starts: list[str]
) -> None:
    _insert_at(gateway, "2024-02-29T23:59:59.999Z", "2024-03-01T01:00:00Z")
    found = _timeline(gateway, bucket)
    assert [start for start, _ in found] == [f"{start}:00.000Z" for start in starts]
    assert sum(total for _, total in found) == 2


def test_gaps_are_filled_with_zero(gateway: Gateway) -> None:
    _insert_at(gateway, "2024-01-01T00:00:00Z", "2024-01-04T00:00:00Z")
    assert [total for _, total in _timeline(gateway)] == [1, 0, 0, 1]


def test_a_timeline_reaches_over_the_whole_range_of_the_filter(gateway: Gateway) -> None:
    _insert_at(gateway, "2024-01-02T12:00:00Z", "2024-01-02T18:00:00Z")
    found = _timeline(gateway, gte="2023-12-31T00:00:00Z", lt="2024-01-04T00:00:00Z")
    assert [(start[:10], total) for start, total in found] == [
        ("2023-12-31", 0),
        ("2024-01-01", 0),
        ("2024-01-02", 2),
        ("2024-01-03", 0),
    ]


def test_a_first_and_last_bucket_count_only_what_is_in_the_range(gateway: Gateway) -> None:
    _insert_at(
        gateway,
        "2024-01-02T11:59:59.999Z",
        "2024-01-02T12:00:00Z",
        "2024-01-03T12:00:00Z",
        "2024-01-03T12:00:00.001Z",
    )
    assert _timeline(gateway, gte="2024-01-02T12:00:00Z", lte="2024-01-03T12:00:00Z") == [
        ("2024-01-02T00:00:00.000Z", 1),
        ("2024-01-03T00:00:00.000Z", 1),
    ]


def test_an_open_side_ends_with_the_first_or_last_matching_execution(gateway: Gateway) -> None:
    _insert_at(gateway, "2024-01-01T12:00:00Z", "2024-01-03T12:00:00Z", "2024-01-05T12:00:00Z")
    since = _timeline(gateway, gt="2024-01-02T00:00:00Z")
    assert [(start[:10], total) for start, total in since] == [
        ("2024-01-02", 0),
        ("2024-01-03", 1),
        ("2024-01-04", 0),
        ("2024-01-05", 1),
    ]
    until = _timeline(gateway, lt="2024-01-02T00:00:00.001Z")
    assert [(start[:10], total) for start, total in until] == [("2024-01-01", 1), ("2024-01-02", 0)]


def test_a_range_below_or_is_none_of_the_timeline(gateway: Gateway) -> None:
    _insert_at(gateway, "2024-01-02T12:00:00Z")
    range_ = {"createdOn": {"gte": "2024-01-01T00:00:00Z", "lt": "2024-01-09T00:00:00Z"}}
    within_or = gateway.graphql(_TIMELINE, filter={"or": [range_, {"state": {"in": []}}]})
    assert len(within_or["executionStats"]["timeline"]) == 1
    within_and = gateway.graphql(_TIMELINE, filter={"and": [range_]})
    assert len(within_and["executionStats"]["timeline"]) == 8


@pytest.mark.parametrize(
    "nothing", [{"guid": {"eq": "nobody"}}, {"state": {"in": []}}, {"or": []}], ids=str
)
def test_a_range_is_filled_with_zero_when_nothing_matches(
    sample_gateway: Gateway, nothing: dict[str, Any]
) -> None:
    closed = {"createdOn": {"gte": "2024-01-01T00:00:00Z", "lt": "2024-01-03T00:00:00Z"}}
    data = sample_gateway.graphql(_TIMELINE, filter={**closed, **nothing})
    assert [each["totalCount"] for each in data["executionStats"]["timeline"]] == [0, 0]
    for open_ in ({}, {"createdOn": {"gte": "2024-01-01T00:00:00Z"}}):
        data = sample_gateway.graphql(_TIMELINE, filter={**open_, **nothing})
        assert data["executionStats"]["timeline"] == []


def test_a_range_that_ends_before_it_begins_has_no_timeline(sample_gateway: Gateway) -> None:
    assert _timeline(sample_gateway, gte="2024-01-02T00:00:00Z", lt="2024-01-01T00:00:00Z") == []


def test_times_at_the_ends_of_the_calendar_have_buckets(gateway: Gateway) -> None:
    gateway.insert(
        [
            SAMPLE[0]._replace(created_on=-62_135_596_800_000),
            SAMPLE[1]._replace(created_on=253_402_300_799_999),
        ]
    )
    first = _timeline(gateway, "WEEK", lt="0001-01-09T00:00:00Z")
    assert first == [("0001-01-01T00:00:00.000Z", 1), ("0001-01-08T00:00:00.000Z", 0)]
    last = _timeline(gateway, "MONTH", gt="9999-11-30T00:00:00-14:00")
    assert last == [("9999-11-01T00:00:00.000Z", 0), ("9999-12-01T00:00:00.000Z", 1)]


def test_times_before_the_epoch_are_in_the_bucket_that_began_before(gateway: Gateway) -> None:
    _insert_at(gateway, "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z")
    assert _timeline(gateway, "HOUR") == [
        ("1969-12-31T23:00:00.000Z", 1),
        ("1970-01-01T00:00:00.000Z", 1),
    ]
    assert _timeline(gateway, "MONTH") == [
        ("1969-12-01T00:00:00.000Z", 1),
        ("1970-01-01T00:00:00.000Z", 1),
    ]


def test_a_row_with_an_odd_time_is_read_by_filters_that_no_count_answers(
    gateway: Gateway,
) -> None:
    _insert_at(gateway, "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z")
    filter_ = {"guid": {"isNull": False}}
    data = gateway.graphql(_TIMELINE, filter=filter_, bucket="MONTH")
    assert data["executionStats"]["timeline"] == [
        {"start": "1969-12-01T00:00:00.000Z", "totalCount": 1},
        {"start": "1970-01-01T00:00:00.000Z", "totalCount": 1},
    ]


_HOURS = "timeline must have at most 10,000 buckets; by HOUR this range of time has "


def _error(gateway: Gateway, query: str, **variables: Any) -> Any:
    [error] = gateway.post(query, **variables).json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    return error


def test_a_timeline_of_ten_thousand_buckets_is_the_longest(sample_gateway: Gateway) -> None:
    begin = datetime(2023, 1, 1, tzinfo=UTC)
    ends = [(begin + timedelta(hours=hours)).isoformat() for hours in (10_000, 10_001)]
    since = begin.isoformat()
    assert len(_timeline(sample_gateway, "HOUR", gte=since, lt=ends[0])) == 10_000
    filter_ = {"createdOn": {"gte": since, "lt": ends[1]}}
    error = _error(sample_gateway, _TIMELINE, filter=filter_, bucket="HOUR")
    assert error["message"] == (
        f"{_HOURS}10,001: ask for a shorter range of createdOn in the filter, or wider buckets"
    )
    assert error["path"] == ["executionStats", "timeline"]


def test_a_timeline_over_too_many_buckets_of_data_is_refused(gateway: Gateway) -> None:
    _insert_at(gateway, "2020-01-01T00:00:00Z", "2024-01-01T00:00:00Z")
    error = _error(gateway, _TIMELINE, bucket="HOUR")
    assert error["message"].startswith(f"{_HOURS}35,065: ")
    assert error["path"][0] == "executionStats"
    assert len(_timeline(gateway, "DAY")) == 1462


def test_a_timeline_that_is_too_long_is_refused_before_anything_is_changed(
    gateway: Gateway,
) -> None:
    gateway.insert(SAMPLE[:1])
    long = '{createdOn: {gte: "2000-01-01T00:00:00Z", lt: "2020-01-01T00:00:00Z"}}'
    error = _error(
        gateway,
        "mutation ($guid: ID!) { deleteExecution(guid: $guid) { __typename }"
        " updateExecution(guid: $guid, input: {state: STOPPED}) { ... on UpdateExecutionSuccess"
        f" {{ execution {{ agentflow {{ stats(filter: {long})"
        " { hours: timeline(bucket: HOUR) { start } } } } } } }",
        guid=SAMPLE[0].guid,
    )
    assert error["path"] == ["updateExecution", "execution", "agentflow", "stats", "hours"]
    assert gateway.sql("SELECT state FROM executions") == [(SAMPLE[0].state,)]


_TOGETHER = "the timelines of an operation must have at most 20,000 buckets together"


def test_timelines_of_many_objects_are_limited_together(sample_gateway: Gateway) -> None:
    query = (
        "query ($until: DateTime!) { agentflows { nodes { stats(filter: {createdOn:"
        ' {gte: "0500-01-01T00:00:00Z", lt: $until}}) { timeline(bucket: WEEK) { start } } } } }'
    )
    data = sample_gateway.graphql(query, until="0570-01-01T00:00:00Z")
    lengths = [len(node["stats"]["timeline"]) for node in data["agentflows"]["nodes"]]
    assert lengths == [3653] * 5
    error = _error(sample_gateway, query, until="0600-01-01T00:00:00Z")
    assert _TOGETHER in error["message"]


def test_timelines_of_an_operation_are_limited_together(sample_gateway: Gateway) -> None:
    range_ = 'createdOn: {gte: "2023-01-01T00:00:00Z", lt: "2024-01-01T00:00:00Z"}'
    hours = f"executionStats(filter: {{{range_}}}) {{ a: timeline(bucket: HOUR) {{ start }} %s }}"
    again = "b: timeline(bucket: HOUR) { start }"
    data = sample_gateway.graphql(f"{{ {hours % again} }}")
    assert [len(data["executionStats"][alias]) for alias in "ab"] == [8760] * 2
    for query in (
        hours % again + " other: " + hours % "",
        hours % (again + again.replace("b", "c", 1)),
    ):
        assert _TOGETHER in _error(sample_gateway, f"{{ {query} }}")["message"]


def test_timelines_of_open_ranges_are_limited_together(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    # Three agentflows, each with executions a year apart.
    gateway.sql(
        "INSERT INTO executions (guid, agentflow_id, state, created_on) SELECT 'later ' || guid,"
        f" agentflow_id, state, created_on + {365 * _DAY} FROM executions"
        " WHERE agentflow_id IN ('flow-a', 'flow-b', 'flow-c')"
    )
    query = "{ agentflows { nodes { stats { timeline(bucket: HOUR) { start } } } } }"
    assert _TOGETHER in _error(gateway, query)["message"]


@pytest.mark.parametrize(("first", "limit"), [(-1, None), (1001, "1000"), (2**31 - 1, "1000")])
def test_a_number_of_agentflows_out_of_range_is_refused(
    sample_gateway: Gateway, first: int, limit: str | None
) -> None:
    error = _error(
        sample_gateway,
        "query ($first: Int!) { executionStats { byAgentflow(first: $first) { count } } }",
        first=first,
    )
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
