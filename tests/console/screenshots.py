"""Makes the pictures of GraphiQL in the README: ``make screenshots``."""

import io
import tempfile
from pathlib import Path
from typing import Any

import anyio
from PIL import Image
from playwright.sync_api import expect

from db.demo import fill_if_empty
from db.migrations.upgrade import upgrade
from db.opening import open_database
from tests.console.browser import chromium
from tests.console.graphiql import GraphiQL
from tests.gateway import running_gateway
from tests.places import SQLitePlace

FOLDER = Path(__file__).parents[2] / "docs"
DEMO_EXECUTIONS = 2000
COLOURS = 128
VISITS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1440, "height": 810}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1440, "height": 810}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


async def _fill(url: str) -> None:
    database = open_database(url)
    await upgrade(database)
    await fill_if_empty(database, DEMO_EXECUTIONS)
    await database.close()


def _look(visitor: GraphiQL, *, narrow: bool) -> None:
    page = visitor.open()
    if not narrow:
        page.get_by_label("Show Documentation Explorer").click()
        documentation = page.get_by_label("Documentation Explorer", exact=True)
        documentation.get_by_role("link", name="Query").click()
        expect(documentation).to_contain_text("One execution by its guid")
    visitor.press_execute()
    visitor.expect_result("totalCount")
    # The pointer is not part of the picture, nor what it is over.
    page.mouse.move(0, 0)
    page.wait_for_load_state("networkidle")


def _small(picture: bytes) -> Image.Image:
    return (
        Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    )


def main() -> None:
    """Write a picture for each of the visits."""
    with tempfile.TemporaryDirectory() as folder:
        place = SQLitePlace(Path(folder) / "executions.db")
        anyio.run(_fill, place.url)
        with running_gateway(place) as gateway, chromium() as browser:
            for name, options in VISITS.items():
                with GraphiQL.begin(browser, gateway.url, **options) as visitor:
                    _look(visitor, narrow=name == "narrow")
                    picture = _small(visitor.page.screenshot(animations="disabled"))
                    picture.save(FOLDER / f"graphiql-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
