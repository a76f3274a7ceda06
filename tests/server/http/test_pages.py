"""What browsers, load balancers and pages of other origins get."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from app import create_app
from server.operation.settings import Settings
from tests.gateway import Gateway, insert, running_gateway
from tests.places import Place, file_of
from tests.reference import ordered
from tests.sample import SAMPLE

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
ORIGIN = "https://console.example"
OTHER_ORIGIN = "https://elsewhere.example"


class _Links(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs)["href"] or "")


def _links(gateway: Gateway) -> list[str]:
    return _Links(gateway.http.get("/", headers=BROWSER).text).found


def _preflight(gateway: Gateway, route: str, method: str, origin: str = ORIGIN) -> Any:
    asked = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type",
    }
    return gateway.http.options(route, headers=asked)


@pytest.fixture(scope="module")
def unbuilt_gateway(
    new_place: Callable[[], Place], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway over the sample whose console was not built."""
    place = new_place()
    insert(place, SAMPLE)
    with running_gateway(place, console=tmp_path_factory.mktemp("console")) as running:
        yield running


# The start page, which is there while no console is


def test_the_start_page_is_html(unbuilt_gateway: Gateway) -> None:
    answer = unbuilt_gateway.http.get("/", headers=BROWSER)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Executions Gateway</h1>" in answer.text
    assert "make console" in answer.text, "it says how to get the console"


def test_the_start_page_links_to_every_route_that_can_be_followed(
    unbuilt_gateway: Gateway,
) -> None:
    settings = Settings(_env_file=None, database_url=unbuilt_gateway.place.url)
    routes = {
        route.path.rstrip("/")
        for route in create_app(settings).routes
        if isinstance(route, Route) and "{" not in route.path
    }
    assert {link.split("?")[0] for link in _links(unbuilt_gateway)} == routes - {""}


def test_every_link_of_the_start_page_leads_somewhere(unbuilt_gateway: Gateway) -> None:
    statuses = {
        link: unbuilt_gateway.http.get(link, headers=BROWSER).status_code
        for link in _links(unbuilt_gateway)
    }
    assert statuses == dict.fromkeys(statuses, 200)
    assert statuses


def test_the_start_page_knows_where_the_rest_routes_are(
    gateway_with: Callable[..., Gateway], tmp_path: Path
) -> None:
    gateway = gateway_with(rest_prefix="/api/v1", console=tmp_path)
    [link] = [link for link in _links(gateway) if "executions" in link]
    assert link.startswith("/api/v1/executions")
    assert gateway.http.get(link).status_code == 200


def test_the_start_page_escapes_the_prefix(
    gateway_with: Callable[..., Gateway], tmp_path: Path
) -> None:
    page = gateway_with(rest_prefix='/"><b>', console=tmp_path).http.get("/").text
    assert "<b>" not in page
    assert "/&quot;&gt;&lt;b&gt;/executions" in page


def test_the_start_page_does_not_take_a_post(unbuilt_gateway: Gateway) -> None:
    answer = unbuilt_gateway.http.post("/")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("name", ["favicon.svg", "favicon.ico"])
def test_browsers_find_the_icon(sample_gateway: Gateway, name: str) -> None:
    answer = sample_gateway.http.get(f"/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.text.startswith("<svg ")


@pytest.mark.parametrize(
    ("path_", "icon"),
    [("/", "./favicon.svg"), ("/graphql", "./favicon.svg"), ("/graphql/", "../favicon.svg")],
)
def test_every_page_names_the_icon_wherever_it_is_served(
    unbuilt_gateway: Gateway, path_: str, icon: str
) -> None:
    page = unbuilt_gateway.http.get(path_, headers={"accept": "text/html"})
    assert f'href="{icon}"' in page.text


def test_a_path_where_nothing_is_says_so(sample_gateway: Gateway) -> None:
    answer = sample_gateway.http.get("/nowhere", headers=BROWSER)
    assert answer.status_code == 404
    assert answer.json() == {
        "statusCode": 404,
        "success": False,
        "code": "NOT_FOUND",
        "message": "There is nothing at /nowhere",
    }


# Health


@pytest.mark.parametrize("route", ["/healthz", "/readyz"])
def test_a_gateway_with_its_database_is_well(sample_gateway: Gateway, route: str) -> None:
    answer = sample_gateway.http.get(route)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def _damage(gateway: Gateway) -> None:
    file_of(gateway.place).write_bytes(b"no database at all " * 10_000)


def _drop(gateway: Gateway) -> None:
    # Read once before, so that connections are open that know the database as it was.
    assert gateway.http.get("/executions").status_code == 200
    gateway.sql("DROP TABLE executions")


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(_damage, id="damaged file", marks=pytest.mark.sqlite),
        pytest.param(_drop, id="missing table"),
    ],
)
def test_a_gateway_whose_database_cannot_answer_is_not_ready_and_says_why(
    gateway: Gateway, spoil: Callable[[Gateway], None]
) -> None:
    spoil(gateway)
    assert gateway.http.get("/executions").status_code == 503
    answer = gateway.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "reason": "The database can't answer at the moment",
    }


def test_a_process_whose_database_cannot_answer_is_up(gateway: Gateway) -> None:
    _drop(gateway)
    assert gateway.http.get("/readyz").status_code == 503
    assert gateway.http.get("/healthz").status_code == 200


def test_a_gateway_is_ready_again_when_its_database_is_back(gateway: Gateway) -> None:
    gateway.sql("ALTER TABLE executions RENAME TO away")
    assert gateway.http.get("/readyz").status_code == 503
    gateway.sql("ALTER TABLE away RENAME TO executions")
    assert gateway.http.get("/readyz").status_code == 200


# GraphiQL


@pytest.mark.parametrize("route", ["/graphql", "/graphql/"])
def test_a_browser_finds_graphiql_without_being_redirected(
    sample_gateway: Gateway, route: str
) -> None:
    answer = sample_gateway.http.get(route, headers=BROWSER, follow_redirects=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Executions Gateway: GraphiQL</title>" in answer.text


@pytest.mark.parametrize("route", ["/graphql", "/graphql/"])
def test_a_program_at_the_same_path_gets_json(sample_gateway: Gateway, route: str) -> None:
    asked = {"query": "{ executions { totalCount } }"}
    for answer in (
        sample_gateway.http.get(route, params=asked, follow_redirects=False),
        sample_gateway.http.post(route, json=asked, follow_redirects=False),
    ):
        assert answer.json() == {"data": {"executions": {"totalCount": len(SAMPLE)}}}


def test_without_a_bundle_graphiql_comes_from_a_cdn_and_the_page_says_why_it_may_stay_empty(
    unbuilt_gateway: Gateway,
) -> None:
    page = unbuilt_gateway.http.get("/graphql", headers=BROWSER).text
    notice = re.search(r"<p id=\"notice\".*?</p>", page, re.DOTALL)
    assert notice
    assert "If it stays empty, your browser can't reach the CDN" in notice[0]
    assert "make console" in notice[0]
    assert page.index("https://") > notice.end(), "nothing is shown before what stands above it"


def test_without_a_bundle_graphiql_opens_with_a_query_that_shows_the_newest_executions(
    unbuilt_gateway: Gateway,
) -> None:
    page = unbuilt_gateway.http.get("/graphql", headers=BROWSER).text
    [query] = re.findall(r"const EXAMPLE_QUERY = `([^`]*)`", page)
    found = unbuilt_gateway.graphql(query)["executions"]
    assert found["totalCount"] == len(SAMPLE)
    assert [node["guid"] for node in found["nodes"]] == [row.guid for row in ordered(SAMPLE)[:10]]


def test_without_a_bundle_graphiql_keeps_no_key_that_is_typed_into_its_headers(
    unbuilt_gateway: Gateway,
) -> None:
    page = unbuilt_gateway.http.get("/graphql", headers=BROWSER).text
    assert "shouldPersistHeaders: false" in page
    assert "shouldPersistHeaders: true" not in page


# Other origins


@pytest.mark.parametrize("route", ["/executions?limit=1", "/graphql?query={__typename}", "/readyz"])
def test_no_other_origin_may_read_an_answer_unless_it_is_set(
    sample_gateway: Gateway, route: str
) -> None:
    answer = sample_gateway.http.get(route, headers={"origin": ORIGIN})
    assert answer.status_code == 200
    assert [name for name in answer.headers if name.startswith("access-control-")] == []


@pytest.mark.parametrize("route", ["/executions", "/graphql"])
def test_no_other_origin_may_ask_with_a_method_unless_it_is_set(
    sample_gateway: Gateway, route: str
) -> None:
    answer = _preflight(sample_gateway, route, "POST")
    assert [name for name in answer.headers if name.startswith("access-control-")] == []


@pytest.mark.parametrize(
    ("route", "method"),
    [
        ("/graphql", "GET"),
        ("/graphql", "POST"),
        ("/executions", "DELETE"),
        ("/executions/guid-01", "GET"),
        ("/executions/guid-01", "PUT"),
        ("/executions/guid-01", "DELETE"),
    ],
)
def test_an_origin_that_is_set_may_use_every_method_of_a_route(
    gateway_with: Callable[..., Gateway], route: str, method: str
) -> None:
    answer = _preflight(gateway_with(cors_origins=ORIGIN), route, method)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert method in answer.headers["access-control-allow-methods"].split(", ")
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type"} <= set(allowed)


def test_an_origin_that_is_set_may_read_a_page_and_where_the_next_one_is(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(cors_origins=f"https://first.example, {ORIGIN}")
    headers = gateway.http.get("/executions?limit=1", headers={"origin": ORIGIN}).headers
    assert headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("route", ["/executions?page=0", "/executions/unknown", "/nowhere"])
def test_an_origin_that_is_set_may_read_what_was_wrong(
    gateway_with: Callable[..., Gateway], route: str
) -> None:
    answer = gateway_with(cors_origins=ORIGIN).http.get(route, headers={"origin": ORIGIN})
    assert answer.status_code in {400, 404}
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_an_origin_that_is_not_among_those_set_is_refused(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(cors_origins=ORIGIN)
    refused = _preflight(gateway, "/executions", "DELETE", OTHER_ORIGIN)
    assert refused.status_code == 400
    for answer in (refused, gateway.http.get("/executions", headers={"origin": OTHER_ORIGIN})):
        assert "access-control-allow-origin" not in answer.headers


def test_a_star_lets_every_origin_in(gateway_with: Callable[..., Gateway]) -> None:
    gateway = gateway_with(cors_origins="*")
    answer = gateway.http.get("/executions", headers={"origin": OTHER_ORIGIN})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_page_of_an_origin_that_is_set_may_query_by_get(
    gateway_with: Callable[..., Gateway],
) -> None:
    gateway = gateway_with(cors_origins=ORIGIN)
    headers = {"origin": ORIGIN, "sec-fetch-site": "cross-site", "accept": "application/json"}
    answer = gateway.http.get("/graphql", params={"query": "{ __typename }"}, headers=headers)
    assert answer.json() == {"data": {"__typename": "Query"}}


# Headers of pages


def _directives(page: httpx.Response) -> dict[str, str]:
    policy = page.headers["content-security-policy"]
    return dict(part.split(" ", 1) for part in policy.split("; "))


@pytest.mark.parametrize("path_", ["/", "/graphql"])
def test_pages_carry_headers_that_keep_them_from_being_turned_against_readers(
    sample_gateway: Gateway, path_: str
) -> None:
    page = sample_gateway.http.get(path_, headers=BROWSER)
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["referrer-policy"] == "no-referrer"
    directives = _directives(page)
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert directives["base-uri"] == "'none'"
    assert "unsafe" not in directives["script-src"]


def test_the_start_page_has_its_own_styles_and_no_others(unbuilt_gateway: Gateway) -> None:
    page = unbuilt_gateway.http.get("/", headers=BROWSER)
    [style] = re.findall("<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert _directives(page)["style-src"] == f"'self' 'sha256-{digest}'"
