"""Attacks get the documented response, and leave the gateway healthy."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server.operation.protocols.http import GuardedHttpProtocol
from server.operation.settings import Settings
from tests.gateway import Gateway, running_gateway
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.wire import places_taken

SETTINGS = Settings(_env_file=None)
TOO_COMPLEX = "OPERATION_TOO_COMPLEX"
INVALID = "GRAPHQL_VALIDATION_FAILED"
PARSE = "GRAPHQL_PARSE_FAILED"
INPUT = "BAD_USER_INPUT"


def _nested_selections(levels: int) -> str:
    return "{ executions { nodes " + "{ a " * levels + "}" * levels + " } }"


def _nested_value(levels: int, opening: str, closing: str) -> str:
    value = opening * levels + closing * levels
    return f"{{ executions(filter: {value}) {{ totalCount }} }}"


def _introspection_bomb(levels: int) -> str:
    inner = "name"
    for _ in range(levels):
        inner = f"name fields {{ name type {{ {inner} }} }}"
    return f"{{ __schema {{ types {{ {inner} }} }} }}"


def _fragments_doubling(count: int) -> str:
    doubling = "".join(
        f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(count)
    )
    return f"{{ ...F0 }} {doubling} fragment F{count} on Query {{ __typename }}"


DOCUMENTS: dict[str, tuple[str, str, str]] = {
    "alias flood": (
        "{ executions { " + " ".join(f"a{n}: totalCount" for n in range(200)) + " } }",
        TOO_COMPLEX,
        "max_aliases",
    ),
    "root field flood": (
        "{ " + " ".join(f"a{n}: __typename" for n in range(25)) + " }",
        TOO_COMPLEX,
        "max_root_fields",
    ),
    "directive flood": ("{ __typename " + "@skip(if: false) " * 60 + "}", TOO_COMPLEX, "max_dir"),
    "unknown directive flood": ("{ __typename " + "@a" * 900 + " }", TOO_COMPLEX, "max_directives"),
    "field duplication": (
        "{ executions { " + "totalCount " * 500 + "} }",
        TOO_COMPLEX,
        "max_repeats",
    ),
    "token flood": ("{ " + "a " * 10_000 + "}", TOO_COMPLEX, "max_tokens"),
    "comment flood": ("{ __typename }" + "#\n" * 5_000, "", ""),
    "selections nested 100 levels": (_nested_selections(100), TOO_COMPLEX, "max_depth"),
    "selections nested 900 levels": (_nested_selections(900), TOO_COMPLEX, "max_depth"),
    "selections nested 50,000 levels": (_nested_selections(50_000), TOO_COMPLEX, "max_"),
    "lists nested 100 levels": (_nested_value(100, "[", "]"), TOO_COMPLEX, "max_depth"),
    "lists nested 50,000 levels": (_nested_value(50_000, "[", "]"), TOO_COMPLEX, "max_"),
    "objects nested 100 levels": (_nested_value(100, "{not: ", "}"), TOO_COMPLEX, "max_depth"),
    "objects nested 20,000 levels": (_nested_value(20_000, "{not: ", "}"), TOO_COMPLEX, "max_"),
    "lists that never end": ("{ a(b: " + "[" * 1000, TOO_COMPLEX, "max_depth"),
    "fragments in a circle": (
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        INVALID,
        "spreads itself",
    ),
    "a fragment in itself": ("{ ...A } fragment A on Query { ...A }", INVALID, "spreads itself"),
    "fragments in a circle that nothing spreads": (
        "{ __typename } fragment A on Query { ...B } fragment B on Query { ...A }",
        INVALID,
        "",
    ),
    "fragments that double": (_fragments_doubling(18), TOO_COMPLEX, "max_"),
    "fragments that double, deeper": (_fragments_doubling(40), TOO_COMPLEX, "max_"),
    "introspection bomb": (_introspection_bomb(12), TOO_COMPLEX, "max_depth"),
    "introspection in a circle": (_introspection_bomb(3), INVALID, "introspection depth"),
    "variable flood": (
        "query (" + " ".join(f"$v{n}: Int" for n in range(60)) + ") { __typename }",
        TOO_COMPLEX,
        "max_variables",
    ),
    "pages of pages": (
        "{ "
        + " ".join(f"p{n}: executions(first: 1000) {{ nodes {{ guid state }} }}" for n in range(12))
        + " }",
        TOO_COMPLEX,
        "max_cost",
    ),
    "a huge page": ("{ executions(first: 2000000000) { nodes { guid } } }", INPUT, "1000"),
    "a huge integer": (
        "{ executions(first: " + "9" * 5_000 + ") { totalCount } }",
        INVALID,
        "at most 400 digits",
    ),
    "a huge float": ("{ executions(first: 1e400) { totalCount } }", INVALID, "Int"),
    "a huge string": (
        '{ execution(guid: "' + "x" * 500_000 + '") { guid } }',
        TOO_COMPLEX,
        "max_document_bytes",
    ),
    "a megabyte of comments": (
        "{ __typename }" + "#\n" * 300_000,
        TOO_COMPLEX,
        "max_document_bytes",
    ),
    "a megabyte that is not ASCII": (
        "{ __typename }#" + "\u00e9" * 60_000,
        TOO_COMPLEX,
        "max_document_bytes",
    ),
    "a long string": ('{ execution(guid: "' + "x" * 90_000 + '") { guid } }', "", ""),
    "a long name": ("{ " + "x" * 256 + " }", INVALID, "at most 255 characters"),
    "a name that is not too long": ("{ " + "x" * 255 + " }", INVALID, "Cannot query field"),
    "a null byte": ("{ __typename \x00 }", PARSE, "Syntax Error"),
    "a null byte in a string": ('{ execution(guid: "\x00") { guid } }', "", ""),
    "many operations": ("query A { __typename } " * 300, INVALID, "only one operation"),
    "validation error flood": ("{ " + " ".join(f"f{n}" for n in range(15)) + " }", INVALID, ""),
}


@pytest.fixture(scope="module")
def target(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    with running_gateway(new_place(), max_concurrent_requests=50, receive_timeout=0.3) as gateway:
        gateway.insert(SAMPLE)
        yield gateway


@pytest.mark.parametrize("attack", DOCUMENTS)
def test_a_hostile_document_is_refused_before_anything_runs(target: Gateway, attack: str) -> None:
    document, code, words = DOCUMENTS[attack]
    answer = target.http.post("/graphql", json={"query": document})
    body = answer.json()
    if not code:
        assert "errors" not in body
        return
    assert answer.status_code == 200
    assert 1 <= len(body["errors"]) <= 6
    assert "data" not in body or body["data"] is None
    assert {error["extensions"]["code"] for error in body["errors"]} == {code}
    assert words in body["errors"][0]["message"]
    assert len(answer.content) < 5_000


def test_a_refusal_names_the_limit_that_was_passed_and_how_far(target: Gateway) -> None:
    query = "{ " + " ".join(f"a{n}: __typename" for n in range(25)) + " }"
    [error] = target.post(query).json()["errors"]
    assert error["message"] == (
        "The operation has 25 root fields; at most 20 are allowed (max_root_fields)"
    )
    assert error["extensions"] == {
        "code": TOO_COMPLEX,
        "limit": "max_root_fields",
        "maximum": 20,
    }


@pytest.mark.parametrize("depth", [200, 5_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"not":', "}")])
def test_variables_nested_without_end_are_refused(
    target: Gateway, depth: int, opening: str, closing: str
) -> None:
    nested = opening * depth + ("1" if opening != "[" else "") + closing * depth
    query = "query ($f: ExecutionFilter) { executions(filter: $f) { totalCount } }"
    body = f'{{"query": {json.dumps(query)}, "variables": {{"f": {nested}}}}}'
    answer = target.http.post(
        "/graphql", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (200, 400)
    assert answer.json()["errors"][0]["extensions"]["code"] == INPUT


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", "query=mutation+{__typename}"),
        ("text/plain", '{"query": "{ __typename }"}'),
        ("multipart/form-data; boundary=x", "--x\r\n\r\n--x--"),
        ("application/json; charset=utf-7", '{"query": "{ __typename }"}'),
    ],
)
def test_what_a_form_can_send_runs_nothing(target: Gateway, content_type: str, body: str) -> None:
    answer = target.http.post("/graphql", content=body, headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (415, INPUT)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_page_of_another_site_can_make_a_browser_get_runs_nothing(
    target: Gateway, site: str
) -> None:
    for accept in ("*/*", "application/json", "image/avif,*/*"):
        headers = {"sec-fetch-site": site, "accept": accept}
        answer = target.http.get("/graphql", params={"query": "{ __typename }"}, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (
            403,
            "FORBIDDEN",
        )


def test_a_page_of_the_gateway_itself_may_use_get(target: Gateway) -> None:
    headers = {"sec-fetch-site": "same-origin"}
    answer = target.http.get("/graphql", params={"query": "{ __typename }"}, headers=headers)
    assert answer.json() == {"data": {"__typename": "Query"}}


def test_a_form_of_another_site_gets_the_page_and_runs_nothing(target: Gateway) -> None:
    headers = {"sec-fetch-site": "cross-site", "accept": "text/html,*/*;q=0.8"}
    answer = target.http.get("/graphql", params={"query": "{ __typename }"}, headers=headers)
    assert answer.headers["content-type"].startswith("text/html")


# The body and the head of a request


@pytest.mark.parametrize("url", ["/graphql", "/executions"])
def test_a_body_that_is_too_large_is_413_before_it_is_read(target: Gateway, url: str) -> None:
    head = (
        f"{'POST' if url == '/graphql' else 'DELETE'} {url} HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/json\r\nContent-Length: 99999999999999999999\r\n\r\n"
    )
    assert b" 413 " in _raw(target, head.encode()) or b" 400 " in _raw(target, head.encode())
    head = head.replace("9" * 20, "2000000")
    assert _raw(target, head.encode()).startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_that_is_too_large_is_413(target: Gateway) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    headers = {"content-type": "application/json"}
    answer = target.http.post("/graphql", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["message"] == (
        "The body must have at most 1048576 bytes (max_body_bytes)"
    )


def test_a_body_that_never_ends_is_408(target: Gateway) -> None:
    head = (
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
    )
    answer = _raw(target, head.encode())
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"within 0.3 seconds (receive_timeout)" in answer


def test_a_head_that_is_too_large_is_431(target: Gateway) -> None:
    flood = b"".join(b"X-%d: %s\r\n" % (n, b"x" * 100) for n in range(2_000))
    assert _raw(target, b"GET / HTTP/1.1\r\n" + flood).startswith(b"HTTP/1.1 431 ")
    one = b"GET / HTTP/1.1\r\nX: " + b"x" * 1_000_000
    assert _raw(target, one).startswith(b"HTTP/1.1 431 ")
    assert _raw(target, b"GET /" + b"x" * 1_000_000).startswith(b"HTTP/1.1 431 ")


def test_a_head_that_never_ends_is_408(
    gateway_with: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedHttpProtocol, "head_timeout", 0.2)
    gateway = gateway_with()
    assert _raw(gateway, b"GET / HTTP/1.1\r\nHost: localhost\r\n").startswith(b"HTTP/1.1 408 ")
    assert _raw(gateway, b"").startswith(b"HTTP/1.1 408 ")


def test_a_second_head_on_the_same_connection_is_bounded_too(target: Gateway) -> None:
    with socket.create_connection(_address(target), timeout=10) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(10_000).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        with pytest.MonkeyPatch.context():
            assert _flood(client).startswith(b"HTTP/1.1 431 ")


def test_more_than_http_can_be_read_is_400(target: Gateway) -> None:
    assert _raw(target, b"\x16\x03\x01\x02\x00").startswith(b"HTTP/1.1 400 ")


# Too much at once


def test_requests_above_the_limit_are_503_at_once(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(max_concurrent_requests=3, busy_timeout=60.0)
    gateway.insert(SAMPLE)
    with places_taken(gateway, 3):
        rest = gateway.http.get("/executions?page=1")
        assert rest.status_code == 503
        assert rest.json()["message"] == (
            "The gateway works on 3 requests already (max_concurrent_requests);"
            " try again in a moment"
        )
        assert (rest.json()["code"], rest.headers["retry-after"]) == ("SERVICE_UNAVAILABLE", "1")
        assert gateway.http.put("/executions/x", json={}).status_code == 503
        graphql = gateway.post("{ __typename }")
        assert graphql.json()["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        for url in ("/healthz", "/readyz", "/metrics", "/", "/openapi.json"):
            assert gateway.http.get(url).status_code == 200
    assert gateway.http.get("/executions?page=1").status_code == 200


def test_a_statement_that_takes_too_long_is_interrupted_and_leaves_nothing_behind(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(statement_timeout=0.2)
    gateway.sql("ALTER TABLE executions RENAME TO stored")
    gateway.sql(
        "CREATE VIEW executions AS WITH RECURSIVE endless(n) AS"
        " (SELECT 1 UNION ALL SELECT n + 1 FROM endless)"
        " SELECT stored.* FROM stored, endless"
    )
    gateway.sql(
        "INSERT INTO stored (guid, agentflow_id, state, created_on) VALUES ('a', 'f', 'ERROR', 1)"
    )
    for _ in range(6):
        answer = gateway.post("{ executions { totalCount nodes { guid } } }")
        [error] = answer.json()["errors"]
        assert (answer.status_code, error["extensions"]["code"]) == (503, "SERVICE_UNAVAILABLE")
        assert answer.headers["retry-after"] == "1"
        assert "statement_timeout" in error["message"]
    assert gateway.http.get("/executions?page=1").status_code == 503
    gateway.sql("DROP VIEW executions")
    gateway.sql("ALTER TABLE stored RENAME TO executions")
    found = gateway.graphql("{ executions { totalCount nodes { guid } } }")["executions"]
    assert found == {"totalCount": 1, "nodes": [{"guid": "a"}]}


# After all of them


@pytest.mark.no_cover
def test_after_all_of_them_the_gateway_is_as_it_was(target: Gateway) -> None:
    def attack_all() -> None:
        for document, _, _ in DOCUMENTS.values():
            target.http.post("/graphql", json={"query": document})

    attack_all()
    before = _memory()
    for _ in range(3):
        attack_all()
    assert _memory() - before < 30_000_000
    assert target.http.get("/readyz").status_code == 200
    found = target.graphql("{ executions { totalCount } }")
    assert found == {"executions": {"totalCount": len(SAMPLE)}}


def _memory() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _address(gateway: Gateway) -> tuple[str, int]:
    parts = urlsplit(gateway.url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def _raw(gateway: Gateway, data: bytes) -> bytes:
    with socket.create_connection(_address(gateway), timeout=10) as client:
        try:
            client.sendall(data)
            return client.recv(10_000)
        except (BrokenPipeError, ConnectionResetError):
            return client.recv(10_000)


def _flood(client: socket.socket) -> bytes:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        client.sendall(b"x" * 200_000)
    return client.recv(10_000)


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
