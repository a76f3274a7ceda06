"""What axe finds wrong with a page, for people who can't see, hear or point at it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_AXE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async (parts) => {
  const { violations } = await axe.run(parts.length > 0 ? { include: parts } : document);
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 200)}`),
  );
}"""

_SCHEMES: Mapping[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "contrast": "no-preference"},
    "dark": {"color_scheme": "dark", "contrast": "no-preference"},
    "light, more contrast": {"color_scheme": "light", "contrast": "more"},
    "dark, more contrast": {"color_scheme": "dark", "contrast": "more"},
}
"""The colour schemes that people choose."""


def violations(page: Page, *parts: str) -> list[str]:
    """What is wrong with a page as it is now, or with the parts that these selectors name."""
    page.evaluate(_AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(_RUN, list(parts))
    return found


def violations_in_every_scheme(page: Page, *parts: str) -> list[str]:
    """What is wrong with it in any of the colour schemes, each found thing after its scheme."""
    found = []
    for name, scheme in _SCHEMES.items():
        # Without motion, because what is half-way to be seen has less contrast.
        page.emulate_media(reduced_motion="reduce", **scheme)
        found += [f"{name}: {each}" for each in violations(page, *parts)]
    return found
