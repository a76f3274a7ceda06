"""The list of executions: its rows, its order, its keys, and what becomes of it as they change."""

import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from db.source import ExecutionRow
from tests.console.axe import violations_in_every_scheme
from tests.console.conftest import DEMO_EXECUTIONS
from tests.console.console_page import LIST, PHONE, ConsolePage
from tests.console.held_requests import held_request, hold
from tests.gateway import Gateway, running_gateway
from tests.places import Place

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

MOST_ELEMENTS = 1_500
DAY_MS = 86_400_000

_SEEN = """() => {
  const rows = document.querySelectorAll('[role=grid] [role=rowgroup]')[1];
  const frame = rows.getBoundingClientRect();
  return [...rows.querySelectorAll('[data-guid]')]
    .map((row) => [row.getBoundingClientRect(), row])
    .filter(([box]) => box.top > frame.top - 1 && box.bottom < frame.bottom + 1)
    .sort(([one], [other]) => one.top - other.top)
    .map(([, row]) => [Number(row.ariaRowIndex), row.dataset.guid]);
}"""


def seen(page: Page) -> list[tuple[int, str]]:
    """The places and the guids of the rows that can be seen, once some are."""
    shown = page.wait_for_function(f"() => [({_SEEN})()].find((rows) => rows.length > 0)")
    return [(index, guid) for index, guid in shown.json_value()]


def rows_of(page: Page) -> Locator:
    return page.locator("[data-guid]")


def row_of(page: Page, guid: str) -> Locator:
    return page.locator(f'[data-guid="{guid}"]')


def point_at(page: Page, place: Locator) -> None:
    box = place.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def running(guid: str, number: int = 1, *, began: int = 0) -> ExecutionRow:
    """An execution that began so many milliseconds ago."""
    now = int(time.time() * 1000) - began
    return ExecutionRow(
        id=1_000_000 + number,
        guid=guid,
        agentflow_id="flow-new",
        agentflow_name="New agent",
        session_id=None,
        state="INPROGRESS",
        created_on=now,
        updated_on=now,
    )


# Paging


def test_a_hundred_thousand_rows_are_passed_with_a_page_of_bounded_size(
    open_console: Callable[..., ConsolePage], many_gateway: Gateway
) -> None:
    console = open_console(many_gateway)
    page = console.open(LIST)
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "100001")
    point_at(page, page.get_by_role("grid"))
    passed = 0
    while passed < 2_000:
        page.mouse.wheel(0, 20_000)
        page.wait_for_function(f"() => (({_SEEN})().at(0)?.at(0) ?? 0) > {passed}")
        console.settle()
        assert console.elements() < MOST_ELEMENTS
        passed = seen(page)[0][0]
    asked = [variables for name, variables in console.asked if name == "ListPage"]
    assert all(each["first"] == 100 and each["after"] for each in asked)

    page.keyboard.press("End")
    expect(page.locator('[aria-rowindex="100001"]')).to_be_visible()
    while seen(page)[0][0] > 99_700:
        page.keyboard.press("PageUp")
        console.settle()
    indexes = [index for index, _ in seen(page)]
    assert indexes == list(range(indexes[0], indexes[0] + len(indexes)))
    assert console.elements() < MOST_ELEMENTS
    page.keyboard.press("Home")
    expect(page.locator('[aria-rowindex="2"]')).to_be_focused()


def test_a_day_is_jumped_to_and_scrolled_from_in_both_directions(
    open_console: Callable[..., ConsolePage], many_gateway: Gateway
) -> None:
    [(middle,)] = many_gateway.sql(
        "SELECT created_on FROM executions ORDER BY created_on LIMIT 1 OFFSET 50000"
    )
    day = time.strftime("%Y-%m-%d", time.gmtime(middle / 1000))
    console = open_console(many_gateway, timezone_id="UTC")
    page = console.open(LIST)
    page.keyboard.press("?")
    for action in ("Jump to a date", "Last execution", "Select all that match"):
        expect(page.get_by_role("dialog")).to_contain_text(action)
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    expect(page.get_by_label("Day", exact=True)).to_be_focused()
    page.get_by_label("Day", exact=True).fill(day)
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => (({_SEEN})().at(0)?.at(0) ?? 0) > 2")
    console.settle()
    first, guid = seen(page)[0]
    until = middle - middle % DAY_MS + DAY_MS
    [(newer,)] = many_gateway.sql("SELECT count(*) FROM executions WHERE created_on >= ?", until)
    assert first == newer + 2
    point_at(page, page.get_by_role("grid"))
    page.mouse.wheel(0, -3_000)
    page.wait_for_function(f"() => (({_SEEN})().at(0)?.at(0) ?? {first}) < {first}")
    page.mouse.wheel(0, 3_000)
    expect(row_of(page, guid)).to_be_in_viewport()


# The address


def test_a_gateway_with_small_pages_is_listed_in_smaller_ones(
    open_console: Callable[..., ConsolePage], demo: Place
) -> None:
    with running_gateway(demo, max_page_size=9) as gateway:
        console = open_console(gateway)
        page = console.open(LIST)
        rows_of(page).first.click()
        page.keyboard.press("Escape")
        page.keyboard.press("End")
        expect(page.locator(f'[data-guid][aria-rowindex="{DEMO_EXECUTIONS + 1}"]')).to_be_visible()
        console.settle()
        # It would look for the gateway.
        page.close()


def test_a_link_shows_the_same_to_another_person(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    page = open_console(demo_gateway).open(LIST)
    head = page.get_by_role("columnheader", name="Duration")
    head.get_by_role("button").click()
    page.wait_for_url("**order=-duration**")
    page.get_by_role("radio", name="Last 30 days").check(force=True)
    page.wait_for_url("**range=30d**")
    expect(head).to_have_attribute("aria-sort", "descending")
    address = page.url.removeprefix(f"http://{urlsplit(page.url).netloc}")
    first = open_console(demo_gateway)
    assert seen(first.open(address))
    other = open_console(demo_gateway)
    assert seen(other.open(address)) == seen(first.page)


def test_back_leads_to_the_place_in_the_list(
    open_console: Callable[..., ConsolePage], many_gateway: Gateway
) -> None:
    console = open_console(many_gateway)
    page = console.open(LIST)
    rows = page.get_by_role("grid").get_by_role("rowgroup").nth(1)
    while seen(page)[0][0] < 200:
        # A wheel may still turn the list when its place is noted here.
        rows.evaluate("(rows) => { rows.scrollTop += 3000; }")
        page.wait_for_function(f"() => ({_SEEN})().length > 0")
        console.settle()
    _wait_for_kept_place(page)
    place = seen(page)
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    page.go_back()
    expect(row_of(page, place[2][1])).to_be_in_viewport()
    page.reload()
    expect(row_of(page, place[2][1])).to_be_in_viewport()


def _wait_for_kept_place(page: Page) -> None:
    """Wait until the place of the rows that are seen is kept with this step of the history."""
    page.wait_for_function(
        f"() => Math.abs(history.state?.place?.position + 2 - ({_SEEN})()[0]?.[0]) < 2"
    )


def test_a_place_is_kept_however_late_its_rows_come(
    open_console: Callable[..., ConsolePage], many_gateway: Gateway
) -> None:
    page = open_console(many_gateway).open(LIST)
    rows = page.get_by_role("grid").get_by_role("rowgroup").nth(1)
    rows.evaluate("(rows) => { rows.scrollTop = 1000; }")
    _wait_for_kept_place(page)
    held: list[Route] = []
    hold(page, "ListPage", held)
    rows.evaluate("(rows) => { rows.scrollTop = 5000; }")
    late = held_request(page, held)
    page.wait_for_function("() => history.state.place === null")
    late.continue_()
    _wait_for_kept_place(page)
    page.unroute_all()


def ago(days: float) -> str:
    """The instant that was so many days ago, in ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * DAY_MS / 1000))


def test_what_runs_outside_the_range_is_said(
    open_console: Callable[..., ConsolePage], gateway: Gateway
) -> None:
    gateway.sql("DELETE FROM executions WHERE state = 'INPROGRESS'")
    gateway.insert([running("long", began=2 * DAY_MS), running("short", 2)])
    console = open_console(gateway)
    for listed, left_out in (
        ("range=24h", ["long"]),
        ("filter=after:-24h+-state:ERROR", ["long"]),
        ("filter=before:-24h", ["short"]),
        (f"range={ago(1.5)}..{ago(0.5)}", ["long", "short"]),
    ):
        page = console.open(f"{LIST}&{listed}")
        link = page.get_by_role("link", name=re.compile(rf"^{len(left_out)} running execution"))
        expect(link).to_be_visible()
        for guid in left_out:
            expect(row_of(page, guid)).to_have_count(0)
        link.click()
        expect(rows_of(page)).to_have_count(len(left_out))
        for guid in left_out:
            expect(row_of(page, guid)).to_be_visible()


def test_what_runs_outside_the_range_is_counted_again_as_it_changes(
    open_console: Callable[..., ConsolePage], gateway: Gateway
) -> None:
    gateway.sql("DELETE FROM executions WHERE state = 'INPROGRESS'")
    gateway.insert([running("first")])
    page = open_console(gateway).open(f"{LIST}&range=..{ago(0.5)}")
    expect(page.get_by_role("link", name="1 running execution")).to_be_visible()
    gateway.insert([running("second", 2)])
    expect(page.get_by_role("link", name="2 running executions")).to_be_visible()
    gateway.sql("UPDATE executions SET state = 'FINISHED' WHERE state = 'INPROGRESS'")
    expect(page.get_by_role("link", name="running execution")).to_have_count(0)


# Changes


def test_what_another_program_writes_comes_at_the_top(
    open_console: Callable[..., ConsolePage], gateway: Gateway
) -> None:
    page = open_console(gateway).open(LIST)
    gateway.insert([running("new-1")])
    expect(row_of(page, "new-1")).to_have_attribute("aria-rowindex", "2")
    expect(row_of(page, "new-1")).to_contain_text("In progress")
    gateway.sql("UPDATE executions SET state = 'ERROR' WHERE guid = 'new-1'")
    expect(row_of(page, "new-1")).to_contain_text("Error")
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "2002")


def test_nothing_moves_under_the_mouse(
    open_console: Callable[..., ConsolePage], gateway: Gateway
) -> None:
    page = open_console(gateway).open(LIST)
    before = seen(page)
    point_at(page, row_of(page, before[3][1]))
    gateway.insert([running("new-1"), running("new-2", 2)])
    expect(page.get_by_role("button", name="2 new")).to_be_visible()
    assert [guid for _, guid in seen(page)] == [guid for _, guid in before]
    page.get_by_role("button", name="2 new").click()
    expect(row_of(page, "new-1")).to_be_visible()
    expect(page.get_by_role("button", name="2 new")).to_have_count(0)


def test_a_row_that_no_longer_matches_stays_and_says_so(
    open_console: Callable[..., ConsolePage], gateway: Gateway
) -> None:
    gateway.insert([running("one"), running("two", 2)])
    page = open_console(gateway).open(f"{LIST}&filter=state:INPROGRESS+guid:one,two")
    expect(rows_of(page)).to_have_count(2)
    gateway.sql("UPDATE executions SET state = 'FINISHED' WHERE guid = 'one'")
    expect(row_of(page, "one")).to_contain_text("No longer matches")
    gateway.sql("DELETE FROM executions WHERE guid = 'two'")
    expect(row_of(page, "two")).to_contain_text("Deleted")
    page.reload()
    expect(rows_of(page)).to_have_count(0)


def test_after_the_gateway_was_restarted_the_list_catches_up(
    open_console: Callable[..., ConsolePage], copy_of_demo: Place
) -> None:
    with running_gateway(copy_of_demo) as gateway:
        console = open_console(gateway)
        page = console.open(LIST)
        port = urlsplit(gateway.url).port
    expect(page.get_by_text("The connection is lost.")).to_be_visible()
    with running_gateway(copy_of_demo, port=port) as gateway:
        gateway.insert([running("meanwhile")])
        expect(row_of(page, "meanwhile")).to_be_visible()
        expect(page.get_by_text("The connection is lost.")).to_have_count(0)
        page.close()
    # The browser complains of what was asked while nobody was there.
    console.complaints.clear()


# Keys


def test_executions_are_chosen_and_opened_by_keys_alone(console_page: ConsolePage) -> None:
    page = console_page.open(LIST)
    guids = [guid for _, guid in seen(page)]
    for key in ("j", "j", "ArrowDown", "k"):
        page.keyboard.press(key)
    expect(row_of(page, guids[1])).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    chosen = page.locator('[data-guid][aria-selected="true"]')
    expect(chosen).to_have_count(3)
    page.keyboard.press(" ")
    expect(chosen).to_have_count(2)
    page.keyboard.press("Escape")
    expect(chosen).to_have_count(0)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**execution={guids[3]}**")
    page.keyboard.press("j")
    page.wait_for_url(f"**execution={guids[4]}**")
    page.go_back()
    page.wait_for_url(lambda url: "execution=" not in url)


def test_a_range_is_selected_with_the_mouse_and_all_with_one_click(
    console_page: ConsolePage,
) -> None:
    page = console_page.open(LIST)
    guids = [guid for _, guid in seen(page)]
    row_of(page, guids[1]).get_by_role("checkbox").check()
    row_of(page, guids[4]).click(modifiers=["Shift"])
    chosen = page.locator('[data-guid][aria-selected="true"]')
    expect(chosen).to_have_count(4)
    everything = page.get_by_role("checkbox", name="Select all that match")
    everything.click()
    expect(chosen).to_have_count(0)
    everything.click()
    expect(everything).to_be_checked()
    row_of(page, guids[2]).get_by_role("checkbox").uncheck()
    expect(row_of(page, guids[2])).to_have_attribute("aria-selected", "false")
    expect(row_of(page, guids[3])).to_have_attribute("aria-selected", "true")


# For everybody


def test_axe_finds_nothing_wrong_with_the_list(console_page: ConsolePage) -> None:
    page = console_page.open(LIST)
    rows_of(page).nth(1).get_by_role("checkbox").check()
    page.keyboard.press("j")
    assert violations_in_every_scheme(page) == []


def test_the_list_on_a_phone_has_two_lines_a_row_and_no_violations(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    page = open_console(demo_gateway, **PHONE).open(LIST)
    box = rows_of(page).first.bounding_box()
    assert box
    assert box["height"] > 50
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert violations_in_every_scheme(page) == []


def test_a_phone_orders_by_a_menu_where_there_is_no_room_for_heads(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    page = open_console(demo_gateway, **PHONE).open(LIST)
    expect(page.get_by_role("button", name="State", exact=True)).to_have_count(1)  # the filter's
    page.get_by_role("button", name="Ordered by Created, descending").click()
    page.get_by_role("menuitemcheckbox", name="Duration").click()
    page.get_by_role("button", name="Ordered by Duration, descending").click()
    page.get_by_role("menuitemcheckbox", name="Duration").click()
    expect(page.get_by_role("button", name="Ordered by Duration, ascending")).to_be_visible()
    expect(page).to_have_url(re.compile("order=duration"))
