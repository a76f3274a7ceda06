"""Parameters of the REST routes that are malformed, repeated or too many."""

from collections.abc import Callable
from urllib.parse import unquote

import httpx
import pytest

from server.rest.parameters import read_list
from tests.gateway import Gateway
from tests.sample import SAMPLE
from tests.server.rest.requests import found_guids, refusal_of, wanted_guids

_MALFORMED = {
    "page": [
        "0",
        "-1",
        "1.0",
        "1e1",
        "abc",
        "%2B1",
        "%201",
        "0x1",
        "2147483648",
        "%D9%A1",
        "9" * 5000,
    ],
    "limit": ["0", "-1", "1.5", "abc", "%2B1", "1,000", "NaN", "%D9%A1", "9" * 5000],
    "state": ["finished", "DONE", "FINISHED,", ",", "FINISHED;ERROR", "ERROR,DONE", "%20", "null"],
    "startDate": [
        "yesterday",
        "2023-13-01",
        "2023-02-29",
        "2023-11-14T25:00:00Z",
        "2023-11-14T22:13:20+01:00",
        "14.11.2023",
        "1.5",
        "1e12",
        "NaN",
        "999999999999999",
        "-99999999999999999",
        "9" * 5000,
        "%D9%A1",
        "0001-01-01T00:00:00%2B05:00",
        "2023-11-14T22:13:20Zjunk",
        "2023-11-14T22.5",
        "2023-11-14T22:13.5Z",
        "2023-11-14%2B01:00",
        "2023-11-14T22:13%2B00:99",
        "2023-11-14T22:13%2B05.5",
        "2023-W46",
        "2023-11-14_22:13:20",
        "2023-11-14T22:13:20Z%00",
        "2023-11-14%0A",
        "1700000000",
        "20231114",
        "2023",
        "1",
    ],
}
_MALFORMED["endDate"] = [*_MALFORMED["startDate"], "9999-12-31T23:59:59-05:00"]
_EXPECTATIONS = {
    "page": "a whole number from 1",
    "limit": "a whole number from 1 to 1000",
    "state": "INPROGRESS, FINISHED, ERROR, TERMINATED, TIMEOUT, STOPPED",
    "startDate": "ISO 8601",
    "endDate": "ISO 8601",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, value, id=f"{name}={value[:30]}")
        for name, values in _MALFORMED.items()
        for value in values
    ],
)
def test_a_malformed_value_is_400_and_named_with_what_would_be_right(
    sample_gateway: Gateway, name: str, value: str
) -> None:
    message = refusal_of(sample_gateway, f"{name}={value}")
    shown = httpx.QueryParams(f"{name}={value}")[name]
    given = shown.split(",")[-1].strip() if name == "state" else shown
    assert message.startswith(f"{name} must be ")
    assert _EXPECTATIONS[name] in message
    quoted = repr(given)[1:-1]
    assert f"got '{quoted[:90]}" in message
    assert len(message) < 500


def test_a_plus_that_became_a_space_is_explained(sample_gateway: Gateway) -> None:
    assert "%2B" in refusal_of(sample_gateway, "endDate=2023-11-14T22:13:20+01:00")


def test_a_limit_above_the_maximum_is_400_and_names_the_maximum(
    sample_gateway: Gateway,
) -> None:
    assert len(found_guids(sample_gateway, {"limit": "1000"})) == len(SAMPLE)
    message = refusal_of(sample_gateway, "limit=1001")
    assert "1000" in message
    assert "'1001'" in message


def test_the_maximum_is_a_setting(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(max_page_size=5)
    gateway.insert(SAMPLE)
    assert len(found_guids(gateway, {"limit": "5"})) == 5
    assert "from 1 to 5;" in refusal_of(gateway, "limit=6")


def test_without_a_limit_a_page_is_never_larger_than_the_maximum(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_page_size=5)
    gateway.insert(SAMPLE)
    assert len(found_guids(gateway, {"page": "1"})) == 5
    assert len(found_guids(gateway, {})) == len(SAMPLE)


@pytest.mark.parametrize("name", ["page", "limit", "guid", "agentflowId", "startDate"])
def test_a_parameter_that_is_given_twice_is_400(sample_gateway: Gateway, name: str) -> None:
    assert name in refusal_of(sample_gateway, f"{name}=1&{name}=2")


def test_a_parameter_that_is_given_twice_with_one_value_counts_once(
    sample_gateway: Gateway,
) -> None:
    answer = sample_gateway.http.get("/executions?guid=guid-07&guid=guid-07&guid=")
    assert [row["guid"] for row in answer.json()] == ["guid-07"]


@pytest.mark.parametrize(
    "name", ["page", "limit", "guid", "agentflowId", "agentflowName", "sessionId", "state"]
)
def test_a_value_that_is_not_utf8_is_400(sample_gateway: Gateway, name: str) -> None:
    assert refusal_of(sample_gateway, f"{name}=caf%E9").startswith(f"{name} must be in UTF-8")


def test_a_value_in_raw_utf8_is_read_as_such() -> None:
    raw, encoded = "agentflowName=ärger".encode(), b"agentflowName=%C3%A4rger"
    assert read_list(raw, 10, 10).filter == read_list(encoded, 10, 10).filter


@pytest.mark.parametrize("name", ["guid", "agentflowId", "agentflowName", "sessionId"])
@pytest.mark.parametrize("value", ["%", "%2", "%zz", "a%00", "%00", "+", ";state=ERROR", "a;b"])
def test_a_value_with_odd_characters_matches_only_what_has_them(
    sample_gateway: Gateway, name: str, value: str
) -> None:
    found = sample_gateway.http.get(f"/executions?{name}={value}").json()
    decoded = unquote(value.replace("+", " "))
    # No guid, id or session of the sample has them.
    is_name = name == "agentflowName"
    wanted = wanted_guids(lambda row: is_name and decoded in (row.agentflow_name or ""))
    assert [row["guid"] for row in found] == wanted
    assert len(found) < len(SAMPLE)


def test_as_many_parameters_are_read_as_the_setting_says(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_parameters=3)
    assert gateway.http.get("/executions?a=1&b=2&limit=1").status_code == 200
    message = refusal_of(gateway, "a=1&b=2&limit=1&c")
    assert message == "A query may have at most 3 parameters (max_parameters); got 4"


@pytest.mark.parametrize("separator", ["&", ";", "%3B", "%3b"])
def test_what_may_be_a_parameter_counts_as_one(sample_gateway: Gateway, separator: str) -> None:
    query = "own=" + separator.join(["a=1"] * 101)
    assert "at most 100 parameters" in refusal_of(sample_gateway, query)


def test_one_malformed_value_among_good_ones_is_400(sample_gateway: Gateway) -> None:
    message = refusal_of(sample_gateway, "state=ERROR&page=1&limit=5&guid=a&endDate=never")
    assert "'never'" in message
