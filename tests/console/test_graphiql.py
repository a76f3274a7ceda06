"""GraphiQL in a browser that reaches nothing but the gateway."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.console.graphiql import EXAMPLES, GraphiQL
from tests.faults.programs import wait_until
from tests.gateway import Gateway, running_gateway
from tests.places import Place

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

FIRST_LOAD_BYTES = 2_000_000


# Loading


@pytest.mark.parametrize("path_", ["/graphql", "/graphql/"])
def test_the_page_loads_with_nothing_to_complain_about(visitor: GraphiQL, path_: str) -> None:
    page = visitor.open(path_)
    expect(page).to_have_title("Executions Gateway: GraphiQL")
    visitor.run()
    visitor.expect_result("totalCount")
    assert visitor.complaints == []


def test_the_page_asks_no_host_but_the_gateway(visitor: GraphiQL) -> None:
    page = visitor.open()
    page.get_by_label("Show Documentation Explorer").click()
    page.get_by_label("Show History").click()
    page.get_by_label("Show GraphiQL Explorer").click()
    visitor.run()
    visitor.expect_result("totalCount")
    assert visitor.hosts() == {visitor.url.removeprefix("http://")}


def test_the_workers_of_the_editor_come_from_the_gateway(visitor: GraphiQL) -> None:
    page = visitor.open()
    visitor.wait_for_workers()
    assert {worker.url.split("/assets/")[0] for worker in page.workers} == {visitor.url}


def test_the_fonts_of_the_page_are_those_that_it_came_with(visitor: GraphiQL) -> None:
    page = visitor.open()
    loaded = page.evaluate(
        "document.fonts.ready.then((fonts) => [...fonts].filter(({status}) => status === 'loaded')"
        ".map(({family}) => family.replaceAll('\"', '')))"
    )
    assert "Fira Code" in loaded
    assert any("/assets/font-" in url for url in visitor.requested)


def test_the_first_load_takes_less_than_two_megabytes(
    browser: Browser, demo_gateway: Gateway
) -> None:
    with GraphiQL.begin(browser, demo_gateway.url) as visitor:
        page = visitor.open()
        visitor.wait_for_workers()
        page.wait_for_load_state("networkidle")
        # What a worker receives is told later than that it is there.
        while sum("worker" in url for url in visitor.received) < 3:
            visitor.context.wait_for_event("response")
    assert 0 not in visitor.received.values()
    assert 500_000 < sum(visitor.received.values()) < FIRST_LOAD_BYTES


def test_a_second_load_takes_the_assets_from_the_browsers_own_cache(visitor: GraphiQL) -> None:
    fetched = (
        "Object.fromEntries(performance.getEntriesByType('resource')"
        ".filter(({name}) => name.includes('/assets/'))"
        ".map(({name, transferSize}) => [name, transferSize]))"
    )
    first = visitor.open().evaluate(fetched)
    second = visitor.open().evaluate(fetched)
    again = [size for name, size in second.items() if name in first]
    assert len(again) > 5
    assert set(again) == {0}


# Exploring


def test_a_query_that_is_typed_runs_and_shows_its_result(
    visitor: GraphiQL, demo_gateway: Gateway
) -> None:
    visitor.open()
    visitor.write("{ executions(first: 2) { totalCount nodes { guid state } } }")
    visitor.run()
    found = demo_gateway.graphql("{ executions(first: 2) { totalCount nodes { guid } } }")
    visitor.expect_result('"totalCount": 2000')
    for node in found["executions"]["nodes"]:
        visitor.expect_result(node["guid"])
    assert visitor.complaints == []


def test_the_editor_completes_the_names_of_fields(visitor: GraphiQL) -> None:
    page = visitor.open()
    visitor.write("{ exec")
    offered = page.locator(".suggest-widget")

    def is_offered() -> bool:
        # The worker may get the schema a moment after the page.
        page.keyboard.press("Control+Space")
        expect(offered).to_be_visible()
        if "executions" in (offered.text_content() or ""):
            return True
        page.keyboard.press("Escape")
        return False

    wait_until(is_offered)


def test_the_documentation_shows_what_a_field_means(visitor: GraphiQL) -> None:
    page = visitor.open()
    page.get_by_label("Show Documentation Explorer").click()
    documentation = page.get_by_label("Documentation Explorer", exact=True)
    documentation.get_by_role("link", name="Query").click()
    documentation.get_by_role("link", name="executions", exact=True).click()
    expect(documentation).to_contain_text("Executions, page by page with cursors")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_as_light_or_dark_as_the_system(
    browser: Browser, demo_gateway: Gateway, theme: str
) -> None:
    with GraphiQL.begin(browser, demo_gateway.url, color_scheme=theme) as visitor:
        page = visitor.open()
        for part in ("header", ".graphiql-container", ".monaco-editor"):
            colour = page.locator(part).first.evaluate("(e) => getComputedStyle(e).color")
            levels = [int(level) for level in re.findall(r"\d+", colour)[:3]]
            assert (sum(levels) / 3 > 128) == (theme == "dark"), part


def test_the_page_from_a_cdn_says_at_once_why_it_may_stay_empty(
    browser: Browser, place: Place, tmp_path: Path
) -> None:
    with (
        running_gateway(place, console=tmp_path) as gateway,
        GraphiQL.begin(browser, gateway.url) as visitor,
    ):
        # Nothing of the CDN ever arrives, and nothing says so either.
        visitor.page.route("https://**", lambda _: None)
        visitor.page.goto(f"{gateway.url}/graphql", wait_until="commit")
        expect(visitor.page.get_by_role("note")).to_contain_text("If it stays empty")
        expect(visitor.page.get_by_role("note")).to_be_in_viewport()


# Links


def test_a_link_opens_the_same_query_and_does_not_run_it(
    browser: Browser, demo_gateway: Gateway
) -> None:
    query = "query Shared($first: Int) { executions(first: $first) { totalCount } }"
    options = {"permissions": ["clipboard-read", "clipboard-write"]}
    with GraphiQL.begin(browser, demo_gateway.url, **options) as sender:
        page = sender.open()
        sender.write(query)
        page.get_by_label("Copy a link to this query").click()
        expect(page.get_by_text("Link copied")).to_be_visible()
        link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{demo_gateway.url}/graphql#query=")
    with GraphiQL.begin(browser, demo_gateway.url) as receiver:
        sent: list[str] = []
        receiver.page.on("request", lambda request: sent.append(request.post_data or ""))
        page = receiver.open(link.removeprefix(demo_gateway.url))
        expect(receiver.editor("Operation Editor")).to_contain_text(query)
        expect(receiver.editor("Variables")).to_contain_text("TIMEOUT")
        assert receiver.tabs() == ["Shared", *EXAMPLES]
        assert [body for body in sent if "Shared" in body] == []
        assert "#" not in page.url


def test_a_link_that_is_followed_on_the_open_page_opens_a_tab(visitor: GraphiQL) -> None:
    page = visitor.open()
    page.evaluate("location.hash = '#query=' + encodeURIComponent('query Later { __typename }')")
    expect(visitor.tab("Later")).to_be_visible()
    expect(visitor.editor("Operation Editor")).to_contain_text("query Later")
    assert len(visitor.tabs()) == len(EXAMPLES) + 1
