"""Operations by their hash: Apollo's automatic persisted queries, and trusted documents."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from db.errors import InvalidInput
from server.graphql.documents import PersistedQueries, PersistedQueryNotFound, read_manifest
from server.graphql.request import GraphQLRequest
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


# The same by documentId


@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_a_text_sent_once_with_its_document_id_is_found_by_it(
    gateway: Gateway, prefix: str
) -> None:
    document_id = prefix + _hash(QUERY)
    data = {"data": {"executions": {"totalCount": 0}}}
    assert _code(_post(gateway, documentId=document_id)) == "PERSISTED_QUERY_NOT_FOUND"
    assert _post(gateway, query=QUERY, documentId=document_id).json() == data
    for written in (_hash(QUERY), f"sha256:{_hash(QUERY)}"):
        assert _post(gateway, documentId=written).json() == data
        answer = gateway.http.get("/graphql", params={"documentId": written})
        assert answer.json() == data
    assert _post(gateway, extensions=_extensions(_hash(QUERY))).json() == data
    assert _post(gateway, documentId=document_id, operationName="").json() == data


def test_variables_and_the_name_of_the_operation_go_with_a_document_id(gateway: Gateway) -> None:
    query = "query A($n: Int) { executions(first: $n) { totalCount } } query B { __typename }"
    document_id = f"sha256:{_hash(query)}"
    _post(gateway, query=query, documentId=document_id, operationName="B")
    answer = _post(gateway, documentId=document_id, operationName="A", variables={"n": 1})
    assert answer.json() == {"data": {"executions": {"totalCount": 0}}}
    answer = _post(gateway, documentId=document_id, operationName="A", variables={"n": -1})
    assert _code(answer) == "BAD_USER_INPUT"
    assert _post(gateway, documentId=document_id, operationName="B").json() == {
        "data": {"__typename": "Query"}
    }


@pytest.mark.parametrize(
    ("accept", "status"), [("application/json", 200), ("application/graphql-response+json", 400)]
)
def test_a_document_id_that_is_not_known_is_one_error_and_not_to_be_kept(
    gateway: Gateway, accept: str, status: int
) -> None:
    headers = {"accept": accept}
    for document_id in ("sha256:" + "0" * 64, "0" * 32, "x-app:1", "a.b_c~d-e"):
        body = {"documentId": document_id}
        for answer in (
            gateway.http.post("/graphql", json=body, headers=headers),
            gateway.http.get("/graphql", params=body, headers=headers),
        ):
            assert answer.status_code == status
            assert [_code(answer)] == ["PERSISTED_QUERY_NOT_FOUND"]
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["content-type"].startswith(accept)


@pytest.mark.parametrize(
    "document_id",
    ["", 7, {}, [], True, "a b", "a:b:c", ":a", "sha256:", "é", "a" * 501, "a/b"],
    ids=str,
)
def test_a_document_id_that_can_be_none_is_refused(gateway: Gateway, document_id: Any) -> None:
    for body in ({"documentId": document_id}, {"documentId": document_id, "query": QUERY}):
        answer = _post(gateway, **body)
        assert (answer.status_code, _code(answer)) == (400, "BAD_USER_INPUT")
        assert answer.json()["errors"][0]["message"].startswith("documentId must be")


def test_a_document_id_that_is_null_is_none(gateway: Gateway) -> None:
    assert "data" in _post(gateway, documentId=None, query=QUERY).json()


@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_a_document_id_of_another_text_is_refused(gateway: Gateway, prefix: str) -> None:
    answer = _post(gateway, query=QUERY, documentId=prefix + _hash(OTHER))
    assert (answer.status_code, _code(answer)) == (400, "BAD_USER_INPUT")
    assert _code(_post(gateway, documentId=_hash(OTHER))) == "PERSISTED_QUERY_NOT_FOUND"


def test_nothing_is_kept_under_an_id_that_could_be_anythings(gateway: Gateway) -> None:
    assert "data" in _post(gateway, query=QUERY, documentId="my-query").json()
    assert _code(_post(gateway, documentId="my-query")) == "PERSISTED_QUERY_NOT_FOUND"


def test_two_ids_must_mean_the_same_document(gateway: Gateway) -> None:
    document_id = f"sha256:{_hash(QUERY)}"
    both = {"query": QUERY, "documentId": document_id}
    assert "data" in _post(gateway, **both, extensions=_extensions(_hash(QUERY))).json()
    answer = _post(gateway, **both, extensions=_extensions(_hash(OTHER)))
    assert (answer.status_code, _code(answer)) == (400, "BAD_USER_INPUT")


def test_a_mutation_by_its_document_id_is_not_run_by_get(gateway: Gateway) -> None:
    mutation = 'mutation { deleteExecution(guid: "a") { __typename } }'
    _post(gateway, query=mutation, documentId=_hash(mutation))
    answer = gateway.http.get("/graphql", params={"documentId": _hash(mutation)})
    assert answer.status_code == 405


def test_a_document_id_works_as_events_and_in_a_batch(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(max_batch=2)
    _post(gateway, query=QUERY, documentId=_hash(QUERY))
    body = {"documentId": f"sha256:{_hash(QUERY)}"}
    events = gateway.http.post("/graphql", json=body, headers={"accept": "text/event-stream"})
    assert '{"data":{"executions":{"totalCount":0}}}' in events.text
    batch = gateway.http.post("/graphql", json=[body, body]).json()
    assert batch == [{"data": {"executions": {"totalCount": 0}}}] * 2


def test_a_document_id_works_over_a_websocket(gateway: Gateway) -> None:
    _post(gateway, query=QUERY, documentId=_hash(QUERY))
    url = gateway.url.replace("http", "ws", 1) + "/graphql"
    with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as opened:
        opened.send('{"type": "connection_init"}')
        opened.recv(timeout=10)
        for number, known in enumerate((_hash(QUERY), "unknown")):
            payload = {"documentId": known}
            opened.send(json.dumps({"type": "subscribe", "id": str(number), "payload": payload}))
            message = json.loads(opened.recv(timeout=10))
            if number == 0:
                assert message["payload"]["data"] == {"executions": {"totalCount": 0}}
                assert json.loads(opened.recv(timeout=10))["type"] == "complete"
            else:
                [error] = message["payload"]
                assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


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
    told = {metric.name: metric.value() for metric in store.metrics()}
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


_APOLLO_PREFIXED = {
    "operations": [{**_APOLLO["operations"][0], "id": f"sha256:{_hash(QUERY)}"}]  # type: ignore[index]
}


@pytest.fixture(
    params=[
        _APOLLO,
        _APOLLO_PREFIXED,
        {_hash(QUERY): QUERY},
        {f"sha256:{_hash(QUERY)}": QUERY},
    ],
    ids=["Apollo", "Apollo, prefixed", "Relay", "Codegen, prefixed"],
)
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


def test_an_operation_of_the_manifest_runs_by_its_document_id(trusting: Gateway) -> None:
    data = {"data": {"executions": {"totalCount": 0}}}
    for document_id in (_hash(QUERY), f"sha256:{_hash(QUERY)}"):
        assert _post(trusting, documentId=document_id).json() == data
        assert trusting.http.get("/graphql", params={"documentId": document_id}).json() == data
    assert _code(_post(trusting, documentId=_hash(OTHER))) == "PERSISTED_QUERY_NOT_FOUND"


_MD5 = hashlib.md5(QUERY.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("document_id", [_MD5, "x-app:Count.1", "Count"])
def test_an_operation_of_the_manifest_runs_by_an_id_of_any_kind(
    tmp_path: Path, gateway_with: Callable[..., Gateway], document_id: str
) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({document_id: QUERY}))
    gateway = gateway_with(trusted_documents=manifest)
    data = {"data": {"executions": {"totalCount": 0}}}
    assert _post(gateway, documentId=document_id).json() == data
    assert _post(gateway, extensions=_extensions(document_id)).json() == data


def test_a_manifest_with_two_documents_for_one_id_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"a": QUERY, "sha256:a": OTHER}))
    with pytest.raises(InvalidInput, match="two documents for sha256:a"):
        read_manifest(manifest)


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
