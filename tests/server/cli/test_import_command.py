"""The ``import`` command: what it leaves behind, and what it prints."""

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from server.cli.main import cli, main
from tests.gateway import run_sql

GOOD = "guid,agentflow_id,state,created_on\na,flow-1,FINISHED,1700000000000\n"
BAD = f"{GOOD}b,flow-1,DONE,1700000000000\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _import(*files: str) -> Result:
    return CliRunner().invoke(cli, ["import", *files], catch_exceptions=True)


def _said(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *arguments: str
) -> str:
    monkeypatch.setattr("sys.argv", ["app.py", *arguments])
    assert main() == 1
    return capfd.readouterr().err


def test_an_import_that_fails_leaves_no_database_behind(folder: Path) -> None:
    (folder / "bad.csv").write_text(BAD)
    assert _import("bad.csv").exit_code == 1
    assert [file.name for file in folder.iterdir()] == ["bad.csv"]


def test_an_import_that_fails_leaves_a_database_as_it_was(folder: Path) -> None:
    (folder / "good.csv").write_text(GOOD)
    (folder / "bad.csv").write_text(BAD)
    assert _import("good.csv").exit_code == 0
    assert _import("bad.csv").exit_code == 1
    assert run_sql(folder / "executions.db", "SELECT guid FROM executions") == [("a",)]


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 executions"), (1, "1 execution"), (2, "2 executions")]
)
def test_what_was_imported_is_counted_in_words(folder: Path, count: int, said: str) -> None:
    header, row = GOOD.splitlines()
    rows = [row.replace("a,", f"g{number},", 1) for number in range(count)]
    (folder / "runs.csv").write_text("\n".join([header, *rows]))
    assert _import("runs.csv").stdout == f"Imported {said}\n"


# It takes some seconds.
@pytest.mark.load
@pytest.mark.parametrize("as_text", [True, False])
def test_fifty_megabytes_of_data_are_imported(folder: Path, *, as_text: bool) -> None:
    long = {"nodeId": "a", "data": "x" * (50 * 2**20)}
    failed = {"nodeId": "b", "status": "ERROR", "data": {"error": "no model"}}
    steps = json.dumps([long, failed])
    row = {"guid": "a", "agentflow_id": "flow-1", "state": "ERROR", "created_on": "2026-11-26"}
    line = json.dumps({**row, "data": steps if as_text else json.loads(steps)})
    (folder / "runs.jsonl").write_text(line)
    assert _import("runs.jsonl").stdout == "Imported 1 execution\n"
    kept = run_sql(
        folder / "executions.db",
        "SELECT length(data) > 50 * 1024 * 1024, error FROM execution_data"
        " JOIN executions ON id = execution_id",
    )
    assert kept == [(1, "no model")]


def test_a_file_in_gzip_is_imported(folder: Path) -> None:
    (folder / "runs.csv.gz").write_bytes(gzip.compress(GOOD.encode()))
    assert _import("runs.csv.gz").stdout == "Imported 1 execution\n"


@pytest.mark.parametrize("escape", ["\x1b[2J", "\x9b2J", "\x07", "\u202e", "\r"])
def test_nothing_in_a_file_gives_orders_to_the_terminal(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    escape: str,
) -> None:
    (folder / "bad.csv").write_text(f'guid,"{escape}"\n', newline="")
    said = _said(monkeypatch, capfd, "import", "bad.csv")
    assert "column agentflow_id is missing" in said
    assert escape not in said


def test_nothing_in_the_name_of_a_file_gives_orders_to_the_terminal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    name = "\x1b]0;owned\x07.csv"
    (folder / name).write_text(BAD)
    for file in (name, f"missing-{name}"):
        said = _said(monkeypatch, capfd, "import", file)
        assert "\x1b]0;" not in said
        assert r"\x1b]0;owned\x07.csv" in said


def test_nothing_in_the_name_of_a_key_gives_orders_to_the_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    made = CliRunner().invoke(cli, ["keys", "create", "\x1b[31mred[/b]", "--scope", "read"])
    listed = CliRunner().invoke(cli, ["keys", "list"])
    assert r"\x1b[31mred[/b]" in made.stderr
    assert r"\x1b[31mred[/b]" in listed.stdout
    assert "\x1b[31m" not in made.output + listed.output + capfd.readouterr().out
