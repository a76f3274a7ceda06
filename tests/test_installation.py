"""The gateway installed from a wheel into its own environment."""

import contextlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 300.0
# What stands for a build of the console.
BUNDLE = {
    "index.html": "<title>Console</title>",
    "graphiql.html": "<title>GraphiQL</title>",
    "operations.json": '{"sha256:1": "query One { __typename }"}',
    "assets/main-1.js": "script",
    "assets/main-1.js.br": "as if it were brotli",
}


def _run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A wheel, and what was said while it was built."""
    folder = tmp_path_factory.mktemp("wheel")
    # Built from a copy, so that nothing is left among the sources.
    source = folder / "source"
    _run("git", "-c", "safe.directory=*", "clone", "--quiet", ROOT, source, cwd=folder)
    changed = _run(
        "git", "-c", "safe.directory=*", "ls-files", "-mo", "--exclude-standard", cwd=ROOT
    )
    for name in changed.stdout.split("\n"):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    console = source / "server" / "static" / "console"
    (console / "assets").mkdir(parents=True)
    for name, content in BUNDLE.items():
        (console / name).write_text(content)
    said = _run(
        sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "-w", folder, source, cwd=folder
    )
    [wheel] = folder.glob("*.whl")
    return wheel, said.stdout + said.stderr


@pytest.fixture(scope="module")
def program(built: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of the wheel, in an environment that has nothing but it and what it needs."""
    folder = tmp_path_factory.mktemp("environment")
    _run(sys.executable, "-m", "venv", folder, cwd=folder)
    constraints = ROOT / "constraints.txt"
    pip = (folder / "bin" / "python", "-m", "pip", "--quiet", "install", "-c", constraints)
    _run(*pip, built[0], cwd=folder)
    return folder / "bin" / "executions-gateway"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of another project, whose modules have the names of ours."""
    for name in ("app", "schema", "resolvers", "socket", "typing"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a module of another project')\n")
    for name in ("db", "server"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('another project')\n")
    (tmp_path / ".env").write_text("DATABASE_URL=mysql://localhost/x\nPORT=1\nDEBUG=yes\n")
    return tmp_path


def test_building_warns_of_nothing(built: tuple[Path, str]) -> None:
    warned = [
        line
        for line in built[1].splitlines()
        # pip tells of indexes that it was pointed to, and setuptools of PYTHONDONTWRITEBYTECODE.
        if re.search("warn|deprecat", line, re.IGNORECASE)
        and "Location '" not in line
        and "byte-compiling is disabled" not in line
    ]
    assert warned == []


def test_the_wheel_has_all_that_the_sources_have(built: tuple[Path, str]) -> None:
    names = set(zipfile.ZipFile(built[0]).namelist())
    packages = ("db", "resolvers", "schema", "server")
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in packages
        for path in (ROOT / package).rglob("*.py")
    }
    assert sources | {"app.py"} == {name for name in names if name.endswith(".py")}
    assert {"schema/schema.graphql", "server/static/start.html"} <= names
    assert {f"server/static/console/{name}" for name in BUNDLE} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_says_what_it_is(built: tuple[Path, str]) -> None:
    wheel = zipfile.ZipFile(built[0])
    [name] = [each for each in wheel.namelist() if each.endswith("METADATA")]
    metadata = wheel.read(name).decode()
    for line in ("Name: executions-gateway", "License-Expression: MIT", "Requires-Python: >=3.11"):
        assert f"{line}\n" in metadata
    assert "# Executions Gateway" in metadata


def test_the_command_says_its_version(program: Path, folder: Path) -> None:
    said = _run(program, "--version", cwd=folder).stdout
    assert re.fullmatch(r"executions-gateway \d+\.\d+\.\d+\n", said)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_command_serves_from_a_folder_of_another_project(
    program: Path, folder: Path, workers: str
) -> None:
    with _serving(program, folder, "--workers", workers, "--demo", "3") as url:
        assert len(httpx.get(f"{url}/executions", timeout=PATIENCE).json()) == 3
        answer = httpx.post(
            f"{url}/graphql", json={"query": "{ executions { totalCount } }"}, timeout=PATIENCE
        )
        assert answer.json() == {"data": {"executions": {"totalCount": 3}}}
    assert (folder / "executions.db").exists()


def test_the_command_serves_the_console_that_is_in_the_wheel(program: Path, folder: Path) -> None:
    with _serving(program, folder) as url:
        assert httpx.get(f"{url}/", timeout=PATIENCE).text == BUNDLE["index.html"]
        assert httpx.get(f"{url}/assets/main-1.js", timeout=PATIENCE).status_code == 200
        answer = httpx.post(f"{url}/graphql", json={"documentId": "1"}, timeout=PATIENCE)
        assert answer.json() == {"data": {"__typename": "Query"}}


@contextlib.contextmanager
def _serving(program: Path, folder: Path, *arguments: str) -> Iterator[str]:
    with subprocess.Popen(
        [program, "serve", "--port", "0", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout
            url = None
            while not url:
                line = process.stdout.readline()
                assert line, "it ended before it was ready"
                url = re.search(r"http://\S+:\d+", line)
            yield url[0]
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)
