"""The OpenAPI document, and that the routes conform to it."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import httpx
import pytest

from server.rest.openapi import openapi_document
from server.rest.parameters import PARAMETERS
from tests.gateway import Gateway, bearer, make_key
from tests.places import Place, file_of
from tests.sample import SAMPLE

ONE = SAMPLE[1]
DOCUMENT = openapi_document("", max_page_size=1000, max_ids=10_000, needs_key=True)
OPERATIONS = [
    (path, method, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
]
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_KEYWORDS = {
    "$ref",
    "type",
    "enum",
    "const",
    "required",
    "properties",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "minimum",
    "maximum",
    "pattern",
    "default",
    "description",
}


def _problems(value: Any, schema: Mapping[str, Any], at: str = "$") -> Iterator[str]:
    """Where a value breaks a JSON schema; a keyword that is unknown here is a problem too."""
    if unknown := set(schema) - _KEYWORDS:
        yield f"{at}: unknown keywords {unknown}"
    if "$ref" in schema:
        yield from _problems(value, _resolve(schema["$ref"]), at)
    kinds = schema.get("type", list(_TYPES))
    if not any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        yield f"{at}: {value!r} is no {kinds}"
    elif isinstance(value, dict):
        yield from _problems_of_members(value, schema, at)
    elif isinstance(value, list):
        yield from _problems_of_items(value, schema, at)
    else:
        yield from _problems_of_scalar(value, schema, at)


def _problems_of_members(
    value: dict[str, Any], schema: Mapping[str, Any], at: str
) -> Iterator[str]:
    yield from (f"{at}: no {name}" for name in schema.get("required", ()) if name not in value)
    for name, inner in schema.get("properties", {}).items():
        if name in value:
            yield from _problems(value[name], inner, f"{at}.{name}")


def _problems_of_items(value: list[Any], schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{at}: {len(value)} items"
    for number, item in enumerate(value):
        yield from _problems(item, schema.get("items", {}), f"{at}[{number}]")


def _problems_of_scalar(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    checks: dict[str, Callable[[Any], bool]] = {
        "enum": lambda allowed: value in allowed,
        "const": lambda only: value is only,
        "minimum": lambda least: value >= least,
        "maximum": lambda most: value <= most,
        "minLength": lambda least: len(value) >= least,
        "pattern": lambda pattern: re.search(pattern, value) is not None,
    }
    for keyword, holds in checks.items():
        if keyword in schema and not holds(schema[keyword]):
            yield f"{at}: {value!r} breaks {keyword} {schema[keyword]!r}"


def _is(value: Any, kind: str) -> bool:
    is_number = kind in {"integer", "number"}
    return isinstance(value, _TYPES[kind]) and not (is_number and isinstance(value, bool))


def _resolve(reference: str) -> dict[str, Any]:
    found: Any = DOCUMENT
    root, *names = reference.split("/")
    assert root == "#"
    for name in names:
        found = found[name]
    assert isinstance(found, dict)
    return found


def _valid(value: Any, schema: Mapping[str, Any]) -> bool:
    return not list(_problems(value, schema))


def _schema_of(path: str, method: str, status: int) -> dict[str, Any]:
    response = DOCUMENT["paths"][path][method]["responses"][str(status)]
    schema: dict[str, Any] = response["content"]["application/json"]["schema"]
    return schema


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
    assert (answer.status_code == 200) is _valid(value, schema)


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
    assert (answer.status_code == 200) is _valid(body, content["application/json"]["schema"])


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
    assert (answer.status_code == 200) is _valid(body, content["application/json"]["schema"])


# What the routes answer


def _healthy(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)


def _without_table(gateway: Gateway) -> None:
    gateway.sql("DROP TABLE executions")


def _faulty(gateway: Gateway) -> None:
    """Make a table whose rows are nothing that could be answered, and refuse changes."""
    gateway.sql("DROP TABLE executions")
    gateway.sql(
        "CREATE TABLE executions (id bigint, guid text, agentflow_id bytea, session_id text,"
        " state text, created_on bigint, updated_on bigint)"
    )
    # As the owner writes: engines have no rights on a table that was just made.
    gateway.sql(
        "WITH none AS (SELECT 1) INSERT INTO executions"
        " VALUES (1, ?, ?, NULL, 'ERROR', 1700000000000, 1700000000000)",
        ONE.guid,
        b"\xff",
    )
    gateway.place.refuse("DELETE")


_GET, _PUT, _DELETE = "get", "put", "delete"
_MANY, _ONE = "/executions", "/executions/{guid}"
_STOP: dict[str, Any] = {"state": "TIMEOUT"}
_IDS: dict[str, Any] = {"executionIds": [ONE.guid]}

_Prepare = Callable[[Gateway], None]
_ASKS: list[tuple[str, str, int, _Prepare, str, Any]] = [
    (_MANY, _GET, 200, _healthy, "/executions", None),
    (_MANY, _GET, 200, _healthy, "/executions?page=1", None),
    (_MANY, _GET, 400, _healthy, "/executions?page=0", None),
    (_MANY, _GET, 500, _faulty, "/executions", None),
    (_MANY, _GET, 500, _faulty, "/executions?page=1", None),
    (_MANY, _GET, 503, _without_table, "/executions", None),
    (_MANY, _GET, 503, _without_table, "/executions?page=1", None),
    (_MANY, _DELETE, 200, _healthy, "/executions", _IDS),
    (_MANY, _DELETE, 400, _healthy, "/executions", {}),
    (_MANY, _DELETE, 500, _faulty, "/executions", _IDS),
    (_MANY, _DELETE, 503, _without_table, "/executions", _IDS),
    (_ONE, _GET, 200, _healthy, f"/executions/{ONE.guid}", None),
    (_ONE, _GET, 404, _healthy, "/executions/abc", None),
    (_ONE, _GET, 500, _faulty, f"/executions/{ONE.guid}", None),
    (_ONE, _GET, 503, _without_table, f"/executions/{ONE.guid}", None),
    (_ONE, _PUT, 200, _healthy, f"/executions/{ONE.guid}", _STOP),
    (_ONE, _PUT, 400, _healthy, f"/executions/{ONE.guid}", {"state": "DONE"}),
    (_ONE, _PUT, 404, _healthy, "/executions/abc", _STOP),
    (_ONE, _PUT, 500, _faulty, f"/executions/{ONE.guid}", _STOP),
    (_ONE, _PUT, 503, _without_table, f"/executions/{ONE.guid}", _STOP),
    (_ONE, _DELETE, 200, _healthy, f"/executions/{ONE.guid}", None),
    (_ONE, _DELETE, 404, _healthy, "/executions/abc", None),
    (_ONE, _DELETE, 500, _faulty, f"/executions/{ONE.guid}", None),
    (_ONE, _DELETE, 503, _without_table, f"/executions/{ONE.guid}", None),
]


@pytest.mark.parametrize(
    ("route", "method", "status", "prepare", "url", "body"),
    [pytest.param(*ask, id=f"{ask[1]} {ask[4]} {ask[2]}") for ask in _ASKS],
)
def test_an_answer_is_as_documented(
    gateway: Gateway,
    route: str,
    method: str,
    status: int,
    prepare: _Prepare,
    url: str,
    body: Any,
) -> None:
    prepare(gateway)
    answer = gateway.http.request(method, url, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert list(_problems(answer.json(), _schema_of(route, method, status))) == []
    assert status == 200 or answer.json()["statusCode"] == status


_EVERY = [(route, method) for route, method, _ in OPERATIONS]
_OF_BODIES = ("408", "413", "415")
_WITH_BODY = [(_MANY, _DELETE), (_ONE, _PUT)]
_OTHER_SCOPE = {_GET: "delete", _PUT: "delete", _DELETE: "update"}


@pytest.mark.parametrize(("route", "method"), _EVERY)
def test_without_a_key_the_answer_is_the_documented_401(
    gateway_with: Callable[..., Gateway], route: str, method: str
) -> None:
    answer = gateway_with(auth="keys").http.request(method, route.format(guid="abc"))
    _is_documented(answer, route, method, 401)


@pytest.mark.parametrize(("route", "method"), _EVERY)
def test_with_a_key_of_another_scope_the_answer_is_the_documented_403(
    gateway_with: Callable[..., Gateway], place: Place, route: str, method: str
) -> None:
    key = make_key(place, _OTHER_SCOPE[method])
    url = route.format(guid="abc")
    answer = gateway_with(auth="keys").http.request(method, url, headers=bearer(key))
    _is_documented(answer, route, method, 403)


@pytest.mark.parametrize(("route", "method"), _WITH_BODY)
def test_a_body_that_is_too_large_is_the_documented_413(
    gateway_with: Callable[..., Gateway], route: str, method: str
) -> None:
    gateway = gateway_with(max_body_bytes=10)
    answer = gateway.http.request(method, route.format(guid="abc"), json={"executionIds": []})
    _is_documented(answer, route, method, 413)


@pytest.mark.parametrize(("route", "method"), _WITH_BODY)
def test_a_body_that_does_not_come_is_the_documented_408(
    gateway_with: Callable[..., Gateway], route: str, method: str
) -> None:
    gateway = gateway_with(receive_timeout=0.05)

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b" "
            time.sleep(0.01)

    answer = gateway.http.request(method, route.format(guid="abc"), content=endless())
    _is_documented(answer, route, method, 408)


@pytest.mark.parametrize(("route", "method"), _WITH_BODY)
def test_a_body_in_a_coding_that_is_not_taken_is_the_documented_415(
    gateway: Gateway, route: str, method: str
) -> None:
    headers = {"content-encoding": "br"}
    url = route.format(guid="abc")
    answer = gateway.http.request(method, url, content=b"{}", headers=headers)
    _is_documented(answer, route, method, 415)


def _is_documented(answer: httpx.Response, route: str, method: str, status: int) -> None:
    assert answer.status_code == status
    assert list(_problems(answer.json(), _schema_of(route, method, status))) == []
    documented = DOCUMENT["paths"][route][method]["responses"][str(status)]
    assert all(name in answer.headers for name in documented.get("headers", ()))


def test_every_documented_status_is_asked_for() -> None:
    asked = {(route, method, str(status)) for route, method, status, *_ in _ASKS}
    asked |= {(route, method, status) for route, method in _EVERY for status in ("401", "403")}
    asked |= {(route, method, status) for route, method in _WITH_BODY for status in _OF_BODIES}
    assert asked == {
        (route, method, status)
        for route, method, operation in OPERATIONS
        for status in operation["responses"]
    }


@pytest.mark.sqlite
def test_a_busy_database_answers_as_documented(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(busy_timeout=0.1)
    gateway.insert([ONE])
    with closing(sqlite3.connect(file_of(gateway.place), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = gateway.http.delete(f"/executions/{ONE.guid}")
        other.execute("ROLLBACK")
    assert answer.status_code == 503
    assert _valid(answer.json(), _schema_of(_ONE, _DELETE, 503))


def test_an_execution_has_no_key_that_is_not_documented(sample_gateway: Gateway) -> None:
    schema = DOCUMENT["components"]["schemas"]["Execution"]
    for execution in sample_gateway.http.get("/executions").json():
        assert list(execution) == list(schema["properties"]) == schema["required"]


def test_the_headers_of_a_page_are_documented(sample_gateway: Gateway) -> None:
    headers = DOCUMENT["paths"]["/executions"]["get"]["responses"]["200"]["headers"]
    answer: httpx.Response = sample_gateway.http.get("/executions?page=1")
    assert set(headers) == {"X-Total-Count", "Link"}
    assert all(name in answer.headers for name in headers)


@pytest.mark.parametrize(
    "value",
    [
        {"raw": [], "affected": -1},
        {"raw": [], "affected": True},
        {"raw": [], "affected": "1"},
        {"raw": [1], "affected": 1},
        {"affected": 1},
        [],
    ],
    ids=str,
)
def test_the_check_itself_tells_right_from_wrong(value: object) -> None:
    schema = {"$ref": "#/components/schemas/Deletion"}
    assert _valid({"raw": [], "affected": 1}, schema)
    assert not _valid(value, schema)
