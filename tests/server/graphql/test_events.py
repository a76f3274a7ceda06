"""GraphQL over server-sent events: the distinct connections mode of graphql-sse."""

import json
from typing import Any

import httpx
import pytest

from tests.gateway import Gateway
from tests.sample import SAMPLE

ACCEPT = {"accept": "text/event-stream"}


def _post(gateway: Gateway, query: str, **variables: Any) -> httpx.Response:
    body = {"query": query, "variables": variables}
    return gateway.http.post("/graphql", json=body, headers=ACCEPT)


def _events(answer: httpx.Response) -> list[tuple[str, Any]]:
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    events = []
    for block in answer.text.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        payload = data.removeprefix("data:").strip()
        events.append((name.removeprefix("event: "), json.loads(payload) if payload else None))
    return events


def test_a_query_is_one_next_event_and_complete(sample_gateway: Gateway) -> None:
    assert _events(_post(sample_gateway, "{ executions { totalCount } }")) == [
        ("next", {"data": {"executions": {"totalCount": len(SAMPLE)}}}),
        ("complete", None),
    ]


def test_a_query_can_come_by_get(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/graphql", params={"query": "{ __typename }"}, headers=ACCEPT)
    assert _events(answer)[0] == ("next", {"data": {"__typename": "Query"}})


def test_a_mutation_is_run(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    answer = _post(
        gateway,
        "mutation ($g: ID!) { deleteExecution(guid: $g) { __typename } }",
        g=SAMPLE[0].guid,
    )
    expected = {"data": {"deleteExecution": {"__typename": "DeleteExecutionSuccess"}}}
    assert _events(answer) == [("next", expected), ("complete", None)]
    assert gateway.sql("SELECT count(*) FROM executions") == [(len(SAMPLE) - 1,)]


def test_a_mutation_by_get_is_not_run(gateway: Gateway) -> None:
    gateway.insert(SAMPLE)
    query = f'mutation {{ deleteExecution(guid: "{SAMPLE[1].guid}") {{ __typename }} }}'
    answer = gateway.http.get("/graphql", params={"query": query}, headers=ACCEPT)
    assert "errors" in answer.text
    assert gateway.sql("SELECT count(*) FROM executions") == [(len(SAMPLE),)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($n: Int!) { executions(first: $n) { totalCount } }", "BAD_USER_INPUT"),
        ("{ " + "a " * 3000 + "}", "OPERATION_TOO_COMPLEX"),
    ],
    ids=["syntax", "validation", "variable", "limit"],
)
def test_what_cannot_run_is_an_event_with_its_code(
    sample_gateway: Gateway, query: str, code: str
) -> None:
    (kind, payload), last = _events(_post(sample_gateway, query))
    assert (kind, last) == ("next", ("complete", None))
    assert [error["extensions"]["code"] for error in payload["errors"]] == [code]
    assert payload.get("data") is None


def test_a_malformed_body_is_refused_before_the_stream(sample_gateway: Gateway) -> None:
    headers = ACCEPT | {"content-type": "application/json"}
    answer = sample_gateway.http.post("/graphql", content=b"{", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_an_empty_operation_name_is_none(sample_gateway: Gateway) -> None:
    for query in ("{ __typename }", "{ __schema { __typename } }"):
        body = {"query": query, "operationName": ""}
        answer = sample_gateway.http.post("/graphql", json=body, headers=ACCEPT)
        assert "data" in _events(answer)[0][1]


def test_a_hash_that_is_not_known_is_refused_before_the_stream(sample_gateway: Gateway) -> None:
    body = {"extensions": {"persistedQuery": {"sha256Hash": "0" * 64}}}
    answer = sample_gateway.http.post("/graphql", json=body, headers=ACCEPT)
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["errors"][0]["message"] == "PersistedQueryNotFound"


def test_the_cost_is_reported_to_a_client_that_asks_for_it(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.post(
        "/graphql", json={"query": "{ __typename }"}, headers=ACCEPT | {"graphql-cost": "report"}
    )
    assert _events(answer)[0][1]["extensions"]["cost"]["requested"] == 1
