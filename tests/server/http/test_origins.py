"""Which origins may call the gateway, however they are written, over HTTP and WebSocket."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from server.http.cross_origin import SENT_BY_CLIENTS
from server.http.origins import Origins, normalized
from server.operation.settings import Settings
from tests.gateway import Gateway, bearer, make_key
from tests.places import Place

ORIGIN = "https://app.example"


def _by_http(gateway: Gateway, origin: str) -> bool:
    headers = {"origin": origin}
    told = [
        gateway.http.get(path, headers=headers).headers.get("access-control-allow-origin")
        for path in ("/executions?limit=1", "/graphql?query={__typename}", "/nowhere")
    ]
    assert len(set(told)) == 1
    return told[0] in ("*", origin)


def _by_preflight(gateway: Gateway, origin: str) -> bool:
    return _preflight(gateway, origin).status_code == 200


def _by_websocket(gateway: Gateway, origin: str) -> bool:
    url = gateway.url.replace("http", "ws", 1) + "/graphql"
    headers = {"origin": origin}
    protocols = [Subprotocol("graphql-transport-ws")]
    try:
        with connect(url, subprotocols=protocols, additional_headers=headers):
            return True
    except InvalidStatus:
        return False


def _by_get(gateway: Gateway, origin: str) -> bool:
    headers = {"origin": origin, "sec-fetch-site": "cross-site"}
    return gateway.http.get("/graphql?query={__typename}", headers=headers).status_code == 200


def _preflight(
    gateway: Gateway, origin: str = ORIGIN, sent: str = "content-type", **more: str
) -> httpx.Response:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": sent,
        **more,
    }
    return gateway.http.options("/graphql", headers=headers)


WAYS: list[Callable[[Gateway, str], bool]] = [_by_http, _by_preflight, _by_websocket, _by_get]

SPELLINGS = {
    "https://app.example/": "https://app.example",
    "HTTPS://App.Example": "https://app.example",
    "https://app.example:443": "https://app.example",
    "http://app.example:80/": "http://app.example",
    "http://app.example:443": "http://app.example:443",
    "https://app.example:8443/": "https://app.example:8443",
    "https://bücher.example": "https://xn--bcher-kva.example",
    "https://BÜCHER.example:443/": "https://xn--bcher-kva.example",
    "https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
    "http://[::1]:3000": "http://[::1]:3000",
    "http://[0:0:0:0:0:0:0:1]:80": "http://[::1]",
    "http://127.0.0.1:5173": "http://127.0.0.1:5173",
    "http://localhost:3000/": "http://localhost:3000",
    "chrome-extension://abcdefghijklmnop": "chrome-extension://abcdefghijklmnop",
    "capacitor://localhost": "capacitor://localhost",
    "https://*.App.example/": "https://*.app.example",
    "https://*.bücher.example": "https://*.xn--bcher-kva.example",
    "*": "*",
}


@pytest.mark.parametrize(("written", "sent"), SPELLINGS.items(), ids=SPELLINGS)
def test_an_origin_is_normalised_as_browsers_send_it(written: str, sent: str) -> None:
    assert normalized(written) == sent
    assert normalized(sent) == sent
    assert Settings(_env_file=None, cors_origins=f" {written} , ").cors_origins == (sent,)


@pytest.mark.parametrize("written", ["https://APP.example:443/", "https://app.example"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way_in_agrees_on_how_an_origin_is_written(
    gateway_with: Callable[..., Gateway], way: Callable[[Gateway, str], bool], written: str
) -> None:
    gateway = gateway_with(cors_origins=written)
    assert way(gateway, ORIGIN)
    for other in ("http://app.example", "https://app.example:8443", "https://b.app.example"):
        assert not way(gateway, other)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way_in_agrees_on_subdomains(
    gateway_with: Callable[..., Gateway], way: Callable[[Gateway, str], bool]
) -> None:
    gateway = gateway_with(cors_origins="https://*.app.example,http://*.lan:3000")
    for origin in ("https://a.app.example", "https://a.b.app.example", "http://pc.lan:3000"):
        assert way(gateway, origin)
    for origin in (
        "https://app.example",
        "http://a.app.example",
        "https://a.app.example:8443",
        "https://aapp.example",
        "https://.app.example",
        "https://*.app.example",
        "https://evil.example/.app.example",
        "https://evil.example#.app.example",
        "https://evil.example:443@a.app.example",
        "https://a.app.example.evil.example",
        "http://pc.lan",
        "null",
    ):
        assert not way(gateway, origin)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_star_is_every_origin(
    gateway_with: Callable[..., Gateway], way: Callable[[Gateway, str], bool]
) -> None:
    gateway = gateway_with(cors_origins="*")
    for origin in (ORIGIN, "null", "chrome-extension://abc"):
        assert way(gateway, origin)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("app.example", "has no scheme"),
        ("localhost:3000", "has no scheme"),
        ("//app.example", "has no scheme"),
        ("*.app.example", "has no scheme"),
        ("https://app.example/path", "more than a scheme, host and port"),
        ("https://app.example?x", "more than a scheme, host and port"),
        ("https://app.example/#", "more than a scheme, host and port"),
        ("https://user@app.example", "more than a scheme, host and port"),
        ("wss://app.example", "begins with https or http"),
        ("https://", "its host is none"),
        ("file://", "its host is none"),
        ("https://a b.example", "its host is none"),
        ("https://a.*.example", "its host is none"),
        ("https://*app.example", "its host is none"),
        ("https://*", "its host is none"),
        ("https://*.*.example", "its host is none"),
        ("https://a%2eexample", "its host is none"),
        ("http://localhost:*", "is no origin"),
        ("https://app.example:99999", "is no origin"),
        ("https://[::1", "is no origin"),
        ("https://\u2024\u2024.example", "is no origin"),
        ("null", "what a page of any site can be"),
    ],
)
def test_what_no_browser_sends_is_refused_at_the_start(written: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason) as refused:
        Settings(_env_file=None, cors_origins=f"https://good.example,{written}")
    assert repr(written)[:20] in str(refused.value) or written == "null"


def test_no_origin_is_allowed_where_none_is_set() -> None:
    assert not Origins(())
    assert not Origins(()).allow(ORIGIN)
    assert not Origins(("https://app.example",)).allow(None)


# Preflights


def test_what_clients_and_tracers_send_is_allowed(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(cors_origins=ORIGIN)
    expected = {
        *("apollographql-client-name", "apollographql-client-version", "apollo-require-preflight"),
        *("x-apollo-operation-name", "x-apollo-operation-id", "traceparent", "tracestate"),
        *("baggage", "sentry-trace", "x-requested-with", "cache-control", "graphql-cost"),
        *("x-request-id", "last-event-id", "content-encoding", "authorization", "content-type"),
    }
    assert expected <= set(SENT_BY_CLIENTS)
    answer = _preflight(gateway, sent=", ".join(SENT_BY_CLIENTS))
    assert answer.status_code == 200
    assert int(answer.headers["access-control-max-age"]) == 7200


def test_other_headers_are_allowed_by_a_setting(gateway_with: Callable[..., Gateway]) -> None:
    assert _preflight(gateway_with(cors_origins=ORIGIN), sent="x-team").status_code == 400
    named = gateway_with(cors_origins=ORIGIN, cors_headers="X-Team, x-other")
    assert _preflight(named, sent="x-team,content-type").status_code == 200
    assert _preflight(named, sent="x-third").status_code == 400
    every = gateway_with(cors_origins=ORIGIN, cors_headers="*")
    assert _preflight(every, sent="x-third").headers["access-control-allow-headers"] == "x-third"


@pytest.mark.parametrize("written", ["x team", "x-team:", "x-team;", "ä"])
def test_a_header_that_can_have_no_such_name_is_refused_at_the_start(written: str) -> None:
    with pytest.raises(ValidationError, match="is not the name of a header"):
        Settings(_env_file=None, cors_headers=written)


def test_a_page_of_the_public_network_may_ask_a_private_one(
    gateway_with: Callable[..., Gateway],
) -> None:
    asked = {"access-control-request-private-network": "true"}
    gateway = gateway_with(cors_origins=ORIGIN)
    allowed = _preflight(gateway, **asked)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-private-network"] == "true"
    assert _preflight(gateway, "https://other.example", **asked).status_code == 400


# What a page may read


def _asks(gateway: Gateway, key: str) -> dict[int, httpx.Response]:
    headers: dict[str, Any] = {"origin": ORIGIN, **bearer(key)}
    keyless = {"origin": ORIGIN}
    http = gateway.http
    large = b'{"query": "' + b" " * 2000 + b'"}'
    sent = {**headers, "content-type": "application/json"}
    return {
        200: http.post("/graphql", json={"query": "{ __typename }"}, headers=headers),
        400: http.post("/graphql", content=b"{", headers=sent),
        401: http.get("/executions", headers=keyless),
        403: http.delete("/executions/a", headers=headers),
        404: http.get("/executions/a", headers=headers),
        405: http.post("/executions", headers=headers),
        406: http.post("/graphql", content=b"{}", headers={**sent, "accept": "text/plain"}),
        413: http.post("/graphql", content=large, headers=sent),
        415: http.post("/graphql", content=b"{}", headers=headers),
    }


@pytest.mark.parametrize("origins", [ORIGIN, "*"])
def test_a_page_may_read_every_answer_and_what_was_wrong(
    gateway_with: Callable[..., Gateway], place: Place, origins: str
) -> None:
    key = make_key(place, "read")
    gateway = gateway_with(cors_origins=origins, auth="keys", max_body_bytes=1000)
    for status, answer in _asks(gateway, key).items():
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == origins
        exposed = set(answer.headers["access-control-expose-headers"].split(", "))
        wanted = {"x-total-count", "link", "x-request-id", "retry-after", "www-authenticate"}
        assert wanted <= exposed
        assert origins == "*" or "Origin" in answer.headers["vary"]


@pytest.mark.sqlite
def test_a_page_may_read_that_the_database_is_away(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(cors_origins=ORIGIN)
    gateway.sql("DROP TABLE executions")
    answer = gateway.http.get("/executions", headers={"origin": ORIGIN})
    assert answer.status_code == 503
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_an_answer_to_nobody_else_differs_by_origin_too(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(cors_origins=ORIGIN)
    for headers in ({}, {"origin": "https://other.example"}):
        answer = gateway.http.get("/executions?limit=1", headers=headers)
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["vary"] == "Accept, Origin"
