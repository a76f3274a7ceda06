"""The gateway runs the operations of its own console, whatever else it is told to trust."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.gateway import Gateway, bearer, make_key, running_gateway
from tests.places import Place

COUNT = "query Count { executions { totalCount } }"
STOP = 'mutation Stop { updateExecution(guid: "g", input: {state: STOPPED}) { __typename } }'
OWN = "query Own { __typename }"
COUNTED = {"data": {"executions": {"totalCount": 0}}}
_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"


def _id(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _build(folder: Path, *texts: str, written: str | None = None) -> None:
    """Put a bundle into a folder, as a build does."""
    folder.mkdir(exist_ok=True)
    manifest = folder / "operations.json.new"
    manifest.write_text(json.dumps({_id(text): text for text in texts}, indent=2))
    if written is not None:
        manifest.write_text(written)
    manifest.rename(folder / "operations.json")
    (folder / "index.html").write_text("<title>Console</title>")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the bundle; nothing has been built yet."""
    return tmp_path / "console"


@pytest.fixture
def serve(place: Place, folder: Path) -> Iterator[Callable[..., Gateway]]:
    """Starts gateways with the bundle in that folder, and with given settings."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Gateway:
            return stack.enter_context(running_gateway(place, console=folder, **settings))

        yield start


@pytest.fixture
def trusting(tmp_path: Path) -> dict[str, Any]:
    """Settings with which only an operation of the operator's and the console's run."""
    manifest = tmp_path / "trusted.json"
    manifest.write_text(json.dumps({_id(OWN): OWN}))
    return {"trusted_documents": manifest, "introspection": False}


def _run(gateway: Gateway, text: str, **headers: str) -> httpx.Response:
    return gateway.http.post("/graphql", json={"documentId": _id(text)}, headers=headers)


def _code(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


# What runs


def test_an_operation_of_the_console_runs_by_its_hash(
    serve: Callable[..., Gateway], folder: Path
) -> None:
    _build(folder, COUNT)
    gateway = serve()
    assert _run(gateway, COUNT).json() == COUNTED
    persisted = {"version": 1, "sha256Hash": _id(COUNT).removeprefix("sha256:")}
    extensions = {"extensions": {"persistedQuery": persisted}}
    assert gateway.http.post("/graphql", json=extensions).json() == COUNTED


def test_it_runs_where_only_trusted_documents_do_and_nothing_else_does(
    serve: Callable[..., Gateway], folder: Path, trusting: dict[str, Any]
) -> None:
    _build(folder, COUNT)
    gateway = serve(**trusting)
    assert _run(gateway, COUNT).json() == COUNTED
    assert gateway.post(COUNT).json() == COUNTED
    assert _run(gateway, OWN).json() == {"data": {"__typename": "Query"}}
    assert _code(gateway.post(COUNT + " ")) == "PERSISTED_QUERY_NOT_IN_LIST"
    assert _code(gateway.http.post("/graphql", json={})) == "PERSISTED_QUERY_NOT_IN_LIST"
    assert _code(_run(gateway, STOP)) == _NOT_FOUND


def test_it_runs_over_a_websocket_and_as_events(
    serve: Callable[..., Gateway], folder: Path, trusting: dict[str, Any]
) -> None:
    _build(folder, COUNT)
    gateway = serve(**trusting)
    answer = _run(gateway, COUNT, accept="text/event-stream")
    assert json.dumps(COUNTED, separators=(",", ":")) in answer.text
    protocol = Subprotocol("graphql-transport-ws")
    url = gateway.url.replace("http", "ws") + "/graphql"
    with connect(url, subprotocols=[protocol]) as socket:
        for message in (
            {"type": "connection_init"},
            {"id": "1", "type": "subscribe", "payload": {"documentId": _id(COUNT)}},
        ):
            socket.send(json.dumps(message))
        assert json.loads(socket.recv())["type"] == "connection_ack"
        assert json.loads(socket.recv()) == {"id": "1", "type": "next", "payload": COUNTED}


def test_whoever_runs_it_needs_its_scopes(serve: Callable[..., Gateway], folder: Path) -> None:
    _build(folder, COUNT, STOP)
    gateway = serve(auth="keys")
    key = bearer(make_key(gateway.place, "read"))
    assert _code(_run(gateway, COUNT)) == "UNAUTHENTICATED"
    assert _run(gateway, COUNT, **key).json() == COUNTED
    assert _code(_run(gateway, STOP, **key)) == "FORBIDDEN"


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"max_cost": 1}, "query Long { executions(first: 9) { nodes { guid } } }"),
        ({"max_depth": 1}, COUNT),
        ({"max_document_bytes": 10}, COUNT),
        ({"introspection": False}, "query Look { __schema { description } }"),
    ],
)
def test_what_is_refused_of_others_is_refused_of_it(
    serve: Callable[..., Gateway], folder: Path, limits: dict[str, Any], text: str
) -> None:
    _build(folder, text)
    gateway = serve(**limits)
    ours = _run(gateway, text).json()
    assert ours == gateway.post(text).json()
    assert "errors" in ours


def test_documents_that_clients_register_by_their_hash_are_found_beside_it(
    serve: Callable[..., Gateway], folder: Path
) -> None:
    _build(folder, COUNT)
    gateway = serve()
    body = {"documentId": _id(OWN)}
    assert _code(gateway.http.post("/graphql", json=body)) == _NOT_FOUND
    assert gateway.http.post("/graphql", json={**body, "query": OWN}).status_code == 200
    assert _run(gateway, OWN).json() == {"data": {"__typename": "Query"}}


# Builds


def test_what_is_built_while_the_gateway_runs_runs_at_once(
    serve: Callable[..., Gateway], folder: Path, trusting: dict[str, Any]
) -> None:
    gateway = serve(**trusting)
    assert _code(_run(gateway, COUNT)) == _NOT_FOUND
    _build(folder, COUNT)
    assert _run(gateway, COUNT).json() == COUNTED
    _build(folder, STOP)
    assert gateway.post(STOP).json()["data"]["updateExecution"] is not None
    assert _code(_run(gateway, COUNT)) == _NOT_FOUND


_BROKEN = [
    "",
    "{",
    "[]",
    '{"a": 1}',
    '{"operations": [7]}',
    json.dumps({"a": COUNT, "sha256:a": OWN}),
    json.dumps({_id(COUNT): COUNT, "long": " " * 300_000}),
]


@pytest.mark.parametrize("written", _BROKEN)
def test_a_manifest_that_is_none_is_logged_and_leaves_the_gateway_alone(
    serve: Callable[..., Gateway],
    folder: Path,
    written: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    _build(folder, written=written)
    with caplog.at_level(logging.WARNING, logger="gateway.console"):
        gateway = serve()
        assert gateway.post(COUNT).json() == COUNTED
        assert _code(_run(gateway, COUNT)) == _NOT_FOUND
        assert _code(_run(gateway, OWN)) == _NOT_FOUND
    [said] = [each for each in caplog.records if each.name == "gateway.console"]
    assert "operations.json" in said.getMessage()
    assert str(folder) not in said.getMessage()


def test_a_build_that_is_broken_leaves_the_operations_of_the_one_before(
    serve: Callable[..., Gateway], folder: Path
) -> None:
    _build(folder, COUNT)
    gateway = serve()
    _build(folder, written="{")
    assert _code(_run(gateway, OWN)) == _NOT_FOUND
    assert _run(gateway, COUNT).json() == COUNTED


def test_a_console_without_a_manifest_is_logged(
    serve: Callable[..., Gateway], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _build(folder)
    (folder / "operations.json").unlink()
    with caplog.at_level(logging.WARNING, logger="gateway.console"):
        serve()
    assert "built without operations.json" in caplog.text


def test_where_nothing_is_built_nothing_is_logged_of_it(
    serve: Callable[..., Gateway], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="gateway.console"):
        assert _code(_run(serve(), COUNT)) == _NOT_FOUND
    assert [each for each in caplog.records if each.name == "gateway.console"] == []


@pytest.mark.parametrize("text", ["{ not a document", "{" * 50_000])
def test_a_text_that_is_no_document_is_refused_only_when_it_runs(
    serve: Callable[..., Gateway], folder: Path, text: str
) -> None:
    _build(folder, text, COUNT)
    gateway = serve(max_document_bytes=100_000, max_tokens=100_000)
    assert _run(gateway, COUNT).json() == COUNTED
    assert "errors" in _run(gateway, text).json()


# Metrics


def _timed(gateway: Gateway) -> set[str]:
    text = gateway.http.get("/metrics").text
    counts = [line for line in text.splitlines() if "seconds_count" in line and "graphql" in line]
    return {line.split('operation="')[1].split('"')[0] for line in counts}


def test_its_operations_are_timed_by_their_names_apart_from_those_of_others(
    serve: Callable[..., Gateway], folder: Path, tmp_path: Path
) -> None:
    _build(folder, COUNT)
    trusted = tmp_path / "trusted.json"
    other = "query Count { executions { nodes { guid } } }"
    trusted.write_text(json.dumps({_id(other): other}))
    gateway = serve(trusted_documents=trusted)
    for text in (COUNT, other):
        _run(gateway, text)
    assert _timed(gateway) == {"console:Count", "Count"}
    later = "query Later { __typename }"
    _build(folder, later)
    _run(gateway, later)
    assert _timed(gateway) == {"console:Count", "Count", "console:Later"}


def test_builds_can_not_make_metrics_grow_for_ever(
    serve: Callable[..., Gateway], folder: Path
) -> None:
    gateway = serve()
    for build in range(3):
        texts = [f"query N{build}x{number} {{ __typename }}" for number in range(90)]
        _build(folder, *texts)
        for text in texts:
            _run(gateway, text)
    assert len(_timed(gateway)) == 201
