"""The ``export`` command: what it writes is what ``import`` reads, whole or not at all."""

import json
import os
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from db.errors import ServiceUnavailable
from db.instants import EARLIEST_MS, LATEST_MS
from db.models import ExecutionState
from db.source import ExecutionRow
from server.cli.main import cli
from tests.gateway import insert, run_sql
from tests.places import Place
from tests.reference import ordered
from tests.sample import SAMPLE, START
from tests.server.cli.program import PROGRAM, invoke, run

FORMATS = ["csv", "jsonl"]
_READ = (
    "SELECT executions.id, guid, agentflow_id, name, session_id, state, created_on, updated_on,"
    " finished_on, workspace_id FROM executions"
    " LEFT JOIN agentflows ON agentflows.id = agentflow_id ORDER BY executions.id"
)
_FILL = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO executions (guid, agentflow_id, state, created_on)
SELECT 'guid-' || n, 'flow-' || (n % 10), 'FINISHED', CAST(? AS bigint) + n FROM numbers
"""


def _odd_rows() -> list[ExecutionRow]:
    texts = ['say "hi", all', "two\r\nlines", "=1+1", "'=1", "-", "\t", "Ä 日本 😀", "'", ""]
    odd = [
        SAMPLE[0]._replace(
            id=1000 - number,
            guid=f"{text} guid" if text else "",
            agentflow_id=f"{text}-flow-{number}",
            agentflow_name=None if number % 3 == 0 else text or "a name",
            session_id=text,
            workspace_id=text,
            created_on=START - 86_400_000 + number * 7,
        )
        for number, text in enumerate(texts)
    ]
    ends = [EARLIEST_MS, -1, 0, 1, 5_000, LATEST_MS]
    times = [
        SAMPLE[1]._replace(
            id=2**52 - at, guid=f"at-{ms}", created_on=ms, updated_on=ms, finished_on=ms
        )
        for at, ms in enumerate(ends)
    ]
    return [*SAMPLE, *odd, *times]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def filled(place: Place) -> Place:
    """A database with the sample."""
    insert(place, SAMPLE)
    return place


def _exported(place: Place, *arguments: str) -> str:
    ran = invoke("export", "--database", place.url, *arguments)
    assert ran.exit_code == 0, ran.output
    assert ran.stderr == ""
    # As text, line ends would all become one.
    return ran.stdout_bytes.decode()


def _guids(place: Place, *arguments: str) -> list[str]:
    lines = _exported(place, "--format", "jsonl", *arguments).splitlines()
    return [json.loads(line)["guid"] for line in lines]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_that_is_exported_and_imported_elsewhere_gives_the_same_rows(
    place: Place, new_place: Callable[[], Place], folder: Path, format_: str
) -> None:
    insert(place, _odd_rows())
    run_sql(place, "INSERT INTO agentflows (id, name) VALUES ('flow-unnamed', NULL)")
    said = _exported(place, "--format", format_, "--output", "runs")
    assert said == f"Exported {len(_odd_rows())} executions\n"
    elsewhere = new_place()
    assert invoke("import", "runs", "--database", elsewhere.url).exit_code == 0
    assert run_sql(elsewhere, _READ) == run_sql(place, _READ)
    assert _exported(elsewhere, "--format", format_) == (folder / "runs").read_bytes().decode()


@pytest.mark.parametrize("format_", FORMATS)
def test_what_the_real_program_writes_to_a_pipe_is_imported_from_it(
    filled: Place, new_place: Callable[[], Place], format_: str
) -> None:
    elsewhere = new_place()
    arguments = ("export", "--format", format_, "--database", filled.url)
    with subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE) as export:
        imported = subprocess.run(
            [*PROGRAM, "import", "-", "--database", elsewhere.url],
            stdin=export.stdout,
            check=False,
            timeout=60,
        )
    assert (export.returncode, imported.returncode) == (0, 0)
    assert run_sql(elsewhere, _READ) == run_sql(filled, _READ)


def test_executions_are_written_newest_first(filled: Place) -> None:
    assert _guids(filled) == [row.guid for row in ordered(SAMPLE)]


def test_more_than_a_batch_is_written_once_each(place: Place) -> None:
    run_sql(place, _FILL, 2_500, START)
    assert _guids(place) == [f"guid-{number}" for number in range(2_500, 0, -1)]


def test_nothing_is_a_header_in_csv_and_no_line_in_json_lines(place: Place) -> None:
    header = (
        "id,guid,agentflow_id,agentflow_name,session_id,state,created_on,updated_on,finished_on"
        ",workspace_id"
    )
    assert _exported(place).splitlines() == [header]
    assert _exported(place, "--format", "jsonl") == ""


# The filter


@pytest.mark.parametrize(
    ("filter_", "is_wanted"),
    [
        ('{"state": {"eq": "ERROR"}}', lambda row: row.state == "ERROR"),
        ('{"sessionId": {"isNull": true}}', lambda row: row.session_id is None),
        (
            '{"or": [{"guid": {"in": ["guid-07"]}}, {"agentflowName": {"contains": "SUPPORT"}}]}',
            lambda row: row.guid == "guid-07" or "support" in (row.agentflow_name or "").lower(),
        ),
        (
            '{"createdOn": {"lt": "2023-11-14T22:13:22Z"}}',
            lambda row: row.created_on < START + 2000,
        ),
        ("{}", lambda _: True),
        ("null", lambda _: True),
    ],
)
def test_a_filter_is_that_of_graphql(
    filled: Place, filter_: str, is_wanted: Callable[[ExecutionRow], bool]
) -> None:
    wanted = [row.guid for row in ordered(SAMPLE) if is_wanted(row)]
    assert wanted
    assert _guids(filled, "--filter", filter_) == wanted


@pytest.mark.parametrize(
    ("filter_", "said"),
    [
        ('{"state": {"eq": "ERRR"}}', "Value 'ERRR' does not exist in 'ExecutionState' enum"),
        ('{"stat": {}}', "not to include unknown field 'stat'. Did you mean"),
        ('{"createdOn": {"lt": 5}}', "at .createdOn.lt"),
        ("[1]", "Expected value of type 'ExecutionFilter' to be an object, found: [1]"),
        ('{"state"', "--filter must be JSON in UTF-8: "),
        ("state=ERROR", "--filter must be JSON in UTF-8: "),
        ('{"not":' * 40 + "{}" + "}" * 40, "filter must not be nested deeper than 25 levels"),
    ],
)
@pytest.mark.sqlite
def test_a_filter_that_is_none_is_refused_as_by_graphql(
    filled: Place, filter_: str, said: str
) -> None:
    ran = run("export", "--database", filled.url, "--filter", filter_)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("Error: ")
    assert said in ran.stderr


def test_the_lists_of_a_filter_are_limited_as_in_graphql(
    filled: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_MAX_IDS", "2")
    filter_ = '{"guid": {"in": ["a", "b", "c"]}}'
    ran = run("export", "--database", filled.url, "--filter", filter_)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "at most 2 values in its lists (max_ids)" in ran.stderr


# The file


@pytest.mark.sqlite
def test_a_file_is_replaced_and_keeps_its_rights_and_its_link(filled: Place, folder: Path) -> None:
    target = folder / "target"
    target.write_text("before")
    target.chmod(0o640)
    (folder / "link").symlink_to(target)
    _exported(filled, "--output", "link")
    assert (folder / "link").is_symlink()
    assert target.read_text().startswith("id,guid,")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert {file.name for file in folder.iterdir()} == {"link", "target"}


@pytest.mark.sqlite
def test_a_pipe_is_written_to_and_not_replaced(filled: Place, folder: Path) -> None:
    ran = run("export", "--database", filled.url, "--output", "/dev/stdout")
    assert ran.returncode == 0
    assert len(ran.stdout.splitlines()) == 1 + len(SAMPLE) + 1
    assert list(folder.iterdir()) == []


@pytest.mark.sqlite
def test_a_new_file_has_the_rights_that_the_program_gives(filled: Place, folder: Path) -> None:
    before = os.umask(0o027)
    try:
        _exported(filled, "--output", "runs.csv")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "runs.csv").stat().st_mode) == 0o640


@pytest.fixture
def signals_end_programs() -> Iterator[None]:
    """Let signals do what they do in a shell's foreground; elsewhere some are ignored."""
    usual: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {each: signal.signal(each, handler) for each, handler in usual.items()}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.usefixtures("signals_end_programs")
@pytest.mark.parametrize(
    ("ends", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (None, 1)],
)
def test_an_export_that_is_interrupted_or_fails_leaves_the_file_as_it_was(
    place: Place,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    ends: signal.Signals | None,
    status: int,
) -> None:
    run_sql(place, _FILL, 2_500, START)
    (folder / "runs.csv").write_text("before")
    seen: list[set[str]] = []

    def serialize(rows: Any) -> bytes:
        seen.append({file.name for file in folder.iterdir()})
        if len(seen) == 2 and ends is None:
            raise ServiceUnavailable("it went away")
        if len(seen) == 2 and ends is not None:
            signal.raise_signal(ends)
        return b"half" * len(rows)

    monkeypatch.setattr("server.cli.export_command._LINES", {"csv": serialize})
    arguments = ("export", "--database", place.url, "--output", "runs.csv")
    ran = CliRunner().invoke(cli, arguments)
    assert ran.exit_code == status
    assert [len(names) for names in seen] == [2, 2]
    assert (folder / "runs.csv").read_text() == "before"
    assert [file.name for file in folder.iterdir()] == ["runs.csv"]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("nowhere/runs.csv", "No such file or directory"),
        (".", "Is a directory"),
        ("/dev/full", "No space left on device"),
    ],
)
def test_a_file_that_can_not_be_written_is_named_with_the_reason(
    filled: Place, output: str, reason: str
) -> None:
    ran = run("export", "--database", filled.url, "--output", output)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == f"Error: {output} can't be written: {reason}\n"


@pytest.mark.sqlite
def test_a_full_standard_output_is_an_error(filled: Place) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [*PROGRAM, "export", "--database", filled.url],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert ran.returncode == 1
    assert ran.stderr == b"Error: standard output can't be written: No space left on device\n"


def test_a_reader_that_has_enough_ends_the_export_in_silence(place: Place) -> None:
    run_sql(place, _FILL, 20_000, START)
    with subprocess.Popen(
        [*PROGRAM, "export", "--database", place.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as export:
        assert export.stdout
        assert export.stderr
        assert export.stdout.readline().startswith(b"id,guid,")
        export.stdout.close()
        assert export.stderr.read() == b""


# The database


@pytest.mark.sqlite
def test_a_database_that_is_not_there_is_not_made(folder: Path) -> None:
    ran = run("export", "--database", "sqlite:///typo.db")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "Error: There is no database typo.db; name another one with --database sqlite:///FILE\n"
    )
    assert list(folder.iterdir()) == []


@pytest.mark.sqlite
@pytest.mark.parametrize("format_", FORMATS)
def test_texts_that_are_not_utf_8_are_counted_and_shown_with_replacement_characters(
    filled: Place, folder: Path, format_: str
) -> None:
    checks = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%checked%'"
    for (name,) in run_sql(filled, checks):
        run_sql(filled, f"DROP TRIGGER {name}")
    run_sql(
        filled,
        "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
        " VALUES ('broken', 'flow-\ufffd', CAST(x'636166e9' AS TEXT), ?, ?)",
        ExecutionState.ERROR.value,
        START,
    )
    ran = invoke("export", "--database", filled.url, "--output", "runs", "--format", format_)
    assert ran.stdout == "Exported 25 executions\n"
    assert "1 of the executions have texts that are not UTF-8, shown with U+FFFD" in ran.stderr
    assert (folder / "runs").read_text("utf-8").count("caf\ufffd") == 1
