"""The OpenAPI document, and that the routes conform to it."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from server.rest.openapi import openapi_document
from server.rest.parameters import PARAMETERS
from tests.gateway import Gateway
from tests.server.rest.documented import DOCUMENT, OPERATIONS, is_valid
from tests.server.rest.requests import ONE

# The document


def test_the_document_is_served(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == DOCUMENT


def test_the_document_has_the_shape_of_openapi_3_1() -> None:
    assert re.fullmatch(r"3\.1\.\d+", DOCUMENT["openapi"])
    assert set(DOCUMENT) == {"openapi", "info", "servers", "paths", "components", "security"}
    assert {"title", "version"} <= set(DOCUMENT["info"])
    assert all(path.startswith("/") for path in DOCUMENT["paths"])
    assert {method for _, method, _ in OPERATIONS} <= {"get", "put", "post", "delete", "patch"}


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=lambda part: str(part)[:40]
)
def test_an_operation_has_the_shape_of_openapi(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert operation["summary"]
    assert path
    parameters = [
        *DOCUMENT["paths"][path].get("parameters", []),
        *operation.get("parameters", []),
    ]
    for parameter in parameters:
        assert {"name", "in", "schema", "description"} <= set(parameter)
    in_path = {each["name"] for each in parameters if each["in"] == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", path))
    assert all(each["required"] is True for each in parameters if each["in"] == "path")
    assert ("requestBody" in operation) is (
        method == "put" or (path == "/executions" and method == "delete")
    )
    for status, response in operation["responses"].items():
        assert re.fullmatch(r"[1-5]\d\d", status)
        assert response["description"]
        assert response["content"]["application/json"]["schema"]


def test_every_operation_has_an_id_of_its_own() -> None:
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(ids)) == len(ids) == 5


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    used = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(DOCUMENT)))
    assert used == set(DOCUMENT["components"]["schemas"])


def test_the_states_are_written_once_and_taken_repeated() -> None:
    assert str(DOCUMENT).count("TERMINATED") == 1
    [state] = [
        each
        for each in DOCUMENT["paths"]["/executions"]["get"]["parameters"]
        if each["name"] == "state"
    ]
    assert (state["style"], state["explode"]) == ("form", True)
    assert state["schema"]["items"] == {"$ref": "#/components/schemas/ExecutionState"}


def test_no_parameter_has_a_default_that_generated_clients_would_send() -> None:
    parameters = DOCUMENT["paths"]["/executions"]["get"]["parameters"]
    assert not any("default" in each["schema"] for each in parameters)


def test_every_array_says_what_it_holds() -> None:
    def arrays(part: object) -> Iterator[dict[str, Any]]:
        if isinstance(part, dict):
            if part.get("type") == "array":
                yield part
            part = list(part.values())
        if isinstance(part, list):
            for each in part:
                yield from arrays(each)

    found = list(arrays(DOCUMENT))
    assert len(found) == 4
    assert all(each["items"] for each in found)


def test_the_parameters_are_those_that_are_read() -> None:
    parameters = DOCUMENT["paths"]["/executions"]["get"]["parameters"]
    assert [each["name"] for each in parameters] == ["page", "limit", *PARAMETERS]
    assert {each["in"] for each in parameters} == {"query"}
    assert not any(each.get("required") for each in parameters)


# What the routes do


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_the_methods_are_those_that_are_allowed(sample_gateway: Gateway, path: str) -> None:
    allowed = sample_gateway.http.options(path.format(guid="abc")).headers["allow"].split(", ")
    documented = {method.upper() for each, method, _ in OPERATIONS if each == path}
    assert set(allowed) == documented | {"HEAD", "OPTIONS"}


@pytest.mark.parametrize("prefix", ["/api/v1", "/x"])
def test_behind_a_prefix_the_paths_are_those_that_are_served(
    gateway_with: Callable[..., Gateway], prefix: str
) -> None:
    gateway = gateway_with(rest_prefix=prefix, max_page_size=7)
    document = gateway.http.get("/openapi.json").json()
    expected = openapi_document(prefix, max_page_size=7, max_ids=10_000, needs_key=True)
    assert document == expected
    [server] = document["servers"]
    for route in document["paths"]:
        path = server["url"] + route.format(guid="abc")
        assert gateway.http.options(path).status_code == 204


def test_the_limit_that_is_documented_is_the_one_that_holds(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_page_size=7)
    parameters = gateway.http.get("/openapi.json").json()["paths"]["/executions"]["get"][
        "parameters"
    ]
    limit = next(each for each in parameters if each["name"] == "limit")
    assert limit["schema"]["maximum"] == 7
    assert "7 unless given" in limit["description"]
    assert gateway.http.get("/executions?limit=7").status_code == 200
    assert gateway.http.get("/executions?limit=8").status_code == 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page", 0),
        ("page", 1),
        ("page", 2**31 - 1),
        ("page", 2**31),
        ("limit", 0),
        ("limit", 1000),
        ("limit", 1001),
        ("state", []),
        ("state", ["ERROR"]),
        ("state", ["ERROR", "STOPPED"]),
        ("state", ["ERROR", "ERROR"]),
        ("state", ["error"]),
        ("state", ["ERROR", "XERROR"]),
    ],
)
def test_a_parameter_is_accepted_exactly_when_its_schema_allows_it(
    sample_gateway: Gateway, name: str, value: int | list[str]
) -> None:
    parameters = DOCUMENT["paths"]["/executions"]["get"]["parameters"]
    schema = next(each["schema"] for each in parameters if each["name"] == name)
    answer = sample_gateway.http.get("/executions", params={name: value})
    assert (answer.status_code == 200) is is_valid(value, schema)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"state": "STOPPED"},
        {"state": "DONE"},
        {"state": None},
        {"guid": 1},
        [],
        "STOPPED",
        None,
    ],
    ids=str,
)
def test_an_update_is_accepted_exactly_when_its_schema_allows_it(
    gateway: Gateway, body: object
) -> None:
    gateway.insert([ONE])
    content = DOCUMENT["paths"]["/executions/{guid}"]["put"]["requestBody"]["content"]
    answer = gateway.http.request("PUT", f"/executions/{ONE.guid}", json=body)
    assert (answer.status_code == 200) is is_valid(body, content["application/json"]["schema"])


@pytest.mark.parametrize(
    "body",
    [
        {"executionIds": ["a"]},
        {"executionIds": []},
        {"executionIds": [1]},
        {"executionIds": "a"},
        {},
        [],
        "a",
    ],
    ids=str,
)
def test_a_deletion_is_accepted_exactly_when_its_schema_allows_it(
    gateway: Gateway, body: object
) -> None:
    content = DOCUMENT["paths"]["/executions"]["delete"]["requestBody"]["content"]
    answer = gateway.http.request("DELETE", "/executions", json=body)
    assert (answer.status_code == 200) is is_valid(body, content["application/json"]["schema"])
