"""What the public scanner graphql-cop looks for, in production mode: it finds nothing.

Production mode is a key, no introspection and no queries by GET; batches are off by default.
"""

import json
from typing import Any

import httpx
import pytest

from server.graphql.graphiql import DEFAULT_QUERY
from tests.gateway import Gateway, bearer, make_key, running_gateway
from tests.places import Place

PRODUCTION: dict[str, Any] = {"auth": "keys", "introspection": False, "get_queries": False}
INTROSPECTION = "query { __schema { types { name fields { name } } } }"


@pytest.fixture
def production(place: Place) -> Any:
    """A gateway in production mode, asked with a key, as the scanner with its -H option."""
    key = make_key(place, "read", "update", "delete")
    with running_gateway(place, **PRODUCTION) as gateway:
        gateway.http.headers.update(bearer(key))
        yield gateway


def _codes(answer: httpx.Response) -> set[str]:
    return {error["extensions"]["code"] for error in answer.json()["errors"]}


def test_aliases_are_bounded(production: Gateway) -> None:
    query = "query cop { " + " ".join(f"alias{n}: __typename" for n in range(101)) + " }"
    assert _codes(production.post(query)) == {"OPERATION_TOO_COMPLEX"}


def test_batches_are_refused(production: Gateway) -> None:
    answer = production.http.post("/graphql", json=[{"query": "{ __typename }"}] * 10)
    assert (answer.status_code, _codes(answer)) == (400, {"BAD_USER_INPUT"})


def test_directives_are_bounded(production: Gateway) -> None:
    assert _codes(production.post("query cop { __typename " + "@aa" * 60 + " }")) == {
        "OPERATION_TOO_COMPLEX"
    }


def test_repeated_directives_do_not_run(production: Gateway) -> None:
    answer = production.post("query cop { __typename " + "@aa" * 10 + " }")
    assert "data" not in answer.json()


def test_repeated_fields_are_bounded(production: Gateway) -> None:
    query = "query cop { " + "__typename \n" * 500 + " }"
    assert _codes(production.post(query)) == {"OPERATION_TOO_COMPLEX"}


def test_introspection_is_refused(production: Gateway) -> None:
    assert _codes(production.post(INTROSPECTION)) == {"GRAPHQL_VALIDATION_FAILED"}
    assert _codes(production.post('{ __type(name: "Query") { name } }')) == {
        "GRAPHQL_VALIDATION_FAILED"
    }


def test_introspection_in_circles_is_refused(production: Gateway) -> None:
    query = "query cop { __schema { types { fields { type { fields { type { name } } } } } } }"
    assert "data" not in production.post(query).json()


def test_names_are_not_suggested(production: Gateway) -> None:
    for query in (
        "query cop { __schema { directive } }",
        "{ execution_ { guid } }",
        "{ executions { node { guid } } }",
        "{ executions(fist: 1) { totalCount } }",
        "{ executions(filter: {stat: {}}) { totalCount } }",
        "{ executions(filter: {state: {eq: EROR}}) { totalCount } }",
    ):
        assert "did you mean" not in production.post(query).text.lower()
    query = "query ($f: ExecutionFilter) { executions(filter: $f) { totalCount } }"
    misspelt: list[dict[str, Any]] = [{"stat": {}}, {"state": {"eq": "EROR"}}]
    for filter_ in misspelt:
        answer = production.post(query, f=filter_)
        assert "errors" in answer.json()
        assert "did you mean" not in answer.text.lower()


def test_with_introspection_names_are_suggested(sample_gateway: Gateway) -> None:
    assert "Did you mean" in sample_gateway.post("{ execution_ { guid } }").text


def test_queries_by_get_are_refused(production: Gateway) -> None:
    answer = production.http.get("/graphql", params={"query": "query cop { __typename }"})
    assert answer.status_code == 405


def test_mutations_by_get_are_refused(production: Gateway) -> None:
    answer = production.http.get("/graphql", params={"query": "mutation cop { __typename }"})
    assert answer.status_code == 405


def test_forms_are_refused(production: Gateway) -> None:
    answer = production.http.post("/graphql", data={"query": "query cop { __typename }"})
    assert answer.status_code == 415


def test_there_is_no_trace(production: Gateway) -> None:
    assert "extensions" not in production.post("query cop { __typename }").json()


def test_errors_are_handled(production: Gateway) -> None:
    answer = production.post("qwerty cop { abc }")
    assert _codes(answer) == {"GRAPHQL_PARSE_FAILED"}
    assert "Traceback" not in json.dumps(answer.json())
    assert "exception" not in answer.text.lower()


def test_the_page_for_people_shows_no_executions(production: Gateway) -> None:
    del production.http.headers["authorization"]
    page = production.http.get("/graphql", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "guid-" not in page.text
    assert production.post(DEFAULT_QUERY).status_code == 401
