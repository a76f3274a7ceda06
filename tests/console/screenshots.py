"""Makes the pictures in the README and the docs: ``make screenshots``.

The executions, the clock and the zone are always the same, so that pictures differ by what has
changed in the pages.
"""

import contextlib
import io
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from db.demo import fill_if_empty
from db.migrations.upgrade import upgrade
from db.opening import open_database
from tests.console.browser import chromium
from tests.console.console_page import ConsolePage
from tests.console.graphiql import GraphiQL
from tests.gateway import Gateway, running_gateway
from tests.places import SQLitePlace

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
DEMO_EXECUTIONS = 2000
NOW = datetime(2026, 11, 26, 14, 20, tzinfo=UTC)
COLOURS, SAME_COLOUR = 128, 10
LOOKS: Mapping[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 840}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 840}},
    "phone": {
        "color_scheme": "light",
        "viewport": {"width": 390, "height": 780},
        "has_touch": True,
        "is_mobile": True,
    },
}
VISIT = {"timezone_id": "Europe/Berlin", "locale": "en-GB", "device_scale_factor": 1.5}
BROWSER = {"ignore_default_args": ["--hide-scrollbars"]}
# As most readers see the page: without it, Debian's browser takes DejaVu, which is much wider.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include>/etc/fonts/fonts.conf</include>
  <match>
    <test name="family"><string>sans-serif</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit>
  </match>
</fontconfig>
"""
FAILURES = "state:ERROR,TIMEOUT -flow:triage duration>2s"
FAILED = (
    "{ executions(first: 14, filter: {state: {eq: ERROR}}) { nodes { guid steps { label } } } }"
)


async def _fill(url: str) -> None:
    database = open_database(url)
    await upgrade(database)
    await fill_if_empty(database, DEMO_EXECUTIONS, now=int(NOW.timestamp() * 1000))
    await database.close()


def _overview(console: ConsolePage, _gateway: Gateway) -> None:
    console.open("/?range=24h")
    expect(console.page.locator("canvas")).to_be_visible()


def _list(console: ConsolePage, _gateway: Gateway) -> None:
    console.open("/?view=executions&range=7d")


def _selection(console: ConsolePage, _gateway: Gateway) -> None:
    page = console.open(f"/?view=executions&range=7d&filter={FAILURES.replace(' ', '+')}")
    page.get_by_role("row").nth(3).get_by_role("checkbox").click()
    page.get_by_role("row").nth(7).get_by_role("checkbox").click(modifiers=["Shift"])
    expect(page.get_by_role("region", name="Selection")).to_contain_text("5 selected")


def _execution(console: ConsolePage, gateway: Gateway) -> None:
    executions = gateway.graphql(FAILED)["executions"]["nodes"]
    failed = max(executions, key=lambda each: len(each["steps"]))
    page = console.open(f"/?view=executions&range=7d&filter=error:any&execution={failed['guid']}")
    steps = page.get_by_role("region", name="Steps").get_by_role("listitem")
    steps.last.get_by_role("button").first.click()
    console.settle()


VIEWS: Mapping[str, Callable[[ConsolePage, Gateway], None]] = {
    "overview": _overview,
    "list": _list,
    "selection": _selection,
    "execution": _execution,
}


def _look_at_graphiql(visitor: GraphiQL, *, narrow: bool) -> None:
    page = visitor.open()
    if not narrow:
        page.get_by_label("Show Documentation Explorer").click()
        documentation = page.get_by_label("Documentation Explorer", exact=True)
        documentation.get_by_role("link", name="Query").click()
        expect(documentation).to_contain_text("One execution by its guid")
    visitor.press_execute()
    visitor.expect_result("totalCount")


def _palette(picture: Image.Image) -> Image.Image:
    """Return the colours of surfaces exactly, and of others those that are seen to differ."""
    pixels = picture.width * picture.height
    counted: Any = picture.getcolors(pixels)
    chosen: list[tuple[int, int, int]] = []
    for count, colour in sorted(counted, reverse=True):
        if len(chosen) == COLOURS:
            break
        is_surface = count > pixels / 1000
        if is_surface or all(math.dist(colour, other) > SAME_COLOUR for other in chosen):
            chosen.append(colour)
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in chosen for part in colour])
    return palette


def _save(page: Page, name: str) -> None:
    # The pointer is not part of the picture, nor what it is over.
    page.mouse.move(0, 0)
    page.wait_for_load_state("networkidle")
    taken = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    small = taken.quantize(palette=_palette(taken), dither=Image.Dither.NONE)
    small.save(FOLDER / f"{name}.png", optimize=True)


def names() -> set[str]:
    """Return the names of all pictures."""
    views = [f"console-{view}" for view in VIEWS]
    return {f"{view}-{look}" for view in [*views, "graphiql"] for look in LOOKS}


def _take(browser: Browser, gateway: Gateway) -> None:
    for look, options in LOOKS.items():
        for view, show in VIEWS.items():
            with ConsolePage.begin(browser, gateway.url, **VISIT, **options) as console:
                console.page.clock.set_fixed_time(NOW)
                show(console, gateway)
                _save(console.page, f"console-{view}-{look}")
        with GraphiQL.begin(browser, gateway.url, **VISIT, **options) as visitor:
            _look_at_graphiql(visitor, narrow=look == "phone")
            _save(visitor.page, f"graphiql-{look}")


def _has_inter() -> bool:
    found = subprocess.run(["fc-list", "Inter"], capture_output=True, check=True)
    return bool(found.stdout)


@contextlib.contextmanager
def _fonts(folder: Path) -> Iterator[None]:
    file = folder / "fonts.conf"
    file.write_text(FONTS, "utf-8")
    os.environ["FONTCONFIG_FILE"] = str(file)
    try:
        yield
    finally:
        del os.environ["FONTCONFIG_FILE"]


def main() -> None:
    """Write a picture of each view in each look."""
    if not _has_inter():
        sys.exit("The pictures need the font Inter, which is Debian's fonts-inter")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _fonts(Path(folder)):
        place = SQLitePlace(Path(folder) / "executions.db")
        anyio.run(_fill, place.url)
        with running_gateway(place) as gateway, chromium(**BROWSER) as browser:
            _take(browser, gateway)


if __name__ == "__main__":
    main()
