"""A lock on a file, which one holder has at a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from db.sqlite.file_lock import FileLock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file that is locked."""
    return tmp_path / "database.sqlite-gateway"


def test_one_has_the_lock_until_it_is_released(path: Path) -> None:
    one, other = FileLock(path), FileLock(path)
    assert one.acquire()
    assert one.acquire()
    assert not other.acquire()
    one.release()
    assert not path.exists()
    assert other.acquire()
    assert not one.acquire()
    other.release()


def test_releasing_what_somebody_else_has_changes_nothing(path: Path) -> None:
    one, other = FileLock(path), FileLock(path)
    assert one.acquire()
    assert not other.acquire()
    other.release()
    assert path.exists()
    assert not other.acquire()
    one.release()


def test_a_lock_whose_file_is_gone_is_taken_anew(path: Path) -> None:
    one, other = FileLock(path), FileLock(path)
    assert one.acquire()
    path.unlink()
    assert other.acquire()
    assert not one.acquire()
    other.release()


def test_a_link_is_not_followed(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))
    lock = FileLock(path)
    with pytest.raises(OSError, match="symbolic link"):
        lock.acquire()
    lock.release()
    assert path.is_symlink()
    assert not path.exists()


def test_a_process_that_is_killed_has_no_lock(path: Path) -> None:
    program = (
        "import pathlib, sys, time; from db.sqlite.file_lock import FileLock;"
        " lock = FileLock(pathlib.Path(sys.argv[1]));"
        " print(lock.acquire(), flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE
    ) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"True\n"
        assert not FileLock(path).acquire()
        killed.kill()
    lock = FileLock(path)
    assert lock.acquire()
    lock.release()


def test_several_share_a_lock_that_nobody_has_alone_meanwhile(path: Path) -> None:
    one, other = FileLock(path, is_shared=True), FileLock(path, is_shared=True)
    alone = FileLock(path)
    assert one.acquire()
    assert other.acquire()
    assert alone.holders() == [os.getpid()]
    one.release()
    assert not alone.acquire()
    other.release()
    assert not path.exists()
    assert alone.holders() == []
    assert alone.acquire()
    assert not one.acquire()
    alone.release()
