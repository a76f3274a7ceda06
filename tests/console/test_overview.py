"""The overview: what runs, what failed, and when it was."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.console.axe import violations_in_every_scheme
from tests.console.console_page import PHONE, ConsolePage
from tests.console.executions import HOUR_MS, execution, of_this_hour
from tests.gateway import Gateway, running_gateway
from tests.places import Place

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

MIDNIGHT_IN_KOLKATA_MS = 1_735_669_800_000
"""2024-12-31T18:30:00Z."""
MONTH = "/?range=2024-12-20..2025-01-10"
_TOPS = """() => [...document.querySelectorAll('main :is(h1, h2, dt, ul[aria-label] li)')]
  .map((element) => [element.textContent, element.getBoundingClientRect().top])
  .map(([text, top]) => [text.slice(0, 5), Math.round(top)])"""
_HIDE = """(isHidden) => {
  Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


@pytest.fixture
def own(place: Place) -> Iterator[Gateway]:
    """A gateway over an empty database."""
    with running_gateway(place) as gateway:
        yield gateway


def counts(page: Page) -> list[int]:
    """The counts of the states."""
    texts = page.get_by_role("list", name="States").get_by_role("link").all_inner_texts()
    return [int(re.findall(r"^[\d,]+$", text, re.MULTILINE)[0].replace(",", "")) for text in texts]


def table(page: Page) -> dict[str, list[int]]:
    """The figures of the timeline, by the names of its bars."""
    found = {}
    for row in page.locator("main tbody tr").all():
        name, *cells = row.locator("th, td").all_text_contents()
        found[name] = [int(cell.replace(",", "")) for cell in cells]
    return found


def figure(page: Page, name: str) -> Locator:
    """A number, and how it was before."""
    return page.locator("main dl > div", has=page.get_by_text(name, exact=True))


def timeline(page: Page) -> Locator:
    return page.get_by_role("slider", name="Timeline")


def at_bar(page: Page, bar: int, of: int) -> tuple[float, float]:
    box = timeline(page).bounding_box()
    assert box
    return box["x"] + box["width"] * (bar + 0.5) / of, box["y"] + box["height"] / 2


# Numbers


def test_the_counts_are_those_of_the_api_and_the_table_has_what_the_timeline_shows(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    page = open_console(demo_gateway).open("/?range=all")
    everything = demo_gateway.graphql("{ executionStats { byState { count } } }")
    expected = [each["count"] for each in everything["executionStats"]["byState"]]
    assert counts(page) == expected
    rows = table(page).values()
    assert [sum(row[at + 1] for row in rows) for at in range(6)] == expected
    assert all(row[0] == sum(row[1:]) for row in rows)


def test_success_and_failures_are_compared_with_the_period_before_in_words(
    open_console: Callable[..., ConsolePage], own: Gateway
) -> None:
    own.insert(of_this_hour("FFFE"))
    own.insert(of_this_hour("FE", 10, hours_ago=30))
    page = open_console(own).open()
    expect(figure(page, "Success rate")).to_contain_text("75%")
    expect(figure(page, "Success rate")).to_contain_text("up by 25 pointsfrom 50%")
    expect(figure(page, "Failures")).to_contain_text("as before")
    expect(figure(page, "Executions")).to_contain_text("up by 100%from 2")


def test_days_are_those_of_the_reader_half_an_hour_from_utc(
    open_console: Callable[..., ConsolePage], own: Gateway
) -> None:
    at = MIDNIGHT_IN_KOLKATA_MS
    own.insert([execution(1, "FINISHED", at - 1), execution(2, "ERROR", at)])
    visit = {"timezone_id": "Asia/Kolkata", "locale": "en-GB"}
    page = open_console(own, **visit).open(MONTH)
    found = {name: row for name, row in table(page).items() if row[0]}
    assert found == {
        "31 Dec 2024": [1, 0, 1, 0, 0, 0, 0],
        "1 Jan 2025": [1, 0, 0, 1, 0, 0, 0],
    }
    page.get_by_role("button", name="Times in").click()
    expect(page.locator("main tbody tr").first).to_contain_text("20 Dec 2024")
    expect(page.locator('[aria-busy="true"]')).to_have_count(0)
    assert table(page)["31 Dec 2024"][0] == 2


# Choosing a range


@pytest.fixture
def month(open_console: Callable[..., ConsolePage], own: Gateway) -> Page:
    """The page, with 22 bars, one for each day."""
    at = MIDNIGHT_IN_KOLKATA_MS
    own.insert([execution(1, "FINISHED", at), execution(2, "FINISHED", at + 24 * HOUR_MS)])
    return open_console(own, locale="en-GB").open(MONTH)


def test_dragging_over_bars_chooses_their_range_and_back_leads_back(month: Page) -> None:
    month.mouse.move(*at_bar(month, 14, 22))
    month.mouse.down()
    month.mouse.move(*at_bar(month, 12, 22))
    month.mouse.up()
    expect(month).to_have_url(re.compile("range=2025-01-01T00:00Z..2025-01-04T00:00Z$"))
    expect(timeline(month)).to_have_attribute("aria-valuemax", "24")
    month.go_back()
    expect(timeline(month)).to_have_attribute("aria-valuemax", "22")


def test_the_keyboard_reads_the_bars_and_chooses_among_them(month: Page) -> None:
    month.get_by_role("list", name="States").get_by_role("link").last.focus()
    month.keyboard.press("Tab")
    expect(timeline(month)).to_be_focused()
    month.keyboard.press("Home")
    for _ in range(11):
        month.keyboard.press("ArrowRight")
    words = "31 Dec 2024: 1 execution, 1 finished"
    expect(timeline(month)).to_have_attribute("aria-valuetext", words)
    expect(timeline(month)).to_contain_text("Enter shows this range")
    month.keyboard.press("Shift+ArrowRight")
    month.keyboard.press("Enter")
    expect(month).to_have_url(re.compile("range=2024-12-31T00:00Z..2025-01-02T00:00Z$"))


def test_a_finger_looks_before_it_chooses(
    open_console: Callable[..., ConsolePage], own: Gateway
) -> None:
    own.insert([execution(1, "FINISHED", MIDNIGHT_IN_KOLKATA_MS)])
    page = open_console(own, **PHONE).open(MONTH)
    page.touchscreen.tap(*at_bar(page, 11, 22))
    expect(timeline(page)).to_contain_text("Finished")
    page.get_by_role("button", name="Show this range").tap()
    expect(page).to_have_url(re.compile("range=2024-12-31T00:00Z..2025-01-01T00:00Z$"))


# Where numbers lead


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Error", "view=executions&filter=duration%3E1s+state:ERROR&range=30d"),
        ("The billing agent", "flow-id:billing+state:ERROR,TERMINATED,TIMEOUT&range=30d"),
        ("The triage agent", "execution=run-9"),
    ],
)
def test_what_is_counted_is_a_link_away(
    open_console: Callable[..., ConsolePage], own: Gateway, name: str, query: str
) -> None:
    long_ago = int(time.time() * 1000) - 24 * HOUR_MS
    failed = execution(1, "ERROR", long_ago)._replace(finished_on=long_ago + 5_000)
    own.insert([failed, execution(9, "INPROGRESS", long_ago, "triage")])
    console = open_console(own)
    filter_ = "" if name == "The triage agent" else "&filter=duration%3E1s"
    page = console.open(f"/?range=30d{filter_}")
    page.get_by_role("main").get_by_role("link", name=re.compile(name)).click()
    assert query in page.url
    console.settle()


def test_each_count_leads_to_a_list_of_as_many_as_the_database_has(
    open_console: Callable[..., ConsolePage], own: Gateway
) -> None:
    own.insert(of_this_hour("FFFEEI"))
    own.insert(of_this_hour("FE", 10, hours_ago=30))
    console = open_console(own)
    page = console.open("/?filter=state:ERROR,FINISHED")
    day_ago = int(time.time() * 1000) - 24 * HOUR_MS
    main, rows = page.get_by_role("main"), "SELECT count(*) FROM executions WHERE created_on"
    for link, condition in [
        (figure(page, "Failures").get_by_role("link").first, f">= {day_ago} AND state = 'ERROR'"),
        (figure(page, "Failures").get_by_role("link").last, f"< {day_ago} AND state = 'ERROR'"),
        (figure(page, "Running now").get_by_role("link"), "< 0"),
        (main.get_by_role("link", name="Finished"), f">= {day_ago} AND state = 'FINISHED'"),
        (main.get_by_role("link", name="In progress"), "< 0"),
        (main.get_by_role("link", name="The billing agent"), f">= {day_ago} AND state = 'ERROR'"),
    ]:
        link.click()
        console.settle()
        [[count]] = own.sql(f"{rows} {condition}")
        if count:
            grid = page.get_by_role("grid", name="Executions")
            expect(grid).to_have_attribute("aria-rowcount", str(count + 1))
        else:
            expect(page.get_by_role("heading", name="Nothing matches.")).to_be_visible()
        page.go_back()
        console.settle()


@pytest.mark.parametrize(
    ("range_", "bars", "total"),
    [
        ("2024-12-31T18:30:00Z..2024-12-31T18:30:01Z", 1, 1),
        ("2100-01-01..2100-12-31", 53, 0),
        ("1980-01-01..1980-01-02", 48, 0),
        ("2024-12-31T18:30:00Z..2100-01-01", 77, 1),
    ],
)
def test_a_range_may_be_a_second_or_a_century_away(
    open_console: Callable[..., ConsolePage], own: Gateway, range_: str, bars: int, total: int
) -> None:
    own.insert([execution(1, "FINISHED", MIDNIGHT_IN_KOLKATA_MS)])
    page = open_console(own).open(f"/?range={range_}")
    expect(page.locator("main tbody tr")).to_have_count(bars)
    assert sum(row[0] for row in table(page).values()) == total


# Live


def test_what_another_program_changes_is_counted_without_asking(
    open_console: Callable[..., ConsolePage], own: Gateway
) -> None:
    own.insert(of_this_hour("I"))
    console = open_console(own)
    page = console.open()
    assert counts(page) == [1, 0, 0, 0, 0, 0]
    own.sql("UPDATE executions SET state = 'ERROR'")
    expect(figure(page, "Failures")).to_contain_text("1")
    assert counts(page) == [0, 0, 1, 0, 0, 0]
    expect(page.get_by_text("Nothing is running.")).to_be_visible()


def test_nothing_is_asked_for_while_the_page_is_hidden(
    open_console: Callable[..., ConsolePage], own: Gateway
) -> None:
    own.insert(of_this_hour("I"))
    console = open_console(own)
    page = console.open()
    page.clock.install()
    page.evaluate(_HIDE, True)
    own.sql("UPDATE executions SET state = 'ERROR'")
    asked = len(console.asked)
    page.clock.run_for(180_000)
    assert len(console.asked) == asked
    page.evaluate(_HIDE, False)
    page.clock.run_for(5_000)
    expect(figure(page, "Failures")).to_contain_text("1")


# When there is nothing to show, or not yet


def test_an_empty_database_says_how_executions_get_in_until_there_is_one(
    open_console: Callable[..., ConsolePage], own: Gateway
) -> None:
    page = open_console(own).open()
    expect(page.get_by_text("There are no executions yet.")).to_be_visible()
    own.insert(of_this_hour("F"))
    expect(timeline(page)).to_be_visible()
    expect(page.get_by_text("There are no executions yet.")).to_have_count(0)


def test_a_range_without_executions_leads_to_where_some_may_be(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    page = open_console(demo_gateway).open("/?range=2001-01-01..2001-01-02&filter=state:ERROR")
    expect(page.get_by_text("No executions of this range match the filter.")).to_be_visible()
    page.get_by_role("button", name="Leave out the filter").last.click()
    expect(page.get_by_text("No executions were created in this range.")).to_be_visible()
    page.get_by_role("button", name="All time").click()
    expect(timeline(page)).to_be_visible()


def test_what_is_no_range_or_no_filter_is_said_and_nothing_is_asked(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    console = open_console(demo_gateway)
    page = console.open("/?range=7d&filter=stat:ERROR")
    expect(page.get_by_role("alert").filter(has_text="There is no key stat")).to_be_visible()
    page.goto(f"{console.url}/?range=soon")
    expect(page.get_by_role("alert").filter(has_text="is no range of time")).to_be_visible()
    assert {name for name, _ in console.asked} <= {"Viewer"}


@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
def test_nothing_moves_when_the_figures_come(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway, options: dict[str, Any]
) -> None:
    console = open_console(demo_gateway, **options)
    page = console.page
    held: list[Route] = []
    is_released = False

    def hold(route: Route) -> None:
        if is_released:
            route.continue_()
        else:
            held.append(route)

    page.route("**/graphql", hold)
    page.goto(f"{console.url}/?range=30d")
    expect(page.get_by_role("heading", name="Running longest")).to_be_visible()
    before = page.evaluate(_TOPS)
    is_released = True
    for route in held:
        route.continue_()
    console.settle()
    expect(timeline(page)).to_be_visible()
    after = page.evaluate(_TOPS)
    assert len(before) == 14
    assert before == after


def test_a_gateway_that_is_gone_leaves_what_was_there_and_says_from_when_it_is(
    open_console: Callable[..., ConsolePage], own: Gateway
) -> None:
    own.insert(of_this_hour("F"))
    console = open_console(own)
    page = console.open()
    page.route("**/graphql", lambda route: route.abort())
    own.insert(of_this_hour("E", 5))
    expect(page.get_by_role("status").filter(has_text="What you see is from")).to_be_visible()
    assert counts(page) == [0, 1, 0, 0, 0, 0]
    page.unroute("**/graphql")
    page.get_by_role("button", name="Try again").click()
    expect(figure(page, "Failures")).to_contain_text("1")


# For everybody


def test_axe_finds_nothing_wrong_while_bars_are_chosen(console_page: ConsolePage) -> None:
    page = console_page.open("/?range=7d&filter=-state:STOPPED")
    timeline(page).focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(timeline(page)).to_contain_text("Enter shows this range")
    assert violations_in_every_scheme(page) == []


def test_the_page_is_mirrored_from_right_to_left_and_time_is_not(
    console_page: ConsolePage,
) -> None:
    page = console_page.open()
    page.evaluate("document.documentElement.dir = 'rtl'")
    first, *_, last = [
        box["x"] for each in page.locator("main dl > div").all() if (box := each.bounding_box())
    ]
    assert first > last
    axis = page.locator("main canvas").bounding_box()
    bars = timeline(page).bounding_box()
    assert axis
    assert bars
    assert bars["x"] > axis["x"]
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
