"""What engines and their users write is text to the console, whatever it looks like."""

import json
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Error, expect

from db.source import ExecutionRow
from tests.console.console_page import ConsolePage
from tests.gateway import Gateway

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

HTML = "<img src=x onerror='hit=1'><svg onload='hit=1'><a href=javascript:hit=1>x</a>"
GUIDS = [f"{HTML}\"><script>hit='1'</script>", "javascript:hit=1", "__proto__", "../a?b=c#d%00&e"]
ODD = {"__proto__": {"hit": 1}, "constructor": {"prototype": {"hit": 1}}, "html": HTML}
_FOUND = """() => [
  window.hit, {}.hit, document.querySelectorAll("main img, aside img, script:not([src])").length,
  [...document.links].filter(({ origin }) => origin !== location.origin).length,
]"""


@pytest.fixture
def visiting(open_console: Callable[..., ConsolePage], gateway: Gateway) -> ConsolePage:
    """A visit to a gateway with rows that try to be more than text."""
    gateway.insert(
        ExecutionRow(
            id=1_000_000 + number,
            guid=guid,
            agentflow_id=f"javascript:hit={number}",
            agentflow_name=HTML,
            session_id=HTML,
            state="ERROR",
            created_on=1_800_000_000_000 + number,
            updated_on=1_800_000_000_000 + number,
            error=HTML,
        )
        for number, guid in enumerate(GUIDS)
    )
    data = {"name": HTML, "input": ODD, "output": {"content": HTML}, "error": HTML}
    step = {"nodeId": HTML, "nodeLabel": HTML, "status": HTML, "data": data}
    gateway.sql(
        "INSERT INTO execution_data (execution_id, data)"
        " SELECT id, ? FROM executions WHERE id >= 1000000",
        json.dumps([step]),
    )
    return open_console(gateway)


def test_rows_are_shown_as_they_are_and_run_nothing(visiting: ConsolePage) -> None:
    for guid in GUIDS:
        page = visiting.open(f"/?view=executions&execution={quote(guid, safe='')}")
        drawer = page.get_by_role("complementary", name="Execution")
        expect(drawer.get_by_role("heading", name=HTML)).to_be_visible()
        steps = drawer.get_by_role("region", name="Steps")
        steps.get_by_role("button", name=HTML).click()
        expect(steps.get_by_text("__proto__")).to_be_visible()
        assert page.evaluate(_FOUND) == [None, None, 0, 0]
    # Nor would it, if the page ever took it for more.
    with pytest.raises(Error, match="TrustedHTML"):
        page.evaluate("html => { document.body.innerHTML = html; }", HTML)
    drawer.get_by_role("link", name=HTML).first.click()
    expect(page.locator("[data-guid]")).to_have_count(len(GUIDS))
    assert page.evaluate(_FOUND) == [None, None, 0, 0]
    visiting.complaints = [each for each in visiting.complaints if not re.search("Trusted", each)]
