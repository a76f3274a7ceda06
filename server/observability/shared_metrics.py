"""Metrics of several processes of one gateway, which whichever of them is asked tells together.

The processes keep their numbers in files of one folder, as prometheus_client's multiprocess mode
has it: a folder that the environment names before the library is imported.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

logger = logging.getLogger("gateway.metrics")

_PREFIX = "gateway-metrics-"
_LOCK = "lock"
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_OF_PROCESS = re.compile(r"_(\d+)\.db$")
_PUBLISHED_EVERY = 2.0


@contextlib.contextmanager
def shared_by_processes() -> Iterator[None]:
    """Let the processes that are started within the block keep their metrics together."""
    remove_abandoned()
    with (
        tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as folder,
        _kept(Path(folder)),
    ):
        os.environ[_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER]


def remove_abandoned() -> None:
    """Remove the folders of gateways all of whose processes were killed.

    Those that live hold a lock on a file in theirs, which the system lets go of when they end. A
    folder without that file is being made at this moment, or is none of ours.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), (folder / _LOCK).open("rb") as lock:
            if folder.is_symlink() or os.fstat(lock.fileno()).st_uid != os.geteuid():
                continue
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)


@contextlib.contextmanager
def _kept(folder: Path) -> Iterator[None]:
    """Keep other gateways from removing a folder, while the block runs."""
    lock = folder / _LOCK
    # It gets its name when it is locked, so that nobody finds it unlocked.
    unlocked = folder / f"{_LOCK}-{os.getpid()}"
    with (lock if lock.exists() else unlocked).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        if not lock.exists():
            unlocked.rename(lock)
        yield


def is_shared() -> bool:
    """Whether this process is one of several."""
    return _FOLDER in os.environ


def registry_of_all() -> CollectorRegistry:
    """The metrics of all processes; what a process that has ended held at the end is left out."""
    for ended in _processes() - {os.getpid()}:
        if not _lives(ended):
            mark_process_dead(ended)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another user's, who has been given the number of one of ours.
        return False
    return True


def _processes() -> set[int]:
    names = (file.name for file in Path(os.environ[_FOLDER]).glob("gauge_live*.db"))
    return {int(found[1]) for name in names if (found := _OF_PROCESS.search(name))}


@contextlib.asynccontextmanager
async def publishing(publish: Callable[[], None]) -> AsyncIterator[None]:
    """Keep what is watched up to date for the other processes, while the block runs."""
    if not is_shared():
        yield
        return

    async def run() -> None:
        while True:
            try:
                publish()
            except Exception:
                logger.exception("Metrics could not be published; they are tried again")
            await asyncio.sleep(_PUBLISHED_EVERY)

    with _kept(Path(os.environ[_FOLDER])):
        task = asyncio.create_task(run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
