"""How the gateway compares with the smallest server of the same bytes, in one interleaved run.

``make bench`` runs it; ``python bench/run.py [ROWS] [ROUNDS] [SECONDS]``. All servers run on one
core and wrk on another, where there are two. The gateway runs with keys and limits on.
"""

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from sqlite3 import connect
from typing import TYPE_CHECKING

import httpx
from workloads import Workload, workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
STATES = ("FINISHED", "ERROR", "INPROGRESS", "TERMINATED", "TIMEOUT", "STOPPED")
CLIENTS = 8


def main(rows: int, rounds: int, seconds: int) -> None:
    """Measure everything and print one table."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing; on Debian: apt-get install wrk")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        path = Path(name) / "bench.db"
        fill(path, rows)
        guid, position = middle(path, rows)
        key = gateway_command("keys", "create", "bench", "--scope", "read", database=path).strip()
        environment = {
            "BENCH_DATABASE": str(path),
            "BENCH_GUID": guid,
            "BENCH_POSITION": json.dumps(position),
            "GATEWAY_DATABASE_URL": f"sqlite:///{path}",
        }
        gateway = stack.enter_context(served("app:served_app", environment, factory=True))
        reference = stack.enter_context(served("reference:app", environment))
        plain = stack.enter_context(served("plain:app", environment))
        headers = {"authorization": f"Bearer {key}"}
        everything = workloads(guid, cursor_of(position))
        for number, work in enumerate(everything):
            compare_bytes(work, gateway, f"{reference}/{number}", headers)
        print(f"{'work':26} {'reference':>10} {'gateway':>10} {'ratio':>6} {'target':>6}")
        for number, work in enumerate(everything):
            sides = [
                (f"{reference}/{number}", work, {}),
                (f"{gateway}{work.path}", work, headers),
            ]
            if number == 0:
                sides.append((plain, work, {}))
            measured = interleaved(sides, rounds, seconds)
            ratio = statistics.median(g / r for r, g in zip(*measured[:2], strict=True))
            medians = [statistics.median(each) for each in measured]
            print(
                f"{work.name:26} {medians[0]:10.0f} {medians[1]:10.0f} {ratio:6.2f}"
                f" {work.target:6.2f}",
                flush=True,
            )
            if number == 0:
                print(f"{'  against plain Strawberry':26} {medians[1] / medians[2]:28.1f}   5.00")


def fill(path: Path, rows: int) -> None:
    """Make a database with rows that look like real ones."""
    gateway_command("migrate", database=path)
    chance = Random(1)
    with connect(path) as connection:
        connection.executemany(
            "INSERT INTO agentflows VALUES (?, ?)",
            [(f"flow-{number:05}", f"Agent {number}") for number in range(20)],
        )
        connection.executemany(
            "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on,"
            " updated_on) VALUES (?, ?, ?, ?, ?, ?)",
            (
                (
                    str(uuid.UUID(int=chance.getrandbits(128), version=4)),
                    f"flow-{chance.randrange(20):05}",
                    f"session-{chance.randrange(rows // 5):07}",
                    chance.choices(STATES, (78, 9, 2, 3, 4, 4))[0],
                    at := 1_700_000_000_000 + number * 30_000_000_00 // rows,
                    at,
                )
                for number in range(rows)
            ),
        )
        connection.execute("ANALYZE")
    connection.close()


def middle(path: Path, rows: int) -> tuple[str, list[int]]:
    """The guid and the position of an execution in the middle."""
    with connect(path) as connection:
        guid, created_on, number = connection.execute(
            "SELECT guid, created_on, id FROM executions WHERE id = ?", (rows // 2,)
        ).fetchone()
    connection.close()
    return guid, [created_on, number]


def cursor_of(position: list[int]) -> str:
    """The cursor of a position, from newest to oldest."""
    sys.path.insert(0, str(ROOT))
    from db.paging import NEWEST_FIRST, encode_cursor  # noqa: PLC0415 - needs the path above

    return encode_cursor(tuple(position), NEWEST_FIRST)


def compare_bytes(work: Workload, gateway: str, reference: str, headers: dict[str, str]) -> None:
    """Refuse to measure what is not the same."""
    method = "POST" if work.body else "GET"
    asked = headers | {"content-type": "application/json"}
    one = httpx.request(method, f"{gateway}{work.path}", content=work.body, headers=asked)
    other = httpx.get(reference)
    if one.content != other.content:
        sys.exit(f"{work.name}: not the same bytes\n{one.text[:500]}\n{other.text[:500]}")


def interleaved(
    sides: list[tuple[str, Workload, dict[str, str]]], rounds: int, seconds: int
) -> list[list[float]]:
    """Requests a second of each side, round by round in turn; one round before is thrown away."""
    measured: list[list[float]] = [[] for _ in sides]
    for number in range(rounds + 1):
        for side, (url, work, headers) in enumerate(sides):
            rate = wrk(url, work, headers, seconds if number else 1)
            if number:
                measured[side].append(rate)
    return measured


def wrk(url: str, work: Workload, headers: dict[str, str], seconds: int) -> float:
    """Requests a second that a server answers."""
    lines = [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
    if work.body:
        lines += [
            'wrk.method = "POST"',
            'wrk.headers["content-type"] = "application/json"',
            f"wrk.body = [==[{work.body}]==]",
        ]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write("\n".join(lines))
        script.flush()
        command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "-s", script.name, url]
        printed = subprocess.run(
            [*pinned(1), *command], capture_output=True, text=True, check=True, timeout=120
        ).stdout
    if "Non-2xx" in printed:
        sys.exit(f"{work.name}: {url} answered with errors\n{printed}")
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", printed)[0])


def pinned(core: int) -> list[str]:
    """Keep a command on one core, where there are two."""
    if shutil.which("taskset") and (os.cpu_count() or 1) > 1:
        return ["taskset", "-c", str(core)]
    return []


@contextmanager
def served(app: str, environment: dict[str, str], *, factory: bool = False) -> "Iterator[str]":
    """Serve an application until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*pinned(0), sys.executable, "-m", "uvicorn", app, "--port", str(port)]
    command += ["--no-access-log", "--log-level", "warning", *(["--factory"] if factory else [])]
    paths = f"{ROOT}{os.pathsep}{ROOT / 'bench'}"
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment | {"PYTHONPATH": paths}
    )
    try:
        for _ in range(100):
            time.sleep(0.1)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def gateway_command(*arguments: str, database: Path) -> str:
    """Run a command of the gateway and return what it prints."""
    command = [sys.executable, "app.py", *arguments, "--database", f"sqlite:///{database}"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*given, *(100_000, 5, 3)[len(given) :])
