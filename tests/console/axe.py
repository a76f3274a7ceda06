"""What axe finds wrong with a page, for people who can't see, hear or point at it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

_AXE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async (parts) => {
  const { violations } = await axe.run(parts.length > 0 ? { include: parts } : document);
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 200)}`),
  );
}"""

SCHEMES: Mapping[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "light, more contrast": {"color_scheme": "light", "contrast": "more"},
    "dark, more contrast": {"color_scheme": "dark", "contrast": "more"},
}
"""The colour schemes that people choose, as options of a visit."""

in_every_scheme = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
"""Runs a test once for each colour scheme, which it gets as ``scheme``."""


def violations(page: Page, *parts: str) -> list[str]:
    """What is wrong with a page as it is now, or with the parts that these selectors name."""
    page.evaluate(_AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(_RUN, list(parts))
    return found
