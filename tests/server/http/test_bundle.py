"""The gateway serves the build of the console, which browsers may cache forever."""

import base64
import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from server.http.bundle import accepted_codings
from tests.gateway import Gateway, running_gateway
from tests.places import Place

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SCRIPT = b"console.log('built');" * 100
PAGE = (
    '<title>{}</title><link rel="icon" href="./favicon.svg"  />'
    '<script type="module" src="./assets/main-abc123.js"></script>'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle of two pages with one script, beside a file that is nobody's business."""
    bundle = tmp_path / "bundle"
    assets = bundle / "assets"
    assets.mkdir(parents=True)
    (bundle / "index.html").write_text(PAGE.format("Console"))
    (bundle / "graphiql.html").write_text(PAGE.format("GraphiQL"))
    (assets / "main-abc123.js").write_bytes(SCRIPT)
    (assets / "main-abc123.js.gz").write_bytes(gzip.compress(SCRIPT))
    (assets / "main-abc123.js.br").write_bytes(b"as if it were brotli")
    (assets / "font-abc123.ttf").write_bytes(b"a font")
    (assets / ".hidden.js").write_text("hidden")
    (bundle / "secret.js").write_text("secret")
    (bundle / "operations.json").write_text("{}")
    return bundle


@pytest.fixture
def gateway(place: Place, folder: Path) -> Iterator[Gateway]:
    with running_gateway(place, console=folder) as running:
        yield running


def _asset(gateway: Gateway, name: str, accept_encoding: str = "identity") -> httpx.Response:
    headers = {"accept-encoding": accept_encoding}
    return gateway.http.get(f"/assets/{name}", headers=headers)


# The pages


PLACES = [("/", "Console"), ("/graphql", "GraphiQL"), ("/graphql/", "GraphiQL")]


def _page(gateway: Gateway, path: str = "/") -> httpx.Response:
    return gateway.http.get(path, headers=BROWSER)


def _directives(page: httpx.Response) -> dict[str, str]:
    policy = page.headers["content-security-policy"]
    return dict(part.split(" ", 1) for part in policy.split("; "))


def test_a_page_knows_where_the_rest_routes_are(place: Place, folder: Path) -> None:
    (folder / "index.html").write_text('<meta name="rest" content="./executions" />')
    with running_gateway(place, console=folder) as gateway:
        assert _page(gateway).text == '<meta name="rest" content="./executions" />'
    with running_gateway(place, console=folder, rest_prefix='/"api') as gateway:
        assert _page(gateway).text == '<meta name="rest" content="./&quot;api/executions" />'


@pytest.mark.parametrize("path_", ["/", "/graphql"])
def test_a_page_is_asked_for_again_each_time(gateway: Gateway, path_: str) -> None:
    assert _page(gateway, path_).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(("path_", "title"), PLACES)
def test_a_page_names_its_assets_where_they_are_served(
    gateway: Gateway, path_: str, title: str
) -> None:
    page = _page(gateway, path_)
    assert f"<title>{title}</title>" in page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    [source] = [part.split('"')[0] for part in page.text.split('src="')[1:]]
    asset = httpx.URL(f"{gateway.url}{path_}").join(source)
    assert asset.path == "/assets/main-abc123.js"
    assert gateway.http.get(asset).status_code == 200


@pytest.mark.parametrize(("path_", "_title"), PLACES)
def test_a_page_works_below_any_path_of_a_proxy(gateway: Gateway, path_: str, _title: str) -> None:
    page = _page(gateway, path_).text
    named = [part.split('"')[0] for each in ('src="', 'href="') for part in page.split(each)[1:]]
    proxied = httpx.URL(f"https://proxy.example/runs{path_}")
    assert {proxied.join(each).path for each in named} == {
        "/runs/assets/main-abc123.js",
        "/runs/favicon.svg",
    }


@pytest.mark.parametrize(("path_", "_title"), PLACES)
def test_a_page_may_load_from_the_gateway_alone_and_evaluate_nothing(
    gateway: Gateway, path_: str, _title: str
) -> None:
    page = _page(gateway, path_)
    directives = _directives(page)
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["worker-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert "http" not in page.headers["content-security-policy"]
    assert "unsafe-eval" not in page.headers["content-security-policy"]


def test_only_graphiql_may_add_styles_of_its_own(gateway: Gateway) -> None:
    assert _directives(_page(gateway, "/"))["style-src"] == "'self'"
    assert _directives(_page(gateway, "/graphql"))["style-src"] == "'self' 'unsafe-inline'"


def test_no_text_becomes_code_in_the_console(gateway: Gateway) -> None:
    directives = _directives(_page(gateway, "/"))
    assert directives["require-trusted-types-for"] == "'script'"
    assert directives["trusted-types"] == "'none'"


def test_the_console_may_have_styles_in_its_page(gateway: Gateway, folder: Path) -> None:
    style = ":root { color: teal; }"
    (folder / "index.html").write_text(f"<style>{style}</style>")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert _directives(_page(gateway, "/"))["style-src"] == f"'self' 'sha256-{digest}'"


def test_the_console_is_compressed_for_those_who_accept_it(gateway: Gateway, folder: Path) -> None:
    for accepted, coding in (("gzip, br", "gzip"), ("identity", None)):
        page = gateway.http.get("/", headers={**BROWSER, "accept-encoding": accepted})
        assert page.headers.get("content-encoding") == coding
        assert "Accept-Encoding" in page.headers["vary"]
        assert page.text == (folder / "index.html").read_text()
        head = gateway.http.head("/", headers={**BROWSER, "accept-encoding": accepted})
        assert head.headers["content-length"] == page.headers["content-length"]


def test_a_bundle_that_is_built_while_the_gateway_runs_is_served_at_once(
    place: Place, folder: Path, tmp_path: Path
) -> None:
    later = tmp_path / "later"
    with running_gateway(place, console=later) as gateway:
        assert "<h1>Executions Gateway</h1>" in _page(gateway).text
        assert "CDN" in _page(gateway, "/graphql").text
        folder.rename(later)
        assert "<title>Console</title>" in _page(gateway).text
        assert "<title>GraphiQL</title>" in _page(gateway, "/graphql").text
        assert _asset(gateway, "main-abc123.js").content == SCRIPT


def test_a_page_is_served_where_only_the_other_one_was_built(
    gateway: Gateway, folder: Path
) -> None:
    (folder / "graphiql.html").unlink()
    assert "CDN" in _page(gateway, "/graphql").text
    assert "<title>Console</title>" in _page(gateway).text


def test_the_console_needs_no_key_and_says_nothing_of_what_does(place: Place, folder: Path) -> None:
    with running_gateway(place, console=folder, auth="keys") as locked:
        assert _page(locked).text == (folder / "index.html").read_text()


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
        "GET", "/assets/main-abc123.js", headers={"accept-encoding": "gzip, br"}
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
    answer = gateway.http.head("/assets/main-abc123.js", headers={"accept-encoding": "identity"})
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(SCRIPT))
    assert answer.content == b""


def test_an_asset_takes_no_post(gateway: Gateway) -> None:
    answer = gateway.http.post("/assets/main-abc123.js")
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
        "..%2foperations.json",
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
