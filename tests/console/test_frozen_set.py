"""What is acted on is what the dry run found, whatever comes or changes until it is confirmed.

The database decides what is later than what; the clocks of browsers and engines may be wrong.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.console.console_page import ConsolePage
from tests.gateway import Gateway

_HOUR = 3_600_000
_COUNT = "SELECT count(*) FROM executions WHERE state = ?"
_INSERT = (
    "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
    " VALUES (?, 'flow', ?, ?, ?)"
)


@pytest.mark.parametrize("wrong_by", [-_HOUR, _HOUR], ids=["slow", "fast"])
def test_all_that_match_are_the_same_whatever_the_time_is_in_the_browser(
    open_console: Callable[..., ConsolePage], gateway: Gateway, wrong_by: int
) -> None:
    [[count]] = gateway.sql(_COUNT, "ERROR")
    # A change of just now, by the clock of the database.
    gateway.sql("UPDATE executions SET session_id = 'new' WHERE state = 'ERROR' AND id % 2 = 0")
    [[now]] = gateway.sql("SELECT max(updated_on) FROM executions WHERE session_id = 'new'")
    console = open_console(gateway)
    console.page.clock.set_system_time(now + wrong_by)
    page = console.open("/?view=executions&filter=state:ERROR")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.get_by_role("button", name="Select all").click()
    expect(page.get_by_text(f"{count} selected", exact=True).last).to_be_visible()
    expect(page.locator("[data-guid][aria-selected=false]")).to_have_count(0)
    page.keyboard.press("Delete")
    confirm = page.get_by_role("button", name=f"Delete {count} executions")
    expect(confirm).to_be_visible()

    changed, restarted, gone = [
        guid for [guid] in gateway.sql("SELECT guid FROM executions WHERE state = 'ERROR' LIMIT 3")
    ]
    # Engines tell when an execution was created, and may be late, or wrong.
    gateway.sql(_INSERT, "from the past", None, "ERROR", now - 24 * _HOUR)
    gateway.sql(_INSERT, "from the future", None, "ERROR", now + 24 * _HOUR)
    gateway.sql("UPDATE executions SET session_id = 'newer' WHERE guid = ?", changed)
    gateway.sql("UPDATE executions SET state = 'INPROGRESS' WHERE guid = ?", restarted)
    gateway.sql("DELETE FROM executions WHERE guid = ?", gone)
    confirm.click()

    report = page.get_by_role("dialog", name=f"{count - 3} executions deleted")
    expect(report.get_by_text("2 executions were not deleted: they have changed")).to_be_visible()
    expect(report.get_by_text("1 execution was deleted before")).to_be_visible()
    assert gateway.sql("SELECT state FROM executions WHERE guid = ?", restarted) == [
        ("INPROGRESS",)
    ]
    left = {guid for [guid] in gateway.sql("SELECT guid FROM executions WHERE state = 'ERROR'")}
    assert left == {changed, "from the past", "from the future"}
