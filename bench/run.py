"""Compare the gateway with the smallest server of the same bytes, in one interleaved run.

``make bench`` runs it; ``python bench/run.py [ROWS] [ROUNDS] [SECONDS] [--database postgres]``. If
there are two cores, all servers (the database's too) run on one and wrk on the other. The gateway
runs as ``serve`` runs it, with keys, limits and metrics on. Set ``BENCH_ONLY`` to a part of the
names of the workloads to run.
"""

import json
import os
import statistics
import sys
from contextlib import ExitStack

import httpx
from cursors import cursor_of
from databases import Database, arguments, databases
from gateways import make_key
from servers import bare, gateway, need_wrk, served, wrk
from workloads import Workload, workloads

SPAN_MS = 3_000_000_000


def main(kind: str, rows: int, rounds: int, seconds: int) -> None:
    """Measure all workloads and print one table."""
    need_wrk()
    with databases(kind) as database_of, ExitStack() as stack:
        database: Database = database_of(f"bench{rows}")
        if not database.is_there():
            database.fill(rows, SPAN_MS)
        guid, position = middle(database, rows)
        key = make_key(database.url, "read", "update")
        environment = {
            "BENCH_DATABASE": database.url,
            "BENCH_GUID": guid,
            "BENCH_POSITION": json.dumps(position),
        }
        measured = stack.enter_context(served(*gateway(database.url), "/healthz")).url
        reference = stack.enter_context(served(bare("reference:app"), environment, "/0")).url
        plain = stack.enter_context(served(bare("plain:app"), environment, "/graphql")).url
        headers = {"authorization": f"Bearer {key}"}
        everything = workloads(guid, cursor_of(position), is_postgres=kind == "postgres")
        for number, work in enumerate(everything):
            compare_bytes(work, measured, f"{reference}/{number}", headers)
        print(f"{'work':26} {'reference':>10} {'gateway':>10} {'ratio':>6} {'target':>6}")
        for number, work in enumerate(everything):
            if os.environ.get("BENCH_ONLY", "") not in work.name:
                continue
            sides = [
                (f"{reference}/{number}", Workload(work.name, work.path, 0), {}),
                (f"{measured}{work.path}", work, headers),
            ]
            if number == 0:
                sides.append((f"{plain}/graphql", work, {}))
            report(work, interleaved(sides, rounds, seconds))


def report(work: Workload, rates: list[list[float]]) -> None:
    """Print one line, and another for a third side."""
    ratio = statistics.median(g / r for r, g in zip(*rates[:2], strict=True))
    medians = [statistics.median(each) for each in rates]
    line = f"{work.name:26} {medians[0]:10.0f} {medians[1]:10.0f} {ratio:6.2f} {work.target:6.2f}"
    print(line, flush=True)
    if len(rates) > 2:
        print(f"{'  against plain Strawberry':26} {medians[1] / medians[2]:28.1f}   5.00")


def middle(database: Database, rows: int) -> tuple[str, list[int]]:
    """Return the guid and the position of an execution in the middle."""
    [(guid, created_on, number)] = database.select(
        f"SELECT guid, created_on, id FROM executions WHERE id = {rows // 2}"
    )
    return guid, [created_on, number]


def compare_bytes(work: Workload, measured: str, reference: str, headers: dict[str, str]) -> None:
    """Exit unless all sides return the same bytes."""
    method = "POST" if work.body else "GET"
    asked = headers | {"content-type": "application/json"}
    one = httpx.request(method, f"{measured}{work.path}", content=work.body, headers=asked)
    other = httpx.get(reference)
    if one.content != other.content:
        sys.exit(f"{work.name}: not the same bytes\n{one.text[:500]}\n{other.text[:500]}")


def interleaved(
    sides: list[tuple[str, Workload, dict[str, str]]], rounds: int, seconds: int
) -> list[list[float]]:
    """Return each side's requests a second, measured in turn after one warm-up round."""
    measured: list[list[float]] = [[] for _ in sides]
    for number in range(rounds + 1):
        for side, (url, work, headers) in enumerate(sides):
            rate = wrk(url, seconds if number else 1, headers, work.body, work.changes)
            if number:
                measured[side].append(rate)
    return measured


if __name__ == "__main__":
    chosen, numbers = arguments(__doc__, rows=100_000, rounds=5, seconds=3)
    main(chosen, *numbers)
