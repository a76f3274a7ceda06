"""The folder in which workers share metrics, and those that killed gateways leave behind."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from server.observability.shared_metrics import remove_abandoned, shared_by_processes
from tests.faults.programs import Program, program, wait_until
from tests.places import Place

_FOLDERS = "gateway-metrics-*"
HOLDING = """
import os, sys, time
from server.observability.shared_metrics import shared_by_processes
with shared_by_processes():
    print(os.environ["PROMETHEUS_MULTIPROC_DIR"], flush=True)
    time.sleep(600)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, of this process and of those that it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@contextmanager
def _holder() -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A process that shares its metrics, and their folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    try:
        yield process, Path(process.stdout.readline().strip())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_folder_of_a_killed_gateway_is_removed(temporary: Path) -> None:
    with _holder() as (process, folder):
        assert folder.parent == temporary
        process.kill()
        process.wait()
        assert folder.is_dir()
        remove_abandoned()
        assert not folder.exists()


def test_the_folder_of_a_living_gateway_stays(temporary: Path) -> None:
    with _holder() as (_, folder):
        remove_abandoned()
        assert list(folder.iterdir()) == [folder / "lock"]
        assert list(temporary.glob(_FOLDERS)) == [folder]


def test_a_folder_that_is_being_made_stays(temporary: Path) -> None:
    folder = temporary / "gateway-metrics-new"
    folder.mkdir()
    remove_abandoned()
    assert folder.is_dir()


def test_nothing_is_removed_through_a_link(temporary: Path) -> None:
    precious = temporary / "precious"
    precious.mkdir()
    (precious / "lock").touch()
    (temporary / "gateway-metrics-link").symlink_to(precious)
    remove_abandoned()
    assert (precious / "lock").exists()


def test_a_gateway_that_ends_takes_its_folder_with_it(temporary: Path) -> None:
    with shared_by_processes():
        assert len(list(temporary.glob(_FOLDERS))) == 1
    assert not list(temporary.glob(_FOLDERS))


def _workers(running: Program) -> list[psutil.Process]:
    workers: list[psutil.Process] = psutil.Process(running.pid).children(recursive=True)
    return workers


@pytest.mark.sqlite
def test_a_gateway_that_starts_removes_what_a_killed_one_left_and_none_that_a_worker_still_uses(
    place: Place, temporary: Path
) -> None:
    with program(place, "--workers", "2") as first:
        first.wait_for_workers(2)
        [folder] = temporary.glob(_FOLDERS)
        workers = _workers(first)
        # Its workers can do nothing now, not even notice that their parent is gone.
        for worker in workers:
            worker.suspend()
        os.kill(first.pid, signal.SIGKILL)
        with program(place, "--workers", "2"):
            assert folder.is_dir()
        first.kill()
        psutil.wait_procs(workers, timeout=60)
        with program(place, "--workers", "2"):
            wait_until(lambda: not folder.exists())
