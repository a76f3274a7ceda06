"""An operation with bad arguments reads and changes nothing, and every error is reported."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from db.errors import ServiceUnavailable, UncertainWrite
from tests.gateway import Gateway
from tests.sample import SAMPLE

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
GUID = SAMPLE[1].guid
NESTED = "{not: " * 27 + "{}" + "}" * 27


def _post(
    gateway: Gateway, query: str, accept: str = RESPONSE_JSON, **variables: Any
) -> httpx.Response:
    body = {"query": query, "variables": variables}
    return gateway.http.post("/graphql", json=body, headers={"accept": accept})


def _errors(answer: httpx.Response) -> list[tuple[list[str], str, str]]:
    """Where each error is, its code, and the first word of its message."""
    assert "data" not in answer.json()
    return [
        (error["path"], error["extensions"]["code"], error["message"].split()[0])
        for error in answer.json()["errors"]
    ]


BAD = [
    ("executions(first: -1) { totalCount }", "first"),
    ("executions(first: 1001) { totalCount }", "first"),
    ("executions(last: -1) { totalCount }", "last"),
    ("executions(first: 1, last: 1) { totalCount }", "first"),
    ('executions(after: "x") { totalCount }', "after"),
    ('executions(before: "x") { totalCount }', "before"),
    (f"executions(filter: {NESTED}) {{ totalCount }}", "filter"),
    ("executionPage(page: 0) { page }", "page"),
    ("executionPage(page: 2147483648) { page }", None),
    ("executionPage(limit: 0) { page }", "limit"),
    ("executionPage(limit: 1001) { page }", "limit"),
]


@pytest.mark.parametrize(("field", "argument"), BAD, ids=range(len(BAD)))
@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])
def test_a_query_with_a_bad_argument_reads_nothing_and_names_it(
    sample_gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    field: str,
    argument: str | None,
    accept: str,
) -> None:
    read: list[Any] = []

    async def reading(*asked: Any, **_: Any) -> None:
        read.append(asked)

    for name in ("find_fields", "page", "count"):
        monkeypatch.setattr(f"db.executions.Executions.{name}", reading)
    query = f'{{ good: execution(guid: "{GUID}") {{ guid }} bad: {field} }}'
    answer = _post(sample_gateway, query, accept)
    assert answer.status_code == (400 if accept == RESPONSE_JSON else 200)
    assert read == []
    if argument is not None:
        assert _errors(answer) == [(["bad"], "BAD_USER_INPUT", argument)]


def test_a_filter_in_a_variable_that_holds_too_much_is_named(sample_gateway: Gateway) -> None:
    query = """query ($f: ExecutionFilter) {
      a: executions(filter: $f) { totalCount }
      b: executionPage(filter: $f, page: 0) { page }
      c: executions { totalCount }
    }"""
    many = {"or": [{"guid": {"eq": "a"}}] * 501}
    nested = json.loads('{"not":' * 27 + "{}" + "}" * 27)
    for filter_ in (many, nested):
        assert _errors(_post(sample_gateway, query, f=filter_)) == [
            (["a"], "BAD_USER_INPUT", "filter"),
            (["b"], "BAD_USER_INPUT", "filter"),
            (["b"], "BAD_USER_INPUT", "page"),
        ]


def test_every_bad_argument_of_every_field_is_named(sample_gateway: Gateway) -> None:
    query = """{
      a: executions(first: -1, after: "x", before: "y") { totalCount }
      b: executionPage(page: 0, limit: 0) { page }
      c: executions(first: 5000, last: -1) { totalCount }
      good: executions { totalCount }
    }"""
    assert _errors(_post(sample_gateway, query)) == [
        (["a"], "BAD_USER_INPUT", "first"),
        (["a"], "BAD_USER_INPUT", "after"),
        (["a"], "BAD_USER_INPUT", "before"),
        (["b"], "BAD_USER_INPUT", "page"),
        (["b"], "BAD_USER_INPUT", "limit"),
        (["c"], "BAD_USER_INPUT", "first"),
        (["c"], "BAD_USER_INPUT", "first"),
        (["c"], "BAD_USER_INPUT", "last"),
    ]


def test_a_bad_argument_in_a_fragment_or_a_variable_is_named(sample_gateway: Gateway) -> None:
    query = """query ($n: Int = 5000, $c: String) {
      ...Parts
      ... { b: executions(after: $c) { totalCount } }
    }
    fragment Parts on Query { a: executions(first: $n) { totalCount } }"""
    assert _errors(_post(sample_gateway, query, c="x")) == [
        (["a"], "BAD_USER_INPUT", "first"),
        (["b"], "BAD_USER_INPUT", "after"),
    ]


def test_null_for_an_argument_that_must_be_there_is_named(sample_gateway: Gateway) -> None:
    query = """query ($page: Int = 1) {
      executionPage(page: $page) { page }
      executions(first: -1) { totalCount }
    }"""
    answer = _post(sample_gateway, query, page=None)
    places = [error["path"] for error in answer.json()["errors"]]
    assert "data" not in answer.json()
    assert places == [["executionPage"], ["executions"]]


def test_a_field_that_is_left_out_may_have_bad_arguments(sample_gateway: Gateway) -> None:
    query = """query ($no: Boolean = false) {
      executions(first: -1) @include(if: $no) { totalCount }
      x: executions(first: -1) @skip(if: true) { totalCount }
      __typename
    }"""
    assert _post(sample_gateway, query).json() == {"data": {"__typename": "Query"}}


UPDATE = f'updateExecution(guid: "{GUID}", input: {{state: STOPPED}}) {{ __typename }}'
DELETE = f'deleteExecution(guid: "{GUID}") {{ __typename }}'


@pytest.mark.parametrize(
    "bad",
    [
        "updateExecutions(guids: $guids, input: {state: ERROR}) { affected }",
        "deleteExecutions(guids: $guids) { affected }",
    ],
)
def test_a_bad_argument_of_a_later_change_keeps_the_first_from_being_made(
    gateway_with: Callable[..., Gateway], bad: str
) -> None:
    gateway = gateway_with(max_ids=2)
    gateway.insert(SAMPLE)
    before = gateway.sql("SELECT id, state, updated_on FROM executions ORDER BY id")
    query = f"mutation ($guids: [ID!]!) {{ first: {UPDATE} second: {bad} third: {bad} }}"
    answer = _post(gateway, query, guids=["a", "b", "c"])
    assert answer.status_code == 400
    assert _errors(answer) == [
        (["second"], "BAD_USER_INPUT", "guids"),
        (["third"], "BAD_USER_INPUT", "guids"),
    ]
    assert gateway.sql("SELECT id, state, updated_on FROM executions ORDER BY id") == before


def test_a_change_that_was_made_is_in_the_answer_when_the_next_one_fails(
    gateway_with: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("db.executions.Executions.delete", broken)
    gateway = gateway_with()
    gateway.insert(SAMPLE)
    query = f"mutation {{ made: {UPDATE} failed: {DELETE} }}"
    for accept in (JSON, RESPONSE_JSON):
        answer = _post(gateway, query, accept)
        assert answer.status_code == 200
        body = answer.json()
        assert body["data"] == {"made": {"__typename": "UpdateExecutionSuccess"}, "failed": None}
        assert [error["path"] for error in body["errors"]] == [["failed"]]


def test_a_change_that_failed_alone_is_a_status_of_its_own(
    gateway_with: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise ServiceUnavailable("The database is busy")

    monkeypatch.setattr("db.executions.Executions.delete", broken)
    query = f"mutation {{ {DELETE} }}"
    answer = _post(gateway_with(), query)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_a_change_that_may_have_been_made_is_not_to_be_sent_again_at_once(
    gateway_with: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise UncertainWrite("The connection broke")

    monkeypatch.setattr("db.executions.Executions.delete", broken)
    monkeypatch.setattr("db.executions.Executions.update", broken)
    gateway = gateway_with()
    for field in (DELETE, UPDATE):
        answer = _post(gateway, f"mutation {{ {field} }}")
        assert answer.status_code == 503
        assert "retry-after" not in answer.headers


def test_bad_arguments_are_refused_over_events_and_in_batches(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_batch=2)
    query = "{ a: executions(first: -1) { totalCount } b: executionPage(page: 0) { page } }"
    alone = _post(gateway, query).json()
    batch = gateway.http.post("/graphql", json=[{"query": query}, {"query": "{ __typename }"}])
    assert batch.json() == [alone, {"data": {"__typename": "Query"}}]
    events = gateway.http.post(
        "/graphql", json={"query": query}, headers={"accept": "text/event-stream"}
    )
    assert json.loads(events.text.split("data: ")[1].split("\n")[0]) == alone


def test_the_limit_that_was_passed_is_counted(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with()
    _post(gateway, "{ executions(first: 5000) { totalCount } }")
    counted = 'gateway_limit_refusals_total{limit="max_page_size"} 1.0'
    assert counted in gateway.http.get("/metrics").text
