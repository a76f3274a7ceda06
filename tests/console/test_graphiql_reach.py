"""GraphiQL for whoever uses it by keys alone, by a screen reader, or on a narrow screen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.console.axe import violations
from tests.console.graphiql import GraphiQL
from tests.gateway import Gateway

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite


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
