"""What a browser loads before it shows the console: little, and nothing of GraphiQL."""

import re
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser

from tests.console.console_page import ConsolePage
from tests.gateway import Gateway

# What is served is the same over every database.
pytestmark = pytest.mark.sqlite

FIRST_LOAD_BYTES = 150_000
_NAMED = re.compile(r"<(?:script|link)\s[^>]*(?:src|href)=\"(\./assets/[^\"]+)\"")
_PRELOADED = re.compile(r"<link rel=\"modulepreload\"[^>]*href=\"(\./assets/[^\"]+)\"")
_IMPORTED = re.compile(r"(?:\bfrom|\bimport)\s*\"(\./[^\"]+\.js)\"")
_OF_GRAPHIQL = ("monaco-editor", "graphiql-container", "codicon")


def _sent(gateway: Gateway, path: str) -> int:
    """How many bytes of a body are sent to a browser."""
    with gateway.http.stream("GET", path, headers={"accept-encoding": "gzip, br"}) as answer:
        assert answer.status_code == 200
        return sum(map(len, answer.iter_raw()))


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


def test_the_first_load_of_the_console_takes_no_more_than_150_kilobytes(gateway: Gateway) -> None:
    sizes = {path: _sent(gateway, path) for path in _first_load(gateway)}
    assert any(path.endswith(".js") for path in sizes)
    assert sum(sizes.values()) <= FIRST_LOAD_BYTES, sizes


def test_the_page_names_all_that_its_scripts_import_so_that_it_is_loaded_at_once(
    gateway: Gateway,
) -> None:
    loaded = _first_load(gateway)
    named = {urljoin("/", name) for name in _NAMED.findall(loaded["/"])}
    assert {path for path in loaded if path != "/"} == named
    preloaded = {urljoin("/", name) for name in _PRELOADED.findall(loaded["/"])}
    imported = {
        urljoin(path, name)
        for path, text in loaded.items()
        if path.endswith(".js")
        for name in _IMPORTED.findall(text)
    }
    assert preloaded <= imported, "an import that is not seen is not counted"


def test_nothing_of_graphiql_is_in_the_first_load_of_the_console(gateway: Gateway) -> None:
    loaded = _first_load(gateway)
    assert [path for path in loaded if "graphiql" in path or "worker" in path] == []
    found = [(path, word) for path, text in loaded.items() for word in _OF_GRAPHIQL if word in text]
    assert found == []


def test_a_browser_loads_nothing_of_graphiql_for_the_console(console_page: ConsolePage) -> None:
    console_page.open()
    console_page.page.wait_for_load_state("networkidle")
    assert [url for url in console_page.requested if re.search("graphiql|monaco|worker", url)] == []
