"""What the REST routes answer is what the OpenAPI document says, in every status."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.gateway import Gateway, bearer, make_key
from tests.places import Place, file_of
from tests.sample import SAMPLE
from tests.server.rest.documented import DOCUMENT, OPERATIONS, is_valid, problems, schema_of
from tests.server.rest.requests import ONE


def _healthy(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)


def _without_table(gateway: Gateway) -> None:
    gateway.sql("DROP TABLE executions")


def _faulty(gateway: Gateway) -> None:
    """Make a table whose rows are nothing that could be answered, and refuse changes."""
    gateway.sql("DROP TABLE executions")
    gateway.sql(
        "CREATE TABLE executions (id bigint, guid text, agentflow_id bytea, session_id text,"
        " state text, created_on bigint, updated_on bigint, finished_on bigint,"
        " workspace_id text, error text)"
    )
    # As the owner writes: engines have no rights on a table that was just made.
    gateway.sql(
        "WITH none AS (SELECT 1) INSERT INTO executions"
        " VALUES (1, ?, ?, NULL, 'ERROR', 1700000000000, 1700000000000, NULL, NULL, NULL)",
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
    (_ONE, _GET, 200, _healthy, f"/executions/{ONE.guid}?include=data", None),
    (_ONE, _GET, 400, _healthy, f"/executions/{ONE.guid}?include=steps", None),
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
    assert list(problems(answer.json(), schema_of(route, method, status))) == []
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
    assert list(problems(answer.json(), schema_of(route, method, status))) == []
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
    gateway = gateway_with(busy_timeout=1.0)
    gateway.insert([ONE])
    with closing(sqlite3.connect(file_of(gateway.place), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = gateway.http.delete(f"/executions/{ONE.guid}")
        other.execute("ROLLBACK")
    assert answer.status_code == 503
    assert is_valid(answer.json(), schema_of(_ONE, _DELETE, 503))


def test_an_execution_has_no_key_that_is_not_documented(sample_gateway: Gateway) -> None:
    schema = DOCUMENT["components"]["schemas"]["Execution"]
    for execution in sample_gateway.http.get("/executions").json():
        assert list(execution) == schema["required"]
    shown = sample_gateway.http.get(f"/executions/{ONE.guid}?include=data").json()
    assert list(shown) == [*schema["required"], "data"]
    assert list(schema["properties"]) == [*shown, "dataProblem"]


def test_the_headers_of_a_page_are_documented(sample_gateway: Gateway) -> None:
    headers = DOCUMENT["paths"]["/executions"]["get"]["responses"]["200"]["headers"]
    accept = {"accept": "text/csv"}
    answer: httpx.Response = sample_gateway.http.get("/executions?page=1", headers=accept)
    assert set(headers) == {"X-Total-Count", "Link", "Content-Disposition"}
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
    assert is_valid({"raw": [], "affected": 1}, schema)
    assert not is_valid(value, schema)
