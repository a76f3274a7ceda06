"""SQLite's file is full, locked, deleted or replaced: clients are told, and it mends itself."""

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests import plain_http
from tests.faults.disks import CAN_MOUNT, SmallDisk, mounted
from tests.faults.programs import Clients, Program, graphql, is_ready, program, wait_until
from tests.faults.writes import TOTALS, Writers, assert_totals_are_true, change, fill
from tests.gateway import run_sql
from tests.places import SQLiteFiles, SQLitePlace

pytestmark = pytest.mark.sqlite

COUNT = 20_000
_STATES = itertools.cycle(("ERROR", "TIMEOUT"))


@pytest.fixture(scope="module")
def template(new_place: Callable[[], SQLitePlace]) -> SQLitePlace:
    place = new_place()
    fill(place, COUNT)
    return place


@pytest.fixture
def filled(server: SQLiteFiles, template: SQLitePlace, tmp_path: Path) -> SQLitePlace:
    return server.copy(template, tmp_path)


def _stop(running: Program, guid: str) -> tuple[int, str]:
    return change(running.url, guid, "STOPPED")


def _change(running: Program) -> tuple[int, str]:
    """Change the last execution, which is not stopped before."""
    return change(running.url, f"g-{COUNT - 1}", next(_STATES))


def _reads(running: Program) -> bool:
    return graphql(running.url, TOTALS) is not None


def _writes(running: Program) -> bool:
    return _stop(running, "g-1")[1] == ""


def _assert_mended(running: Program, place: SQLitePlace) -> None:
    wait_until(lambda: _writes(running))
    assert plain_http.get(f"{running.url}/readyz").status_code == 200
    assert run_sql(place, "SELECT state FROM executions WHERE guid = 'g-1'") == [("STOPPED",)]
    assert_totals_are_true(running.url, place)
    assert run_sql(place, "PRAGMA integrity_check") == [("ok",)]


# A disk that is full


class _Quota:
    """A bound on how large the gateway may make a file, which whoever runs it can set."""

    def __init__(self, running: Program) -> None:
        self._process = psutil.Process(running.pid)
        _, self._most = self._process.rlimit(psutil.RLIMIT_FSIZE)

    def fill(self) -> None:
        self._process.rlimit(psutil.RLIMIT_FSIZE, (4096, self._most))

    def empty(self) -> None:
        self._process.rlimit(psutil.RLIMIT_FSIZE, (self._most, self._most))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder) if CAN_MOUNT else contextlib.nullcontext():
        yield folder


@pytest.mark.parametrize("kind", ["tmpfs", "quota"])
def test_on_a_full_disk_reads_go_on_and_writes_are_refused_until_there_is_room(
    filled: SQLitePlace, disk: Path, kind: str
) -> None:
    place = SQLitePlace(Path(shutil.copy(filled.path, disk / "executions.db")))
    writers = Writers(lambda: running.url, COUNT - 1)
    with program(place) as running:
        # Only root may mount; the quota is what there is for others.
        full = SmallDisk(disk) if kind == "tmpfs" and CAN_MOUNT else _Quota(running)
        clients = Clients(4, writers.ask)
        wait_until(lambda: writers.acknowledged > 10)
        full.fill()
        answers: list[tuple[int, str]] = []

        def is_refused() -> bool:
            answers.append(_change(running))
            return answers[-1][0] == 503

        # Not every write needs room: SQLite begins its log anew when it was moved into the file.
        wait_until(is_refused)
        assert answers[-1][1] in {
            "The database's disk is full; nothing was written",
            "The database's disk can't be read or written at the moment",
        }
        assert _reads(running)
        assert plain_http.get(f"{running.url}/executions?limit=3").status_code == 200
        full.empty()
        wait_until(lambda: _change(running)[1] == "")
        before = writers.acknowledged
        wait_until(lambda: writers.acknowledged > before + 5)
        clients.stop()
        writers.check(place)
        assert_totals_are_true(running.url, place)


# A file that can only be read, or is locked


@contextlib.contextmanager
def _unchangeable(*files: Path) -> Iterator[None]:
    """Let nobody change some files; root, who may do everything, is not asked for its rights."""
    if os.geteuid() == 0:
        on, off = (["chattr", sign] for sign in ("+i", "-i"))
    else:
        on, off = (["chmod", mode] for mode in ("444", "644"))
    subprocess.run([*on, *files], check=True)
    try:
        yield
    finally:
        subprocess.run([*off, *files], check=True)


def test_a_file_that_can_only_be_read_is_read_and_written_when_it_can_be(
    filled: SQLitePlace,
) -> None:
    unchangeable = contextlib.ExitStack()
    unchangeable.enter_context(_unchangeable(filled.path))
    with unchangeable, program(filled) as running:
        for guid in ("g-2", "g-3"):
            refusal = (503, "The database can only be read; nothing was written")
            assert _stop(running, guid) == refusal
            assert _reads(running)
        unchangeable.close()
        _assert_mended(running, filled)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take the right to write from others")
def test_a_file_that_can_no_longer_be_written_is_still_read(filled: SQLitePlace) -> None:
    with program(filled) as running:
        assert _writes(running)
        with _unchangeable(filled.path, _log_of(filled)):
            status, message = _stop(running, "g-2")
            assert (status, bool(message)) == (503, True)
            assert _reads(running)
        assert _stop(running, "g-2") == (200, "")
        _assert_mended(running, filled)


def test_a_write_that_waits_too_long_for_another_one_was_not_made(filled: SQLitePlace) -> None:
    with program(filled, busy_timeout="0.2") as running:
        with filled.held():
            assert _stop(running, "g-1") == (
                503,
                "The database is busy with another write; try again in a moment",
            )
            assert _reads(running)
        assert run_sql(filled, "SELECT state FROM executions WHERE guid = 'g-1'") == [
            ("INPROGRESS",)
        ]
        _assert_mended(running, filled)


# A file that is deleted, moved or replaced


def _log_of(place: SQLitePlace) -> Path:
    return place.path.with_name(place.path.name + "-wal")


def _is_away(running: Program) -> bool:
    return not _reads(running) and not is_ready(running.url)


def _delete(place: SQLitePlace) -> None:
    place.path.unlink()


def _delete_all(place: SQLitePlace) -> None:
    for suffix in ("", "-wal", "-shm"):
        place.path.with_name(place.path.name + suffix).unlink()


def _replace_by_rubbish(place: SQLitePlace) -> None:
    rubbish = place.path.with_name("rubbish")
    rubbish.write_bytes(b"no database " * 1_000)
    rubbish.replace(place.path)


def _replace_by_an_empty_file(place: SQLitePlace) -> None:
    empty = place.path.with_name("empty")
    empty.touch()
    empty.replace(place.path)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    "spoil", [_delete, _delete_all, _replace_by_rubbish, _replace_by_an_empty_file]
)
def test_a_file_that_is_gone_is_missed_and_taken_up_again(
    filled: SQLitePlace, spoil: Callable[[SQLitePlace], None], workers: str
) -> None:
    backup = Path(shutil.copy(filled.path, filled.path.with_name("backup")))
    with program(filled, "--workers", workers) as running:
        running.wait_for_workers(int(workers))
        assert _stop(running, "g-3") == (200, "")
        spoil(filled)
        # Not even the first write after it is acknowledged.
        assert _stop(running, "g-4")[0] == 503
        wait_until(lambda: _is_away(running))
        assert _stop(running, "g-4")[0] == 503
        if spoil in (_delete, _delete_all):
            assert not filled.path.exists()
        backup.replace(filled.path)
        wait_until(lambda: is_ready(running.url))
        _assert_mended(running, filled)
        # It is the backup, and nothing of what was written into the file that is gone.
        assert run_sql(filled, "SELECT count(*) FROM executions WHERE state = 'STOPPED'") == [(1,)]


def test_a_file_that_was_moved_away_has_every_acknowledged_write_when_it_comes_back(
    filled: SQLitePlace,
) -> None:
    elsewhere = filled.path.with_name("elsewhere.db")
    writers = Writers(lambda: running.url, COUNT - 1)
    with program(filled) as running:
        clients = Clients(4, writers.ask)
        wait_until(lambda: writers.acknowledged > 10)
        filled.path.rename(elsewhere)
        wait_until(lambda: _is_away(running))
        # The log's name is that of the file, so whatever was only there would be lost to it.
        wait_until(lambda: _log_of(filled).stat().st_size == 0)
        writers.check(SQLitePlace(elsewhere))
        elsewhere.rename(filled.path)
        before = writers.acknowledged
        wait_until(lambda: writers.acknowledged > before + 5)
        clients.stop()
        writers.check(filled)
        _assert_mended(running, filled)
