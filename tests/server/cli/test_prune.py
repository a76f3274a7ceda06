"""The ``prune`` command, run as a program."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from server.cli.main import main
from tests.faults.programs import wait_until
from tests.gateway import run_sql
from tests.places import Place
from tests.server.cli.program import PROGRAM, invoke, run

DAY = 86_400_000
STATES = ("INPROGRESS", "FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED")


def _write(place: Place, rows: list[tuple[str, str, int]]) -> None:
    """Write executions of an agentflow, in a state, so many days old."""
    clock = "strftime('%s', 'now')" if "sqlite" in place.url else "extract(epoch FROM now())"
    [(seconds,)] = run_sql(place, f"SELECT CAST({clock} AS bigint)")
    place.run(
        "INSERT INTO executions (id, guid, agentflow_id, state, created_on) VALUES (?, ?, ?, ?, ?)",
        [
            (number, f"g-{number}", flow, state, int(seconds) * 1000 - days * DAY)
            for number, (flow, state, days) in enumerate(rows, 1)
        ],
    )


def _ids(place: Place) -> set[int]:
    return {number for (number,) in run_sql(place, "SELECT id FROM executions")}


def _pruned(place: Place, *arguments: str) -> list[str]:
    """The lines that a successful run printed."""
    ended = run("prune", "--database", place.url, *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


@pytest.fixture
def mixed(place: Place) -> Place:
    """Two executions of every state: one 40 days old, one 10 days old."""
    _write(place, [("flow", state, days) for state in STATES for days in (40, 10)])
    return place


def test_it_deletes_what_has_ended_and_is_older(mixed: Place) -> None:
    assert _pruned(mixed, "--older-than", "30d") == [
        "To delete: 5 of 12 executions (FINISHED 1, ERROR 1, TERMINATED 1, TIMEOUT 1, STOPPED 1)",
        "Deleted 5 executions (FINISHED 1, ERROR 1, TERMINATED 1, TIMEOUT 1, STOPPED 1); 7 left",
    ]
    # Those in progress stay, however old they are.
    assert _ids(mixed) == {1, 2, 4, 6, 8, 10, 12}


def test_states_can_be_chosen(mixed: Place) -> None:
    lines = _pruned(mixed, "--older-than", "1w", "--state", "ERROR", "--state", "stopped")
    assert lines == [
        "To delete: 4 of 12 executions (ERROR 2, STOPPED 2)",
        "Deleted 4 executions (ERROR 2, STOPPED 2); 8 left",
    ]
    assert _ids(mixed) == {1, 2, 3, 4, 7, 8, 9, 10}


def test_the_newest_of_each_agentflow_can_be_kept(place: Place) -> None:
    _write(
        place,
        [
            *[("one", "FINISHED", days) for days in (50, 49, 48, 47)],
            *[("ties", "ERROR", 40)] * 3,
            ("running", "INPROGRESS", 1),
            *[("running", "FINISHED", days) for days in (60, 61)],
        ],
    )
    assert _pruned(place, "--older-than", "30d", "--keep-last", "2") == [
        "To delete: 4 of 10 executions (FINISHED 3, ERROR 1)",
        "Deleted 4 executions (FINISHED 3, ERROR 1); 6 left",
    ]
    # Of those of one time, the higher id is the newer; what is running counts as well.
    assert _ids(place) == {3, 4, 6, 7, 8, 9}


def test_a_dry_run_says_what_would_be_deleted_and_deletes_nothing(mixed: Place) -> None:
    chosen = ("--older-than", "30d", "--state", "FINISHED", "--keep-last", "1")
    [said] = _pruned(mixed, *chosen, "--dry-run")
    assert said == "Would delete 1 of 12 executions (FINISHED 1)"
    assert len(_ids(mixed)) == 12
    before, _ = _pruned(mixed, *chosen)
    assert before == said.replace("Would delete", "To delete:")


def test_where_nothing_is_old_it_says_so(place: Place) -> None:
    _write(place, [("flow", "FINISHED", 1)])
    assert _pruned(place, "--older-than", "2d") == [
        "To delete: 0 of 1 execution",
        "Deleted 0 executions; 1 left",
    ]


@pytest.mark.parametrize("unit", ["1s", "1m", "1h", "1d", "1w"])
def test_every_unit_is_understood(place: Place, unit: str) -> None:
    _write(place, [("flow", "FINISHED", 8), ("flow", "FINISHED", 0)])
    ran = invoke("prune", "--older-than", unit, "--database", place.url, "--dry-run")
    assert ran.exit_code == 0
    assert re.match(r"Would delete [12] of 2 executions", ran.stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing option '--older-than'"),
        (["--older-than", "30"], "must be a number and a unit"),
        (["--older-than", "0d"], "must be longer than 0"),
        (["--older-than=-1d"], "must be a number and a unit"),
        (["--older-than", "99999999w"], "must be at most 36500d"),
        (["--older-than", "1d", "--keep-last", "-1"], "'--keep-last'"),
        (["--older-than", "1d", "--keep-last", "100001"], "'--keep-last'"),
        (["--older-than", "1d", "--state", "DONE"], "'--state'"),
        (["--older-than", "1d", "--state", "INPROGRESS"], "INPROGRESS are never deleted"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else "",
)
def test_anything_else_is_refused_and_deletes_nothing(
    mixed: Place, arguments: list[str], said: str
) -> None:
    ran = invoke("prune", *arguments, "--database", mixed.url)
    assert ran.exit_code == 2
    assert said in " ".join(re.sub("[│╭╮╰╯─]", " ", ran.output).split())
    assert len(_ids(mixed)) == 12


def test_a_rule_of_the_database_that_refuses_is_reported_with_what_was_deleted(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("db.pacing._LARGEST", 1)
    _write(place, [("flow", "ERROR", 50 - number) for number in range(5)])
    place.refuse("DELETE", "OLD.id = 4")
    monkeypatch.setattr(
        sys, "argv", ["app.py", "prune", "--older-than", "30d", "--database", place.url]
    )
    assert main() == 1
    said = capsys.readouterr()
    assert said.out == "To delete: 5 of 5 executions (ERROR 5)\n"
    assert said.err == (
        "Error: It failed after it had deleted 4 executions (ERROR 4)\n"
        "Error: The database refused to delete the others: a secret\n"
    )
    assert _ids(place) == {4}


def test_a_database_that_can_not_be_opened_is_explained() -> None:
    ran = run("prune", "--older-than", "1d", "--database", "sqlite:////nowhere/at/all.db")
    assert ran.returncode == 1
    assert "/nowhere/at" in ran.stderr


@pytest.fixture
def slow(place: Place) -> Place:
    """A database that takes a millisecond or more to delete one of a thousand old executions."""
    _write(place, [("flow", "FINISHED", 40)] * 1000)
    if "sqlite" in place.url:
        waiting = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 20000)"
        run_sql(
            place,
            "CREATE TRIGGER slowly BEFORE DELETE ON executions"
            f" BEGIN SELECT count(*) FROM ({waiting} SELECT x FROM n); END",
        )
    else:
        run_sql(
            place,
            "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(0.002); RETURN OLD; END $$",
        )
        run_sql(
            place,
            "CREATE TRIGGER slowly BEFORE DELETE ON executions FOR EACH ROW"
            " EXECUTE FUNCTION slowly()",
        )
    return place


def _stopped(place: Place) -> tuple[int, str]:
    """The status and the output of a run that was interrupted once it had begun to delete."""
    command = [*PROGRAM, "prune", "--older-than", "30d", "--database", place.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as it:
        wait_until(lambda: len(_ids(place)) < 1000)
        it.send_signal(signal.SIGINT)
        output, _ = it.communicate(timeout=60)
    return it.returncode, output


def test_ctrl_c_ends_it_after_a_whole_batch_and_says_how_many_were_deleted(slow: Place) -> None:
    status, output = _stopped(slow)
    assert status == 130
    left = len(_ids(slow))
    assert 0 < left < 1000
    assert output.splitlines()[-1] == (
        f"Stopped: deleted {1000 - left} executions (FINISHED {1000 - left}); {left} left"
    )


def test_a_killed_run_leaves_whole_batches_and_the_next_one_deletes_the_rest(slow: Place) -> None:
    command = [*PROGRAM, "prune", "--older-than", "30d", "--database", slow.url]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as it:
        wait_until(lambda: len(_ids(slow)) < 1000)
        it.kill()
    run_sql(
        slow,
        "DROP TRIGGER slowly" if "sqlite" in slow.url else "DROP TRIGGER slowly ON executions",
    )
    left = len(_ids(slow))
    assert _pruned(slow, "--older-than", "30d") == [
        f"To delete: {left} of {left} executions (FINISHED {left})",
        f"Deleted {left} executions (FINISHED {left}); 0 left",
    ]


def test_two_runs_at_once_delete_everything_and_count_it_once(slow: Place) -> None:
    command = [*PROGRAM, "prune", "--older-than", "30d", "--database", slow.url]
    runs = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [it.communicate(timeout=120) for it in runs]
    assert [it.returncode for it in runs] == [0, 0], said
    deleted = [re.findall(r"Deleted (\d+)", output.replace(",", "")) for output, _ in said]
    assert sum(int(count) for [count] in deleted) == 1000
    assert _ids(slow) == set()


def test_on_a_terminal_it_shows_a_progress_bar(mixed: Place) -> None:
    main_end, terminal = pty.openpty()
    command = [*PROGRAM, "prune", "--older-than", "30d", "--database", mixed.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal, text=True) as it:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):
            while part := os.read(main_end, 4096):
                shown += part
        output, _ = it.communicate(timeout=60)
    os.close(main_end)
    assert it.returncode == 0
    assert b"Deleting" in shown
    assert b"5/5" in shown
    assert output.splitlines()[-1].startswith("Deleted 5 executions")
