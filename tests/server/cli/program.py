"""The command line as a program, and in the process of the test."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner, Result

from server.cli.main import cli

ROOT = Path(__file__).parents[3]
PROGRAM = [sys.executable, str(ROOT / "app.py")]
DATABASE = ("--database", "sqlite:///executions.db")
PATIENCE = 300.0


def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), catch_exceptions=False)


@dataclass
class Served:
    url: str
    process: subprocess.Popen[str]
    said: str

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End it as an operator does; its exit status, and everything it said since."""
        self.process.send_signal(how)
        output, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output + errors


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[Served]:
    """Serve until the block ends, from the moment that the URL is printed."""
    with subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", *DATABASE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        limit = threading.Timer(PATIENCE, end, (process,))
        limit.start()
        try:
            assert process.stdout
            said = ""
            while not (found := re.search(r"http://\S+:\d+", said)):
                line = process.stdout.readline()
                assert line, process.communicate()
                said += line
            yield Served(found[0], process, said)
        finally:
            limit.cancel()
            end(process)


def end(process: subprocess.Popen[str]) -> None:
    # The whole group, so that no worker outlives a test that failed.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
