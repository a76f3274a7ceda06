from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, where no ``.env`` is but the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
