"""Several worker processes that serve one address and end together."""

import multiprocessing
import os
import signal
import socket
import threading
import time

from uvicorn import Config
from uvicorn.supervisors import Multiprocess

CLOSING_SECONDS = 5.0
"""How long closing the database may take, after the time that requests have to finish."""


class Workers(Multiprocess):
    """uvicorn's supervisor of workers, which closes the listening sockets before it ends them."""

    def __init__(self, config: Config, listening: list[socket.socket]) -> None:
        super().__init__(config, listening)

    def terminate_all(self) -> None:
        """Tell all workers to end."""
        # An open socket would go on queuing connections that no worker accepts.
        for listening in self.sockets:
            listening.close()
        super().terminate_all()

    def join_all(self) -> None:
        """Wait for all workers, and kill those that do not end in time."""
        until = time.monotonic() + longest_shutdown(self.config)
        for worker in self.processes:
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


def longest_shutdown(config: Config) -> float:
    """Return how long a process may take to end, in seconds."""
    return (config.timeout_graceful_shutdown or 0) + CLOSING_SECONDS


def end_with_parent() -> None:
    """Shut this worker down when its parent process ends, even if that was killed."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
