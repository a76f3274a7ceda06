"""GraphQL over HTTP: methods, media types, statuses and bodies.

The words MUST and SHOULD behind these are those of the GraphQL over HTTP specification.
"""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.gateway import Gateway, bearer, make_key
from tests.places import Place
from tests.sample import SAMPLE

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
QUERY = "{ executions { totalCount } }"
DATA = {"data": {"executions": {"totalCount": 24}}}
INVALID = "{ nothing }"
MUTATION = 'mutation { deleteExecution(guid: "nobody") { __typename } }'


def _post(gateway: Gateway, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": JSON} | {k.replace("_", "-"): v for k, v in headers.items()}
    return gateway.http.post("/graphql", content=content, headers=given)


def _get(gateway: Gateway, accept: str = JSON, **parameters: str) -> httpx.Response:
    return gateway.http.get("/graphql", params=parameters, headers={"accept": accept})


def _error(answer: httpx.Response) -> tuple[str, str]:
    [error] = answer.json()["errors"]
    assert "data" not in answer.json()
    return error["extensions"]["code"], error["message"]


# Methods and paths


@pytest.mark.parametrize("path_", ["/graphql", "/graphql/"])
def test_a_query_is_answered_with_and_without_a_trailing_slash(
    sample_gateway: Gateway, path_: str
) -> None:
    answer = sample_gateway.http.post(path_, json={"query": QUERY})
    assert (answer.status_code, answer.json()) == (200, DATA)


def test_a_query_can_be_sent_by_get(sample_gateway: Gateway) -> None:
    answer = _get(sample_gateway, query=QUERY)
    assert (answer.status_code, answer.json()) == (200, DATA)


def test_a_get_takes_variables_and_an_operation_name(sample_gateway: Gateway) -> None:
    query = "query A { __typename } query B($n: Int) { executions(first: $n) { nodes { guid } } }"
    variables = json.dumps({"n": 2})
    answer = _get(sample_gateway, query=query, operationName="B", variables=variables)
    assert len(answer.json()["data"]["executions"]["nodes"]) == 2


def test_a_head_answers_the_headers_of_get(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.head("/graphql", params={"query": QUERY})
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])
def test_a_mutation_by_get_is_405(sample_gateway: Gateway, accept: str) -> None:
    answer = _get(sample_gateway, accept, query=MUTATION)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert _error(answer) == ("BAD_USER_INPUT", "A mutation must be sent with POST, not GET")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_another_method_is_405(sample_gateway: Gateway, method: str) -> None:
    answer = sample_gateway.http.request(method, "/graphql")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


def test_options_names_the_methods(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.options("/graphql")
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")


def test_queries_by_get_can_be_turned_off(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(get_queries=False)
    answer = _get(gateway, query=QUERY)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert gateway.post(QUERY).status_code == 200
    assert _get(gateway, HTML).status_code == 200


# What is answered


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (JSON, JSON),
        (RESPONSE_JSON, RESPONSE_JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (f"{RESPONSE_JSON}, {JSON}", JSON),
        (f"{RESPONSE_JSON}, {JSON};q=0.9", RESPONSE_JSON),
        (f"{JSON};q=0.5, {RESPONSE_JSON};q=0.9", RESPONSE_JSON),
        (f"{RESPONSE_JSON}; charset=utf-8, */*;q=0.1", RESPONSE_JSON),
    ],
)
def test_the_client_chooses_the_media_type(
    sample_gateway: Gateway, accept: str, answered: str
) -> None:
    answer = _post(sample_gateway, {"query": QUERY}, accept=accept)
    assert (answer.status_code, answer.json()) == (200, DATA)
    assert answer.headers["content-type"] == f"{answered}; charset=utf-8"
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("accept", ["text/plain", "image/png", f"{JSON};q=0", "text/html"])
def test_a_client_that_accepts_nothing_of_it_gets_406(sample_gateway: Gateway, accept: str) -> None:
    assert _post(sample_gateway, {"query": QUERY}, accept=accept).status_code == 406


@pytest.mark.parametrize(
    ("query", "code"),
    [("{", "GRAPHQL_PARSE_FAILED"), (INVALID, "GRAPHQL_VALIDATION_FAILED")],
)
def test_a_document_that_cannot_run_is_200_in_json_and_400_in_the_graphql_media_type(
    sample_gateway: Gateway, query: str, code: str
) -> None:
    for accept, status in ((JSON, 200), (RESPONSE_JSON, 400)):
        answer = _post(sample_gateway, {"query": query}, accept=accept)
        assert answer.status_code == status
        assert _error(answer)[0] == code


def test_a_variable_that_does_not_fit_is_a_request_error(sample_gateway: Gateway) -> None:
    body = {"query": "query ($n: Int!) { executions(first: $n) { totalCount } }"}
    for variables in ({}, {"n": "x"}, {"n": None}, {"n": 2**31}, {"n": 1.5}):
        asked = body | {"variables": variables}
        answer = _post(sample_gateway, asked, accept=RESPONSE_JSON)
        assert (answer.status_code, _error(answer)[0]) == (400, "BAD_USER_INPUT")


def test_a_fault_of_a_field_is_200_with_the_data_of_the_others(
    sample_gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("db.executions.Executions.find_fields", broken)
    query = '{ ok: __typename execution(guid: "guid-07") { guid } }'
    answer = _post(sample_gateway, {"query": query}, accept=RESPONSE_JSON)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"ok": "Query", "execution": None}
    [error] = answer.json()["errors"]
    assert error["path"] == ["execution"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


# What is sent


@pytest.mark.parametrize(
    "content_type",
    [JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=UTF-8", f'{JSON}; charset="utf8"'],
)
def test_a_body_in_json_and_utf_8_is_read(sample_gateway: Gateway, content_type: str) -> None:
    answer = _post(sample_gateway, {"query": QUERY}, content_type=content_type)
    assert answer.json() == DATA


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=utf-16",
        "application/json; charset=iso-8859-1",
    ],
)
def test_a_body_of_another_kind_is_415_and_is_not_run(
    sample_gateway: Gateway, content_type: str
) -> None:
    answer = _post(sample_gateway, {"query": MUTATION}, content_type=content_type)
    assert answer.status_code == 415
    assert _error(answer)[0] == "BAD_USER_INPUT"


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"1",
        b'"{ __typename }"',
        b"[]",
        b"\xff",
        b'{"query": "\xff"}',
        "{}".encode("utf-16"),
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": " "}',
        b'{"query": 1}',
        b'{"query": {}}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "variables": "x"}',
        b'{"query": "{ __typename }", "operationName": 1}',
        b'{"query": "{ __typename }", "extensions": []}',
        b'{"query": "query A { __typename }", "operationName": "B"}',
        b'{"query": "query A { a: __typename } query B { b: __typename }"}',
        b'{"query": "fragment A on Query { __typename }"}',
        b'[{"query": "{ __typename }"}]',
        b"[" * 100_000,
        b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 2000 + b"1" + b"}" * 2001,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_malformed_body_is_refused_with_a_code(
    sample_gateway: Gateway, body: bytes, accept: str
) -> None:
    answer = _post(sample_gateway, body, accept=accept)
    assert answer.status_code in ((400,) if accept == RESPONSE_JSON else (200, 400))
    assert answer.headers["content-type"] == f"{accept}; charset=utf-8"
    code, message = _error(answer)
    assert code in ("BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED")
    assert len(message) < 300


@pytest.mark.parametrize("name", ["variables", "operationName", "extensions"])
def test_a_member_that_is_null_is_as_if_it_were_left_out(
    sample_gateway: Gateway, name: str
) -> None:
    assert _post(sample_gateway, {"query": QUERY, name: None}).json() == DATA


def test_members_that_are_not_known_are_ignored(sample_gateway: Gateway) -> None:
    assert _post(sample_gateway, {"query": QUERY, "id": 7}).json() == DATA


def test_a_lone_surrogate_in_a_variable_is_no_fault(sample_gateway: Gateway) -> None:
    query = "query ($g: ID!) { execution(guid: $g) { guid } }"
    body = b'{"query": "%s", "variables": {"g": "\\ud800"}}' % query.encode()
    answer = _post(sample_gateway, body)
    assert answer.status_code == 400
    assert _error(answer)[0] == "BAD_USER_INPUT"


def test_a_lone_surrogate_in_a_document_is_no_fault(sample_gateway: Gateway) -> None:
    body = {"query": '{ execution(guid: "\\ud800") { guid } }'}
    answer = _post(sample_gateway, body)
    assert answer.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"


# Batches


def test_a_batch_is_refused_unless_batches_are_turned_on(sample_gateway: Gateway) -> None:
    answer = _post(sample_gateway, [{"query": QUERY}, {"query": QUERY}])
    assert answer.status_code == 400
    assert _error(answer)[1] == "A batch of operations is not accepted; send them one by one"


def test_a_batch_is_answered_in_order_each_for_itself(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_batch=3)
    answer = _post(gateway, [{"query": QUERY}, {"query": INVALID}, {"query": "{ __typename }"}])
    first, second, third = answer.json()
    assert answer.status_code == 200
    assert first == {"data": {"executions": {"totalCount": 0}}}
    assert second["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert third == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("size", [0, 4])
def test_a_batch_out_of_bounds_names_them(gateway_with: Callable[..., Gateway], size: int) -> None:
    answer = _post(gateway_with(max_batch=3), [{"query": QUERY}] * size)
    assert _error(answer) == (
        "BAD_USER_INPUT",
        f"A batch must hold from 1 to 3 operations (max_batch); got {size}",
    )


DELETION = 'mutation { deleteExecution(guid: "%s") { __typename } }'
DELETED = {"data": {"deleteExecution": {"__typename": "DeleteExecutionSuccess"}}}


@pytest.mark.parametrize(
    ("failing", "code"),
    [
        ({"extensions": {"persistedQuery": {"sha256Hash": "0" * 64}}}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"extensions": {"persistedQuery": 7}}, "BAD_USER_INPUT"),
        ({}, "BAD_USER_INPUT"),
        (7, "BAD_USER_INPUT"),
        (None, "BAD_USER_INPUT"),
        ([], "BAD_USER_INPUT"),
        ({"query": 7}, "BAD_USER_INPUT"),
        ({"query": QUERY, "variables": []}, "BAD_USER_INPUT"),
        ({"query": QUERY, "operationName": "Other"}, "BAD_USER_INPUT"),
        ({"query": "fragment A on Query { __typename }"}, "BAD_USER_INPUT"),
        ({"query": "subscription { a }"}, "BAD_USER_INPUT"),
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": INVALID}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query ($n: Int!) { executions(first: $n) { totalCount } }"}, "BAD_USER_INPUT"),
    ],
    ids=str,
)
def test_what_fails_in_a_batch_fails_in_its_own_place(
    gateway_with: Callable[..., Gateway], failing: Any, code: str
) -> None:
    gateway = gateway_with(max_batch=3)
    gateway.insert(SAMPLE)
    deletions = [{"query": DELETION % row.guid} for row in SAMPLE[1:3]]
    answer = _post(gateway, [deletions[0], failing, deletions[1]])
    assert answer.status_code == 200
    first, failed, last = answer.json()
    assert (first, last) == (DELETED, DELETED)
    assert [error["extensions"]["code"] for error in failed["errors"]] == [code]
    assert failed.get("data") is None


def test_a_fault_in_a_batch_takes_no_other_answer_away(
    gateway_with: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_guid: str) -> str:
        raise RuntimeError("secret")

    monkeypatch.setattr("resolvers.changes.not_found_message", broken)
    gateway = gateway_with(max_batch=2)
    gateway.insert(SAMPLE[1:2])
    update = """mutation {
      updateExecution(guid: "x", input: {state: ERROR}) { ... on UserError { message } }
    }"""
    answer = _post(gateway, [{"query": DELETION % SAMPLE[1].guid}, {"query": update}])
    deleted, failed = answer.json()
    assert deleted == DELETED
    assert [error["extensions"]["code"] for error in failed["errors"]] == ["INTERNAL_SERVER_ERROR"]
    assert "secret" not in answer.text


def test_a_key_without_the_scope_is_refused_in_its_place_of_a_batch(
    place: Place, gateway_with: Callable[..., Gateway]
) -> None:
    headers = bearer(make_key(place, "read"))
    gateway = gateway_with(max_batch=2)
    answer = _post(gateway, [{"query": MUTATION}, {"query": "{ __typename }"}], **headers)
    refused, answered = answer.json()
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert answered == {"data": {"__typename": "Query"}}


# An operation name


TWO = "query A { a: __typename } query B { b: __typename }"


@pytest.mark.parametrize("query", ["{ __typename }", "{ __schema { __typename } }"])
def test_an_empty_operation_name_is_none(gateway_with: Callable[..., Gateway], query: str) -> None:
    gateway = gateway_with(max_batch=1)
    body = {"query": query, "operationName": ""}
    bare = _post(gateway, {"query": query}).json()
    assert "data" in bare
    assert _post(gateway, body).json() == bare
    assert _post(gateway, [body]).json() == [bare]
    assert _get(gateway, **body).json() == bare


def test_a_long_operation_name_is_not_repeated(sample_gateway: Gateway) -> None:
    body = {"query": TWO, "operationName": "x" * 900_000}
    answer = sample_gateway.http.post("/graphql", json=body)
    [error] = answer.json()["errors"]
    assert error["message"].startswith("operationName must be one of the document's operations")
    assert len(answer.content) < 1000


def test_an_empty_operation_name_names_none_of_several(sample_gateway: Gateway) -> None:
    for body in ({"query": TWO}, {"query": TWO, "operationName": ""}):
        assert _error(_post(sample_gateway, body)) == (
            "BAD_USER_INPUT",
            "operationName must say which of the 2 operations to run",
        )


def test_a_syntax_error_is_told_as_one_whatever_the_operation_is_called(
    sample_gateway: Gateway,
) -> None:
    answer = _post(sample_gateway, {"query": "query A {", "operationName": "A"})
    assert _error(answer)[0] == "GRAPHQL_PARSE_FAILED"
