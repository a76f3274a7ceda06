"""Limits on variables hold for every transport."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from db.errors import InvalidInput
from server.graphql.variables import count_values
from tests.gateway import Gateway
from tests.sample import SAMPLE

QUERY = "query ($f: ExecutionFilter) { executions(filter: $f) { totalCount } }"


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({}, 0),
        ({"a": 1, "b": None, "c": "text"}, 3),
        ({"a": []}, 1),
        ({"a": [1, 2, 3]}, 4),
        ({"a": {"b": {"c": 1}}}, 3),
        ({"a": [{}, {"b": [1, 2]}]}, 6),
    ],
    ids=str,
)
def test_items_of_lists_and_entries_of_objects_count_at_any_depth(
    variables: dict[str, Any], count: int
) -> None:
    assert count_values(variables, 10, 10) == count


def test_nesting_is_counted_without_recursion() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    assert count_values({"a": value}, 200_000, 10) == 100_001


def test_objects_are_bounded_by_themselves() -> None:
    variables: dict[str, Any] = {"a": [{}] * 100}
    assert count_values(variables, 1_000, 100) == 101
    with pytest.raises(InvalidInput) as refused:
        count_values(variables, 1_000, 99)
    assert refused.value.limit == "max_input_objects"


def test_values_are_bounded_by_themselves() -> None:
    nested: dict[str, Any] = {str(number): 1 for number in range(100)}
    assert count_values({"a": nested}, 101, 1) == 101
    with pytest.raises(InvalidInput) as refused:
        count_values({"a": [1] * 100, "b": [nested] * 100_000}, 101, 1)
    assert refused.value.limit == "max_input_values"


TOO_MUCH: dict[str, tuple[Any, str]] = {
    "empty filters": ({"or": [{}] * 349_000}, "max_input_"),
    "a few too many empty filters": ({"or": [{}] * 1_500}, "max_input_objects"),
    "conditions": ({"or": [{"guid": {"eq": "a"}}] * 800}, "max_input_objects"),
    "states": ({"state": {"in": ["ERROR"] * 110_000}}, "max_input_values"),
    "null characters": ({"guid": {"in": ["\0"] * 110_000}}, "max_input_values"),
    "a few too many values": ({"guid": {"in": ["a"] * 12_000}}, "max_input_values"),
    "entries": ({f"x{n}": 1 for n in range(12_000)}, "max_input_values"),
    "a long name": ({"x" * 900_000: 1}, "256 characters"),
}


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_what_holds_too_much_is_refused_by_the_name_of_the_limit(
    gateway: Gateway, kind: str
) -> None:
    value, limit = TOO_MUCH[kind]
    # Without spaces, a megabyte has room for all of it.
    body = json.dumps({"query": QUERY, "variables": {"f": value}}, separators=(",", ":"))
    headers = {"content-type": "application/json"}
    answer = gateway.http.post("/graphql", content=body, headers=headers)
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (400, "BAD_USER_INPUT")
    assert limit in error["message"]
    assert "retry-after" not in answer.headers
    assert len(answer.content) < 1_000


def test_variables_that_nothing_uses_count_too(gateway: Gateway) -> None:
    unused = {f"unused{number}": number for number in range(12_001)}
    code, message = gateway.refused("{ __typename }", **unused)
    assert (code, "max_input_values" in message) == ("BAD_USER_INPUT", True)


def _by_get(gateway: Gateway, body: dict[str, Any]) -> httpx.Response:
    asked = {"query": body["query"], "variables": json.dumps(body["variables"])}
    return gateway.http.get("/graphql", params=asked)


def _in_a_batch(gateway: Gateway, body: dict[str, Any]) -> httpx.Response:
    return gateway.http.post("/graphql", json=[{"query": "{ __typename }"}, body])


def _as_events(gateway: Gateway, body: dict[str, Any]) -> httpx.Response:
    return gateway.http.post("/graphql", json=body, headers={"accept": "text/event-stream"})


@pytest.mark.parametrize("send", [_by_get, _in_a_batch, _as_events])
def test_every_transport_counts_alike(
    gateway_with: Callable[..., Gateway],
    send: Callable[[Gateway, dict[str, Any]], httpx.Response],
) -> None:
    gateway = gateway_with(max_input_objects=5, max_batch=2)
    variables: dict[str, Any] = {"f": {"or": [{}] * 5}}
    assert "max_input_objects" in send(gateway, {"query": QUERY, "variables": variables}).text
    variables = {"f": {"or": [{}] * 4}}
    assert "max_input_objects" not in send(gateway, {"query": QUERY, "variables": variables}).text


def test_as_many_guids_as_one_call_may_name_are_taken(sample_gateway: Gateway) -> None:
    guids = [f"nobody-{number}" for number in range(9_999)]
    found = sample_gateway.graphql(QUERY, f={"guid": {"in": [*guids, SAMPLE[0].guid]}})
    assert found["executions"] == {"totalCount": 1}
    others = sample_gateway.graphql(QUERY, f={"guid": {"notIn": [*guids, SAMPLE[0].guid]}})
    assert others["executions"] == {"totalCount": len(SAMPLE) - 1}


@pytest.mark.parametrize("size", [10, 9_000])
def test_what_is_wrong_in_a_long_list_is_said_as_in_a_short_one(
    sample_gateway: Gateway, size: int
) -> None:
    code, message = sample_gateway.refused(QUERY, f={"guid": {"in": ["a"] * size + [{}]}})
    assert code == "BAD_USER_INPUT"
    assert message.startswith(f"Variable '$f' has invalid value at .guid.in[{size}]:")


@pytest.mark.parametrize(
    "value",
    [
        {"state": {"eq": "E" * 900_000}},
        {"state": {"in": ["E" * 18_000] * 50}},
        {"createdOn": {"gt": "1" * 900_000}},
        {"guid": {"in": [{"x": "y" * 900_000}]}},
        {f"unknown{number}": 1 for number in range(1_000)},
        {"agentflowName": {"caseSensitive": "y" * 900_000}},
    ],
    ids=["state", "states", "instant", "object", "entries", "boolean"],
)
def test_a_refusal_repeats_little_of_what_was_sent(gateway: Gateway, value: Any) -> None:
    answer = gateway.post(QUERY, f=value)
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"BAD_USER_INPUT"}
    assert len(answer.json()["errors"]) <= 51
    assert len(answer.content) < 60_000
