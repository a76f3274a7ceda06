"""Exports of what is listed: to a file of the reader's, or a download, whole or not at all."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Download, Locator, Page, Route, expect

from tests.console.axe import violations
from tests.console.console_page import LIST, ConsolePage
from tests.gateway import Gateway, running_gateway
from tests.places import Place
from tests.server.cli.program import run

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

# As a browser without files of the reader's has it.
_NO_PICKER = "delete window.showSaveFilePicker"
# A file of the page's own stands for the one that a reader would choose.
_PICKER = """
  window.showSaveFilePicker = async ({ suggestedName }) => {
    window.suggested = suggestedName;
    const folder = await navigator.storage.getDirectory();
    return folder.getFileHandle("chosen", { create: true });
  };
"""
_CHOSEN = """async () => {
  const folder = await navigator.storage.getDirectory();
  return (await (await folder.getFileHandle("chosen")).getFile()).text();
}"""
_ODD_TEXTS = ('say "hi", all', "two\r\nlines", "=1+1", "'=1", "-", "\t", "Ä 日本 😀", "'", "")
_READ = (
    "SELECT executions.id, guid, agentflow_id, name, session_id, state, created_on, updated_on,"
    " finished_on, workspace_id FROM executions"
    " JOIN agentflows ON agentflows.id = agentflow_id ORDER BY executions.id"
)
_FORBIDDEN = {"errors": [{"message": "Not now", "extensions": {"code": "FORBIDDEN"}}]}


def _open_export(page: Page) -> Locator:
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def _download(page: Page, file_format: str = "CSV") -> Download:
    """Export what is listed, and return the download."""
    dialog = _open_export(page)
    dialog.get_by_text(file_format, exact=True).click()
    with page.expect_download() as downloading:
        dialog.get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_role("dialog", name="Exported")).to_be_visible()
    return downloading.value


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _guids(gateway: Gateway, **asked: Any) -> list[str]:
    query = """query ($filter: ExecutionFilter, $orderBy: [ExecutionOrder!]) {
      executions(filter: $filter, orderBy: $orderBy, first: 1000) { nodes { guid } } }"""
    nodes = gateway.graphql(query, **asked)["executions"]["nodes"]
    return [each["guid"] for each in nodes]


@pytest.fixture
def downloading(console_page: ConsolePage) -> ConsolePage:
    """A visit whose browser has no files of the reader's."""
    console_page.page.add_init_script(_NO_PICKER)
    return console_page


def test_what_is_filtered_is_exported_in_its_order(
    downloading: ConsolePage, demo_gateway: Gateway
) -> None:
    page = downloading.open(f"{LIST}&filter=state:ERROR&order=-duration")
    download = _download(page, "JSON Lines")
    assert download.suggested_filename.endswith(".jsonl")
    lines = _lines(download.path())
    asked = {
        "filter": {"state": {"eq": "ERROR"}},
        "orderBy": [{"field": "DURATION", "direction": "DESC"}],
    }
    assert [line["guid"] for line in lines] == _guids(demo_gateway, **asked)
    assert {line["state"] for line in lines} == {"ERROR"}


@pytest.mark.parametrize("file_format", ["CSV", "JSON Lines"])
def test_what_is_exported_is_imported_as_it_was(
    open_console: Callable[..., ConsolePage],
    place: Place,
    new_place: Callable[[], Place],
    tmp_path: Path,
    file_format: str,
) -> None:
    place.run(
        "INSERT INTO agentflows (id, name) VALUES (?, ?)",
        [(f"flow-{number}", text) for number, text in enumerate(_ODD_TEXTS)],
    )
    place.run(
        "INSERT INTO executions (guid, agentflow_id, session_id, workspace_id, state, created_on)"
        " VALUES (?, ?, ?, ?, 'FINISHED', ?)",
        [
            (f"{text} guid", f"flow-{number}", text, text or None, 86_400_000 * number)
            for number, text in enumerate(_ODD_TEXTS)
        ],
    )
    with running_gateway(place) as gateway:
        console = open_console(gateway)
        console.page.add_init_script(_NO_PICKER)
        _download(console.open(LIST), file_format).save_as(tmp_path / "exported")
    elsewhere = new_place()
    ran = run("import", str(tmp_path / "exported"), "--database", elsewhere.url)
    assert ran.returncode == 0, ran.stderr
    assert elsewhere.run(_READ, [()]) == place.run(_READ, [()])


def test_no_spreadsheet_runs_what_is_in_a_file(
    open_console: Callable[..., ConsolePage], gateway: Gateway, copy_of_demo: Place
) -> None:
    name = '=HYPERLINK("http://x", "y")'
    copy_of_demo.run("UPDATE agentflows SET name = ? WHERE id = 'agentflow-001'", [(name,)])
    console = open_console(gateway)
    console.page.add_init_script(_NO_PICKER)
    page = console.open(f"{LIST}&filter=flow-id:agentflow-001")
    with _download(page).path().open(newline="", encoding="utf-8") as file:
        names = {row["agentflow_name"] for row in csv.DictReader(file)}
    assert names == {f"'{name}"}


def test_the_reader_chooses_where_the_file_is_and_it_is_written_while_it_comes(
    open_console: Callable[..., ConsolePage], many_gateway: Gateway
) -> None:
    console = open_console(many_gateway)
    console.page.add_init_script(_PICKER)
    page = console.open(f"{LIST}&filter=state:ERROR")
    dialog = _open_export(page)
    assert violations(page) == []
    dialog.get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("dialog", name="Exported")).to_be_visible()
    [total] = many_gateway.place.run("SELECT count(*) FROM executions WHERE state = 'ERROR'", [()])
    written = page.evaluate(_CHOSEN).split("\r\n")
    assert written[0].startswith("id,guid,")
    assert len(written) == total[0] + 2
    assert page.evaluate("suggested").endswith(".csv")
    pages = [each for each in console.asked if each[0] == "ExportPage"]
    assert len(pages) == -(-total[0] // 1000)


def test_none_is_missed_or_written_twice_while_executions_change_their_places(
    open_console: Callable[..., ConsolePage], gateway: Gateway
) -> None:
    guids = {guid for [guid] in gateway.sql("SELECT guid FROM executions")}
    console = open_console(gateway)
    console.page.add_init_script(_NO_PICKER)
    page = console.open(f"{LIST}&order=-updated")

    def change(route: Route) -> None:
        if (route.request.post_data_json or {}).get("variables", {}).get("after"):
            gateway.sql("UPDATE executions SET session_id = 'x' WHERE id % 7 = 0")
        route.continue_()

    dialog = _open_export(page)
    expect(dialog.get_by_text("newest first: what changes while it is written")).to_be_visible()
    page.route("**/graphql", change)
    page.keyboard.press("Escape")
    lines = _lines(_download(page, "JSON Lines").path())
    assert "x" in {line["session_id"] for line in lines}
    assert sorted(line["guid"] for line in lines) == sorted(guids)
    created = [line["created_on"] for line in lines]
    assert created == sorted(created, reverse=True)


def test_an_export_that_is_cancelled_leaves_nothing_and_asks_no_more(
    open_console: Callable[..., ConsolePage], many_gateway: Gateway
) -> None:
    console = open_console(many_gateway)
    console.page.add_init_script(_PICKER)
    page = console.open(LIST)
    _open_export(page).get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_text("of 100,000 executions")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    assert len([each for each in console.asked if each[0] == "ExportPage"]) < 100
    assert page.evaluate(_CHOSEN) == ""


def test_after_a_failure_the_export_says_why_and_goes_on_where_it_was(
    open_console: Callable[..., ConsolePage], demo_gateway: Gateway
) -> None:
    console = open_console(demo_gateway)
    console.page.add_init_script(_PICKER)
    page = console.open(LIST)
    is_down = True

    def refuse(route: Route) -> None:
        variables = (route.request.post_data_json or {}).get("variables", {})
        if is_down and variables.get("after"):
            route.fulfill(status=200, content_type="application/json", body=json.dumps(_FORBIDDEN))
        else:
            route.continue_()

    page.route("**/graphql", refuse)
    _open_export(page).get_by_role("button", name="Export", exact=True).click()
    stopped = page.get_by_role("dialog", name="The export has stopped")
    expect(stopped.get_by_role("alert")).to_contain_text("Your key may not do this.")
    expect(stopped.get_by_text("1,000 of 2,000 executions")).to_be_visible()
    assert violations(page) == []
    is_down = False
    stopped.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("dialog", name="Exported")).to_contain_text("2,000")
    guids = [line.split(",")[1] for line in page.evaluate(_CHOSEN).splitlines()[1:]]
    assert len(guids) == len(set(guids)) == 2_000


def test_a_gateway_with_small_pages_is_exported_in_smaller_ones(
    open_console: Callable[..., ConsolePage], copy_of_demo: Place
) -> None:
    with running_gateway(copy_of_demo, max_page_size=20) as gateway:
        console = open_console(gateway)
        console.page.add_init_script(_NO_PICKER)
        download = _download(console.open(f"{LIST}&filter=-state:FINISHED"), "JSON Lines")
        filter_ = {"state": {"notIn": ["FINISHED"]}}
        query = "query ($filter: ExecutionFilter) { executions(filter: $filter) { totalCount } }"
        total = gateway.graphql(query, filter=filter_)["executions"]["totalCount"]
        assert len(_lines(download.path())) == total > 100
