"""Acting on more executions than fit into one request, which can end in between and go on."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.console.axe import violations_in_every_scheme
from tests.console.conftest import DEMO_EXECUTIONS
from tests.console.console_page import LIST, ConsolePage
from tests.console.held_requests import held_request, hold
from tests.gateway import running_gateway
from tests.places import Place

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

RUNNING = "/?view=executions&filter=state:INPROGRESS"


def _confirm(page: Page, key: str, count: int) -> None:
    """Begin an action on all that are listed, and type their number."""
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.get_by_role("button", name="Select all").click()
    expect(page.get_by_text(f"{count:,} selected", exact=True).last).to_be_visible()
    page.keyboard.press(key)
    page.get_by_label(f"Type {count:,} to confirm").fill(str(count))
    page.keyboard.press("Enter")


def test_more_than_ten_thousand_are_stopped_with_breaks_and_all_of_them_are_put_back(
    open_console: Callable[..., ConsolePage], copy_of_demo: Place
) -> None:
    copy_of_demo.run(
        "INSERT INTO executions (guid, agentflow_id, state, created_on)"
        " VALUES (?, 'agentflow-001', 'INPROGRESS', 1700000000000)",
        [(f"run-{number}",) for number in range(10_000)],
    )
    [(count,)] = copy_of_demo.run(
        "SELECT count(*) FROM executions WHERE state = 'INPROGRESS'", [()]
    )
    assert count > 10_000
    with running_gateway(copy_of_demo, max_ids=1_000) as gateway:
        console = open_console(gateway)
        console.listen()
        page = console.open(RUNNING)
        held: list[Route] = []
        hold(page, "UpdateChosen", held)
        _confirm(page, "s", count)
        dialog = page.get_by_role("dialog")
        expect(page.get_by_role("progressbar", name=f"0 of {count:,}")).to_be_visible()
        held_request(page, held).continue_()
        expect(page.get_by_role("progressbar", name=f"1,000 of {count:,}")).to_be_visible()
        dialog.get_by_role("button", name="Stop here").click()
        held_request(page, held).continue_()
        left = f"{count - 2_000:,}"
        expect(dialog.get_by_text(f"{left} executions are left as before")).to_be_visible()

        dialog.get_by_role("button", name=f"Go on with the other {left}").click()
        expect(page.get_by_role("progressbar", name=f"2,000 of {count:,}")).to_be_visible()
        # It is done, but its answer does not arrive.
        lost = held_request(page, held)
        lost.fetch()
        lost.abort()
        expect(dialog.get_by_text("The network is down")).to_be_visible()
        page.unroute_all()
        dialog.get_by_role("button", name=f"Go on with the other {left}").click()
        console.expect_said(f"{count:,} executions stopped.")
        assert gateway.sql("SELECT 1 FROM executions WHERE state = 'INPROGRESS'") == []

        page.keyboard.press("z")
        console.expect_said(f"{count:,} executions in progress again.")
        assert gateway.sql("SELECT count(*) FROM executions WHERE state = 'INPROGRESS'") == [
            (count,)
        ]


def test_a_gateway_that_takes_few_guids_is_given_few(
    open_console: Callable[..., ConsolePage], copy_of_demo: Place
) -> None:
    [(count,)] = copy_of_demo.run("SELECT count(*) FROM executions", [()])
    with running_gateway(copy_of_demo, max_ids=100, max_page_size=20) as gateway:
        console = open_console(gateway)
        console.listen()
        page = console.open(LIST)
        _confirm(page, "Delete", count)
        console.expect_said(f"{count:,} executions deleted.")
        assert gateway.sql("SELECT count(*) FROM executions") == [(0,)]


def test_axe_finds_nothing_wrong_with_how_far_it_is_and_what_was_not_done(
    visiting: ConsolePage,
) -> None:
    held: list[Route] = []
    page = visiting.open(LIST)
    hold(page, "DeleteMatching", held)
    _confirm(page, "Delete", DEMO_EXECUTIONS)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("progressbar")).to_be_visible()
    assert violations_in_every_scheme(page, "dialog") == []
    dialog.get_by_role("button", name="Stop here").click()
    held_request(page, held).continue_()
    expect(dialog.get_by_text("executions are left as before")).to_be_visible()
    assert violations_in_every_scheme(page, "dialog") == []
