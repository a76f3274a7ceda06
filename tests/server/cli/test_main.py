"""The commands, run as users run them: what they do and print, and how they fail."""

import contextlib
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner, Result

from db.migrations.upgrade import NEWEST_REVISION
from server.cli.main import cli, main
from tests import plain_http
from tests.gateway import insert, run_sql
from tests.sample import SAMPLE

ROOT = Path(__file__).parents[3]
PROGRAM = [sys.executable, str(ROOT / "app.py")]
DATABASE = ("--database", "sqlite:///executions.db")
COMMANDS = ["serve", "import", "schema", "explain", "migrate", "health", "keys"]
HEADER = "guid,agentflow_id,agentflow_name,session_id,state,created_on"
GOOD = f"{HEADER}\na,flow-1,Support,session-1,FINISHED,1700000000000\n"
BAD = f"{GOOD}b,flow-1,Support,session-1,DONE,1700000000000\n"
PATIENCE = 300.0


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def _invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), catch_exceptions=False)


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


# Serving


@dataclass
class _Served:
    url: str
    process: subprocess.Popen[str]
    said: str

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End it as an operator does; its exit status, and everything it said since."""
        self.process.send_signal(how)
        output, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output + errors


@contextlib.contextmanager
def _serving(*arguments: str) -> Iterator[_Served]:
    """Serve until the block ends, from the moment that the URL is printed."""
    with subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", *DATABASE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        limit = threading.Timer(PATIENCE, _end, (process,))
        limit.start()
        try:
            assert process.stdout
            said = ""
            while not (found := re.search(r"http://\S+:\d+", said)):
                line = process.stdout.readline()
                assert line, process.communicate()
                said += line
            yield _Served(found[0], process, said)
        finally:
            limit.cancel()
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    # The whole group, so that no worker outlives a test that failed.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _is_refused(url: str) -> bool:
    try:
        plain_http.get(url)
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        return False
    return False


def _eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return held


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_answers_as_soon_as_it_has_printed_its_url(workers: str) -> None:
    with _serving("--workers", workers) as served:
        answer = plain_http.get(f"{served.url}/readyz", timeout=PATIENCE)
        assert answer.json() == {"status": "ok"}
        assert re.fullmatch(r"Executions Gateway: http://127\.0\.0\.1:\d+\n", served.said)


@pytest.mark.parametrize(
    ("workers", "how"),
    [("1", signal.SIGTERM), ("1", signal.SIGINT), ("2", signal.SIGTERM)],
    ids=["one process", "one process, from the keyboard", "two workers"],
)
def test_serve_answers_until_it_is_told_to_stop_and_stops_cleanly(
    workers: str, how: signal.Signals
) -> None:
    with _serving("--workers", workers) as served:
        query = {"query": "{ executions { totalCount } }"}
        assert _eventually(lambda: not _is_refused(served.url))
        for _ in range(10):
            answer = plain_http.post(f"{served.url}/graphql", json=query, timeout=PATIENCE)
            assert answer.json() == {"data": {"executions": {"totalCount": 0}}}
        status, said = served.stop(how)
        assert re.fullmatch(r"No key was made yet: anyone on this machine may .*\n", said)
        # Ended by the signal that was sent is clean too, told in either of the usual ways.
        assert status in {0, -how, 128 + how}
        assert _eventually(lambda: _is_refused(served.url))


def test_demo_fills_an_empty_database_and_no_other(folder: Path) -> None:
    with _serving("--demo", "7") as served:
        assert "Filled the empty database with 7 demo executions\n" in served.said
        assert len(plain_http.get(f"{served.url}/executions").json()) == 7
        served.stop()
    made = run_sql(folder / "executions.db", "SELECT * FROM executions ORDER BY id")
    with _serving("--demo", "9") as served:
        assert "demo" not in served.said
        assert len(plain_http.get(f"{served.url}/executions").json()) == 7
        served.stop()
    assert run_sql(folder / "executions.db", "SELECT * FROM executions ORDER BY id") == made


def test_progress_is_shown_on_a_terminal_while_demo_executions_are_made() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", *DATABASE, "--demo", "25000"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        start_new_session=True,
    ) as process:
        limit = threading.Timer(PATIENCE, _end, (process,))
        limit.start()
        try:
            assert process.stdout
            assert process.stdout.readline() == (
                "Filled the empty database with 25,000 demo executions\n"
            )
            shown = b""
            while b"No key was made yet" not in shown:
                shown += os.read(ours, 1 << 16)
        finally:
            limit.cancel()
            _end(process)
            os.close(theirs)
            os.close(ours)
    assert b"Making demo executions" in shown
    assert b"25000/25000" in shown


def test_every_worker_has_the_settings_that_were_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_REST_PREFIX", "/api/v1")
    monkeypatch.setenv("GATEWAY_CORS_ORIGINS", "https://a.example,https://b.example")
    with _serving("--workers", "2") as served:
        assert _eventually(lambda: not _is_refused(served.url))
        for _ in range(10):
            answer = plain_http.get(
                f"{served.url}/api/v1/executions",
                headers={"origin": "https://b.example"},
                timeout=PATIENCE,
            )
            assert answer.json() == []
            assert answer.headers["access-control-allow-origin"] == "https://b.example"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_on_a_port_that_is_taken_says_so(folder: Path, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = _run("serve", "--port", port, "--workers", workers, *DATABASE)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"Error: Port {port} on 127.0.0.1 is in use by another program; stop that one, or choose "
        "another port with --port (GATEWAY_PORT)\n"
    )
    assert list(folder.iterdir()) == []


# Health


def test_health_says_whether_the_gateway_of_the_settings_is_up() -> None:
    with _serving() as served:
        port = served.url.rsplit(":", 1)[1]
        up = _invoke("health", "--port", port)
        assert (up.exit_code, up.stdout) == (0, f"The gateway at {served.url}/healthz is up\n")
        served.stop()
        down = _invoke("health", "--port", port)
    assert down.exit_code == 1
    assert f"The gateway at {served.url}/healthz does not answer" in down.stderr


def test_health_follows_the_port_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with _serving() as served:
        monkeypatch.setenv("GATEWAY_PORT", served.url.rsplit(":", 1)[1])
        monkeypatch.setenv("GATEWAY_HOST", "0.0.0.0")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        assert _invoke("health").exit_code == 0


# Importing


def test_import_loads_a_file(folder: Path) -> None:
    (folder / "good.csv").write_text(GOOD)
    imported = _run("import", "good.csv", *DATABASE)
    assert (imported.returncode, imported.stderr) == (0, "")
    assert imported.stdout == "Imported 1 execution\n"
    assert run_sql(
        folder / "executions.db",
        "SELECT guid, agentflow_id, session_id, state, created_on FROM executions",
    ) == [("a", "flow-1", "session-1", "FINISHED", 1_700_000_000_000)]
    assert run_sql(folder / "executions.db", "SELECT * FROM agentflows") == [("flow-1", "Support")]


def test_import_loads_what_is_piped_into_it(folder: Path) -> None:
    imported = _run("import", "-", *DATABASE, given=GOOD)
    assert (imported.returncode, imported.stdout) == (0, "Imported 1 execution\n")
    assert _count(folder / "executions.db") == 1


def test_import_loads_what_the_rest_list_answers(folder: Path, path: Path) -> None:
    insert(path, SAMPLE)
    with _serving() as served:
        answered = plain_http.get(f"{served.url}/executions").text
    imported = _run("import", "-", "--database", "sqlite:///copy.db", given=answered)
    assert imported.returncode == 0, imported.stderr
    columns = "SELECT id, guid, agentflow_id, session_id, state, created_on FROM executions"
    assert run_sql(folder / "copy.db", columns) == run_sql(path, columns)


def test_import_loads_many_files_of_different_kinds_at_once(folder: Path) -> None:
    row = {"guid": "b", "agentflowId": "flow-2", "state": "ERROR", "created_on": 1_700_000_000_000}
    (folder / "one.csv").write_text(GOOD)
    (folder / "two.jsonl").write_text(json.dumps(row) + "\n")
    (folder / "three.json").write_text(json.dumps([row | {"guid": "c"}, row | {"guid": "d"}]))
    imported = _invoke("import", "one.csv", "two.jsonl", "three.json", *DATABASE)
    assert imported.stdout == "Imported 4 executions\n"
    guids = run_sql(folder / "executions.db", "SELECT guid FROM executions ORDER BY guid")
    assert guids == [("a",), ("b",), ("c",), ("d",)]


def test_import_updates_an_execution_that_is_there(folder: Path) -> None:
    (folder / "good.csv").write_text(GOOD)
    _invoke("import", "good.csv", *DATABASE)
    (folder / "good.csv").write_text(GOOD.replace("FINISHED", "STOPPED"))
    assert _invoke("import", "good.csv", *DATABASE).exit_code == 0
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
    refused = _run(*arguments, given=given)
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
    refused = _run("import", str(place / "bad.csv"), *DATABASE)
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
    refused = _run("import", file, *DATABASE)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert _plain(refused.stderr) == f"Error: {reason}"
    assert _count(path) == 0


# The schema


def test_schema_prints_the_sdl_and_needs_no_database(folder: Path) -> None:
    printed = _run("schema")
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout == (ROOT / "schema" / "schema.graphql").read_text("utf-8")
    assert list(folder.iterdir()) == []


# Migrating


def test_migrate_makes_a_database_once(folder: Path) -> None:
    newest = NEWEST_REVISION
    first = _run("migrate", *DATABASE)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == f"Migrated the database from revision none to {newest}\n"
    again = _invoke("migrate", *DATABASE)
    assert again.stdout == f"The database is at the newest revision already ({newest})\n"
    assert run_sql(folder / "executions.db", "SELECT version_num FROM alembic_version") == [
        (newest,)
    ]


def test_migrate_keeps_what_is_there(path: Path) -> None:
    insert(path, SAMPLE)
    assert _invoke("migrate", *DATABASE).exit_code == 0
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
    shown = _invoke(command, "--help")
    assert shown.exit_code == 0
    assert f"Usage: root {command}" in _plain(shown.stdout)
    assert f"Example: executions-gateway {command}" in _plain(shown.stdout)


@pytest.mark.parametrize("arguments", [(), ("--help",)], ids=["nothing", "--help"])
def test_the_program_shows_its_commands(arguments: tuple[str, ...]) -> None:
    shown = _run(*arguments)
    said = shown.stdout + shown.stderr
    assert re.findall(r"^│ ([a-z]+) ", said, re.MULTILINE) == COMMANDS
    assert "Traceback" not in said


def test_the_program_says_its_version() -> None:
    assert re.fullmatch(r"executions-gateway \d+\.\d+\.\d+\n", _run("--version").stdout)


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
    refused = _run(*arguments)
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
