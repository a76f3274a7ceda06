"""The list of executions under a filter: its address, its field, and what it has to show."""

from typing import Any
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

from tests.console.console_page import LIST
from tests.gateway import Gateway


def list_with(text: str = "", **others: str) -> str:
    """The address of the list under a filter, with other parameters such as ``range``."""
    parameters = {"filter": text, **others}
    return LIST + "".join(f"&{name}={quote(value)}" for name, value in parameters.items() if value)


def filter_field(page: Page) -> Locator:
    """The field in which the filter is typed."""
    return page.get_by_role("combobox", name="Filter")


def expect_filter(page: Page, text: str) -> None:
    """Expect a filter in the URL, and in the field."""
    page.wait_for_function(
        "text => (new URLSearchParams(location.search).get('filter') ?? '') === text", arg=text
    )
    expect(filter_field(page)).to_have_value(text)


def expect_listed(page: Page, count: int) -> None:
    """Expect that the list has so many executions."""
    grid = page.get_by_role("grid", name="Executions")
    expect(grid).to_have_attribute("aria-rowcount", str(count + 1))


def total_of(gateway: Gateway, filter_: dict[str, Any] | None) -> int:
    """How many executions match a filter of the API."""
    query = "query ($filter: ExecutionFilter) { executions(filter: $filter) { totalCount } }"
    total: int = gateway.graphql(query, filter=filter_)["executions"]["totalCount"]
    return total
