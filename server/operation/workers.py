"""Several processes that serve one address, and end together."""

import multiprocessing
import os
import signal
import socket
import threading
import time

from uvicorn import Config
from uvicorn.supervisors import Multiprocess

CLOSING_SECONDS = 5.0
"""How long closing the database may take, when requests have had their time to end."""


class Workers(Multiprocess):
    """uvicorn's workers, whose address is given up as soon as they are told to end."""

    def __init__(self, config: Config, listening: list[socket.socket]) -> None:
        super().__init__(config, listening)

    def terminate_all(self) -> None:
        """Tell all workers to end."""
        # While this process listened on, calls would wait for a worker that never takes them.
        for listening in self.sockets:
            listening.close()
        super().terminate_all()

    def join_all(self) -> None:
        """Wait for all workers; one that does not come to its end in time is killed."""
        until = time.monotonic() + longest_shutdown(self.config)
        for worker in self.processes:
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


def longest_shutdown(config: Config) -> float:
    """How long a process may take to end, in seconds."""
    return (config.timeout_graceful_shutdown or 0) + CLOSING_SECONDS


def end_with_parent() -> None:
    """Let a worker shut down when the process that started it is gone, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
