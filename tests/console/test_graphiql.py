"""GraphiQL in a browser that reaches nothing but the gateway."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.console.axe import violations
from tests.console.graphiql import GraphiQL
from tests.faults.programs import wait_until
from tests.gateway import Gateway, running_gateway
from tests.places import Place
from tests.server.wire import taken_places

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

FIRST_LOAD_BYTES = 2_000_000
EXAMPLES = (
    "NewestFailures",
    "NextPage",
    "OneExecution",
    "Agentflows",
    "Statistics",
    "WatchExecutions",
    "StopExecution",
    "DeleteExecutions",
)


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


# Examples


@pytest.fixture
def at_work(browser: Browser, gateway: Gateway) -> Iterator[GraphiQL]:
    """A visit to a gateway whose executions may be changed."""
    with GraphiQL.begin(browser, gateway.url) as visiting:
        yield visiting


def _run_tab(visitor: GraphiQL, name: str) -> None:
    visitor.tab(name).click()
    expect(visitor.editor("Operation Editor")).to_contain_text(name)
    visitor.press_execute()


def test_the_examples_stand_in_tabs(visitor: GraphiQL) -> None:
    visitor.open()
    assert visitor.tabs() == list(EXAMPLES)


def test_the_examples_that_read_show_executions(visitor: GraphiQL, demo_gateway: Gateway) -> None:
    visitor.open()
    asked = "{ executions(first: 11) { nodes { guid } } }"
    nodes = demo_gateway.graphql(asked)["executions"]["nodes"]
    for name, shown in (
        ("NewestFailures", '"state": "ERROR"'),
        ("NextPage", nodes[10]["guid"]),
        ("OneExecution", nodes[0]["guid"]),
        ("Agentflows", '"byState"'),
        ("Statistics", '"byAgentflow"'),
    ):
        _run_tab(visitor, name)
        visitor.expect_result(shown)
    assert visitor.complaints == []


def test_the_example_that_stops_an_execution_changes_its_row(
    at_work: GraphiQL, gateway: Gateway
) -> None:
    at_work.open()
    at_work.tab("StopExecution").click()
    variables = at_work.editor("Variables")
    expect(variables).to_contain_text("INPROGRESS")
    [guid] = re.findall(r"[0-9a-f-]{36}", variables.text_content() or "")
    state = "SELECT state FROM executions WHERE guid = ?"
    assert gateway.sql(state, guid) == [("INPROGRESS",)]
    _run_tab(at_work, "StopExecution")
    at_work.expect_result('"state": "STOPPED"')
    assert gateway.sql(state, guid) == [("STOPPED",)]
    at_work.run()
    at_work.expect_result('"message"')
    assert at_work.complaints == []


def test_the_example_that_deletes_executions_deletes_two(
    at_work: GraphiQL, gateway: Gateway
) -> None:
    at_work.open()
    _run_tab(at_work, "DeleteExecutions")
    at_work.expect_result('"affected": 2')
    assert gateway.sql("SELECT count(*) FROM executions") == [(1998,)]


def test_examples_of_an_earlier_visit_are_about_executions_that_are_there(
    at_work: GraphiQL, gateway: Gateway
) -> None:
    at_work.open()
    _run_tab(at_work, "OneExecution")
    at_work.expect_result('"guid"')
    at_work.wait_for_storage("tabState", '"activeTabIndex":2')
    [(guid,)] = gateway.sql("SELECT guid FROM executions ORDER BY created_on DESC, id DESC LIMIT 1")
    gateway.sql("DELETE FROM executions WHERE guid = ?", guid)
    at_work.open()
    assert at_work.tabs() == list(EXAMPLES)
    _run_tab(at_work, "OneExecution")
    at_work.expect_result('"guid"')
    expect(at_work.result).not_to_contain_text(str(guid))


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


# Subscriptions


def _end(gateway: Gateway, state: str) -> str:
    """End an execution that is running, as an engine does; its guid."""
    [(guid,)] = gateway.sql("SELECT guid FROM executions WHERE state = 'INPROGRESS' LIMIT 1")
    gateway.sql("UPDATE executions SET state = ? WHERE guid = ?", state, guid)
    return str(guid)


def _is_watched(gateway: Gateway) -> bool:
    return taken_places(gateway, "max_subscriptions") == 1


def _watch_and_stop(visitor: GraphiQL, gateway: Gateway) -> None:
    """Run the example that watches executions, see two of them end, and stop it."""
    visitor.page.bring_to_front()
    _run_tab(visitor, "WatchExecutions")
    wait_until(lambda: _is_watched(gateway))
    for state in ("FINISHED", "ERROR"):
        guid = _end(gateway, state)
        visitor.expect_result(guid)
        visitor.expect_result(f'"state": "{state}"')
    visitor.page.get_by_label("Stop query (Ctrl-Enter)").click()
    wait_until(lambda: not _is_watched(gateway))
    ended = _end(gateway, "TIMEOUT")
    expect(visitor.page.get_by_label("Execute query (Ctrl-Enter)")).to_be_visible()
    expect(visitor.result).not_to_contain_text(ended)


def test_the_example_that_watches_executions_shows_events_until_it_is_stopped(
    at_work: GraphiQL, gateway: Gateway
) -> None:
    at_work.open()
    _watch_and_stop(at_work, gateway)
    types = [message["type"] for message in at_work.messages]
    assert types[:4] == ["connection_init", "connection_ack", "subscribe", "next"]
    assert at_work.complaints == []


def test_events_are_shown_where_no_websocket_gets_through(
    at_work: GraphiQL, gateway: Gateway
) -> None:
    at_work.page.route_web_socket("**/*", lambda socket: socket.close(code=1006))
    at_work.open()
    _watch_and_stop(at_work, gateway)
    assert at_work.messages == []


# Everybody


def _violations(visitor: GraphiQL) -> list[str]:
    """What axe finds wrong with the parts that are ours."""
    link = '[aria-label="Copy a link to this query"]'
    return violations(visitor.page, "header", "#console > [role=alert]", "h1", link)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_ours_on_the_page_is_accessible(
    browser: Browser, gateway: Gateway, new_key: Callable[..., str], theme: str
) -> None:
    with GraphiQL.begin(browser, gateway.url, color_scheme=theme) as visitor:
        visitor.open()
        assert _violations(visitor) == []
        new_key("read")
        visitor.run_until_refused()
        assert _violations(visitor) == []


def test_what_is_ours_on_the_page_is_reached_by_keyboard_and_shows_the_focus(
    visitor: GraphiQL,
) -> None:
    page = visitor.open()
    page.get_by_label("API key").fill("a key")
    page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges()")
    reached = {}
    for _ in range(40):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "(() => { const e = document.activeElement; const style = getComputedStyle(e);"
            " return [e.ariaLabel ?? e.labels?.[0]?.textContent ?? e.textContent,"
            " style.outlineStyle !== 'none' || style.boxShadow !== 'none'] })()"
        )
        reached[name] = outline
    for name in ("Executions Gateway", "API key", "Use key", "Copy a link to this query"):
        assert reached.get(name), name


def test_the_whole_page_is_of_use_on_a_narrow_screen(
    browser: Browser, demo_gateway: Gateway
) -> None:
    with GraphiQL.begin(
        browser, demo_gateway.url, viewport={"width": 390, "height": 844}
    ) as visitor:
        page = visitor.open()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        for label in ("Operation Editor", "Variables"):
            box = page.get_by_label(label, exact=True).bounding_box()
            assert box
            assert box["width"] > 250
        visitor.run()
        visitor.expect_result("totalCount")
        box = visitor.page.locator(".graphiql-response").bounding_box()
        assert box
        assert box["width"] > 250
        assert box["height"] > 150
        page.get_by_label("Show Documentation Explorer").click()
        documentation = page.get_by_label("Documentation Explorer", exact=True)
        expect(documentation.get_by_role("link", name="Query")).to_be_in_viewport()


@pytest.mark.parametrize("width", [820, 1024, 1280])
def test_the_editor_stays_wide_enough_beside_the_documentation(
    browser: Browser, demo_gateway: Gateway, width: int
) -> None:
    with GraphiQL.begin(
        browser, demo_gateway.url, viewport={"width": width, "height": 900}
    ) as visitor:
        page = visitor.open()
        page.get_by_label("Show Documentation Explorer").click()
        expect(page.get_by_label("Documentation Explorer", exact=True)).to_be_visible()
        box = page.get_by_label("Operation Editor", exact=True).bounding_box()
        assert box
        assert box["width"] > 300
