"""The console in a browser that reaches nothing but the gateway."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.console.console_page import ConsolePage
from tests.console.path_proxy import proxy_below
from tests.gateway import Gateway

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite


def test_the_console_is_at_the_start(console_page: ConsolePage) -> None:
    page = console_page.open()
    expect(page).to_have_title("Overview · Executions Gateway")


def test_the_console_works_below_the_path_of_a_proxy(
    browser: Browser, demo_gateway: Gateway
) -> None:
    with (
        proxy_below(demo_gateway.url, "/runs") as url,
        ConsolePage.begin(browser, url) as visiting,
    ):
        page = visiting.open("/")
        expect(page.get_by_role("banner")).to_contain_text("Live")
        page.get_by_role("link", name="Executions", exact=True).click()
        expect(page.get_by_role("row").nth(1)).to_be_visible()
        visiting.expect_no_complaints()


def test_the_overview_counts_a_hundred_thousand_executions(
    open_console: Callable[..., ConsolePage], many_gateway: Gateway
) -> None:
    page = open_console(many_gateway).open("/?range=all")
    expect(page.get_by_role("main").get_by_role("link", name="100,000")).to_be_visible()
