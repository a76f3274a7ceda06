"""Timelines in GraphQL: which buckets they have, what is counted in them, and how many may be."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.gateway import Gateway
from tests.sample import SAMPLE

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
