"""Run servers and wrk, on separate cores if there are two."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from gateways import ROOT

CLIENTS = 8


@dataclass(frozen=True)
class Served:
    """A running server."""

    url: str
    process: "subprocess.Popen[bytes]"


def pinned(core: int) -> list[str]:
    """Return a command that keeps to one core, if there are two."""
    if shutil.which("taskset") and (os.cpu_count() or 1) > 1:
        return ["taskset", "-c", str(core)]
    return []


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextmanager
def served(command: list[str], environment: Mapping[str, str], path: str) -> Iterator[Served]:
    """Run a server until the block ends; ``{port}`` in its command becomes a free port.

    The server is ready when it answers ``path``.
    """
    port = free_port()
    paths = f"{ROOT}{os.pathsep}{ROOT / 'bench'}"
    process = subprocess.Popen(
        [*pinned(0), sys.executable, *(part.format(port=port) for part in command)],
        cwd=ROOT,
        env=os.environ | environment | {"PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(2000):
            try:
                httpx.get(f"{url}{path}")
                break
            except httpx.TransportError:
                time.sleep(0.01)
        yield Served(url, process)
    finally:
        process.terminate()
        process.wait()


def gateway(database: str, **settings: str) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment of a gateway over the database of a URL.

    It runs as in production, with keys and limits on.
    """
    command = ["app.py", "serve", "--port", "{port}", "--database", database]
    return command, {"GATEWAY_AUTH": "keys", **settings}


def bare(app: str) -> list[str]:
    """Return the command of an ASGI application under uvicorn."""
    return ["-m", "uvicorn", app, "--port", "{port}", "--no-access-log", "--log-level", "warning"]


def wrk(
    url: str,
    seconds: float,
    headers: Mapping[str, str],
    body: str | None = None,
    changes: tuple[str, str] | None = None,
) -> float:
    """Return how many requests a second a server answers.

    With ``changes``, every other request sends the second of the two texts in place of the first.
    """
    lines = [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
    if body is not None:
        lines += [
            'wrk.method = "POST"',
            'wrk.headers["content-type"] = "application/json"',
            f"wrk.body = [==[{body}]==]",
        ]
    if body is not None and changes is not None:
        other = body.replace(f'"{changes[0]}"', f'"{changes[1]}"')
        lines += [
            f"local bodies, number = {{[==[{body}]==], [==[{other}]==]}}, 0",
            "request = function()",
            "number = number + 1",
            "return wrk.format(nil, nil, nil, bodies[number % 2 + 1])",
            "end",
        ]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write("\n".join(lines))
        script.flush()
        command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "-s", script.name, url]
        printed = subprocess.run(
            [*pinned(1), *command], capture_output=True, text=True, check=True, timeout=300
        ).stdout
    if "Non-2xx" in printed or "Requests/sec" not in printed:
        sys.exit(f"{url} answered with errors\n{printed}")
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", printed)[0])


def need_wrk() -> None:
    """Exit with a clear message if wrk is not installed."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing; on Debian: apt-get install wrk")
