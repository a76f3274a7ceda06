"""The gateway serves the build of the console, which browsers may cache forever."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from server.graphql.bundle import accepted_codings
from tests.gateway import Gateway, running_gateway
from tests.places import Place

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SCRIPT = b"console.log('built');" * 100
PAGE = '<title>Built</title><script type="module" src="./assets/main-abc123.js"></script>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle of one page with one script, beside a file that is nobody's business."""
    bundle = tmp_path / "bundle"
    assets = bundle / "assets"
    assets.mkdir(parents=True)
    (bundle / "graphiql.html").write_text(PAGE)
    (assets / "main-abc123.js").write_bytes(SCRIPT)
    (assets / "main-abc123.js.gz").write_bytes(gzip.compress(SCRIPT))
    (assets / "main-abc123.js.br").write_bytes(b"as if it were brotli")
    (assets / "font-abc123.ttf").write_bytes(b"a font")
    (assets / ".hidden.js").write_text("hidden")
    (bundle / "secret.js").write_text("secret")
    return bundle


@pytest.fixture
def gateway(place: Place, folder: Path) -> Iterator[Gateway]:
    with running_gateway(place, console=folder) as running:
        yield running


def _asset(gateway: Gateway, name: str, accept_encoding: str = "identity") -> httpx.Response:
    headers = {"accept-encoding": accept_encoding}
    return gateway.http.get(f"/graphiql/assets/{name}", headers=headers)


# The page


@pytest.mark.parametrize("route", ["/graphql", "/graphql/"])
def test_the_page_names_its_assets_where_they_are_served(gateway: Gateway, route: str) -> None:
    page = gateway.http.get(route, headers=BROWSER)
    assert "<title>Built</title>" in page.text
    [source] = [part.split('"')[0] for part in page.text.split('src="')[1:]]
    asset = httpx.URL(f"{gateway.url}{route}").join(source)
    assert asset.path == "/graphiql/assets/main-abc123.js"
    assert gateway.http.get(asset).status_code == 200


def test_the_page_names_no_path_that_a_proxy_could_not_put_before_it(gateway: Gateway) -> None:
    assert 'src="/' not in gateway.http.get("/graphql", headers=BROWSER).text


def test_the_page_may_load_from_the_gateway_alone_and_evaluate_nothing(gateway: Gateway) -> None:
    policy = gateway.http.get("/graphql", headers=BROWSER).headers["content-security-policy"]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["worker-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert "http" not in policy
    assert "unsafe-eval" not in policy


def test_a_bundle_that_is_built_while_the_gateway_runs_is_served_at_once(
    place: Place, folder: Path, tmp_path: Path
) -> None:
    later = tmp_path / "later"
    with running_gateway(place, console=later) as gateway:
        assert "<title>Built</title>" not in gateway.http.get("/graphql", headers=BROWSER).text
        folder.rename(later)
        assert "<title>Built</title>" in gateway.http.get("/graphql", headers=BROWSER).text
        assert _asset(gateway, "main-abc123.js").content == SCRIPT


# Assets


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("main-abc123.js", "text/javascript; charset=utf-8"), ("font-abc123.ttf", "font/ttf")],
)
def test_an_asset_has_its_type_and_may_be_kept_for_good(
    gateway: Gateway, name: str, media_type: str
) -> None:
    answer = _asset(gateway, name)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["vary"] == "Accept-Encoding"


def test_an_asset_is_sent_in_the_shortest_coding_that_is_accepted(gateway: Gateway) -> None:
    with gateway.http.stream(
        "GET", "/graphiql/assets/main-abc123.js", headers={"accept-encoding": "gzip, br"}
    ) as answer:
        assert answer.headers["content-encoding"] == "br"
        assert b"".join(answer.iter_raw()) == b"as if it were brotli"
    answer = _asset(gateway, "main-abc123.js", "gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == SCRIPT


def test_an_asset_is_sent_as_it_is_where_no_coding_is_accepted(gateway: Gateway) -> None:
    answer = _asset(gateway, "main-abc123.js")
    assert "content-encoding" not in answer.headers
    assert answer.content == SCRIPT


def test_an_asset_that_was_not_compressed_is_sent_as_it_is(gateway: Gateway) -> None:
    answer = _asset(gateway, "font-abc123.ttf", "br, gzip")
    assert "content-encoding" not in answer.headers
    assert answer.content == b"a font"


def test_the_head_of_an_asset_has_no_body(gateway: Gateway) -> None:
    answer = gateway.http.head(
        "/graphiql/assets/main-abc123.js", headers={"accept-encoding": "identity"}
    )
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(SCRIPT))
    assert answer.content == b""


def test_an_asset_takes_no_post(gateway: Gateway) -> None:
    answer = gateway.http.post("/graphiql/assets/main-abc123.js")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    "name",
    [
        "main-000000.js",
        "main-abc123.js.br",
        ".hidden.js",
        "..%2fsecret.js",
        "%2e%2e/secret.js",
        "..%5csecret.js",
        "main-abc123.js%00.js",
        "a" * 5000 + ".js",
        "",
    ],
)
def test_nothing_but_an_asset_is_found_among_the_assets(gateway: Gateway, name: str) -> None:
    answer = _asset(gateway, name)
    assert answer.status_code == 404
    assert answer.json()["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("header", "codings"),
    [
        ("", []),
        ("identity", []),
        ("gzip, deflate, br, zstd", ["br", "gzip"]),
        ("GZIP;q=0.5", ["gzip"]),
        ("br;q=0, gzip;q=1.0", ["gzip"]),
        ("br; q=0.000, *", ["gzip"]),
        ("*;q=0", []),
        (";,;q=,,", []),
    ],
)
def test_a_coding_is_accepted_that_the_header_names_or_does_not_rule_out(
    header: str, codings: list[str]
) -> None:
    assert accepted_codings(header) == codings
