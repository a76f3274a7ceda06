"""Operations by their hash: Apollo's automatic persisted queries, and trusted documents."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from db.errors import InvalidInput
from server.graphql_request import GraphQLRequest
from server.persisted import PersistedQueries, PersistedQueryNotFound, read_manifest
from tests.gateway import Gateway

QUERY = "{ executions { totalCount } }"
OTHER = "{ __typename }"


def _hash(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()


def _extensions(digest: Any, version: Any = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": digest}}


def _post(gateway: Gateway, **body: Any) -> httpx.Response:
    return gateway.http.post("/graphql", json=body)


def _code(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


# Automatic persisted queries


def test_a_hash_that_is_not_known_asks_for_the_text(gateway: Gateway) -> None:
    answer = _post(gateway, extensions=_extensions(_hash(QUERY)))
    assert answer.status_code == 200
    assert answer.json() == {
        "errors": [
            {
                "message": "PersistedQueryNotFound",
                "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
            }
        ]
    }


def test_a_text_sent_once_with_its_hash_is_found_by_the_hash(gateway: Gateway) -> None:
    data = {"data": {"executions": {"totalCount": 0}}}
    assert _post(gateway, query=QUERY, extensions=_extensions(_hash(QUERY))).json() == data
    assert _post(gateway, extensions=_extensions(_hash(QUERY))).json() == data
    parameters = {"extensions": json.dumps(_extensions(_hash(QUERY)))}
    assert gateway.http.get("/graphql", params=parameters).json() == data


def test_an_empty_operation_name_beside_a_hash_is_none(gateway: Gateway) -> None:
    data = {"data": {"executions": {"totalCount": 0}}}
    named = {"extensions": _extensions(_hash(QUERY)), "operationName": ""}
    assert _post(gateway, query=QUERY, **named).json() == data
    assert _post(gateway, **named).json() == data


def test_a_mutation_by_its_hash_is_not_run_by_get(gateway: Gateway) -> None:
    mutation = 'mutation { deleteExecution(guid: "a") { __typename } }'
    _post(gateway, query=mutation, extensions=_extensions(_hash(mutation)))
    parameters = {"extensions": json.dumps(_extensions(_hash(mutation)))}
    assert gateway.http.get("/graphql", params=parameters).status_code == 405


def test_a_hash_of_another_text_is_refused(gateway: Gateway) -> None:
    answer = _post(gateway, query=QUERY, extensions=_extensions(_hash(OTHER)))
    assert (answer.status_code, _code(answer)) == (400, "BAD_USER_INPUT")
    assert _code(_post(gateway, extensions=_extensions(_hash(OTHER)))) == (
        "PERSISTED_QUERY_NOT_FOUND"
    )


@pytest.mark.parametrize(
    "extensions",
    [
        {"persistedQuery": 1},
        {"persistedQuery": {}},
        _extensions(None),
        _extensions(7),
        _extensions("a" * 64, version=2),
    ],
    ids=str,
)
def test_a_malformed_extension_is_refused(gateway: Gateway, extensions: dict[str, Any]) -> None:
    answer = _post(gateway, query=QUERY, extensions=extensions)
    assert (answer.status_code, _code(answer)) == (400, "BAD_USER_INPUT")


def test_other_extensions_are_ignored(gateway: Gateway) -> None:
    assert "data" in _post(gateway, query=QUERY, extensions={"other": 1}).json()


def _asked(query: str | None, digest: str) -> GraphQLRequest:
    return GraphQLRequest(query, None, None, _extensions(digest))


def test_the_store_is_bounded_and_forgets_what_was_used_longest_ago() -> None:
    store = PersistedQueries(max_bytes=100_000)
    texts = [f"{{ a{number}: __typename }}{' ' * 4_000}" for number in range(30)]
    for text in texts:
        store.text_of(_asked(text, _hash(text)))
        assert store.text_of(_asked(None, _hash(texts[0]))) == texts[0]
    assert store.text_of(_asked(None, _hash(texts[-1]))) == texts[-1]
    with pytest.raises(PersistedQueryNotFound):
        store.text_of(_asked(None, _hash(texts[1])))
    told = {measure.name: measure.value() for measure in store.measures()}
    assert 90_000 < told["gateway_store_bytes"] <= told["gateway_store_max_bytes"] == 100_000


def test_a_very_long_text_is_run_and_not_kept() -> None:
    store = PersistedQueries(max_bytes=100_000)
    text = "#" * 30_000 + QUERY
    assert store.text_of(_asked(text, _hash(text))) == text
    with pytest.raises(PersistedQueryNotFound):
        store.text_of(_asked(None, _hash(text)))


# Trusted documents


_APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [{"id": _hash(QUERY), "name": "Count", "type": "query", "body": QUERY}],
}


@pytest.fixture(params=[_APOLLO, {_hash(QUERY): QUERY}], ids=["Apollo", "Relay"])
def trusting(
    request: pytest.FixtureRequest, tmp_path: Path, gateway_with: Callable[..., Gateway]
) -> Gateway:
    """A gateway that runs what is in its manifest, in either format."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(request.param))
    return gateway_with(trusted_documents=manifest)


def test_an_operation_of_the_manifest_runs_by_hash_and_by_text(trusting: Gateway) -> None:
    data = {"data": {"executions": {"totalCount": 0}}}
    assert _post(trusting, extensions=_extensions(_hash(QUERY))).json() == data
    assert _post(trusting, query=QUERY).json() == data


def test_an_empty_operation_name_is_none(trusting: Gateway) -> None:
    data = {"data": {"executions": {"totalCount": 0}}}
    for body in ({"extensions": _extensions(_hash(QUERY))}, {"query": QUERY}):
        assert _post(trusting, **body, operationName="").json() == data


def test_no_other_operation_runs(trusting: Gateway) -> None:
    for body in (
        {"query": OTHER},
        {"query": OTHER, "extensions": _extensions(_hash(OTHER))},
        {"query": QUERY + " "},
        {"query": OTHER, "extensions": _extensions(_hash(QUERY))},
    ):
        assert _code(_post(trusting, **body)) == "PERSISTED_QUERY_NOT_IN_LIST"
    answer = _post(trusting, extensions=_extensions(_hash(OTHER)))
    assert _code(answer) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"a": 1}', '{"operations": [{}]}'])
def test_a_manifest_that_is_none_is_refused_with_a_reason(tmp_path: Path, content: str) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(content)
    with pytest.raises(InvalidInput, match="trusted_documents"):
        read_manifest(manifest)


def test_a_manifest_that_is_not_there_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="trusted_documents can't be read"):
        read_manifest(tmp_path / "nothing.json")
