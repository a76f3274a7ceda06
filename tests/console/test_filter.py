"""The filter of the list: typed, chosen from menus, and what finds nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.console.axe import violations, violations_in_every_scheme
from tests.console.console_page import LIST, PHONE, ConsolePage
from tests.console.filtering import expect_filter, expect_listed, filter_field, list_with, total_of
from tests.gateway import Gateway, running_gateway
from tests.places import Place

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

SLOW_FAILURES = "state:ERROR,TIMEOUT -flow:billing duration>10s"


# Typed


@pytest.mark.parametrize(
    ("text", "filter_"),
    [
        (
            SLOW_FAILURES,
            {
                "state": {"in": ["ERROR", "TIMEOUT"]},
                "durationMs": {"gt": 10_000},
                "not": {"agentflowName": {"contains": "billing"}},
            },
        ),
        ('flow="Billing agent",none', {"agentflowName": {"eq": "Billing agent"}}),
        (
            "state:STOPPED OR duration>1m -flow:billing",
            {
                "or": [{"state": {"eq": "STOPPED"}}, {"durationMs": {"gt": 60_000}}],
                "not": {"agentflowName": {"contains": "billing"}},
            },
        ),
        ("flow::Bill*", {"agentflowName": {"startsWith": "Bill", "caseSensitive": True}}),
        ("flow-id:agentflow-002", {"agentflowId": {"eq": "agentflow-002"}}),
        ("-session:none", {"sessionId": {"isNull": False}}),
        ("error:overloaded", {"error": {"contains": "overloaded"}}),
        ("error:none", {"not": {"error": {"contains": ""}}}),
        ("workspace:none", {"workspaceId": {"isNull": True}}),
        ("research", {"agentflowName": {"contains": "research"}}),
        (
            "finished>=2020 updated>=2020 created>=2020 before:2100",
            {"finishedOn": {"gte": "2020-01-01T00:00:00Z"}},
        ),
    ],
)
def test_a_link_with_a_filter_lists_what_the_api_finds_by_it(
    console_page: ConsolePage, demo_gateway: Gateway, text: str, filter_: dict[str, Any]
) -> None:
    total = total_of(demo_gateway, filter_)
    assert total > 0
    page = console_page.open(list_with(text))
    expect(filter_field(page)).to_have_value(text)
    expect_listed(page, total)


def test_what_is_typed_is_in_the_url_and_is_one_step_that_back_undoes(
    console_page: ConsolePage, demo_gateway: Gateway
) -> None:
    page = console_page.open(list_with("state:STOPPED"))
    steps = page.evaluate("history.length")
    filter_field(page).fill("state:err")
    expect_filter(page, "state:err")
    filter_field(page).fill("state:error")
    expect_filter(page, "state:error")
    expect_listed(page, total_of(demo_gateway, {"state": {"eq": "ERROR"}}))
    page.keyboard.press("Enter")
    expect_filter(page, "state:ERROR")
    assert page.evaluate("history.length") == steps + 1
    page.go_back()
    expect_filter(page, "state:STOPPED")
    page.go_forward()
    expect_filter(page, "state:ERROR")


def test_back_leads_through_what_was_typed_chosen_and_seen(console_page: ConsolePage) -> None:
    page = console_page.open(LIST)
    filter_field(page).fill("research")
    expect_filter(page, "research")
    # It is a step although nobody has pressed Enter.
    page.go_back()
    expect_filter(page, "")
    page.keyboard.press("Escape")
    bar = page.get_by_role("search")
    bar.get_by_role("button", name="State", exact=True).click()
    for state in ("Error", "Timeout", "Stopped"):
        bar.get_by_role("checkbox", name=state).check()
    expect_filter(page, "state:ERROR,TIMEOUT,STOPPED")
    page.keyboard.press("Escape")
    bar.get_by_role("button", name="State").first.click()
    bar.get_by_role("checkbox", name="Error").uncheck()
    expect_filter(page, "state:TIMEOUT,STOPPED")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Running").click()
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    for filter_ in (
        "state:INPROGRESS",
        "state:TIMEOUT,STOPPED",
        "state:ERROR,TIMEOUT,STOPPED",
        "",
    ):
        page.go_back()
        expect_filter(page, filter_)
        expect(page.get_by_role("grid", name="Executions")).to_be_visible()


def test_a_filter_is_typed_with_completions_by_keyboard_alone(console_page: ConsolePage) -> None:
    page = console_page.open(LIST)
    page.keyboard.press("/")
    field = filter_field(page)
    expect(field).to_be_focused()
    page.keyboard.type("sta")
    expect(page.get_by_role("option", name="state:")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(field).to_have_value("state:")
    page.keyboard.type("er")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", name="Error", selected=True)).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.type("flow:bill")
    expect(page.get_by_role("option", name="Billing agent")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect_filter(page, 'state:ERROR flow:"Billing agent"')


def test_escape_closes_the_completions_and_then_leaves_the_field(console_page: ConsolePage) -> None:
    page = console_page.open(LIST)
    page.keyboard.press("/")
    page.keyboard.type("s")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(filter_field(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(filter_field(page)).not_to_be_focused()


def test_nothing_is_asked_for_while_a_filter_is_not_understood(console_page: ConsolePage) -> None:
    page = console_page.open(LIST)
    console_page.asked.clear()
    filter_field(page).fill('stat:ERROR duration>60 flow:"')
    filter_field(page).blur()
    expect_filter(page, 'stat:ERROR duration>60 flow:"')
    expect(page.get_by_role("status").filter(has_text="Did you mean state?")).to_be_visible()
    expect(filter_field(page)).to_have_attribute("aria-invalid", "true")
    console_page.settle()
    assert {name for name, _ in console_page.asked} <= {"AgentflowNames"}


def test_what_is_no_range_is_said_and_left_out_with_a_click(console_page: ConsolePage) -> None:
    page = console_page.open(f"{LIST}&range=soon")
    expect(page.get_by_role("heading", name="This is no range of time.")).to_be_visible()
    assert {name for name, _ in console_page.asked} <= {"Viewer"}
    page.get_by_role("button", name="List all time").click()
    expect(page.locator("[data-guid]").first).to_be_visible()


def test_days_and_times_are_those_of_the_reader_and_links_mean_the_same_elsewhere(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    console = open_console(demo_gateway, timezone_id="Asia/Kolkata")
    page = console.open(LIST)
    filter_field(page).fill("after:2020-11-01 before:2100-11-01T09:30")
    page.keyboard.press("Enter")
    expect_filter(page, "after:2020-11-01 before:2100-11-01T09:30+05:30")
    console.settle()
    [*_, (_, variables)] = [each for each in console.asked if each[0] == "ListStart"]
    assert [each["createdOn"] for each in variables["filter"]["and"]] == [
        {"gte": "2020-10-31T18:30:00.000Z"},
        {"lt": "2100-11-01T04:00:00.000Z"},
    ]


# Chosen


def test_whoever_does_not_type_chooses_from_menus(
    console_page: ConsolePage, demo_gateway: Gateway
) -> None:
    page = console_page.open(LIST)
    bar = page.get_by_role("search")
    bar.get_by_role("button", name="State", exact=True).click()
    bar.get_by_role("checkbox", name="Error").check()
    bar.get_by_role("checkbox", name="Timeout").check()
    expect_filter(page, "state:ERROR,TIMEOUT")
    page.get_by_role("group", name="State", exact=True).get_by_text("is not").click()
    expect_filter(page, "-state:ERROR,TIMEOUT")
    page.keyboard.press("Escape")

    bar.get_by_role("button", name="Agentflow", exact=True).click()
    page.get_by_label("Find an agentflow").fill("billing agent")
    bar.get_by_role("checkbox", name="Billing agent").check()
    page.keyboard.press("Escape")
    bar.get_by_role("button", name="Duration").click()
    page.get_by_role("menuitemcheckbox", name="Longer than 10 seconds").click()
    expect_filter(page, '-state:ERROR,TIMEOUT flow="Billing agent" duration>10s')
    expect_listed(
        page,
        total_of(
            demo_gateway,
            {
                "state": {"notIn": ["ERROR", "TIMEOUT"]},
                "agentflowName": {"eq": "Billing agent"},
                "durationMs": {"gt": 10_000},
            },
        ),
    )
    bar.get_by_role("button", name="Drop the condition on state").click()
    expect_filter(page, 'flow="Billing agent" duration>10s')


def test_the_menu_of_agentflows_has_names_from_a_gateway_with_small_pages(
    open_console: Callable[..., ConsolePage], demo: Place
) -> None:
    with running_gateway(demo, max_page_size=30) as gateway:
        page = open_console(gateway).open(LIST)
        page.get_by_role("search").get_by_role("button", name="Agentflow").click()
        menu = page.get_by_role("group", name="Agentflow", exact=True)
        expect(menu.get_by_role("checkbox", name="Billing agent")).to_be_visible()
        expect(menu.get_by_text("No agentflow has this in its name.")).to_have_count(0)
        page.close()


def test_the_menu_of_agentflows_says_why_it_has_no_names(console_page: ConsolePage) -> None:
    page = console_page.open(LIST)
    error = {"message": "The database is away", "extensions": {"code": "SERVICE_UNAVAILABLE"}}

    def refuse(route: Route) -> None:
        route.fulfill(content_type="application/json", body=json.dumps({"errors": [error]}))

    page.route("**/graphql", refuse)
    page.get_by_role("search").get_by_role("button", name="Agentflow").click()
    menu = page.get_by_role("group", name="Agentflow", exact=True)
    expect(menu.get_by_role("alert")).to_contain_text("The database is away.")
    expect(menu.get_by_text("No agentflow has this in its name.")).to_have_count(0)
    assert violations_in_every_scheme(page) == []
    page.unroute("**/graphql")
    menu.get_by_role("button", name="Try again").click()
    expect(menu.get_by_role("checkbox", name="Billing agent")).to_be_visible()
    expect(menu.get_by_role("alert")).to_have_count(0)


def test_a_menu_leads_into_the_field_where_there_is_something_to_type(
    console_page: ConsolePage,
) -> None:
    page = console_page.open(list_with("state:ERROR"))
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="session").click()
    expect(filter_field(page)).to_be_focused()
    expect(filter_field(page)).to_have_value("state:ERROR session:")


# Nothing to list


def test_where_nothing_matches_what_helps_is_said(
    console_page: ConsolePage, demo_gateway: Gateway
) -> None:
    stopped = total_of(demo_gateway, {"state": {"eq": "STOPPED"}})
    assert stopped > 0
    page = console_page.open(list_with("state:STOPPED duration>1000d"))
    expect(page.get_by_role("heading", name="Nothing matches.")).to_be_visible()
    expect(page.get_by_text("Leave this out, and there is something:")).to_be_visible()
    # Without the state there would still be nothing.
    choices = page.get_by_role("main").get_by_role("listitem")
    expect(choices).to_have_count(1)
    helpful = page.get_by_role("button", name="Leave out duration>1000d")
    expect(helpful).to_contain_text(str(stopped))
    helpful.click()
    expect_filter(page, "state:STOPPED")
    expect_listed(page, stopped)

    filter_field(page).fill("state:STOPPED duration>1000d session:nobody")
    page.keyboard.press("Enter")
    expect(page.get_by_text("To leave out one condition is not enough.")).to_be_visible()
    alone = page.get_by_role("button", name="Keep only state:STOPPED")
    expect(alone).to_contain_text(str(stopped))
    expect(choices).to_have_count(1)
    alone.click()
    expect_filter(page, "state:STOPPED")

    filter_field(page).fill("session:nobody guid:nothing")
    page.keyboard.press("Enter")
    expect(page.get_by_text("None of the conditions finds anything")).to_be_visible()
    expect(choices).to_have_count(0)
    filter_field(page).fill(" ".join(f"session:nobody-{number}" for number in range(9)))
    page.keyboard.press("Enter")
    expect(page.get_by_text("Only the first 8 conditions were tried.")).to_be_visible()


def test_a_range_in_which_nothing_is_can_be_left_out_too(
    console_page: ConsolePage, demo_gateway: Gateway
) -> None:
    page = console_page.open(list_with("state:ERROR", range="2001-01-01..2001-01-02"))
    page.get_by_role("button", name="Leave out Jan 1").click()
    expect_listed(page, total_of(demo_gateway, {"state": {"eq": "ERROR"}}))


def test_an_empty_database_says_how_executions_get_in(
    open_console: Callable[..., ConsolePage], place: Place
) -> None:
    with running_gateway(place) as empty:
        console = open_console(empty, permissions=["clipboard-read", "clipboard-write"])
        page = console.open(LIST)
        expect(page.get_by_role("heading", name="There are no executions yet.")).to_be_visible()
        page.get_by_role("button", name="Copy", exact=True).click()
        expect(page.get_by_text("The example is copied.").first).to_be_visible()
        [*statements, _] = page.evaluate("navigator.clipboard.readText()").split(";\n")
        # What is shown works.
        for statement in statements:
            place.run(statement, [()])
        expect(page.get_by_role("grid", name="Executions")).to_be_visible()
        assert violations(page) == []


# For everybody


def test_axe_finds_nothing_wrong_with_the_filter_and_what_it_opens(
    console_page: ConsolePage,
) -> None:
    page = console_page.open(list_with("state:STOPPED duration>1000d"))
    expect(page.get_by_role("heading", name="Nothing matches.")).to_be_visible()
    assert violations_in_every_scheme(page) == []
    filter_field(page).fill("state:ERROR stat:x ")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", selected=True)).to_be_visible()
    assert violations_in_every_scheme(page, "search") == []
    page.keyboard.press("Escape")
    for menu in ("State", "Agentflow", "Duration"):
        page.get_by_role("button", name=menu).first.click()
        console_page.settle()
        assert violations_in_every_scheme(page, "search") == []
        page.keyboard.press("Escape")


def test_a_phone_is_as_wide_as_its_filter(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    page = open_console(demo_gateway, **PHONE).open(list_with(SLOW_FAILURES))
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="State").first.tap()
    box = page.get_by_role("group", name="State", exact=True).bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
