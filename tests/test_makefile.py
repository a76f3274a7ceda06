"""The two commands of the README on a machine whose Python is not as it should be."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that has what make reads."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def _python(path: Path, version: tuple[int, int]) -> Path:
    """A program that answers as a Python of some version does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    major, minor = version
    is_new = str(version >= (3, 11))
    path.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        f"  --version) echo Python {major}.{minor}.0 ;;\n"
        f"  *sys.exit*) exit {int(version < (3, 11))} ;;\n"
        f"  *'>= (3, 11)'*) echo {is_new} ;;\n"
        f"  *version_info*) echo {major} {minor} ;;\n"
        "esac\n"
    )
    path.chmod(0o755)
    return path


def _make(folder: Path, python: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *more, "run", f"PYTHON={python}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("version", [(3, 10), (2, 7)])
def test_an_older_python_is_told_which_one_is_needed(
    checkout: Path, version: tuple[int, int]
) -> None:
    old = _python(checkout / "bin" / "python", version)
    refused = _make(checkout, old)
    assert refused.returncode != 0
    assert f"Python 3.11 or newer is needed; {old} is Python {version[0]}." in refused.stdout
    assert not (checkout / ".venv").exists()


def test_a_python_that_is_missing_is_told_so(checkout: Path) -> None:
    refused = _make(checkout, checkout / "missing")
    assert refused.returncode != 0
    assert "Python 3.11 or newer is needed" in refused.stdout
    assert "not there" in refused.stdout


def _environment(checkout: Path, version: tuple[int, int], place: Path) -> Path:
    made = checkout / ".venv"
    _python(made / "bin" / "python", version)
    (made / ".installed").write_text(f"{place}\n")
    return made


@pytest.mark.parametrize("version", [(3, 10), (3, 12)])
def test_an_environment_of_another_python_is_made_anew(
    checkout: Path, version: tuple[int, int]
) -> None:
    made = _environment(checkout, version, checkout)
    said = _make(checkout, _python(checkout / "bin" / "python", (3, 11)), "-n").stdout
    assert "Making .venv anew" in said
    assert not made.exists()


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Path) -> None:
    made = _environment(checkout, (3, 11), checkout)
    (made / "bin" / "python").unlink()
    (made / "bin" / "python").symlink_to(checkout / "gone")
    _make(checkout, _python(checkout / "bin" / "python", (3, 11)), "-n")
    assert not made.exists()


def test_an_environment_of_a_folder_that_was_moved_is_made_anew(checkout: Path) -> None:
    made = _environment(checkout, (3, 11), checkout / "former")
    _make(checkout, _python(checkout / "bin" / "python", (3, 11)), "-n")
    assert not made.exists()


@pytest.mark.parametrize("version", [(3, 11), (3, 10)], ids=["the same Python", "an older one"])
def test_an_environment_that_is_right_stays(checkout: Path, version: tuple[int, int]) -> None:
    made = _environment(checkout, (3, 11), checkout)
    said = _make(checkout, _python(checkout / "bin" / "python", version), "-n").stdout
    assert "Making .venv anew" not in said
    assert made.exists()
