"""The console for whoever uses it by keys alone, enlarged, mirrored, or in other colours."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from db.source import ExecutionRow
from tests.console.axe import violations_in_every_scheme
from tests.console.console_page import ConsolePage
from tests.gateway import Gateway, running_gateway
from tests.places import Place

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

LIST = "/?view=executions"
HEBREW = "סוכן החיובים של הלקוחות"
MONDAY_MS = 1_735_689_600_000
"""2025-01-01T00:00:00Z."""
SMALL = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
# What a window of 1280 by 800 has at 200 %.
ENLARGED = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
_OVERFLOW = "document.documentElement.scrollWidth - innerWidth"
_MIRROR = """addEventListener("DOMContentLoaded", () => {
  document.documentElement.dir = "rtl";
});"""
# Of what has the focus, or of what is around a hidden field: whether there is a line around it in a
# colour that is not that of what it lies on. Where the focus leaves the page, there is none.
_SHOWS_FOCUS = """() => {
  let element = document.activeElement;
  if (element === document.body) return true;
  for (let level = 0; level < 4; level += 1, element = element.parentElement) {
    const { outlineStyle, outlineWidth, outlineColor, backgroundColor } = getComputedStyle(element);
    const isLine = outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
    if (isLine && outlineColor !== backgroundColor) return true;
  }
  return false;
}"""
_STYLE = """(element, name) => getComputedStyle(element).getPropertyValue(name)"""


def _row(number: int, state: str, name: str = "Billing") -> ExecutionRow:
    return ExecutionRow(
        id=number,
        guid=f"{number:08d}-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
        agentflow_id=f"flow-{name}",
        agentflow_name=name,
        session_id=None,
        state=state,
        created_on=MONDAY_MS + number,
        updated_on=MONDAY_MS + number + 125_000,
        finished_on=None if state == "INPROGRESS" else MONDAY_MS + number + 125_000,
    )


def _style(page: Page, selector: str, name: str) -> str:
    found: str = page.locator(selector).first.evaluate(_STYLE, name)
    return found


def _focus(page: Page) -> str:
    name: str = page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    )
    return name


# Keys


def test_a_whole_task_is_done_by_keys_alone(
    open_console: Callable[..., ConsolePage], gateway: Gateway
) -> None:
    [[running]] = gateway.sql("SELECT count(*) FROM executions WHERE state = 'INPROGRESS'")
    page = open_console(gateway).open()
    keys = page.keyboard
    keys.press("g")
    keys.press("e")
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    keys.press("/")
    keys.type("state:inprogress")
    keys.press("Escape")
    keys.press("Enter")
    expect(page).to_have_url(re.compile("filter=state:INPROGRESS"))
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(running + 1))

    keys.press("Escape")
    keys.press("j")
    keys.press("j")
    keys.press("Enter")
    drawer = page.get_by_role("complementary", name="Execution")
    expect(drawer.get_by_role("heading", level=2)).to_be_focused()
    keys.press("k")
    keys.press("Escape")
    expect(drawer).to_have_count(0)

    keys.press("x")
    expect(page.get_by_role("row").nth(1)).to_have_attribute("aria-selected", "true")
    keys.press("j")
    keys.press("x")
    keys.press("s")
    expect(page.get_by_role("button", name="Stop 2 executions")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("status").filter(has_text="2 executions stopped.")).to_be_attached()
    assert gateway.sql("SELECT count(*) FROM executions WHERE state = 'INPROGRESS'") == [
        (running - 2,)
    ]
    keys.press("z")
    expect(page.get_by_role("status").filter(has_text="in progress again.")).to_be_attached()
    assert gateway.sql("SELECT count(*) FROM executions WHERE state = 'INPROGRESS'") == [(running,)]


# Colours


def test_where_colours_are_forced_nothing_is_told_by_a_background_alone(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    console = open_console(demo_gateway, forced_colors="active", color_scheme="dark")
    page = console.open(LIST)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Execution")).to_be_visible()
    assert _style(page, "[role=row][aria-current]", "border-inline-start-width") == "4px"
    assert _style(page, "[role=row][aria-selected=true]", "outline-style") == "solid"
    current, other = "nav a[aria-current]", "nav a:not([aria-current])"
    assert _style(page, current, "background-color") != _style(page, other, "background-color")
    chosen, rest = "label:has(:checked)", "label:has([type=radio]:not(:checked))"
    assert _style(page, chosen, "background-color") != _style(page, rest, "background-color")


@pytest.mark.parametrize("address", ["/?range=30d", LIST])
def test_where_colours_are_forced_the_focus_is_seen_wherever_it_is(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway, address: str
) -> None:
    page = open_console(demo_gateway, forced_colors="active").open(address)
    hidden, seen = [], set()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.add(_focus(page))
        if not page.evaluate(_SHOWS_FOCUS):
            hidden.append(_focus(page))
    assert len(seen) > 20
    assert hidden == []


def test_no_state_of_the_page_has_anything_wrong_in_any_scheme(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    page = open_console(demo_gateway).open(f"{LIST}&filter=state:ERROR")
    for opener in (
        "Another range",
        "Jump to a date",
        "Columns",
        "More …",
        "Export",
        "Save this view",
    ):
        page.get_by_role("button", name=opener).first.click()
        opened = page.locator("dialog:modal, [popover=auto]:popover-open, [role=menu]:visible")
        expect(opened.first).to_be_visible()
        assert violations_in_every_scheme(page) == [], opener
        page.keyboard.press("Escape")
        expect(opened).to_have_count(0)


def test_what_is_said_in_the_place_of_a_view_has_nothing_wrong_in_any_scheme(
    open_console: Callable[..., ConsolePage],
    demo_gateway: Gateway,
    gateway: Gateway,
    new_key: Callable[..., str],
) -> None:
    console = open_console(demo_gateway)
    for address, words in (
        (f"{LIST}&filter=session:nowhere", "Nothing matches."),
        (f"{LIST}&filter=colour:red", "be understood."),
        ("/?execution=nowhere", "There is no such execution."),
    ):
        page = console.open(address)
        expect(page.get_by_text(words).first).to_be_visible()
        assert violations_in_every_scheme(page) == [], words
    new_key("read")
    page = open_console(gateway).open()
    expect(page.get_by_label("API key")).to_be_visible()
    assert violations_in_every_scheme(page) == []


def test_an_empty_database_has_nothing_wrong_in_any_scheme(
    open_console: Callable[..., ConsolePage], place: Place
) -> None:
    with running_gateway(place) as empty:
        page = open_console(empty).open(LIST)
        for way in ("SQL", "Import", "Flowise"):
            page.get_by_role("radio", name=way).check(force=True)
            expect(page.get_by_label(f"Example: {way}")).to_be_visible()
            assert violations_in_every_scheme(page) == [], way


# Motion


@pytest.mark.parametrize(("wish", "moves"), [("no-preference", True), ("reduce", False)])
def test_nothing_moves_for_whoever_wants_no_motion(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway, wish: str, *, moves: bool
) -> None:
    console = open_console(demo_gateway, reduced_motion=wish)
    page = console.page
    held: list[Route] = []
    page.route("**/graphql", lambda route: held.append(route))  # noqa: PLW0108 - it looks into it
    page.goto(f"{console.url}/?range=30d")
    expect(page.locator("[class*=skeleton]").first).to_be_visible()
    assert bool(page.evaluate("document.getAnimations().length")) is moves
    for route in held:
        route.continue_()
    page.unroute("**/graphql")


# Directions, sizes, languages


@pytest.fixture
def hebrew(place: Place) -> Any:
    """A gateway over executions of an agentflow whose name is read from right to left."""
    with running_gateway(place) as gateway:
        gateway.insert(
            [_row(number, "ERROR" if number % 5 else "INPROGRESS", HEBREW) for number in range(40)]
        )
        yield gateway


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("size", [{}, SMALL, ENLARGED], ids=["wide", "small", "enlarged"])
def test_no_view_is_wider_than_the_page(
    open_console: Callable[..., ConsolePage], hebrew: Gateway, size: dict[str, Any], direction: str
) -> None:
    console = open_console(hebrew, locale="he" if direction == "rtl" else "en-US", **size)
    page = console.page
    if direction == "rtl":
        page.add_init_script(_MIRROR)
    guid = _row(3, "ERROR").guid
    filtered = "filter=state:ERROR,TIMEOUT+duration%3E60s+-session:abc"
    for address in (
        "/?range=all",
        "/?range=2024-12-20..2025-01-10",
        LIST,
        f"{LIST}&{filtered}",
        f"{LIST}&{filtered}+guid:nothing",
        f"{LIST}&execution={guid}",
    ):
        console.open(address)
        assert page.evaluate(_OVERFLOW) <= 0, address


def test_a_name_is_read_in_its_own_direction_and_stands_where_the_others_do(
    open_console: Callable[..., ConsolePage], hebrew: Gateway
) -> None:
    page = open_console(hebrew).open(LIST)
    cell = page.get_by_role("gridcell").filter(has_text=HEBREW).first
    assert cell.evaluate(_STYLE, "direction") == "rtl"
    link, head = cell.get_by_role("link").bounding_box(), cell.bounding_box()
    assert link
    assert head
    assert link["x"] == pytest.approx(head["x"], abs=1)


@pytest.mark.parametrize(
    ("locale", "count", "length"),
    [
        ("de", "1.234", "2m05s"),
        ("en-IN", "1,234", "2m05s"),
        ("ar-EG", "١٬٢٣٤", "٢m٠٥s"),  # noqa: RUF001 - these digits are meant
    ],
)
def test_numbers_are_written_and_typed_as_the_reader_does(
    open_console: Callable[..., ConsolePage], place: Place, locale: str, count: str, length: str
) -> None:
    with running_gateway(place) as gateway:
        gateway.insert([_row(number, "FINISHED") for number in range(1_234)])
        console = open_console(gateway, locale=locale)
        console.listen()
        page = console.open(LIST)
        expect(page.get_by_role("gridcell", name=length, exact=True).first).to_be_visible()
        page.get_by_role("checkbox", name="Select all that match").click()
        expect(page.get_by_text("all that matched")).to_be_visible()
        page.keyboard.press("Delete")
        page.get_by_label(f"Type {count} to confirm").fill(count)
        page.keyboard.press("Enter")
        console.expect_said(f"{count} executions deleted.")
        assert gateway.sql("SELECT count(*) FROM executions") == [(0,)]


# What is said


def test_what_was_found_is_said_and_what_is_new_not_all_the_time(
    open_console: Callable[..., ConsolePage], hebrew: Gateway
) -> None:
    console = open_console(hebrew)
    console.listen()
    page = console.open(LIST)
    console.expect_said("40 executions")
    page.get_by_role("grid").get_by_role("row").nth(3).hover()
    now = 1_800_000_000
    page.clock.set_fixed_time(now)
    hebrew.insert([_row(100, "FINISHED")])
    console.expect_said("1 new")
    hebrew.insert([_row(101, "FINISHED"), _row(102, "FINISHED")])
    expect(page.get_by_role("button", name="3 new")).to_be_visible()
    page.clock.set_fixed_time(now + 10)
    hebrew.insert([_row(103, "FINISHED")])
    console.expect_said("4 new")
    page.get_by_role("link", name="Running").click()
    console.expect_said("8 executions")
    assert console.said() == ["40 executions", "1 new", "4 new", "8 executions"]
