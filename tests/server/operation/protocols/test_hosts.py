"""The host of a request: in its Host header, or in its target."""

from collections.abc import Callable, Iterator

import pytest

from tests.gateway import Gateway, running_gateway
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.wire import exchanged, statuses

HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.fixture(scope="module")
def gateway(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    with running_gateway(new_place()) as running:
        running.insert(SAMPLE)
        yield running


HOSTS = [
    "x", "x:", "x:80", "X.Example:65535", "a-b.c_d", "127.0.0.1:1", "[::1]", "[::1]:80", "a%41",
    "xn--bcher-kva.example", "a.",
]  # fmt: skip
NO_HOSTS = [
    "", " ", "x y", 'x>; rel="next", <http://evil', "x/y", "x?y", "x#y", "x@y", "http://x",
    "x:y", "x:80:80", "x:-1", "x:65536", "x:123456", "::1", "[::1", "[::g]", "[::1]x", "[]", "%4",
    "é", "x\\y", 'x"y', "<x>", "x" * 300, "[fe80::1%eth0]", "x:80 y",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_a_name_or_an_address_and_a_port(gateway: Gateway, host: str) -> None:
    request = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert statuses(exchanged(gateway, request.encode())) == [200]


@pytest.mark.parametrize("host", NO_HOSTS)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_host_that_is_none_is_400(gateway: Gateway, host: str, version: str) -> None:
    for path in ("/healthz", "/executions?page=1", "/nowhere"):
        request = f"GET {path} HTTP/{version}\r\nHost: {host}\r\n\r\n"
        assert statuses(exchanged(gateway, request.encode())) == [400]


@pytest.mark.parametrize(
    "lines", [b"", b"Host: localhost\r\nHost: localhost\r\n", b"Host: localhost\r\nhost: y\r\n"]
)
def test_no_host_or_two_are_400(gateway: Gateway, lines: bytes) -> None:
    assert statuses(exchanged(gateway, b"GET /healthz HTTP/1.1\r\n" + lines + b"\r\n")) == [400]


def test_http_1_0_needs_no_host(gateway: Gateway) -> None:
    assert statuses(exchanged(gateway, b"GET /healthz HTTP/1.0\r\n\r\n")) == [200]


def test_the_handshake_of_a_websocket_needs_a_host_too(gateway: Gateway) -> None:
    assert statuses(exchanged(gateway, HANDSHAKE)) == [400]


@pytest.mark.parametrize(
    "target",
    [b"ftp://x/healthz", b"http://x@y/healthz", b"http:///healthz", b"x/healthz", b"http://x:y/"],
)
def test_a_target_that_is_neither_a_path_nor_an_http_url_is_400(
    gateway: Gateway, target: bytes
) -> None:
    request = b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % target
    assert statuses(exchanged(gateway, request)) == [400]


def test_the_host_of_a_whole_url_is_the_one_that_counts(gateway: Gateway) -> None:
    request = b"GET http://127.0.0.1:1/executions?limit=1 HTTP/1.1\r\nHost: y\r\n"
    answer = exchanged(gateway, request + b"Connection: close\r\n\r\n")
    assert statuses(answer) == [200]
    assert b"<http://127.0.0.1:1/executions?page=2&limit=1>" in answer
