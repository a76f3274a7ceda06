"""The gateway as a separate program, which can be killed."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from tests import plain_http
from tests.places import Place

ROOT = Path(__file__).parents[2]


class Program:
    """A running ``serve``."""

    def __init__(self, url: str, *options: str, **settings: str) -> None:
        command = ("serve", "--port", "0", "--database", url, *options)
        self._process = start(*command, errors=subprocess.DEVNULL, **settings)
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        assert "http://" in line, f"the gateway did not start: {line}"
        self.url = line.split()[-1]

    def wait_for_workers(self, count: int) -> None:
        """Wait until that many processes answer; the URL is printed before they do."""
        # Each gives ids that begin with something of its own.
        seen: set[str] = set()

        def ask(_: int) -> str:
            with contextlib.suppress(httpx.TransportError):
                answer = plain_http.get(f"{self.url}/executions?limit=1", timeout=60)
                return answer.headers["x-request-id"].partition("-")[0]
            return ""

        def have_all_answered() -> bool:
            with ThreadPoolExecutor(4) as threads:
                seen.update(threads.map(ask, range(8)))
            return len(seen - {""}) >= count

        wait_until(have_all_answered, 300)

    def kill(self) -> None:
        """End it as a power cut would: it gets no chance to do anything."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def wait(self) -> int:
        """Wait for its end, and say with which status it came."""
        status = self._process.wait(timeout=60)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return status

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid


def start(
    *arguments: str, errors: int = subprocess.DEVNULL, **settings: str
) -> "subprocess.Popen[bytes]":
    """Start the command line in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), *arguments],
        env=os.environ | {f"GATEWAY_{name.upper()}": value for name, value in settings.items()},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
    )


@contextlib.contextmanager
def program(place: Place, *options: str, **settings: str) -> Iterator[Program]:
    """A gateway until the block ends, however it ends."""
    running = Program(place.url, *options, **settings)
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()


class Clients:
    """Threads that each ask again and again, until they are told to stop."""

    def __init__(self, count: int, ask: Callable[[int], None]) -> None:
        self._stopped = threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(ask, n)) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, ask: Callable[[int], None], number: int) -> None:
        try:
            while not self._stopped.is_set():
                ask(number)
        except BaseException as error:  # noqa: BLE001 - told by whoever waits
            self._failures.append(error)
        finally:
            _client().close()

    def stop(self) -> None:
        """Wait until each has its last answer. Raises what went wrong in one of them."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]


def graphql(url: str, query: str, **variables: Any) -> Any:
    """The data of an answer; None where there was none, or it says that the database is away."""
    try:
        answer = _client().post(f"{url}/graphql", json={"query": query, "variables": variables})
    except httpx.TransportError:
        return None
    body = answer.json()
    if "errors" in body:
        [code] = {error["extensions"]["code"] for error in body["errors"]}
        assert code == "SERVICE_UNAVAILABLE", body
        return None
    return body["data"]


_kept = threading.local()


def _client() -> httpx.Client:
    """A client of the thread's own; to make one takes longer than most requests."""
    if not hasattr(_kept, "client"):
        _kept.client = httpx.Client(timeout=30, verify=plain_http.NO_TLS)
    client: httpx.Client = _kept.client
    return client


def wait_until(is_so: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something that takes a moment. Fails when it does not come."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.02)


def is_ready(url: str) -> bool:
    """Whether a gateway and its database answer."""
    try:
        return _client().get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def requests_under_way(url: str) -> float:
    """How many one process works on, besides this question."""
    lines = plain_http.get(f"{url}/metrics", timeout=60).text.splitlines()
    [value] = [line.split()[1] for line in lines if line.startswith("gateway_requests_under_way ")]
    return float(value) - 1
