"""Add up the metrics of a gateway's worker processes, whichever of them serves the scrape.

Uses prometheus_client's multiprocess mode: the processes keep their numbers in files of one
folder, which an environment variable names before the library is imported.
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
_PROCESS_ID = re.compile(r"_(\d+)\.db$")
_PUBLISH_SECONDS = 2.0


@contextlib.contextmanager
def shared_by_processes() -> Iterator[None]:
    """Let the processes that are started within the block share their metrics."""
    remove_abandoned()
    with (
        tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as folder,
        _in_use(Path(folder)),
    ):
        os.environ[_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER]


def remove_abandoned() -> None:
    """Remove the folders of gateways whose processes were all killed.

    Running processes hold a lock on a file in their folder; the system releases it when they end.
    A folder without that file is just being made, or belongs to another program.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), (folder / _LOCK).open("rb") as lock:
            if folder.is_symlink() or os.fstat(lock.fileno()).st_uid != os.geteuid():
                continue
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)


@contextlib.contextmanager
def _in_use(folder: Path) -> Iterator[None]:
    """Keep other gateways from removing the folder while the block runs."""
    lock = folder / _LOCK
    # Rename the file once it is locked, so that other gateways never find it unlocked.
    unlocked = folder / f"{_LOCK}-{os.getpid()}"
    with (lock if lock.exists() else unlocked).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        if not lock.exists():
            unlocked.rename(lock)
        yield


def is_shared() -> bool:
    """Whether this process shares its metrics with others."""
    return _FOLDER in os.environ


def registry_of_all() -> CollectorRegistry:
    """Return the metrics of all processes, without the gauges of processes that have ended."""
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
        # The id has been reused for another user's process.
        return False
    return True


def _processes() -> set[int]:
    names = (file.name for file in Path(os.environ[_FOLDER]).glob("gauge_live*.db"))
    return {int(found[1]) for name in names if (found := _PROCESS_ID.search(name))}


@contextlib.asynccontextmanager
async def publishing(publish: Callable[[], None]) -> AsyncIterator[None]:
    """Call ``publish`` regularly while the block runs, so that other processes have the values."""
    if not is_shared():
        yield
        return

    async def run() -> None:
        while True:
            try:
                publish()
            except Exception:
                logger.exception("Publishing metrics failed; trying again")
            await asyncio.sleep(_PUBLISH_SECONDS)

    with _in_use(Path(os.environ[_FOLDER])):
        task = asyncio.create_task(run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
