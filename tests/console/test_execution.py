"""One execution, beside the view that it was opened from."""

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.console.axe import violations_in_every_scheme
from tests.console.console_page import PHONE, ConsolePage
from tests.console.held_requests import held_request, hold
from tests.gateway import Gateway

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

FAILURE = "429 Too many requests"
_TOPS = """() => Object.fromEntries([...document.querySelectorAll("aside :is(dt, h3)")]
  .map((element) => [element.textContent, Math.round(element.getBoundingClientRect().top)]))"""
# All of them before anything else can happen on the page.
_PRESS_J_FIVE_TIMES = """() => {
  for (let time = 0; time < 5; time += 1) dispatchEvent(new KeyboardEvent("keydown", { key: "j" }));
}"""


def _step(node: str, label: str, start: int, end: int, **more: Any) -> dict[str, Any]:
    output = {"content": f"{label} is done", "timeMetadata": {"start": start, "end": end}}
    data = {"id": node, "name": "llmAgentflow", "input": {"question": "Why?"}, "output": output}
    error = {"error": FAILURE} if more.get("status") == "ERROR" else {}
    return {"nodeId": node, "nodeLabel": label, "status": "FINISHED", "data": data | error} | more


def _leave_data(gateway: Gateway, guid: str, data: str) -> None:
    gateway.sql(
        "DELETE FROM execution_data WHERE execution_id IN"
        " (SELECT id FROM executions WHERE guid = ?)",
        guid,
    )
    gateway.sql(
        "INSERT INTO execution_data (execution_id, data)"
        " SELECT id, ? FROM executions WHERE guid = ?",
        data,
        guid,
    )


@pytest.fixture
def failed(gateway: Gateway) -> str:
    """The guid of an execution that failed, with three steps."""
    [[guid, created_on]] = gateway.sql(
        "SELECT guid, created_on FROM executions WHERE state = 'ERROR' ORDER BY id DESC LIMIT 1"
    )
    steps = [
        _step("second", "Draft", created_on + 300, created_on + 900, status="ERROR"),
        _step("first", "Search", created_on, created_on + 300),
        _step("odd", "Elsewhere", created_on + 900, created_on + 950, status="SKIPPED"),
    ]
    _leave_data(gateway, guid, json.dumps(steps))
    gateway.sql("UPDATE executions SET error = ? WHERE guid = ?", FAILURE, guid)
    return str(guid)


def _drawer(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Execution")


def _steps(page: Page) -> Locator:
    return _drawer(page).get_by_role("region", name="Steps").get_by_role("listitem")


# What is shown


def test_a_link_opens_an_execution_with_its_error_and_its_steps(
    visiting: ConsolePage, failed: str
) -> None:
    page = visiting.open(f"/?execution={failed}")
    drawer = _drawer(page)
    expect(drawer.get_by_text("Error", exact=True).first).to_be_visible()
    expect(drawer.get_by_text(FAILURE)).to_be_visible()
    expect(_steps(page)).to_have_text(
        ["FinishedSearch300ms", "ErrorDraft600ms", "SKIPPEDElsewhere50ms"]
    )
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()


def test_inputs_and_outputs_are_loaded_when_a_step_is_opened(
    visiting: ConsolePage, failed: str
) -> None:
    page = visiting.open(f"/?execution={failed}")
    assert "StepContents" not in [name for name, _ in visiting.asked]
    _drawer(page).get_by_role("button", name="Draft").click()
    expect(_drawer(page).get_by_role("group", name="Input")).to_contain_text("“Why?”")
    expect(_drawer(page).get_by_role("group", name="Output")).to_contain_text("Draft is done")
    assert "ExecutionData" not in [name for name, _ in visiting.asked]
    _drawer(page).get_by_role("button", name="Data as the engine wrote it").click()
    expect(_drawer(page).get_by_role("group", name="Data")).to_contain_text("nodeLabel")


def test_what_can_t_be_read_is_said_in_words(visiting: ConsolePage, gateway: Gateway) -> None:
    [[guid]] = gateway.sql("SELECT guid FROM executions LIMIT 1")
    _leave_data(gateway, guid, '{"not": "a list"}')
    page = visiting.open(f"/?execution={guid}")
    expect(_drawer(page).get_by_text("Its steps can't be shown: it is no list.")).to_be_visible()
    _drawer(page).get_by_role("button", name="Data as the engine wrote it").click()
    expect(_drawer(page).get_by_role("group", name="Data")).to_contain_text("“a list”")


def test_data_of_any_size_puts_few_elements_on_the_page(
    visiting: ConsolePage, gateway: Gateway
) -> None:
    [[guid]] = gateway.sql("SELECT guid FROM executions LIMIT 1")
    output = {"items": [{"a": number} for number in range(5_000)], "long": "x" * 100_000}
    _leave_data(gateway, guid, json.dumps([_step("a", "Big", 0, 1) | {"data": {"output": output}}]))
    page = visiting.open(f"/?execution={guid}")
    _drawer(page).get_by_role("button", name="Big").click()
    shown = _drawer(page).get_by_role("group", name="Output")
    shown.get_by_role("button", name="items:").click()
    before = visiting.elements()
    expect(shown.get_by_role("button", name="50 more of 5,000")).to_be_visible()
    assert len(shown.inner_text()) < 10_000
    assert before < 1_500


def test_texts_of_steps_are_cut_however_long_they_are(
    visiting: ConsolePage, gateway: Gateway
) -> None:
    [[guid]] = gateway.sql("SELECT guid FROM executions LIMIT 1")
    long = "W" * 500_000
    data = {"name": long, "error": long, "output": {long: long}}
    step = {"nodeId": "a", "nodeLabel": long, "status": long, "data": data}
    _leave_data(gateway, guid, json.dumps([step]))
    page = visiting.open(f"/?execution={guid}")
    button = _steps(page).get_by_role("button", expanded=False)
    expect(button).to_contain_text("W" * 200 + "…" + "W" * 200 + "…")
    button.click()
    inside = _steps(page).get_by_role("paragraph")
    expect(inside.nth(0)).to_have_text("W" * 200 + "…")
    expect(inside.nth(1)).to_have_text("W" * 1_000 + "… 3,000 more characters")
    inside.nth(1).get_by_role("button").click()
    expect(inside.nth(1)).to_have_text("W" * 4_000 + "… 12,000 more characters")
    expect(_steps(page).get_by_role("group", name="Output")).to_contain_text("W" * 200 + "…: “W")
    assert len(_drawer(page).text_content() or "") < 10_000
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_data_of_any_kind_is_shown_as_text(visiting: ConsolePage, gateway: Gateway) -> None:
    [[guid]] = gateway.sql("SELECT guid FROM executions LIMIT 1")
    hostile = "<img src=x onerror=document.body.remove()>"
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    output = {hostile: hostile, "__proto__": deep, "": None, "id": 1234567890123456789}
    steps: list[Any] = [
        {"nodeId": "a", "nodeLabel": hostile + "W" * 3_000, "data": {"output": output}},
        {"nodeId": "self", "nodeLabel": "Self", "data": {"parentNodeId": "self"}},
        {"nodeId": 5, "nodeLabel": {"a": 1}, "status": ["x"], "data": "text"},
        None,
    ]
    _leave_data(gateway, guid, json.dumps(steps))
    page = visiting.open(f"/?execution={guid}")
    _drawer(page).get_by_role("button", name=hostile).click()
    shown = _drawer(page).get_by_role("group", name="Output")
    expect(shown).to_contain_text(f'"{hostile}": “{hostile}”')
    expect(shown).to_contain_text('"": null')
    expect(shown).to_contain_text("id: ≈ 1234567890123456800")
    for _ in range(20):
        shown.get_by_role("button", name="0:").last.click()
    expect(_drawer(page).get_by_text("Self", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_copy_of_large_numbers_says_that_they_may_be_rounded(
    visiting: ConsolePage, gateway: Gateway
) -> None:
    [[guid]] = gateway.sql("SELECT guid FROM executions LIMIT 1")
    _leave_data(gateway, guid, '{"a": 1234567890123456789}')
    page = visiting.open(f"/?execution={guid}")
    _drawer(page).get_by_role("button", name="Data as the engine wrote it").click()
    _drawer(page).get_by_role("button", name="Copy data").click()
    said = "The data, in which large numbers may be rounded, is copied."
    expect(page.get_by_text(said).first).to_be_visible()


def test_its_session_and_its_agentflow_lead_to_others(
    visiting: ConsolePage, gateway: Gateway
) -> None:
    [[session]] = gateway.sql(
        "SELECT session_id FROM executions GROUP BY session_id HAVING count(*) = 4 LIMIT 1"
    )
    first, *others = [
        guid
        for [guid] in gateway.sql(
            "SELECT guid FROM executions WHERE session_id = ? ORDER BY created_on DESC", session
        )
    ]
    page = visiting.open(f"/?execution={first}")
    links = _drawer(page).get_by_role("region", name="Others of its session").get_by_role("link")
    expect(links).to_have_count(3)
    links.first.click()
    expect(page.get_by_text(others[0])).to_be_visible()
    flow = _drawer(page).get_by_role("region", name="Before and after")
    expect(flow.locator("[aria-current=true]")).to_have_count(1)
    flow.get_by_role("link", name="All of this agentflow").click()
    expect(page.get_by_role("heading", name="Executions", level=1)).to_be_visible()
    assert "filter=flow-id:" in page.url


def test_nothing_moves_when_what_the_list_does_not_know_is_there(
    visiting: ConsolePage, failed: str
) -> None:
    page = visiting.open(f"/?view=executions&filter=guid:{failed}")
    held: list[Route] = []
    hold(page, "OpenedExecution", held)
    page.locator(f"[data-guid='{failed}']").click()
    request = held_request(page, held)
    before = page.evaluate(_TOPS)
    request.continue_()
    expect(_drawer(page).get_by_text(FAILURE)).to_be_visible()
    expect(_steps(page)).to_have_count(3)
    names = ["Created", "Error", "Details", "Id in REST", "Steps"]
    after = page.evaluate(_TOPS)
    assert [before[name] for name in names] == [after[name] for name in names]


# Changes


def test_steps_come_as_an_engine_leaves_them(
    visiting: ConsolePage, gateway: Gateway, failed: str
) -> None:
    page = visiting.open(f"/?execution={failed}")
    expect(_steps(page)).to_have_count(3)
    _leave_data(gateway, failed, json.dumps([_step("only", "Again", 0, 1)]))
    gateway.sql("UPDATE executions SET updated_on = updated_on + 1 WHERE guid = ?", failed)
    expect(_steps(page)).to_contain_text(["Again"])


def test_a_change_by_another_program_is_seen_as_it_happens(
    visiting: ConsolePage, gateway: Gateway
) -> None:
    [[guid]] = gateway.sql("SELECT guid FROM executions WHERE state = 'INPROGRESS' LIMIT 1")
    page = visiting.open(f"/?execution={guid}")
    expect(_drawer(page).get_by_text("In progress").first).to_be_visible()
    gateway.sql("UPDATE executions SET state = 'TIMEOUT' WHERE guid = ?", guid)
    expect(_drawer(page).get_by_text("Timeout").first).to_be_visible()
    gateway.sql("DELETE FROM executions WHERE guid = ?", guid)
    expect(_drawer(page).get_by_text("This execution was deleted. What you see")).to_be_visible()
    expect(_drawer(page).get_by_role("button", name="Actions")).to_have_count(0)


def test_an_execution_that_is_not_there_is_said_to_be_missing(visiting: ConsolePage) -> None:
    page = visiting.open("/?view=executions&execution=nowhere")
    expect(_drawer(page).get_by_text("There is no such execution.")).to_be_visible()
    _drawer(page).get_by_role("button", name="Close").last.click()
    expect(_drawer(page)).to_have_count(0)
    assert page.url.endswith("/?view=executions")


# Finding one's way


def test_keys_lead_through_the_list_and_back_to_it(visiting: ConsolePage, gateway: Gateway) -> None:
    newest = gateway.sql("SELECT guid FROM executions ORDER BY created_on DESC, id DESC LIMIT 3")
    page = visiting.open("/?view=executions")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    title = _drawer(page).get_by_role("heading", level=2)
    expect(title).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(_drawer(page).get_by_text(newest[2][0])).to_be_visible()
    page.keyboard.press("k")
    expect(_drawer(page).get_by_text(newest[1][0])).to_be_visible()
    assert f"execution={newest[1][0]}" in page.url
    page.keyboard.press("Escape")
    expect(_drawer(page)).to_have_count(0)
    expect(page.locator("[data-guid]:focus")).to_have_count(1)


def test_what_keys_only_lead_past_is_not_asked_for(visiting: ConsolePage, gateway: Gateway) -> None:
    newest = gateway.sql("SELECT guid FROM executions ORDER BY created_on DESC, id DESC LIMIT 6")
    page = visiting.open(f"/?view=executions&execution={newest[0][0]}")
    visiting.asked.clear()
    page.evaluate(_PRESS_J_FIVE_TIMES)
    expect(_drawer(page).get_by_text(newest[5][0])).to_be_visible()
    visiting.settle()
    asked = [name for name, _ in visiting.asked]
    names = ["OpenedExecution", "ExecutionSteps", "RelatedExecutions"]
    assert [asked.count(name) for name in names] == [1, 1, 1]


def test_what_was_loaded_of_it_is_gone_once_it_is_closed(
    visiting: ConsolePage, failed: str
) -> None:
    page = visiting.open(f"/?view=executions&filter=guid:{failed}&execution={failed}")
    expect(_steps(page)).to_have_count(3)
    page.keyboard.press("Escape")
    expect(_drawer(page)).to_have_count(0)
    held: list[Route] = []
    hold(page, "ExecutionSteps", held)
    page.locator(f"[data-guid='{failed}']").click()
    request = held_request(page, held)
    expect(_steps(page)).to_have_count(0)
    request.continue_()
    expect(_steps(page)).to_have_count(3)


def test_from_outside_of_the_list_keys_lead_into_it(
    visiting: ConsolePage, gateway: Gateway, failed: str
) -> None:
    [[finished]] = gateway.sql(
        "SELECT guid FROM executions WHERE state = 'FINISHED' ORDER BY created_on DESC LIMIT 1"
    )
    page = visiting.open(f"/?view=executions&filter=state:FINISHED&execution={failed}")
    expect(_drawer(page).get_by_text(failed)).to_be_visible()
    page.keyboard.press("j")
    expect(_drawer(page).get_by_text(finished)).to_be_visible()
    before = _drawer(page).get_by_role("button", name="Previous execution")
    expect(before).to_have_accessible_description(
        "Previous execution: there is none before it in the list"
    )
    page = visiting.open(f"/?execution={failed}")
    after = _drawer(page).get_by_role("button", name="Next execution")
    expect(after).to_have_accessible_description("Next execution: it is not in the list")


def test_a_phone_shows_it_on_the_whole_page(
    open_console: Callable[..., ConsolePage], gateway: Gateway, failed: str
) -> None:
    page = open_console(gateway, **PHONE).open(f"/?view=executions&execution={failed}")
    box = _drawer(page).bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 780}
    expect(page.get_by_role("main")).to_have_js_property("inert", True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    _drawer(page).get_by_role("button", name="Close").tap()
    expect(page.get_by_role("main")).to_have_js_property("inert", False)


def test_it_is_copied_as_a_link_as_curl_and_as_graphql(
    open_console: Callable[..., ConsolePage],
    gateway: Gateway,
    new_key: Callable[..., str],
    failed: str,
) -> None:
    guid = """it's "a" `b` $(c) !* \\ {d} [e] %20/../?&#\n ü"""
    gateway.sql("UPDATE executions SET guid = ? WHERE guid = ?", guid, failed)
    key = new_key("read")
    console = open_console(gateway, permissions=["clipboard-read", "clipboard-write"])
    console.use_key(key)
    page = console.open(f"/?view=executions&execution={quote(guid, safe='')}")

    def copied(item: str) -> str:
        page.evaluate("navigator.clipboard.writeText('')")
        _drawer(page).get_by_role("button", name="Copy", exact=True).click()
        page.get_by_role("menuitem", name=item).click()
        page.wait_for_function("navigator.clipboard.readText().then((text) => text !== '')")
        text: str = page.evaluate("navigator.clipboard.readText()")
        return text

    assert parse_qs(urlsplit(copied("Copy link")).query)["execution"] == [guid]
    curl = copied("Copy as curl")
    assert key not in curl
    environment = {**os.environ, "EXECUTIONS_GATEWAY_KEY": key}
    ran = subprocess.run(["sh", "-c", curl], env=environment, stdout=subprocess.PIPE, check=True)
    found = json.loads(ran.stdout)
    assert (found["guid"], len(found["data"])) == (guid, 3)
    bearer = {"Authorization": f"Bearer {key}"}
    answer = gateway.http.post(
        "/graphql", json={"query": copied("Copy as GraphQL")}, headers=bearer
    ).json()
    assert answer["data"]["execution"]["guid"] == guid


# For everybody


@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_wrong_with_it(
    open_console: Callable[..., ConsolePage],
    gateway: Gateway,
    failed: str,
    options: dict[str, Any],
) -> None:
    page = open_console(gateway, **options).open(f"/?view=executions&execution={failed}")
    _drawer(page).get_by_role("button", name="Draft").click()
    expect(_drawer(page).get_by_role("group", name="Output")).to_be_visible()
    assert violations_in_every_scheme(page) == []
