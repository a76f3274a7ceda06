"""The commands, run as users run them: what they do and print, and how they fail."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from db.migrations.upgrade import NEWEST_REVISION
from server.cli.main import cli, main
from tests import plain_http
from tests.gateway import insert, run_sql
from tests.sample import SAMPLE
from tests.server.cli.program import DATABASE, invoke, run, serving

ROOT = Path(__file__).parents[3]
COMMANDS = [
    *("serve", "import", "export", "schema", "explain", "migrate", "prune", "health"),
    *("keys", "attach", "detach"),
]
HEADER = "guid,agentflow_id,agentflow_name,session_id,state,created_on"
GOOD = f"{HEADER}\na,flow-1,Support,session-1,FINISHED,1700000000000\n"
BAD = f"{GOOD}b,flow-1,Support,session-1,DONE,1700000000000\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


_Ran = tuple[int, str, str]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., _Ran]:
    """Run the program in this process; its exit status, output and errors."""

    def run(*arguments: str) -> _Ran:
        monkeypatch.setattr(sys, "argv", ["app.py", *arguments])
        try:
            status = main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        return status, *capsys.readouterr()

    return run


def _plain(said: str) -> str:
    """What was said, without the frame around it and wherever its lines were broken."""
    return " ".join(re.sub("[│╭╮╰╯─]", " ", said).split())


def _count(database: Path) -> int:
    [(count,)] = run_sql(database, "SELECT count(*) FROM executions")
    return int(count)


# Importing


def test_import_loads_a_file(folder: Path) -> None:
    (folder / "good.csv").write_text(GOOD)
    imported = run("import", "good.csv", *DATABASE)
    assert (imported.returncode, imported.stderr) == (0, "")
    assert imported.stdout == "Imported 1 execution\n"
    assert run_sql(
        folder / "executions.db",
        "SELECT guid, agentflow_id, session_id, state, created_on FROM executions",
    ) == [("a", "flow-1", "session-1", "FINISHED", 1_700_000_000_000)]
    assert run_sql(folder / "executions.db", "SELECT id, name FROM agentflows") == [
        ("flow-1", "Support")
    ]


def test_import_loads_what_is_piped_into_it(folder: Path) -> None:
    imported = run("import", "-", *DATABASE, given=GOOD)
    assert (imported.returncode, imported.stdout) == (0, "Imported 1 execution\n")
    assert _count(folder / "executions.db") == 1


def test_import_loads_what_the_rest_list_answers(folder: Path, path: Path) -> None:
    insert(path, SAMPLE)
    with serving() as served:
        answered = plain_http.get(f"{served.url}/executions").text
    imported = run("import", "-", "--database", "sqlite:///copy.db", given=answered)
    assert imported.returncode == 0, imported.stderr
    columns = "SELECT id, guid, agentflow_id, session_id, state, created_on FROM executions"
    assert run_sql(folder / "copy.db", columns) == run_sql(path, columns)


def test_import_loads_many_files_of_different_kinds_at_once(folder: Path) -> None:
    row = {"guid": "b", "agentflowId": "flow-2", "state": "ERROR", "created_on": 1_700_000_000_000}
    (folder / "one.csv").write_text(GOOD)
    (folder / "two.jsonl").write_text(json.dumps(row) + "\n")
    (folder / "three.json").write_text(json.dumps([row | {"guid": "c"}, row | {"guid": "d"}]))
    imported = invoke("import", "one.csv", "two.jsonl", "three.json", *DATABASE)
    assert imported.stdout == "Imported 4 executions\n"
    guids = run_sql(folder / "executions.db", "SELECT guid FROM executions ORDER BY guid")
    assert guids == [("a",), ("b",), ("c",), ("d",)]


def test_import_updates_an_execution_that_is_there(folder: Path) -> None:
    (folder / "good.csv").write_text(GOOD)
    invoke("import", "good.csv", *DATABASE)
    (folder / "good.csv").write_text(GOOD.replace("FINISHED", "STOPPED"))
    assert invoke("import", "good.csv", *DATABASE).exit_code == 0
    states = run_sql(folder / "executions.db", "SELECT guid, state FROM executions")
    assert states == [("a", "STOPPED")]


def _only(file: str) -> list[str]:
    return ["import", file, *DATABASE]


@pytest.mark.parametrize(
    ("arguments", "given", "where"),
    [
        (_only("bad.csv"), "", "bad.csv, line 3"),
        (_only("-"), BAD, "standard input, line 3"),
        (["import", "good.csv", "bad.csv", *DATABASE], "", "bad.csv, line 3"),
    ],
    ids=["a file", "standard input", "the second of two files"],
)
def test_a_bad_row_is_named_and_nothing_is_imported(
    folder: Path, path: Path, arguments: list[str], given: str, where: str
) -> None:
    (folder / "good.csv").write_text(GOOD)
    (folder / "bad.csv").write_text(BAD)
    refused = run(*arguments, given=given)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert _plain(refused.stderr) == (
        f"Error: {where}: state must be one of INPROGRESS, FINISHED, ERROR, TERMINATED, "
        "TIMEOUT, STOPPED; got 'DONE'"
    )
    assert _count(path) == 0
    assert run_sql(path, "SELECT * FROM agentflows") == []


def test_an_error_is_one_line_for_the_program_that_reads_it(folder: Path) -> None:
    place = folder / ("long-" * 20)
    place.mkdir()
    (place / "bad.csv").write_text(BAD)
    refused = run("import", str(place / "bad.csv"), *DATABASE)
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert line.startswith(f"Error: {place / 'bad.csv'}, line 3: state must be one of ")


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("missing.csv", "missing.csv can't be read: No such file or directory"),
        (".", ". can't be read: Is a directory"),
        ("-", "standard input is empty; it must begin with a line of column names"),
    ],
    ids=["a missing file", "a folder", "nothing"],
)
def test_import_says_why_it_cannot_read(path: Path, file: str, reason: str) -> None:
    refused = run("import", file, *DATABASE)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert _plain(refused.stderr) == f"Error: {reason}"
    assert _count(path) == 0


# The schema


def test_schema_prints_the_sdl_and_needs_no_database(folder: Path) -> None:
    printed = run("schema")
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout == (ROOT / "schema" / "schema.graphql").read_text("utf-8")
    assert list(folder.iterdir()) == []


# Migrating


def test_migrate_makes_a_database_once(folder: Path) -> None:
    newest = NEWEST_REVISION
    first = run("migrate", *DATABASE)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == f"Migrated the database from revision none to {newest}\n"
    again = invoke("migrate", *DATABASE)
    assert again.stdout == f"The database is at the newest revision already ({newest})\n"
    assert run_sql(folder / "executions.db", "SELECT version_num FROM alembic_version") == [
        (newest,)
    ]


def test_migrate_keeps_what_is_there(path: Path) -> None:
    insert(path, SAMPLE)
    assert invoke("migrate", *DATABASE).exit_code == 0
    assert _count(path) == len(SAMPLE)


@pytest.mark.parametrize(
    "command", [("migrate",), ("serve", "--port", "0"), ("import", "-")], ids=lambda words: words[0]
)
def test_a_database_of_a_newer_version_is_left_alone(
    ran: Callable[..., _Ran], path: Path, command: tuple[str, ...]
) -> None:
    run_sql(path, "UPDATE alembic_version SET version_num = '9999'")
    status, output, errors = ran(*command, *DATABASE)
    assert (status, output) == (1, "")
    assert _plain(errors) == (
        "Error: The database is at revision 9999, which this version of the gateway does not "
        "know: it was made by a newer one"
    )
    assert _count(path) == 0


# Help


def test_the_commands_are_those_that_the_readme_lists() -> None:
    group = get_command(cli)
    assert isinstance(group, TyperGroup)
    readme = (ROOT / "README.md").read_text("utf-8")
    section = readme.split("\n## Commands\n")[1].split("\n## ")[0]
    listed = re.findall(r"^\| `([a-z]+)[^`]*` \|", section, re.MULTILINE)
    assert sorted(group.commands) == sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "keys"])
def test_the_help_of_a_command_has_an_example(command: str) -> None:
    shown = invoke(command, "--help")
    assert shown.exit_code == 0
    assert f"Usage: root {command}" in _plain(shown.stdout)
    assert f"Example: executions-gateway {command}" in _plain(shown.stdout)


@pytest.mark.parametrize("arguments", [(), ("--help",)], ids=["nothing", "--help"])
def test_the_program_shows_its_commands(arguments: tuple[str, ...]) -> None:
    shown = run(*arguments)
    said = shown.stdout + shown.stderr
    assert re.findall(r"^│ ([a-z]+) ", said, re.MULTILINE) == COMMANDS
    assert "Traceback" not in said


def test_the_program_says_its_version() -> None:
    assert re.fullmatch(r"executions-gateway \d+\.\d+\.\d+\n", run("--version").stdout)


# What can't be

NO_CALLS = [
    (("frobnicate",), "No such command 'frobnicate'"),
    (("serve", "--prot", "1"), "No such option: --prot"),
    (("import", "--quickly", "x.csv"), "No such option: --quickly"),
    (("import",), "Missing argument 'FILE...'"),
    (("serve", "--port", "http"), "Invalid value for '--port'"),
    (("serve", "--workers", "some"), "Invalid value for '--workers'"),
    (("serve", "--demo", "-1"), "Invalid value for '--demo'"),
    (("migrate", "--database"), "Option '--database' requires an argument"),
]
NO_VALUES = [
    (("serve", "--port", "65536"), "GATEWAY_PORT: Input should be less than or equal to 65535"),
    (("serve", "--port", "-1"), "GATEWAY_PORT: Input should be greater than or equal to 0"),
    (("serve", "--workers", "0"), "GATEWAY_WORKERS: Input should be greater than or equal to 1"),
    (("serve", "--database", "runs.db"), "database must be a URL such as sqlite:///"),
    (("import", "-", "--database", "runs.db"), "database must be a URL such as sqlite:///"),
    (("migrate", "--database", "runs.db"), "database must be a URL such as sqlite:///"),
    (("migrate", "--database", "oracle://runs"), "database must be a URL such as sqlite:///"),
    (("migrate", "--database", "postgresql://server:port/runs"), "database must be "),
    (("migrate", "--database", "sqlite://"), "database must be a file, because "),
    (("serve", "--database", "sqlite:////no/such/runs.db"), "The folder /no/such does not exist; "),
    (("migrate", "--database", "sqlite:////tmp"), "/tmp is a folder; name a file in it"),
    (("serve", "--host", "192.0.2.1"), "192.0.2.1 is not an address of this machine; "),
    (("serve", "--host", "gateway.invalid"), "The host gateway.invalid is not known; "),
    (
        ("migrate", "--database", "postgresql://127.0.0.1:1/x"),
        "PostgreSQL at 127.0.0.1:1 can't be ",
    ),
]


@pytest.mark.parametrize(
    ("arguments", "reason"), NO_CALLS, ids=[" ".join(arguments) for arguments, _ in NO_CALLS]
)
def test_a_call_that_cannot_be_is_refused(
    ran: Callable[..., _Ran], folder: Path, arguments: tuple[str, ...], reason: str
) -> None:
    status, output, errors = ran(*arguments)
    assert (status, output) == (2, "")
    assert f"Error {reason}" in _plain(errors)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "reason"), NO_VALUES, ids=[" ".join(arguments) for arguments, _ in NO_VALUES]
)
def test_a_value_that_cannot_be_is_refused(
    ran: Callable[..., _Ran], folder: Path, arguments: tuple[str, ...], reason: str
) -> None:
    status, output, errors = ran(*arguments)
    assert (status, output) == (1, "")
    assert f"Error: {reason}" in _plain(errors)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--prot", "1"),
        ("serve", "--port", "65536"),
        ("serve", "--database", "runs.db"),
        ("serve", "--database", "sqlite:///no/such/folder.db"),
    ],
    ids=["option", "port", "URL", "folder"],
)
def test_what_cannot_be_is_said_without_a_traceback(arguments: tuple[str, ...]) -> None:
    refused = run(*arguments)
    assert refused.returncode > 0
    assert "Error" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    "command", [("migrate",), ("serve", "--port", "0"), ("import", "-")], ids=lambda words: words[0]
)
def test_a_file_that_is_no_database_is_left_as_it_is(
    ran: Callable[..., _Ran], folder: Path, command: tuple[str, ...]
) -> None:
    file = folder / "executions.db"
    file.write_text(GOOD * 20)
    status, output, errors = ran(*command, *DATABASE)
    assert (status, output) == (1, "")
    assert f"Error: {file} is not an SQLite database and was not changed; " in errors
    assert file.read_text() == GOOD * 20
