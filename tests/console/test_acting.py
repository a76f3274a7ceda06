"""Stopping, timing out and deleting executions from the console."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.console.axe import violations_in_every_scheme
from tests.console.console_page import LIST, PHONE, ConsolePage
from tests.console.held_requests import held_request, hold
from tests.gateway import Gateway

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

RUNNING = "/?view=executions&filter=state:INPROGRESS"


def _count(gateway: Gateway, state: str) -> int:
    [[count]] = gateway.sql("SELECT count(*) FROM executions WHERE state = ?", state)
    return int(count)


def _select_first(page: Page, count: int) -> None:
    for _ in range(count):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.get_by_text(f"{count} selected", exact=True).last).to_be_visible()


def _select_all(page: Page) -> None:
    _select_first(page, 1)
    page.get_by_role("button", name="Select all").click()
    expect(page.get_by_text("all that matched")).to_be_visible()


def _dialog(page: Page, name: str) -> Locator:
    return page.get_by_role("dialog", name=name)


# Chosen executions


def test_what_is_chosen_is_stopped_and_put_back_with_the_keyboard_alone(
    visiting: ConsolePage, gateway: Gateway
) -> None:
    running = _count(gateway, "INPROGRESS")
    stopped = _count(gateway, "STOPPED")
    page = visiting.open(RUNNING)
    _select_first(page, 3)
    page.keyboard.press("s")
    dialog = _dialog(page, "Stop 3 executions?")
    expect(dialog.get_by_role("button", name="Stop 3 executions")).to_be_focused()
    assert _count(gateway, "STOPPED") == stopped
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="3 executions stopped.")).to_be_attached()
    assert (_count(gateway, "INPROGRESS"), _count(gateway, "STOPPED")) == (running - 3, stopped + 3)
    page.keyboard.press("z")
    expect(page.get_by_role("status").filter(has_text="in progress again.")).to_be_attached()
    assert (_count(gateway, "INPROGRESS"), _count(gateway, "STOPPED")) == (running, stopped)


def test_what_has_ended_is_not_timed_out(visiting: ConsolePage, gateway: Gateway) -> None:
    [[ended]] = gateway.sql("SELECT count(*) FROM executions WHERE state <> 'INPROGRESS'")
    running, before = _count(gateway, "INPROGRESS"), _count(gateway, "TIMEOUT")
    page = visiting.open(LIST)
    _select_all(page)
    page.keyboard.press("t")
    dialog = _dialog(page, f"Time out {running} executions?")
    expect(dialog.get_by_text("Not in progress, and left as they are:")).to_be_visible()
    expect(dialog.get_by_role("listitem").filter(has_text="Error")).to_contain_text(
        str(_count(gateway, "ERROR"))
    )
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{running} executions timed out.").last).to_be_visible()
    assert _count(gateway, "TIMEOUT") == before + running
    assert _count(gateway, "INPROGRESS") == 0
    assert ended + running == sum(row[0] for row in gateway.sql("SELECT count(*) FROM executions"))


def test_what_changed_before_its_turn_is_told_and_stays(
    visiting: ConsolePage, gateway: Gateway
) -> None:
    page = visiting.open(RUNNING)
    _select_first(page, 3)
    guids = page.locator("[aria-selected=true]").evaluate_all(
        "(rows) => rows.map((row) => row.dataset.guid)"
    )
    page.keyboard.press("s")
    stop = page.get_by_role("button", name="Stop 3 executions")
    expect(stop).to_be_visible()
    gateway.sql("UPDATE executions SET state = 'FINISHED' WHERE guid = ?", guids[0])
    gateway.sql("DELETE FROM executions WHERE guid = ?", guids[1])
    stop.click()
    report = _dialog(page, "1 execution stopped")
    expect(report.get_by_text("1 execution was not stopped: it is in another")).to_be_visible()
    expect(report.get_by_role("link")).to_contain_text("Finished")
    expect(report.get_by_text("1 execution was deleted before")).to_be_visible()
    report.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 execution in progress again.").last).to_be_visible()
    assert gateway.sql("SELECT state FROM executions WHERE guid = ?", guids[0]) == [("FINISHED",)]
    assert gateway.sql("SELECT state FROM executions WHERE guid = ?", guids[2]) == [("INPROGRESS",)]


def test_the_open_execution_is_deleted_from_its_drawer(
    visiting: ConsolePage, gateway: Gateway
) -> None:
    [[guid]] = gateway.sql("SELECT guid FROM executions WHERE state = 'FINISHED' LIMIT 1")
    page = visiting.open(f"/?view=executions&execution={guid}")
    drawer = page.get_by_role("complementary", name="Execution")
    drawer.get_by_role("button", name="Actions").click()
    stop = page.get_by_role("menuitem", name="Stop")
    expect(stop).to_have_attribute("aria-disabled", "true")
    expect(stop).to_contain_text("It is not in progress")
    page.get_by_role("menuitem", name="Delete").click()
    dialog = _dialog(page, "Delete 1 execution?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Delete 1 execution").click()
    expect(drawer.get_by_text("This execution was deleted. What you see")).to_be_visible()
    assert gateway.sql("SELECT 1 FROM executions WHERE guid = ?", guid) == []


def test_keys_that_are_typed_or_go_with_others_do_nothing(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    console = open_console(demo_gateway)
    page = console.open(RUNNING)
    _select_first(page, 1)
    for key in ("s", "t", "Delete"):
        for others in ("Control", "Alt", "Meta", "Shift"):
            page.keyboard.press(f"{others}+{key}")
    page.get_by_role("button", name="Columns").click()
    page.keyboard.press("s")
    page.keyboard.press("Delete")
    page.keyboard.press("Escape")
    field = page.get_by_role("combobox", name="Filter")
    field.focus()
    # This is no filter, so that the list, and what is selected in it, stays.
    page.keyboard.press("Home")
    for key in ("s", "t", "z", "Delete"):
        page.keyboard.press(key)
    expect(field).to_have_value("stztate:INPROGRESS")
    field.blur()
    page.keyboard.press("t")
    # Whatever came first would keep it from coming.
    expect(_dialog(page, "Time out 1 execution?")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(1)


def test_the_bar_has_one_line_beside_an_open_execution(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    console = open_console(demo_gateway, viewport={"width": 1440, "height": 900})
    page = console.open(LIST)
    _select_first(page, 1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Execution")).to_be_visible()
    bar = page.get_by_role("region", name="Selection")
    tops = [
        bar.get_by_role("button", name=name).evaluate("(button) => button.offsetTop")
        for name in ("Select all", "Stop", "Time out", "Delete", "Select nothing")
    ]
    assert len(set(tops)) == 1


# All that match


def test_more_than_a_thousand_are_deleted_once_their_number_is_typed(
    visiting: ConsolePage, gateway: Gateway
) -> None:
    count = _count(gateway, "FINISHED")
    [[others]] = gateway.sql("SELECT count(*) FROM executions WHERE state <> 'FINISHED'")
    visiting.listen()
    page = visiting.open("/?view=executions&filter=state:FINISHED")
    _select_all(page)
    late = "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES (?, 'f', ?, ?)"
    [[now]] = gateway.sql("SELECT max(updated_on) + 86400000 FROM executions")
    gateway.sql(late, "late", "FINISHED", now)
    page.get_by_role("button", name="Delete").click()
    dialog = _dialog(page, f"Delete {count:,} executions?")
    field = dialog.get_by_label(f"Type {count:,} to confirm")
    expect(field).to_be_focused()
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text(f"This is not {count:,}")).to_be_visible()
    assert _count(gateway, "FINISHED") == count + 1
    field.fill(f"{count:,}")
    page.keyboard.press("Enter")
    visiting.expect_said(f"{count:,} executions deleted.")
    assert gateway.sql("SELECT guid FROM executions WHERE state = 'FINISHED'") == [("late",)]
    assert gateway.sql("SELECT count(*) FROM executions") == [(others + 1,)]


def test_what_runs_in_batches_shows_how_far_it_is_and_can_be_ended(
    visiting: ConsolePage, gateway: Gateway
) -> None:
    held: list[Route] = []
    visiting.listen()
    page = visiting.open(LIST)
    hold(page, "DeleteMatching", held)
    _select_all(page)
    page.keyboard.press("Delete")
    _dialog(page, "Delete 2,000 executions?").get_by_role("textbox").fill("2000")
    page.keyboard.press("Enter")
    dialog = _dialog(page, "Deleting 2,000 executions")
    expect(dialog.get_by_role("progressbar", name="0 of 2,000")).to_be_visible()
    page.keyboard.press("Escape")
    dialog.get_by_role("button", name="Stop here").click()
    expect(dialog.get_by_role("button", name="Ending")).to_be_visible()
    held_request(page, held).continue_()
    report = _dialog(page, "1,000 executions deleted")
    expect(report.get_by_text("1,000 executions are left as before: you ended it.")).to_be_visible()
    assert gateway.sql("SELECT count(*) FROM executions") == [(1000,)]
    page.unroute_all()
    report.get_by_role("button", name="Go on with the other 1,000").click()
    visiting.expect_said("2,000 executions deleted.")
    assert gateway.sql("SELECT count(*) FROM executions") == [(0,)]


def test_a_gateway_that_goes_away_in_between_is_told_with_what_is_left(
    visiting: ConsolePage, gateway: Gateway
) -> None:
    held: list[Route] = []
    page = visiting.open(RUNNING)
    hold(page, "UpdateChosen", held)
    _select_first(page, 2)
    page.keyboard.press("s")
    _dialog(page, "Stop 2 executions?").get_by_role("button", name="Stop 2 executions").click()
    expect(_dialog(page, "Stopping 2 executions")).to_be_visible()
    held_request(page, held).abort()
    report = _dialog(page, "0 executions stopped")
    expect(report.get_by_text("The network is down")).to_be_visible()
    page.unroute_all()
    before = _count(gateway, "STOPPED")
    report.get_by_role("button", name="Go on with the other 2").click()
    expect(page.get_by_text("2 executions stopped.").last).to_be_visible()
    assert _count(gateway, "STOPPED") == before + 2


# Keys of the API


def test_a_key_without_the_scope_finds_the_buttons_off_and_why(
    open_console: Callable[..., ConsolePage], gateway: Gateway, new_key: Callable[..., str]
) -> None:
    console = open_console(gateway)
    console.use_key(new_key("read", "update"))
    page = console.open(RUNNING)
    _select_first(page, 1)
    delete = page.get_by_role("button", name="Delete")
    expect(delete).to_have_attribute("aria-disabled", "true")
    expect(delete).to_have_accessible_description("Your key “test” has no scope delete")
    expect(page.get_by_role("button", name="Stop")).not_to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Delete")
    expect(page.get_by_text("has no scope delete.").last).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_nothing_is_done_in_the_workspace_of_others(
    open_console: Callable[..., ConsolePage], gateway: Gateway, new_key: Callable[..., str]
) -> None:
    first, second = [
        guid
        for [guid] in gateway.sql("SELECT guid FROM executions WHERE state = 'INPROGRESS' LIMIT 2")
    ]
    gateway.sql("UPDATE executions SET workspace_id = 'mine' WHERE guid = ?", first)
    gateway.sql("UPDATE executions SET workspace_id = 'mine' WHERE guid = ?", second)
    console = open_console(gateway)
    console.use_key(new_key("read", "update", "delete", workspace="mine"))
    page = console.open(RUNNING)
    _select_first(page, 2)
    # It is given to others once it is chosen.
    gateway.sql("UPDATE executions SET workspace_id = 'theirs' WHERE guid = ?", first)
    page.keyboard.press("s")
    expect(page.get_by_text("1 of the chosen ones is gone.")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 execution stopped.").last).to_be_visible()
    page = console.open(f"/?view=executions&execution={first}")
    expect(page.get_by_text("There is no such execution.")).to_be_visible()
    page.keyboard.press("s")
    expect(_dialog(page, "Nothing to stop").get_by_text("your key does not see")).to_be_visible()
    assert gateway.sql("SELECT state FROM executions WHERE guid = ?", first) == [("INPROGRESS",)]


# For everybody


def test_the_focus_returns_to_the_row_it_was_at(visiting: ConsolePage) -> None:
    page = visiting.open(RUNNING)
    _select_first(page, 1)
    row = page.locator("[data-guid]:focus")
    expect(row).to_have_count(1)
    guid = row.get_attribute("data-guid")
    page.keyboard.press("Delete")
    expect(_dialog(page, "Delete 1 execution?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(f'[data-guid="{guid}"]')).to_be_focused()


@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_wrong_with_the_bar_and_its_dialog(
    open_console: Callable[..., ConsolePage],
    demo_gateway: Gateway,
    options: dict[str, Any],
) -> None:
    page = open_console(demo_gateway, **options).open(LIST)
    _select_all(page)
    assert violations_in_every_scheme(page, "section[aria-label=Selection]") == []
    page.keyboard.press("Delete")
    expect(_dialog(page, "Delete 2,000 executions?")).to_be_visible()
    assert violations_in_every_scheme(page, "dialog") == []
