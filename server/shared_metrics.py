"""Metrics of several processes of one gateway, which whichever of them is asked tells together.

The processes keep their numbers in files of one folder, as prometheus_client's multiprocess mode
has it: a folder that the environment names before the library is imported.
"""

import asyncio
import contextlib
import logging
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

logger = logging.getLogger("gateway.metrics")

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_OF_PROCESS = re.compile(r"_(\d+)\.db$")
_PUBLISHED_EVERY = 2.0


@contextlib.contextmanager
def shared_by_processes() -> Iterator[None]:
    """Let the processes that are started within the block keep their metrics together."""
    with tempfile.TemporaryDirectory(prefix="gateway-metrics-") as folder:
        os.environ[_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER]


def is_shared() -> bool:
    """Whether this process is one of several."""
    return _FOLDER in os.environ


def registry_of_all() -> CollectorRegistry:
    """The metrics of all processes; what a process that has ended held at the end is left out."""
    for ended in _processes() - {os.getpid()}:
        if not Path(f"/proc/{ended}").exists():
            mark_process_dead(ended)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


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

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
