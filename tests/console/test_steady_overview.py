"""The overview moves nothing that its reader points at, and explains itself to everybody."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console.console_page import ConsolePage
from tests.console.executions import execution
from tests.gateway import running_gateway
from tests.places import Place

pytestmark = pytest.mark.sqlite

BILLING, TRIAGE = re.compile("billing"), re.compile("triage")


def failures(page: Page) -> Locator:
    return page.get_by_role("region", name="Most failures").get_by_role("listitem")


def test_failing_agentflows_keep_their_places_while_the_mouse_is_over_one(
    open_console: Callable[..., ConsolePage], place: Place
) -> None:
    now = int(time.time() * 1000) - 60_000
    flows = ["billing", "billing", "triage"]
    with running_gateway(place) as gateway:
        gateway.insert([execution(at, "ERROR", now, flow) for at, flow in enumerate(flows)])
        page = open_console(gateway).open()
        expect(failures(page)).to_have_text([BILLING, TRIAGE])
        failures(page).last.hover()
        gateway.insert([execution(at, "ERROR", now, "triage") for at in range(10, 16)])
        expect(failures(page).last).to_contain_text("7 failures")
        expect(failures(page)).to_have_text([BILLING, TRIAGE])
        page.mouse.move(1, 1)
        expect(failures(page)).to_have_text([TRIAGE, BILLING])


def test_the_keyboard_finds_what_a_figure_means(console_page: ConsolePage) -> None:
    page = console_page.open()
    page.get_by_role("button", name="Success rate").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("tooltip")).to_have_text(
        "Of the executions that finished or failed: those that finished"
    )
