"""The build of the console puts a bundle where the gateway looks, or says why it can't."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.programs import wait_until

ROOT = Path(__file__).parents[2]
NOT_INSTALLED = 3
"""The status of a build whose packages npm can't install, which ``make test`` knows."""
MISSING = not (shutil.which("node") and shutil.which("npm"))

pytestmark = pytest.mark.skipif(
    MISSING and not os.environ.get("REQUIRE_NODE"), reason="the build needs Node and npm"
)

# What stands for Vite: the version of the sources becomes the name of an asset.
_BUILD = (
    "const fs = require('fs'); const version = fs.readFileSync('src/version', 'utf8').trim();"
    " fs.rmSync('dist', {recursive: true, force: true});"
    " fs.mkdirSync('dist/assets', {recursive: true});"
    " fs.writeFileSync('dist/assets/' + version + '.js', '');"
    " fs.writeFileSync('dist/index.html', version)"
)

# Node has no sleep but this.
_WAIT = (
    "while (!require('fs').existsSync('go'))"
    " Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout whose console takes no time to build."""
    console = tmp_path / "console"
    (console / "src").mkdir(parents=True)
    shutil.copy(ROOT / "console" / "build.mjs", console)
    (console / "build.cjs").write_text(_BUILD)
    (console / "index.html").write_text("")
    (console / "tsconfig.json").write_text("{}")
    (console / "src" / "version").write_text("one")
    package = {"name": "console", "scripts": {"build": "node build.cjs"}}
    (console / "package.json").write_text(json.dumps(package))
    lock = {"name": "console", "lockfileVersion": 3, "packages": {"": {"name": "console"}}}
    (console / "package-lock.json").write_text(json.dumps(lock))
    return tmp_path


def _depend(tree: Path) -> None:
    """Let the console need a package from a registry."""
    console = tree / "console"
    package = {"name": "console", "dependencies": {"left": "1.0.0"}}
    (console / "package.json").write_text(json.dumps(package))
    packages = {"": package, "node_modules/left": {"version": "1.0.0"}}
    lock = {"name": "console", "lockfileVersion": 3, "packages": packages}
    (console / "package-lock.json").write_text(json.dumps(lock))


def _start(
    tree: Path, *arguments: str, registry: str = "http://127.0.0.1:9"
) -> "subprocess.Popen[str]":
    environment = {
        **os.environ,
        "npm_config_registry": registry,
        "npm_config_cache": str(tree / "cache"),
        "npm_config_fetch_retries": "0",
    }
    return subprocess.Popen(
        ["node", str(tree / "console" / "build.mjs"), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _end(build: "subprocess.Popen[str]", by: signal.Signals) -> int:
    """End a build as a terminal does, with all that is in its group; its status."""
    # A node that pip installed is a program that runs the real one.
    os.killpg(build.pid, by)
    build.communicate(timeout=30)
    return build.returncode


def _build(tree: Path) -> tuple[int, str]:
    """Run the build; its status and what it said."""
    process = _start(tree)
    said, _ = process.communicate(timeout=120)
    return process.returncode, said


def _bundle(tree: Path) -> tuple[str, set[str]]:
    """The page of the bundle and the names of its assets."""
    folder = tree / "server" / "static" / "console"
    names = {file.name for file in (folder / "assets").iterdir()}
    return (folder / "index.html").read_text(), names


def test_a_build_puts_the_page_and_its_assets_where_the_gateway_looks(tree: Path) -> None:
    status, said = _build(tree)
    assert (status, "Console: built in" in said) == (0, True)
    assert _bundle(tree) == ("one", {"one.js"})


def test_what_was_built_from_the_same_sources_is_not_built_again(tree: Path) -> None:
    _build(tree)
    assert _build(tree) == (0, "")


def test_what_was_built_from_other_sources_is_replaced(tree: Path) -> None:
    _build(tree)
    (tree / "console" / "src" / "version").write_text("two")
    status, _ = _build(tree)
    assert status == 0
    assert _bundle(tree) == ("two", {"two.js"})


def test_a_build_that_fails_says_so_and_leaves_what_is_there(tree: Path) -> None:
    _build(tree)
    (tree / "console" / "build.cjs").write_text("process.exit(3)")
    (tree / "console" / "src" / "version").write_text("two")
    status, said = _build(tree)
    assert status == 1
    assert "it could not be built, so it stays as it was: npm run build failed" in said
    assert _bundle(tree) == ("one", {"one.js"})


def test_without_a_registry_nothing_is_built_and_the_build_says_where_it_is_told_why(
    tree: Path,
) -> None:
    _depend(tree)
    status, said = _build(tree)
    assert status == NOT_INSTALLED
    assert (
        "what it needs could not be installed, so there is none, and GraphiQL is a CDN's:"
        " npm ci failed; console/build.log says why" in said
    )
    assert "ECONNREFUSED" in (tree / "console" / "build.log").read_text()
    assert not (tree / "server").exists()


@pytest.fixture
def silent_registry() -> Iterator[str]:
    """A registry that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def _gone(processes: list[psutil.Process]) -> bool:
    return not any(each.is_running() and each.status() != "zombie" for each in processes)


def _runs_npm(process: psutil.Process) -> bool:
    names = [" ".join(each.cmdline()) for each in process.children(recursive=True)]
    return any("npm" in name for name in names)


@pytest.mark.parametrize("ending", ["beside", "interrupted"])
def test_a_build_ends_with_all_that_it_started(
    tree: Path, silent_registry: str, ending: str
) -> None:
    _depend(tree)
    beside = subprocess.Popen(["sleep", "600"])
    build = _start(tree, "--beside", str(beside.pid), registry=silent_registry)
    process = psutil.Process(build.pid)
    try:
        wait_until(lambda: _runs_npm(process))
        started = [process, *process.children(recursive=True)]
        if ending == "beside":
            beside.kill()
            beside.wait()
            build.communicate(timeout=30)
        else:
            _end(build, signal.SIGINT)
        assert build.returncode != 0
        wait_until(lambda: _gone(started))
    finally:
        beside.kill()
        beside.wait()
        if build.poll() is None:
            _end(build, signal.SIGKILL)


@pytest.fixture
def slow_build(tree: Path) -> Iterator["subprocess.Popen[str]"]:
    """A build that is under way until there is a file named ``go`` in the console's folder."""
    (tree / "console" / "build.cjs").write_text(_WAIT + _BUILD)
    build = _start(tree)
    try:
        wait_until((tree / "console" / "build.lock").exists)
        yield build
    finally:
        (tree / "console" / "go").touch()
        if build.poll() is None:
            _end(build, signal.SIGKILL)


def test_a_build_beside_a_program_leaves_the_work_to_the_one_that_is_under_way(
    tree: Path, slow_build: "subprocess.Popen[str]"
) -> None:
    beside = _start(tree, "--beside", str(os.getpid()))
    said, _ = beside.communicate(timeout=120)
    assert (beside.returncode, said) == (0, "Console: it is being built already\n")
    assert slow_build.poll() is None


def _start_waiting(tree: Path) -> "subprocess.Popen[str]":
    """Start a build, and return once it says that it waits for the one that is under way."""
    waiting = _start(tree)
    assert waiting.stdout
    assert "it is being built already" in waiting.stdout.readline()
    return waiting


def test_a_build_waits_for_the_one_that_is_under_way_and_takes_what_it_built(
    tree: Path, slow_build: "subprocess.Popen[str]"
) -> None:
    waiting = _start_waiting(tree)
    (tree / "console" / "go").touch()
    said, _ = waiting.communicate(timeout=120)
    assert (waiting.returncode, said) == (0, "")
    assert _bundle(tree) == ("one", {"one.js"})
    slow_build.communicate(timeout=30)
    assert slow_build.returncode == 0


def test_a_build_that_waits_does_the_work_when_the_one_that_was_under_way_is_ended(
    tree: Path, slow_build: "subprocess.Popen[str]"
) -> None:
    waiting = _start_waiting(tree)
    _end(slow_build, signal.SIGTERM)
    (tree / "console" / "go").touch()
    said, _ = waiting.communicate(timeout=120)
    assert (waiting.returncode, "Console: built in" in said) == (0, True)
    assert _bundle(tree) == ("one", {"one.js"})
