"""The command ``import`` with the address of a server: what it prints, keeps and goes on from."""

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from server.cli.main import main
from server.cli.rest_import import retries
from tests.gateway import Gateway, make_key, run_sql
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.cli.program import PATIENCE, PROGRAM, end
from tests.server.cli.rest_import.flowise_list import FlowiseList
from tests.server.cli.rest_import.listing import Query, Reply, listing

SECRET = "very-secret-token"
HEADER = ("--header", f"Authorization: Bearer {SECRET}")
FIELDS = "id, guid, agentflow_id, session_id, state, created_on"
PAGE = 100
"""How many executions a page has at first."""


class Done(NamedTuple):
    status: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in the process of the test."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr("sys.argv", ["app.py", *arguments])
        capsys.readouterr()
        try:
            status = main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        return Done(status, *capsys.readouterr())

    return run


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and no pauses."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(retries, "_FIRST_PAUSE", 0.0)
    return tmp_path


def _guids(folder: Path) -> set[str]:
    return {guid for (guid,) in run_sql(folder / "executions.db", "SELECT guid FROM executions")}


def _flowise(count: int) -> FlowiseList:
    flowise = FlowiseList()
    for number in range(count):
        flowise.create(f"g-{number:04}", at=flowise.clock - 10 * number, state="FINISHED")
    return flowise


def test_the_list_of_a_flowise_is_imported(program: Run, folder: Path) -> None:
    with listing(_flowise(250).answer) as server:
        done = program("import", server.url, *HEADER)
    assert (done.status, done.stdout) == (0, "Imported 250 executions\n")
    assert len(_guids(folder)) == 250
    assert all(sent["Authorization"] == f"Bearer {SECRET}" for _, sent in server.requests)


def test_the_list_of_another_gateway_is_imported(
    program: Run, gateway_with: Callable[..., Gateway], place: Place, folder: Path
) -> None:
    source = gateway_with(max_page_size=7, auth="keys")
    source.insert(SAMPLE)
    key = make_key(place, "read")
    done = program("import", f"{source.url}/executions", "--header", f"Authorization: Bearer {key}")
    assert done.stdout == f"Imported {len(SAMPLE)} executions\n", done.stderr
    query = f"SELECT {FIELDS} FROM executions ORDER BY guid"
    assert run_sql(folder / "executions.db", query) == run_sql(place, query)


def test_an_import_again_reads_only_what_has_changed(program: Run, folder: Path) -> None:
    flowise = _flowise(400)
    with listing(flowise.answer) as server:
        program("import", server.url)
        flowise.clock += 1000
        flowise.change("g-0007", "ERROR")
        flowise.create("new")
        before = flowise.sent
        done = program("import", server.url)
    # The first page again, and of that what may have been written late.
    assert done.stdout == "Imported 4 executions\n"
    assert flowise.sent - before <= 3 * PAGE
    query = "SELECT guid, state FROM executions"
    assert dict(run_sql(folder / "executions.db", query)) == flowise.states()


def test_an_import_anew_reads_everything(program: Run, folder: Path) -> None:
    with listing(_flowise(30).answer) as server:
        program("import", server.url)
        run_sql(folder / "executions.db", "DELETE FROM executions")
        done = program("import", server.url, "--anew")
    assert done.stdout == "Imported 30 executions\n"
    assert len(_guids(folder)) == 30


def _interrupted(flowise: FlowiseList, interrupt: Callable[[], Any]) -> Callable[[Query], Any]:
    """Answer as a Flowise, but once otherwise: after two windows that were read whole."""
    whole: list[Query] = []
    has_happened: list[bool] = []

    def answer(query: Query) -> Any:
        if len(whole) == 2 and not has_happened:
            has_happened.append(True)
            return interrupt() or flowise.answer(query)
        found = flowise.answer(query)
        if "startDate" in query and 0 < found["total"] <= len(found["data"]):
            whole.append(query)
        return found

    return answer


def test_an_import_that_broke_off_goes_on_where_it_was(program: Run, folder: Path) -> None:
    flowise = _flowise(1000)
    with listing(_interrupted(flowise, lambda: Reply(status=418))) as server:
        assert program("import", server.url).status == 1
        kept = len(_guids(folder))
        assert 0 < kept < 1000
        flowise.clock += 100
        flowise.change("g-0999", "ERROR")
        before = flowise.sent
        done = program("import", server.url)
    assert "Going on where an earlier import of this list ended" in done.stderr
    assert len(_guids(folder)) == 1000
    assert flowise.sent - before < 3 * (1000 - kept) + 5 * PAGE
    query = "SELECT state FROM executions WHERE guid = 'g-0999'"
    assert run_sql(folder / "executions.db", query) == [("ERROR",)]


def test_another_credential_starts_a_list_of_its_own(program: Run) -> None:
    with listing(_flowise(30).answer) as server:
        program("import", server.url, *HEADER)
        again = program("import", server.url, "--header", "Authorization: Bearer other")
    assert "Going on" not in again.stderr
    assert again.stdout == "Imported 30 executions\n"


def test_failures_are_tried_again_and_told(program: Run) -> None:
    flowise = _flowise(20)
    replies = iter([Reply(status=503), Reply(raw=b"[]", cut=True), Reply(status=429)])
    with listing(lambda query: next(replies, None) or flowise.answer(query)) as server:
        done = program("import", server.url, *HEADER)
    assert done.stdout == "Imported 20 executions\n"
    assert done.stderr.count("; trying again in 1 s") == 3
    assert SECRET not in done.stdout + done.stderr


def test_a_server_that_stays_away_is_an_error_after_ten_times_and_leaves_no_file(
    program: Run, folder: Path
) -> None:
    with listing(lambda _: Reply(status=503)) as server:
        done = program("import", server.url, *HEADER)
    assert done.status == 1
    assert "Error: The server answered 503, 10 times" in done.stderr
    assert len(server.requests) == 10
    assert list(folder.iterdir()) == []
    assert SECRET not in done.stdout + done.stderr


def test_what_can_not_be_read_is_named_at_the_end_and_is_the_status(
    program: Run, folder: Path
) -> None:
    flowise = _flowise(250)
    flowise.create("odd\x1b[2J", state="DONE")
    flowise.create("gone", agentflowId="")
    with listing(flowise.answer) as server:
        done = program("import", server.url)
    assert (done.status, done.stdout) == (1, "Imported 250 executions\n")
    assert r"Left out odd\x1b[2J: state must be one of INPROGRESS" in done.stderr
    assert "Left out gone: agentflow_id must be a text" in done.stderr
    assert "2 were left out" in done.stderr
    assert len(_guids(folder)) == 250


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("http://host/", SECRET), "An address must be the only argument, and a header in quotes"),
        ((SECRET, "http://host/"), "An address must be the only argument"),
        (("runs.csv", *HEADER), "--header, --follow and --anew are for the address of a server"),
        (("runs.csv", "--follow", "30s"), "are for the address of a server"),
        (("http://host/", "--seconds"), "--seconds is for files"),
        (("file:///etc/passwd",), "file:// can't be imported"),
        ((f"https://me:{SECRET}@host/",), "must hold no credentials"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused_and_credentials_are_not_shown(
    program: Run, folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = program("import", *arguments)
    assert done.status == 1
    assert said in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert list(folder.iterdir()) == []


def test_no_credential_is_in_the_database(program: Run, folder: Path) -> None:
    with listing(_flowise(3).answer) as server:
        program("import", server.url, *HEADER)
    assert SECRET.encode() not in b"".join(file.read_bytes() for file in folder.iterdir())


@contextlib.contextmanager
def _importing(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*PROGRAM, "import", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            end(process)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_while_the_server_is_silent(how: signal.Signals, folder: Path) -> None:
    flowise = _flowise(1000)
    with contextlib.ExitStack() as stack:

        def end_it() -> None:
            process.send_signal(how)
            # The answer comes only when the program has ended.
            process.wait(PATIENCE)

        server = stack.enter_context(listing(_interrupted(flowise, end_it)))
        process = stack.enter_context(_importing(server.url, *HEADER))
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, errors
    assert "Stopped: imported" in output
    assert "the same command goes on from there" in output
    assert "Traceback" not in errors
    assert SECRET not in output + errors
    assert 0 < len(_guids(folder)) < 1000


def test_a_follower_keeps_up_and_outlasts_failures_until_ctrl_c(folder: Path) -> None:
    flowise = _flowise(150)
    failing = iter([Reply(status=503)])
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            listing(lambda query: next(failing, None) or flowise.answer(query))
        )
        process = stack.enter_context(_importing(server.url, "--follow", "1s", *HEADER))
        assert process.stderr
        assert process.stdout
        said = ""
        while "following until Ctrl-C" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        flowise.clock += 100
        flowise.change("g-0149", "ERROR")
        flowise.create("new")
        query = "SELECT guid, state FROM executions"
        while dict(run_sql(folder / "executions.db", query)) != flowise.states():
            assert process.stdout.readline().endswith(" more\n")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, errors
    assert "Stopped: imported " in output
    assert SECRET not in said + output + errors
