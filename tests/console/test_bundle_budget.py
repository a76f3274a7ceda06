"""What a browser loads before it shows the console: little, and nothing of GraphiQL."""

import json
import re
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Request, Response, expect

from tests.console.console_page import ConsolePage, name_of, operations
from tests.gateway import Gateway

# What is served is the same over every database.
pytestmark = pytest.mark.sqlite

FIRST_LOAD_BYTES = 150_000
FIRST_FIGURES_BYTES = 125_000
# What is on the page from when they are shown.
FIGURES = "main dl dd a"
CHART = "main canvas"
# A fast 3G of 1.6 Mbit/s down, 750 kbit/s up and 150 ms there and back.
FAST_3G = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
_NAMED = re.compile(
    r"<(?:script|link)\s(?![^>]*\bdisabled\b)[^>]*(?:src|href)=\"(\./assets/[^\"]+)\""
)
_IMPORTED = re.compile(r"(?:\bfrom|\bimport)\s*\"(\./[^\"]+\.js)\"")
_OF_GRAPHIQL = ("monaco-editor", "graphiql-container", "codicon")


def _sent(gateway: Gateway, path: str, codings: str) -> int:
    """How many bytes of a body are sent to a browser that accepts those codings."""
    with gateway.http.stream("GET", path, headers={"accept-encoding": codings}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-encoding"] in codings
        return sum(map(len, answer.iter_raw()))


_RECEIVED_UNTIL = """window.received = new Promise((resolve) => {
  new MutationObserver((_, observer) => {
    if (!document.querySelector(%s)) return;
    observer.disconnect();
    const kinds = ["navigation", "resource"];
    const entries = kinds.flatMap((kind) => performance.getEntriesByType(kind));
    resolve(entries.map(({ name, encodedBodySize }) => [name, encodedBodySize]));
  }).observe(document, { childList: true, subtree: true });
})"""


def _received_until(console: ConsolePage, selector: str) -> list[tuple[str, int]]:
    """What a browser has received of ``/`` when an element is shown: paths, and bytes of bodies."""
    page = console.page
    page.add_init_script(_RECEIVED_UNTIL % json.dumps(selector))
    page.goto(f"{console.url}/")
    received = page.evaluate("window.received")
    return [(name.removeprefix(console.url), size) for name, size in received]


def _first_load(gateway: Gateway) -> dict[str, str]:
    """The page at ``/``, and all that it needs to run, by their paths: texts as they are."""
    found = {"/": gateway.http.get("/").text}
    waiting = [urljoin("/", name) for name in _NAMED.findall(found["/"])]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = gateway.http.get(path).text
            if path.endswith(".js"):
                waiting += [urljoin(path, name) for name in _IMPORTED.findall(found[path])]
    return found


@pytest.fixture(scope="module")
def gateway(browser: Browser, demo_gateway: Gateway) -> Gateway:  # noqa: ARG001 - it is skipped without a build
    return demo_gateway


@pytest.mark.parametrize("codings", ["gzip, br", "gzip"])
def test_what_the_console_needs_to_run_takes_no_more_than_150_kilobytes(
    gateway: Gateway, codings: str
) -> None:
    sizes = {path: _sent(gateway, path, codings) for path in _first_load(gateway)}
    assert any(path.endswith(".js") for path in sizes)
    assert sum(sizes.values()) <= FIRST_LOAD_BYTES, sizes


def test_a_browser_receives_150_kilobytes_at_most_before_it_shows_the_figures_and_their_chart(
    console_page: ConsolePage,
) -> None:
    received = _received_until(console_page, CHART)
    assert [path for path, size in received if "/Chart-" in path and size > 0]
    assert sum(size for _, size in received) <= FIRST_LOAD_BYTES, received


# Before the first useful paint, which is that of the figures


def test_on_a_slow_network_the_figures_wait_for_nothing_but_the_page_and_what_it_names(
    console_page: ConsolePage, gateway: Gateway
) -> None:
    network = console_page.context.new_cdp_session(console_page.page)
    network.send("Network.emulateNetworkConditions", FAST_3G)
    received = _received_until(console_page, FIGURES)
    # The chart is requested along with the figures, and may be there before them.
    needed = [(path, size) for path, size in received if "/Chart-" not in path]
    asked = [path for path, _ in needed if path == "/graphql"]
    named = {urljoin("/", name) for name in _NAMED.findall(gateway.http.get("/").text)}
    assert {path for path, _ in needed} - {"/favicon.svg"} == {"/", "/graphql"} | named
    assert 0 < len(asked) <= 2, console_page.asked
    assert sum(size for _, size in needed) <= FIRST_FIGURES_BYTES, needed


def test_the_figures_are_asked_for_without_waiting_for_another_answer(
    console_page: ConsolePage,
) -> None:
    page = console_page.page
    texts = operations()

    def asks_for_figures(request: Request) -> bool:
        sent = json.loads(request.post_data or "{}")
        return "documentId" in sent and name_of(texts[sent["documentId"]]) == "Overview"

    page.route("**/graphql", lambda _: None)
    with page.expect_request(asks_for_figures):
        page.goto(f"{console_page.url}/")
    page.unroute_all(behavior="ignoreErrors")


def test_the_list_is_loaded_after_the_chart_so_that_it_opens_without_waiting(
    console_page: ConsolePage,
) -> None:
    def is_of_the_list(response: Response) -> bool:
        return re.search(r"/Executions-[^/]*\.js$", response.url) is not None

    with console_page.page.expect_response(is_of_the_list):
        page = console_page.open()
    order = [url for url in console_page.requested if re.search("/(Chart|Executions)-", url)]
    assert "/Chart-" in order[0]
    page.wait_for_load_state("networkidle")
    page.route("**/assets/**", lambda route: route.abort())
    page.get_by_role("link", name="Executions", exact=True).click()
    expect(page.get_by_role("grid", name="Executions")).to_be_visible()


def test_the_page_names_all_that_its_scripts_import_so_that_it_is_loaded_at_once(
    gateway: Gateway,
) -> None:
    loaded = _first_load(gateway)
    named = {urljoin("/", name) for name in _NAMED.findall(loaded["/"])}
    assert {path for path in loaded if path != "/"} == named
    imported = {
        urljoin(path, name)
        for path, text in loaded.items()
        if path.endswith(".js")
        for name in _IMPORTED.findall(text)
    }
    scripts = {path for path in named if path.endswith(".js")}
    assert len(scripts - imported) == 1, "an import that is not seen is not counted"


def test_nothing_of_graphiql_is_in_the_first_load_of_the_console(gateway: Gateway) -> None:
    loaded = _first_load(gateway)
    assert [path for path in loaded if "graphiql" in path or "worker" in path] == []
    found = [(path, word) for path, text in loaded.items() for word in _OF_GRAPHIQL if word in text]
    assert found == []


def test_a_browser_loads_nothing_of_graphiql_for_the_console(console_page: ConsolePage) -> None:
    console_page.open()
    console_page.page.wait_for_load_state("networkidle")
    assert [url for url in console_page.requested if re.search("graphiql|monaco|worker", url)] == []
