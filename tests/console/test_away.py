"""Views that are opened while the gateway's database is away."""

import contextlib
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console.axe import violations_in_every_scheme
from tests.console.console_page import LIST, ConsolePage
from tests.faults.programs import is_ready, wait_until
from tests.gateway import Gateway
from tests.places import file_of

# A file of SQLite can be moved away.
pytestmark = pytest.mark.sqlite

OVERVIEW = "/?range=all"


@contextlib.contextmanager
def _database_away(gateway: Gateway) -> Iterator[None]:
    """Have the database elsewhere until the block ends, and the gateway know of both."""
    file = file_of(gateway.place)
    elsewhere = file.rename(file.with_name("elsewhere.db"))
    wait_until(lambda: not is_ready(gateway.url))
    yield
    elsewhere.rename(file)
    wait_until(lambda: is_ready(gateway.url))


def _notice(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("alert")


def _expect_refused(page: Page) -> None:
    expect(_notice(page)).to_contain_text("answer just now.")


@pytest.mark.parametrize(
    ("address", "shown"),
    [(LIST, "[data-guid]"), (OVERVIEW, "main [role=slider]")],
    ids=["list", "overview"],
)
def test_a_view_says_that_the_database_is_away_and_comes_when_it_is_asked_for_again(
    visiting: ConsolePage, gateway: Gateway, address: str, shown: str
) -> None:
    page = visiting.page
    now = time.time()
    page.clock.install(time=now)
    # Nothing is tried again by itself.
    page.clock.pause_at(now + 1)
    with _database_away(gateway):
        page.goto(f"{visiting.url}{address}")
        _expect_refused(page)
    with page.expect_response("**/graphql"):
        _notice(page).get_by_role("button", name="Try again").click()
    page.clock.resume()
    expect(page.locator(shown).first).to_be_visible()
    expect(_notice(page)).to_have_count(0)


@pytest.mark.parametrize("address", [LIST, OVERVIEW], ids=["list", "overview"])
def test_a_view_whose_database_is_away_has_nothing_wrong_in_any_scheme(
    visiting: ConsolePage, gateway: Gateway, address: str
) -> None:
    page = visiting.page
    with _database_away(gateway):
        page.goto(f"{visiting.url}{address}")
        _expect_refused(page)
        assert violations_in_every_scheme(page) == []
