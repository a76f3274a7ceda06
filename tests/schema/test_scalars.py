"""How instants and large integers are written, in documents and in variables."""

from typing import Any

import pytest

from tests.gateway import Gateway

SINCE = "query ($at: DateTime!) { executions(filter: {createdOn: {gte: $at}}) { totalCount } }"
AT = 1_700_000_000_000
"""2023-11-14T22:13:20.000Z"""


@pytest.fixture
def one(gateway: Gateway) -> Gateway:
    """A gateway with one execution, created at ``AT``."""
    gateway.sql(
        "INSERT INTO executions (guid, agentflow_id, state, created_on)"
        " VALUES ('abc', 'flow', 'ERROR', ?)",
        AT,
    )
    return gateway


def _count(gateway: Gateway, at: str) -> int:
    return int(gateway.graphql(SINCE, at=at)["executions"]["totalCount"])


@pytest.mark.parametrize(
    "same",
    [
        "2023-11-14T22:13:20.000Z",
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20z",
        "2023-11-14T22:13Z",
        "2023-11-14T22:13:20+00:00",
        "2023-11-14T23:13:20+01:00",
        "2023-11-15T03:43:20+05:30",
        "2023-11-14T14:13:20.000-08:00",
        "2023-11-14 22:13:20Z",
        "2023-11-14t22:13:20.000000000000z",
        "2023-11-14T22:13:20,000Z",
        "2023-11-14T22:13:20-00:00",
        "2023-W46-2T22:13:20Z",
        "20231114T221320Z",
        "20231114T231320+0100",
    ],
)
def test_an_instant_with_an_offset_is_read(one: Gateway, same: str) -> None:
    assert _count(one, same) == 1


def test_an_instant_is_exact_to_the_millisecond_and_below(one: Gateway) -> None:
    assert _count(one, "2023-11-14T22:13:20.000Z") == 1
    assert _count(one, "2023-11-14T22:13:20.000001Z") == 0
    assert _count(one, "2023-11-14T22:13:20.0000001Z") == 0
    assert _count(one, "2023-11-14T22:13:19.9999999999999Z") == 1
    assert _count(one, "2023-11-14T22:13:20.001Z") == 0


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
def test_the_earliest_instants_are_read(one: Gateway, at: str) -> None:
    assert _count(one, at) == 1


def test_the_latest_instant_is_read(one: Gateway) -> None:
    assert _count(one, "9999-12-31T23:59:59.999999Z") == 0


@pytest.mark.parametrize(
    "value",
    [
        "2023-11-14T22:13:20",
        "2023-11-14",
        "2023-02-30T00:00:00Z",
        "2023-11-14T25:00:00Z",
        "2023-11-14T22.5Z",
        "2023-11-14T22:13.5Z",
        "2023-11-14+01:00",
        "2023-11-14Z",
        "2023-11-14T22:13+00:60",
        "2023-11-14T22:13+24:00",
        "2023-11-14T22:13+05.5",
        "2023-11-14T22:13+5",
        "2023-W46T00:00Z",
        "2023-318T00:00Z",
        "2023-11-14x22:13:20Z",
        "2023-11-14T22:13:20Z\0",
        "2023-11-14T22:13:20Z\n",
        " 2023-11-14T22:13:20Z",
        "2023-11-14T221320Z",
        "2023-11-14T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "\u0662\u0660\u0662\u0663-11-14T22:13:20Z",
        "yesterday",
        "",
        "1700000000000",
        1_700_000_000_000,
        1.5,
        True,
        [],
        {},
    ],
    ids=str,
)
def test_what_is_no_instant_with_an_offset_is_refused(one: Gateway, value: Any) -> None:
    code, message = one.refused(SINCE, at=value)
    assert code == "BAD_USER_INPUT"
    assert "DateTime must be ISO 8601 with an offset or Z" in message


def test_what_is_no_instant_in_a_document_fails_validation(one: Gateway) -> None:
    query = '{ executions(filter: {createdOn: {gt: "soon"}}) { totalCount } }'
    code, message = one.refused(query)
    assert code == "GRAPHQL_VALIDATION_FAILED"
    assert "DateTime must be ISO 8601" in message


@pytest.mark.parametrize(
    ("milliseconds", "written"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (AT, "2023-11-14T22:13:20.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_instants_are_written_in_utc_with_milliseconds(
    gateway: Gateway, milliseconds: int, written: str
) -> None:
    gateway.sql(
        "INSERT INTO executions (guid, agentflow_id, state, created_on)"
        " VALUES ('abc', 'flow', 'ERROR', ?)",
        milliseconds,
    )
    found = gateway.graphql('{ execution(guid: "abc") { createdOn } }')
    assert found == {"execution": {"createdOn": written}}


@pytest.mark.parametrize("number", [1, 2**31, 2**53])
def test_large_integers_are_json_numbers(gateway: Gateway, number: int) -> None:
    gateway.sql(
        "INSERT INTO executions (id, guid, agentflow_id, state, created_on)"
        " VALUES (?, 'abc', 'flow', 'ERROR', 0)",
        number,
    )
    found = gateway.graphql('{ execution(guid: "abc") { databaseId } }')
    assert found == {"execution": {"databaseId": number}}
