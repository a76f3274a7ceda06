"""One execution is shown with its data if that is asked for."""

import json
from typing import Any

import pytest

from tests.gateway import Gateway, running_gateway
from tests.places import Place
from tests.sample import SAMPLE

ROW = SAMPLE[1]
URL = f"/executions/{ROW.guid}"
STEPS = [{"nodeId": "a", "data": {"output": {"content": "b"}}}]


@pytest.fixture
def gateway(gateway: Gateway) -> Gateway:
    gateway.insert(SAMPLE[:2])
    return gateway


def leave(gateway: Gateway, text: str) -> None:
    """Write a content as an engine does."""
    gateway.sql("INSERT INTO execution_data (execution_id, data) VALUES (?, ?)", ROW.id, text)


@pytest.mark.parametrize(
    "query", ["include=data", "include[]=data", "include[0]=data", "x=1&include=data,data"]
)
def test_data_is_added_to_the_documented_keys(gateway: Gateway, query: str) -> None:
    leave(gateway, json.dumps(STEPS))
    plain = gateway.http.get(URL).json()
    assert "data" not in plain
    assert gateway.http.get(f"{URL}?{query}").json() == {**plain, "data": STEPS}


def test_an_execution_without_data_has_null(gateway: Gateway) -> None:
    shown = gateway.http.get(f"{URL}?include=data").json()
    assert (shown["data"], "dataProblem" in shown) == (None, False)


@pytest.mark.parametrize("query", ["", "include=", "exclude=data", "in=data", "id=5"])
def test_it_is_not_shown_if_it_is_not_asked_for(gateway: Gateway, query: str) -> None:
    leave(gateway, json.dumps(STEPS))
    assert gateway.http.get(f"{URL}?{query}").json() == gateway.http.get(URL).json()


@pytest.mark.parametrize("name", ["Include", "includes", "included", "inlcude", "include."])
def test_a_name_that_is_almost_the_documented_one_is_refused(gateway: Gateway, name: str) -> None:
    refused = gateway.http.get(f"{URL}?{name}=data")
    assert refused.status_code == 400
    assert refused.json()["message"] == f"The query has no parameter '{name}'; use include"


@pytest.mark.parametrize(
    ("query", "value"), [("include=steps", "steps"), ("include=data,x", "x"), ("include=%FF", "�")]
)
def test_nothing_else_can_be_included(gateway: Gateway, query: str, value: str) -> None:
    refused = gateway.http.get(f"{URL}?{query}")
    assert refused.status_code == 400
    assert refused.json()["message"] == f"include must be data; got '{value}'"


@pytest.mark.parametrize(
    ("text", "data", "problem"),
    [
        ("{}", {}, "Its steps can't be shown: it is no list"),
        ("[1,]", None, "It is no JSON: expected a value at character 3"),
    ],
)
def test_what_is_no_list_of_steps_says_why(
    gateway: Gateway, text: str, data: Any, problem: str
) -> None:
    leave(gateway, text)
    shown = gateway.http.get(f"{URL}?include=data").json()
    assert (shown["data"], shown["dataProblem"]) == (data, problem)


def test_data_that_is_too_large_is_left_out_and_named(place: Place) -> None:
    with running_gateway(place, max_data_bytes=4) as gateway:
        gateway.insert(SAMPLE[:2])
        leave(gateway, "[1,2]")
        shown = gateway.http.get(f"{URL}?include=data").json()
    assert shown["data"] is None
    assert shown["dataProblem"] == (
        "It has 5 bytes, and this response has room for 4 more bytes of contents"
        " (max_data_bytes is 4)"
    )


def test_an_unknown_execution_is_not_found_with_or_without_its_data(gateway: Gateway) -> None:
    assert gateway.http.get("/executions/none?include=data").status_code == 404


def test_a_list_has_no_data(gateway: Gateway) -> None:
    leave(gateway, json.dumps(STEPS))
    shown = gateway.http.get("/executions?include=data").json()
    assert shown == gateway.http.get("/executions").json()
