"""A page that is open while the gateway is replaced by another version."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from server.http.bundle import FOLDER
from tests.console.console_page import ConsolePage
from tests.gateway import Gateway, running_gateway
from tests.places import Place

# What is shown is the same over every database.
pytestmark = pytest.mark.sqlite

LIST = "/?view=executions"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build of the test's own."""
    return Path(shutil.copytree(FOLDER, tmp_path / "console"))


@pytest.fixture
def serve(copy_of_demo: Place, build: Path) -> Callable[..., Any]:
    """Serves a database of the test's own with that build, until a block ends."""

    def begin(**settings: Any) -> Any:
        return running_gateway(copy_of_demo, console=build, **settings)

    return begin


def _replace_operations(build: Path) -> None:
    manifest = build / "operations.json"
    operations = json.loads(manifest.read_text("utf-8"))
    others = {f"sha256:{number:064x}": text for number, text in enumerate(operations.values())}
    manifest.write_text(json.dumps(others), "utf-8")


def _expect_another_version(page: Page) -> None:
    said = page.get_by_role("status").filter(has_text="The gateway is of another version by now.")
    expect(said).to_be_visible()


def test_a_page_whose_operations_are_gone_says_so_and_can_be_loaded_again(
    open_console: Callable[[Gateway], ConsolePage], serve: Callable[..., Any], build: Path
) -> None:
    with serve() as gateway:
        console = open_console(gateway)
        page = console.open(LIST)
        port = urlsplit(gateway.url).port
    manifest = (build / "operations.json").read_bytes()
    _replace_operations(build)
    with serve(port=port):
        # Nobody asks for anything: the page follows changes, and can't any more.
        _expect_another_version(page)
        expect(page.get_by_text("Not live")).to_be_visible()
        (build / "operations.json").write_bytes(manifest)
        page.get_by_role("button", name="Load again").click()
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        expect(page.get_by_text("another version")).to_have_count(0)
        page.close()
    # The browser complains of what was asked while nobody was there.
    console.complaints.clear()


def test_a_page_whose_parts_are_gone_says_so(
    open_console: Callable[[Gateway], ConsolePage], serve: Callable[..., Any], build: Path
) -> None:
    with serve() as gateway:
        console = open_console(gateway)
        page = console.open(LIST)
        shutil.rmtree(build / "assets")
        page.get_by_role("button", name="Export").click()
        _expect_another_version(page)
        expect(
            page.get_by_role("heading", name="This part of the page has failed.")
        ).to_be_visible()
    console.complaints.clear()
