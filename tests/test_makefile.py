"""The Makefile: missing or outdated Pythons, and which tests it runs and skips."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_OF_MAKE = {"MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "ONLY"}


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


def _make(
    folder: Path, python: Path | str, *more: str, goal: str = "run", **environment: str
) -> subprocess.CompletedProcess[str]:
    # As from a shell, and not as a part of the make that runs these tests.
    own = {name: value for name, value in os.environ.items() if name not in _OF_MAKE}
    return subprocess.run(
        [shutil.which("make") or "make", *more, goal, f"PYTHON={python}"],
        env=own | environment,
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


@pytest.fixture
def without_node(tmp_path: Path) -> str:
    """The programs of a machine without Node."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "cat").symlink_to(shutil.which("cat") or "")
    return str(programs)


def test_without_node_the_gateway_runs_and_says_that_it_has_no_console(
    checkout: Path, without_node: str
) -> None:
    _environment(checkout, (3, 11), checkout)
    python = _python(checkout / "bin" / "python", (3, 11))
    ran = _make(checkout, python, PATH=without_node)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("Console: there is none, and GraphiQL is a CDN's;")


def test_without_node_the_console_is_not_built_and_says_what_it_needs(
    checkout: Path, without_node: str
) -> None:
    refused = _make(checkout, sys.executable, goal="console", PATH=without_node)
    assert refused.returncode != 0
    assert (
        refused.stdout
        == "Console: to build it, npm and Node 20.19, or 22.12 or newer, are needed\n"
    )


@pytest.fixture
def build_ends(tmp_path: Path) -> Callable[..., str]:
    """Makes the programs of a machine whose console's build ends with some status."""

    def make(*, check: int = 0, build: int = 0) -> str:
        programs = tmp_path / "with-node"
        programs.mkdir()
        (programs / "cat").symlink_to(shutil.which("cat") or "")
        ends = f'case "$*" in *--check) exit {check} ;; *) exit {build} ;; esac'
        for name, script in (("node", ends), ("npm", 'echo npm "$@"')):
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)
        return str(programs)

    return make


_UNIT_TESTS = "npm test --prefix console --silent\n"
_SKIPPED = "Console: its unit tests are skipped\n"


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        ({}, _UNIT_TESTS),
        ({"check": 1}, ""),
        ({"build": 3}, _SKIPPED),
    ],
    ids=["built", "by an old Node", "without a registry"],
)
def test_the_console_is_tested_where_it_can_be_built(
    checkout: Path, build_ends: Callable[..., str], statuses: dict[str, int], said: str
) -> None:
    tested = _make(checkout, sys.executable, goal="console-test", PATH=build_ends(**statuses))
    assert (tested.returncode, tested.stdout) == (0, said)


def test_a_console_that_does_not_build_fails_the_tests(
    checkout: Path, build_ends: Callable[..., str]
) -> None:
    tested = _make(checkout, sys.executable, goal="console-test", PATH=build_ends(build=1))
    assert tested.returncode != 0
    assert "npm test" not in tested.stdout


@pytest.fixture
def rooms(checkout: Path) -> Path:
    """A folder that has tests too."""
    tests = ("server/rest/test_names.py", "db/reading/test_counts.py")
    needed = ("audits/package.json", "clients/package.json", "clients/requirements.txt")
    protocols = ("protocols/graphql_sse/package.json",)
    for name in (*tests, *needed, *protocols):
        file = checkout / "tests" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return checkout


def _tested(folder: Path, *more: str, goal: str = "test") -> list[str]:
    """The commands that make would run to test, when all that is needed has been installed."""
    said = _make(folder, sys.executable, "-n", *more, goal=goal)
    assert said.returncode == 0, said.stderr
    lines = said.stdout.splitlines()
    return lines[lines.index("touch .venv/.installed-test") + 1 :]


@pytest.mark.parametrize(
    ("only", "paths"),
    [
        ("server/rest", "tests/server/rest"),
        ("server/rest/", "tests/server/rest"),
        ("tests/server/rest", "tests/server/rest"),
        ("server/rest/test_names.py", "tests/server/rest/test_names.py"),
        ("db/reading server", "tests/db/reading tests/server"),
    ],
)
def test_the_tests_of_a_room_run_on_both_databases_and_need_nothing_else(
    rooms: Path, only: str, paths: str
) -> None:
    [command] = _tested(rooms, f"ONLY={only}")
    assert "-m pytest" in command
    assert command.endswith(f' --database both -m "not load" {paths}')
    assert "--cov" not in command


def test_an_unknown_room_is_refused_with_a_list_of_the_rooms(rooms: Path) -> None:
    refused = _make(rooms, sys.executable, "ONLY=server/rest server/rset", goal="test")
    assert refused.returncode != 0
    assert "There is no tests/server/rset." in refused.stderr
    assert "these rooms: db/reading server/rest." in refused.stderr
    assert not (rooms / ".venv").exists()


def test_the_whole_suite_leaves_load_out_and_measures_coverage(rooms: Path) -> None:
    command = _tested(rooms)[-1]
    assert command.endswith(' --database both -m "not load" --cov --cov-report=term')


def test_load_is_tested_one_test_after_the_other(rooms: Path) -> None:
    [command] = _tested(rooms, goal="test-load")
    assert command == (
        ".venv/bin/python -m pytest --database both -m load --hypothesis-profile thorough"
        " -o faulthandler_timeout=3600"
    )


def test_many_more_examples_are_drawn_of_all_but_load(rooms: Path) -> None:
    [command] = _tested(rooms, goal="test-drawn")
    assert command.endswith(' -m "hypothesis and not load" --hypothesis-profile thorough')


def test_what_checks_every_change_leaves_no_test_out() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert {"make test", "make test-load"} <= {line[line.find("make") :] for line in lines}
