"""While no key is needed, only programs and pages on this machine are served."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from server.operation.settings import Settings
from tests.faults.programs import wait_until
from tests.gateway import Gateway, bearer, make_key, running_gateway
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.wire import connected

GUID = SAMPLE[1].guid
ASKED: list[tuple[str, str, Any]] = [
    ("GET", "/", None),
    ("GET", "/executions", None),
    ("GET", "/executions?page=1", None),
    ("GET", f"/executions/{GUID}", None),
    ("PUT", f"/executions/{GUID}", {"state": "STOPPED"}),
    ("DELETE", f"/executions/{GUID}", None),
    ("DELETE", "/executions", {"executionIds": [GUID]}),
    ("POST", "/graphql", {"query": "{ executions { totalCount } }"}),
    ("GET", "/graphql?query={__typename}", None),
    ("GET", "/openapi.json", None),
    ("GET", "/metrics", None),
    ("GET", "/nowhere", None),
]
OURS = [
    "localhost", "LOCALHOST:1", "localhost.", "app.localhost:8000", "127.0.0.1", "127.255.0.7:80",
    "[::1]:8000", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
]  # fmt: skip
OTHERS = [
    "attacker.example", "attacker.example:8000", "localhost.attacker.example", "127.0.0.1.nip.io",
    "notlocalhost", "0.0.0.0:8000", "10.0.0.1", "[::]", "[fe80::1]", "2130706433", "127.1",
    "%6cocalhost", "0x7f.0.0.1",
]  # fmt: skip
PROXIES = [
    ("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Host", "localhost"),
    ("X-Forwarded-Proto", "https"), ("X-Forwarded-Anything", ""), ("Forwarded", "for=203.0.113.9"),
    ("X-Real-IP", "127.0.0.1"), ("Via", "1.1 proxy"), ("CF-Connecting-IP", "203.0.113.9"),
    ("True-Client-IP", "203.0.113.9"),
]  # fmt: skip


@pytest.fixture(scope="module")
def shared(new_place: Callable[[], Place]) -> Iterator[Gateway]:
    with running_gateway(new_place()) as running:
        running.insert(SAMPLE)
        yield running


@pytest.fixture
def gateway(shared: Gateway) -> Iterator[Gateway]:
    """A gateway that needs no key, in which nothing is changed."""
    before = shared.sql("SELECT guid, state FROM executions ORDER BY id")
    yield shared
    assert shared.sql("SELECT guid, state FROM executions ORDER BY id") == before


def _status_of_handshake(gateway: Gateway, **headers: str) -> int:
    sent = {
        "Host": "localhost",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol": "graphql-transport-ws",
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    with connected(gateway) as client:
        client.sendall(f"GET /graphql HTTP/1.1\r\n{lines}\r\n".encode())
        return int(client.recv(65_536)[9:12])


# Hosts


@pytest.mark.parametrize("host", OURS)
def test_names_and_addresses_of_this_machine_are_answered(gateway: Gateway, host: str) -> None:
    assert gateway.http.get("/executions?page=1", headers={"host": host}).status_code == 200
    assert _status_of_handshake(gateway, Host=host) == 101


@pytest.mark.parametrize("host", OTHERS)
def test_other_hosts_are_421_whatever_is_asked(gateway: Gateway, host: str) -> None:
    for method, url, body in ASKED:
        headers = {"host": host, "origin": f"http://{host}"}
        answer = gateway.http.request(method, url, json=body, headers=headers)
        assert answer.status_code == 421
        assert answer.headers["x-request-id"]
    assert _status_of_handshake(gateway, Host=host, Origin=f"http://{host}") == 421


def test_the_refusal_says_how_to_make_a_key(gateway: Gateway) -> None:
    headers = {"host": "attacker.example"}
    assert gateway.http.get("/executions", headers=headers).json() == {
        "statusCode": 421,
        "success": False,
        "code": "FORBIDDEN",
        "message": "No key is needed here, so only calls to this machine are answered, such as to"
        " localhost, and none to 'attacker.example'; make a key with: executions-gateway keys"
        " create NAME --scope read",
    }
    [error] = gateway.http.post("/graphql", headers=headers).json()["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"


def test_probes_are_answered_under_any_host(gateway: Gateway) -> None:
    headers = {"host": "10.0.0.5:8000", "x-forwarded-for": "10.0.0.1"}
    for url in ("/healthz", "/readyz"):
        assert gateway.http.get(url, headers=headers).status_code == 200


# Proxies


@pytest.mark.parametrize(("name", "value"), PROXIES)
def test_what_comes_through_a_proxy_is_421(gateway: Gateway, name: str, value: str) -> None:
    for method, url, body in ASKED:
        answer = gateway.http.request(method, url, json=body, headers={name: value})
        assert answer.status_code == 421
    assert "make a key" in gateway.http.get("/executions", headers={name: value}).text
    assert _status_of_handshake(gateway, **{name: value}) == 421


# Pages

FOREIGN = ["http://attacker.example", "https://localhost.attacker.example", "null", "file://", ""]
SAFE = ("GET", "HEAD")


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_another_origin_changes_and_reads_nothing(gateway: Gateway, origin: str) -> None:
    for method, url, body in ASKED:
        answer = gateway.http.request(method, url, json=body, headers={"origin": origin})
        assert (answer.status_code == 403) == (method not in SAFE)
        assert "access-control-allow-origin" not in answer.headers
    assert _status_of_handshake(gateway, Origin=origin) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_page_of_another_site_sends_without_its_origin_is_refused(
    gateway: Gateway, site: str
) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}
    for method, url, body in ASKED:
        if method not in SAFE:
            answer = gateway.http.request(method, url, json=body, headers=headers)
            assert answer.status_code == 403


def test_a_link_on_another_site_leads_to_the_gateway(gateway: Gateway) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert gateway.http.get("/", headers=headers).status_code == 200
    assert gateway.http.delete(f"/executions/{GUID}", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:5173", "http://127.0.0.1:1", "electron://altair", "chrome-extension://abc"],
)
def test_programs_and_development_servers_of_this_machine_may_ask(
    gateway: Gateway, origin: str
) -> None:
    answer = gateway.http.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"origin": origin}
    )
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    assert _status_of_handshake(gateway, Origin=origin) == 403


def test_the_gateways_own_pages_may_ask(gateway: Gateway) -> None:
    headers = {"origin": gateway.url, "sec-fetch-site": "same-origin"}
    assert gateway.http.get("/executions", headers=headers).status_code == 200
    body = {"query": "{ __typename }"}
    assert gateway.http.post("/graphql", json=body, headers=headers).status_code == 200
    own = _status_of_handshake(
        gateway, Origin=gateway.url, Host=gateway.http.base_url.netloc.decode()
    )
    assert own == 101


def test_pages_of_origins_that_are_allowed_may_ask(place: Place) -> None:
    with running_gateway(place, cors_origins=("https://app.example",)) as gateway:
        headers = {"origin": "https://app.example", "sec-fetch-site": "cross-site"}
        assert gateway.http.get("/executions", headers=headers).status_code == 200
        assert _status_of_handshake(gateway, Origin="https://app.example") == 101
        headers = {"origin": "https://other.example"}
        assert gateway.http.put(f"/executions/{GUID}", headers=headers).status_code == 403


# The setting, and keys


def test_a_setting_names_hosts_that_are_answered_too(place: Place) -> None:
    with running_gateway(place, allowed_hosts=("a.example", "*.b.example", "[::5]")) as gateway:

        def status(host: str, **headers: str) -> int:
            asked = gateway.http.get("/executions", headers={"host": host, **headers})
            assert _status_of_handshake(gateway, Host=host, **headers) == {200: 101}.get(
                asked.status_code, asked.status_code
            )
            return asked.status_code

        for host in ("a.example", "A.EXAMPLE:1", "c.b.example", "d.c.b.example", "[::5]:1"):
            assert status(host) == 200
        for host in ("b.example", "x.a.example", "notb.example", "[::6]"):
            assert status(host) == 421
        assert status("localhost") == 200
        assert status("a.example", **{"X-Forwarded-For": "203.0.113.9"}) == 421


def test_with_keys_any_host_and_proxy_is_answered(place: Place) -> None:
    headers = bearer(make_key(place, "read")) | {
        "host": "gateway.example",
        "x-forwarded-for": "203.0.113.9",
        "origin": "https://other.example",
    }
    with running_gateway(place) as gateway:
        assert gateway.http.get("/executions", headers=headers).status_code == 200


def test_with_keys_the_setting_names_all_hosts(place: Place) -> None:
    key = bearer(make_key(place, "read"))
    with running_gateway(place, allowed_hosts=("gateway.example",)) as gateway:

        def ask(host: str, url: str = "/executions") -> httpx.Response:
            proxied = {"host": host, "x-forwarded-for": "203.0.113.9"}
            return gateway.http.get(url, headers=key | proxied)

        assert ask("gateway.example").status_code == 200
        assert ask("localhost").status_code == 200
        assert ask("other.example").status_code == 421
        assert ask("other.example").json()["message"] == (
            "The gateway is not called 'other.example' (GATEWAY_ALLOWED_HOSTS)"
        )
        assert _status_of_handshake(gateway, Host="other.example") == 421
        for url in ("/healthz", "/readyz", "/metrics"):
            assert ask("10.0.0.5", url).status_code == 200


def test_the_guard_goes_when_the_first_key_is_made(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with()
    headers = {"host": "gateway.example", "x-forwarded-proto": "https"}
    assert gateway.http.get("/executions", headers=headers).status_code == 421
    headers |= bearer(make_key(gateway.place, "read"))
    wait_until(lambda: gateway.http.get("/executions", headers=headers).status_code == 200)


def test_with_keys_off_on_loopback_the_guard_stays(place: Place) -> None:
    make_key(place, "read")
    with running_gateway(place, auth="off") as gateway:
        assert gateway.http.get("/executions").status_code == 200
        answer = gateway.http.get("/executions", headers={"host": "attacker.example"})
        assert answer.status_code == 421
        assert "GATEWAY_ALLOWED_HOSTS" in answer.json()["message"]
        assert gateway.http.get("/executions", headers={"via": "1.1 x"}).status_code == 421


def test_with_keys_off_on_another_address_only_pages_of_others_are_refused(place: Place) -> None:
    with running_gateway(place, auth="off", host="0.0.0.0") as gateway:
        headers = {"host": "gateway.internal", "x-forwarded-for": "10.0.0.9"}
        assert gateway.http.get("/executions", headers=headers).status_code == 200
        headers["origin"] = "http://gateway.internal"
        assert gateway.http.get("/executions", headers=headers).status_code == 200
        headers["origin"] = "http://attacker.example"
        assert gateway.http.put(f"/executions/{GUID}", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "host", ["https://a.example", "a.example:80", "a.example/x", "a b", "*a.example", "a.*", "*."]
)
def test_what_is_no_host_is_refused_at_the_start(host: str) -> None:
    with pytest.raises(ValidationError, match="must be names of hosts"):
        Settings(_env_file=None, allowed_hosts=host)
