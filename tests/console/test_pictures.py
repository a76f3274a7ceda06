"""The pictures in the README and in docs, which ``make screenshots`` takes."""

import re
from pathlib import Path

import pytest

from tests.console.screenshots import FOLDER, names

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_PICTURE = re.compile(r"""(?:src|srcset)="([^"]+)"|\]\(([^)]+\.png)\)""")


def _shown_in(document: Path) -> set[Path]:
    found = _PICTURE.findall(document.read_text("utf-8"))
    return {(document.parent / (in_html or in_text)).resolve() for in_html, in_text in found}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_pictures_that_a_document_shows_are_there(document: Path) -> None:
    assert {each for each in _shown_in(document) if not each.is_file()} == set()


def test_each_picture_is_retaken_and_shown() -> None:
    pictures = {FOLDER / f"{name}.png" for name in names()}
    assert set(FOLDER.iterdir()) == pictures
    assert set().union(*map(_shown_in, DOCUMENTS)) == pictures


def test_the_readme_opens_with_the_console() -> None:
    [_, first, *_] = (ROOT / "README.md").read_text("utf-8").split("\n\n")
    assert "docs/pictures/console-overview-light.png" in first
