"""HTTP/1.1 as bytes: each request is unambiguous, and no body becomes a request."""

import functools
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.gateway import Gateway, make_key, running_gateway
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.wire import connected, exchanged, post, read_to_end, statuses

GUID = SAMPLE[1].guid
QUERY = b'{"query": "{ __typename }"}'
ANSWER = b'{"data":{"__typename":"Query"}}'
SMUGGLED = f"DELETE /executions/{GUID} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
OFFERS = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    "TLS": b"Connection: upgrade\r\nUpgrade: TLS/1.0\r\n",
    "anything": b"Connection: Upgrade\r\nUpgrade: anything\r\n",
    "websocket": b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
    "two": b"Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n",
    "close as well": b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n",
}


@pytest.fixture(scope="module")
def gateway(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    with running_gateway(new_place()) as running:
        running.insert(SAMPLE)
        yield running


@pytest.fixture(autouse=True)
def _nothing_is_deleted(gateway: Gateway) -> Iterator[None]:
    yield
    assert gateway.sql("SELECT count(*) FROM executions") == [(len(SAMPLE),)]
    assert gateway.http.get("/readyz").status_code == 200


def get(path: bytes = b"/healthz", *lines: bytes) -> bytes:
    return b"\r\n".join([b"GET %b HTTP/1.1" % path, b"Host: localhost", *lines, b"", b""])


LAST = get(b"/healthz", b"Connection: close")


def _chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


# An offer of an upgrade that is not taken


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
@pytest.mark.parametrize("way", ["whole", "later", "byte by byte", "chunked", "chunked later"])
def test_a_body_behind_an_offer_of_an_upgrade_is_a_body(
    gateway: Gateway, offer: bytes, way: str
) -> None:
    head = (
        b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + offer
    )
    if "chunked" in way:
        head += b"Transfer-Encoding: chunked\r\n\r\n"
        body = _chunked(QUERY[:5], QUERY[5:])
    else:
        head += b"Content-Length: %d\r\n\r\n" % len(QUERY)
        body = QUERY
    packets = {
        "byte by byte": [head[:-1], head[-1:], body[:1], body[1:]],
        "later": [head, body],
        "chunked later": [head, body[:3], body[3:]],
    }.get(way, [head + body])
    ends = b"" if b"close" in offer else LAST
    answers = exchanged(gateway, *packets[:-1], packets[-1] + ends)
    assert statuses(answers) == [200] + [200] * bool(ends)
    assert ANSWER in answers


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
@pytest.mark.parametrize("later", [False, True])
def test_a_body_behind_an_offer_of_an_upgrade_never_runs(
    gateway: Gateway, offer: bytes, *, later: bool
) -> None:
    head = (
        b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + offer
    )
    head += b"Content-Length: %d\r\n\r\n" % len(SMUGGLED)
    ends = b"" if b"close" in offer else LAST
    packets = [head, SMUGGLED + ends] if later else [head + SMUGGLED + ends]
    assert statuses(exchanged(gateway, *packets)) == [400] + [200] * bool(ends)


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
def test_a_client_that_offers_an_upgrade_is_told_to_go_on(gateway: Gateway, offer: bytes) -> None:
    with connected(gateway) as client:
        client.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Expect: 100-continue\r\n" + offer + b"Content-Length: %d\r\n\r\n" % len(QUERY)
        )
        assert client.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(QUERY)
        assert client.recv(65_536).endswith(ANSWER)


def test_an_offer_without_a_body_is_ignored_too(gateway: Gateway) -> None:
    answers = exchanged(gateway, get(b"/healthz", OFFERS["h2c"].strip()) + LAST)
    assert statuses(answers) == [200, 200]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_curl_is_answered_when_it_offers_http2(gateway: Gateway, method: str) -> None:
    path = "/graphql" if method == "POST" else f"/executions/{'' if method == 'DELETE' else GUID}"
    body = {"POST": {"query": "{ __typename }"}, "PUT": {}, "DELETE": {"executionIds": ["nobody"]}}
    command = ["curl", "-s", "--http2", "-X", method, "-d", json.dumps(body[method])]
    command += ["-H", "Content-Type: application/json", "-w", "%{http_code}", gateway.url + path]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.endswith("200")


@pytest.mark.parametrize("later", [False, True])
def test_what_is_sent_through_a_tunnel_never_runs(gateway: Gateway, *, later: bool) -> None:
    head = b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"
    answers = exchanged(gateway, *([head, SMUGGLED] if later else [head + SMUGGLED]))
    assert statuses(answers) == [405]
    assert b"\r\nallow: DELETE, GET, HEAD, OPTIONS, POST, PUT\r\n" in answers


def test_what_comes_with_the_handshake_of_a_websocket_is_refused(gateway: Gateway) -> None:
    handshake = get(b"/graphql", OFFERS["websocket"].strip())
    assert statuses(exchanged(gateway, handshake + SMUGGLED)) == [400]


# What has two readings

TWO_READINGS = {
    "two lengths": b"Content-Length: 5\r\nContent-Length: 0\r\n",
    "the same length twice": b"Content-Length: 5\r\nContent-Length: 5\r\n",
    "a list of lengths": b"Content-Length: 5, 5\r\n",
    "a signed length": b"Content-Length: +5\r\n",
    "a negative length": b"Content-Length: -5\r\n",
    "a hexadecimal length": b"Content-Length: 0x5\r\n",
    "an empty length": b"Content-Length:\r\n",
    "a length beyond all": b"Content-Length: " + b"9" * 30 + b"\r\n",
    "a length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "another encoding": b"Transfer-Encoding: xchunked\r\n",
    "identity": b"Transfer-Encoding: identity\r\n",
    "chunks inside gzip": b"Transfer-Encoding: gzip, chunked\r\n",
    "gzip inside chunks": b"Transfer-Encoding: chunked, gzip\r\n",
    "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "chunks in quotes": b'Transfer-Encoding: "chunked"\r\n',
    "chunks with a parameter": b"Transfer-Encoding: chunked;q=1\r\n",
    "chunks behind a tab": b"Transfer-Encoding:\x0bchunked\r\n",
    "a space before the colon": b"Content-Length : 5\r\n",
    "a folded line": b"X: a\r\n Content-Length: 5\r\n",
    "a folded value": b"Transfer-Encoding:\r\n chunked\r\n",
    "a bare line feed": b"X: a\nContent-Length: 5\r\n",
    "a bare carriage return": b"X: a\rContent-Length: 5\r\n",
    "a null": b"X: a\0b\r\n",
    "no colon": b"Content-Length 5\r\n",
    "no name": b": 5\r\n",
    "a name with a space": b"Content Length: 5\r\n",
}


@pytest.mark.parametrize("lines", TWO_READINGS.values(), ids=TWO_READINGS)
def test_what_has_two_readings_is_400_and_the_last_of_its_connection(
    gateway: Gateway, lines: bytes
) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n"
    answers = exchanged(gateway, head + b"0\r\n\r\n" + SMUGGLED)
    assert statuses(answers) == [400]
    assert b"\r\nconnection: close\r\n" in answers


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\nHost: x\n\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\n",
        b"GET /healthz\r\n",
        b"GET /healthz HTTP/0.9\r\n\r\n",
        b"GET /healthz HTTP/1.2\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SOURCE /healthz ICE/1.0\r\nHost: localhost\r\n\r\n",
        b"get /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"{\r\n",
        b"\n",
        b"\r\n" * 20,
        b"POST /graphql HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_not_http_1_is_400_at_once(gateway: Gateway, head: bytes) -> None:
    assert statuses(exchanged(gateway, head)) == [400]


CHUNKS = {
    "no size": b"\r\n",
    "no digits": b"x\r\n",
    "a sign": b"+1\r\nx\r\n0\r\n\r\n",
    "a prefix": b"0x1\r\nx\r\n0\r\n\r\n",
    "a space before": b" 1\r\nx\r\n0\r\n\r\n",
    "a space behind": b"1 \r\nx\r\n0\r\n\r\n",
    "a bare line feed": b"1\nx\r\n0\r\n\r\n",
    "a line feed in an extension": b"1;\nx\r\nx\r\n0\r\n\r\n",
    "a carriage return in an extension": b"1;a\rb\r\nx\r\n0\r\n\r\n",
    "more data than the size": b"1\r\nxy\r\n0\r\n\r\n",
    "a size beyond all": b"fffffffffffffffff\r\nx",
    "a huge extension": b"1;" + b"x" * 100_000,
    "extensions without end": b"1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n \r\n" * 2_000,
    "a huge trailer": b"0\r\nX: " + b"x" * 100_000,
    "trailers without end": b"0\r\n" + b"X: y\r\n" * 100_000,
}


@pytest.mark.parametrize("body", CHUNKS.values(), ids=CHUNKS)
def test_chunks_that_are_none_are_400_and_the_last_of_their_connection(
    gateway: Gateway, body: bytes
) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    answers = exchanged(gateway, head + body + SMUGGLED)
    assert statuses(answers) == [400]
    assert b"\r\nconnection: close\r\n" in answers


def test_chunks_may_be_small_and_have_extensions_and_trailers(gateway: Gateway) -> None:
    chunks = b"".join(
        b"1;a=%d\r\n%c\r\n" % (number % 10, byte) for number, byte in enumerate(QUERY)
    )
    head = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += b"Transfer-Encoding: Chunked\r\n\r\n"
    body = chunks + b"000;b\r\nX-Trailer: y\r\n\r\n"
    for packets in (
        [head + body + LAST],
        [head, *(bytes([byte]) for byte in body[:9]), body[9:] + LAST],
    ):
        answers = exchanged(gateway, *packets)
        assert statuses(answers) == [200, 200]
        assert ANSWER in answers


def test_requests_behind_each_other_are_answered_in_their_order(gateway: Gateway) -> None:
    bodies = [b'{"query": "{ a%d: __typename }"}' % number for number in range(300)]
    answers = exchanged(gateway, b"".join(map(post, bodies)) + LAST)
    assert statuses(answers) == [200] * 301
    found = [answers.index(b'"a%d"' % number) for number in range(300)]
    assert found == sorted(found)


def test_equal_heads_are_read_as_the_first_one_was(gateway: Gateway) -> None:
    one, other = b'{"query": "{ __typename }"}', b'{"query": "{ a:__schema}" }'
    assert len(one) == len(other)
    answers = exchanged(
        gateway,
        post(one) + post(other),
        post(one),
        get(b"/executions/nobody"),
        post(one) + get() + get() + post(QUERY)[:-5],
        QUERY[-5:] + post(one) + post(one) + LAST,
    )
    assert statuses(answers) == [200, 200, 200, 404, 200, 200, 200, 200, 200, 200, 200]
    assert answers.count(ANSWER) == 6


@pytest.mark.sqlite
def test_what_a_proxy_says_counts_for_its_own_request_alone(
    place: Place, gateway_with: Callable[..., Gateway]
) -> None:
    key = make_key(place, "read").encode()
    with_keys = gateway_with()
    page = functools.partial(get, b"/executions?page=1", b"Authorization: Bearer " + key)
    secure = page(b"X-Forwarded-Proto: https")
    answers = exchanged(with_keys, page(), secure + secure, page() + page(b"x: 1") + LAST)
    assert re.findall(rb"link: <(https?)://", answers) == [
        b"http",
        b"https",
        b"https",
        b"http",
        b"http",
    ]


def test_a_head_that_was_refused_is_refused_again(gateway: Gateway) -> None:
    wrong = get(b"/healthz", b"Host: other")
    for _ in range(2):
        assert statuses(exchanged(gateway, get() + get() + wrong)) == [200, 200, 400]


def test_each_of_equal_requests_has_a_scope_of_its_own(gateway: Gateway) -> None:
    name = b"x-request-id: mine-"
    packets = [get(b"/healthz", name + b"1"), get(), get(), get(b"/healthz", name + b"1"), LAST]
    found = re.findall(rb"x-request-id: (\S+)", exchanged(gateway, b"".join(packets)))
    assert (found[0], found[3]) == (b"mine-1", b"mine-1")
    assert len({*found}) == 4


def test_an_empty_line_before_a_request_is_ignored(gateway: Gateway) -> None:
    assert statuses(exchanged(gateway, b"\r\n" + post(QUERY) + b"\r\n" + LAST)) == [
        200,
        200,
    ]


def test_what_comes_behind_the_last_request_is_never_run(gateway: Gateway) -> None:
    assert statuses(exchanged(gateway, LAST + SMUGGLED)) == [200]


# Heads


@pytest.mark.parametrize("padding", [70_000, 100_000, 65_537])
def test_a_head_over_64_kib_is_431_even_if_all_of_it_is_there(
    gateway: Gateway, padding: int
) -> None:
    start = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "
    head = start + b"x" * (padding - len(start) - 4) + b"\r\n\r\n"
    assert len(head) == padding
    answers = exchanged(gateway, head)
    assert statuses(answers) == [431]
    assert b"65536 bytes" in answers


def test_a_head_of_64_kib_is_taken(gateway: Gateway) -> None:
    start = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: "
    head = start + b"x" * (65_536 - len(start) - 4) + b"\r\n\r\n"
    assert statuses(exchanged(gateway, head)) == [200]


def test_more_than_a_hundred_headers_are_431(gateway: Gateway) -> None:
    lines = [b"X-%d: y" % number for number in range(98)]
    assert statuses(exchanged(gateway, get(b"/healthz", b"Connection: close", *lines))) == [200]
    assert statuses(exchanged(gateway, get(b"/healthz", *lines, b"X: y", b"Y: y"))) == [431]


def test_a_refusal_is_json_and_has_an_id(gateway: Gateway) -> None:
    head, _, body = exchanged(gateway, b"GET /executions HTTP/1.1\r\n\r\n").partition(b"\r\n\r\n")
    assert b"\r\nx-request-id: " in head
    assert json.loads(body) == {
        "statusCode": 400,
        "success": False,
        "code": "BAD_USER_INPUT",
        "message": "The request is not valid HTTP: a request must have a Host",
    }


# Answers to what is still being sent


def test_a_short_body_that_nobody_asked_for_leaves_the_connection_open(gateway: Gateway) -> None:
    head = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n"
    with connected(gateway) as client:
        client.sendall(head)
        answer = client.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"connection: close" not in answer
        client.sendall(b"x" * 60_000 + LAST)
        assert statuses(read_to_end(client)) == [200]
