"""Views of the list: those that readers save, and those that everybody has."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.console.console_page import ConsolePage
from tests.console.filtering import expect_filter, expect_listed, filter_field, list_with, total_of
from tests.gateway import Gateway

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite


def test_views_are_saved_renamed_and_deleted_and_stay_in_the_browser(
    console_page: ConsolePage,
) -> None:
    page = console_page.open(list_with("state:ERROR", range="7d"))
    page.get_by_role("button", name="Save this view").click()
    page.keyboard.type("Broken")
    page.keyboard.press("Enter")
    views = page.get_by_role("navigation", name="Views")
    saved = views.get_by_role("link", name="Broken")
    expect(saved).to_have_attribute("aria-current", "page")

    page = console_page.open()
    saved.click()
    expect_filter(page, "state:ERROR")
    assert "range=7d" in page.url

    _change(page, "Broken", "Rename")
    page.get_by_role("textbox", name="Name").fill("Repair")
    page.keyboard.press("Enter")
    expect(saved).to_have_count(0)
    _change(page, "Repair", "Delete")
    expect(views.get_by_role("link", name="Repair")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(views.get_by_role("link", name="Repair")).to_be_visible()


def _change(page: Page, view: str, how: str) -> None:
    page.get_by_role("button", name=f"Change the view {view}").click()
    page.get_by_role("menuitem", name=how).click()


def test_everybody_has_views_of_what_runs_what_failed_and_what_is_slow(
    console_page: ConsolePage, demo_gateway: Gateway
) -> None:
    page = console_page.open()
    views = page.get_by_role("navigation", name="Views")
    views.get_by_role("link", name="Running").click()
    expect_listed(page, total_of(demo_gateway, {"state": {"eq": "INPROGRESS"}}))
    views.get_by_role("link", name="Slow").click()
    expect_listed(page, total_of(demo_gateway, {"durationMs": {"gt": 60_000}}))
    views.get_by_role("link", name="Failed today").click()
    expect(filter_field(page)).to_have_value(re.compile("created:today"))
