"""The columns of the list: which are shown, and what they order by."""

import pytest
from playwright.sync_api import expect

from tests.console.console_page import LIST, ConsolePage

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite


def test_columns_that_are_hidden_stay_hidden(console_page: ConsolePage) -> None:
    page = console_page.open(LIST)
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("menuitemcheckbox", name="Guid").click()
    expect(page.get_by_role("columnheader", name="Guid")).to_have_count(0)
    page.reload()
    console_page.settle()
    expect(page.get_by_role("columnheader", name="Session")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Guid")).to_have_count(0)


def test_a_column_for_which_there_is_no_room_says_so(console_page: ConsolePage) -> None:
    page = console_page.open(LIST)
    page.get_by_role("button", name="Columns").click()
    guid = page.get_by_role("menuitemcheckbox", name="Guid")
    why = guid.get_by_text("There is no room for it now")
    for width, is_shown in ((1_600, True), (900, False)):
        page.set_viewport_size({"width": width, "height": 800})
        head = page.get_by_role("columnheader", name="Guid")
        expect(head).to_be_visible(visible=is_shown)
        expect(why).to_be_visible(visible=not is_shown)
    guid.click()
    expect(why).to_have_count(0)


def test_the_order_by_agentflow_says_that_it_is_by_id(console_page: ConsolePage) -> None:
    page = console_page.open(LIST)
    order = page.get_by_role("columnheader", name="Agentflow").get_by_role("button")
    expect(order).to_have_accessible_description("Order by agentflow id")
    order.click()
    page.wait_for_url("**order=flow**")
    page.set_viewport_size({"width": 390, "height": 780})
    page.get_by_role("button", name="Ordered by Agentflow id, ascending").click()
    item = page.get_by_role("menuitemcheckbox", name="Agentflow id")
    expect(item).to_have_attribute("aria-checked", "true")
