"""Time to the first response, and memory under a long load of all requests.

``make bench`` runs it; ``python bench/endurance.py [MINUTES] [ROWS] [--database postgres]``. The
load mixes everything that ``run.py`` measures, at full speed.
"""

import statistics
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from cursors import cursor_of
from databases import Database, arguments, databases
from gateways import make_key
from rows import SPAN_MS
from run import middle
from servers import CLIENTS, gateway, need_wrk, pinned, served
from workloads import Workload, workloads

STARTS = 5
MIX = """
local requests, number = {{ {requests} }}, 0
init = function()
  for place, request in ipairs(requests) do
    requests[place] = wrk.format(request[1], request[2], wrk.headers, request[3])
  end
end
request = function()
  number = number % #requests + 1
  return requests[number]
end
wrk.headers["authorization"] = "Bearer {key}"
wrk.headers["content-type"] = "application/json"
"""


def main(kind: str, minutes: int, rows: int) -> None:
    """Measure the start, then the memory minute by minute."""
    need_wrk()
    with (
        tempfile.TemporaryDirectory() as name,
        databases(kind) as database_of,
        ExitStack() as stack,
    ):
        database: Database = database_of("endurance")
        database.fill(rows, SPAN_MS)
        guid, position = middle(database, rows)
        key = make_key(database.url, "read", "update")
        print(f"first answer after {statistics.median(starts(database.url)):.2f} s (at most 1.50)")
        server = stack.enter_context(served(*gateway(database.url), "/healthz"))
        script = Path(name) / "mix.lua"
        script.write_text(mix(workloads(guid, cursor_of(position)), key))
        load = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{minutes}m", "-s", str(script), server.url]
        print(f"minute {0:3}: {resident(server.process.pid):4.0f} MB", flush=True)
        with subprocess.Popen([*pinned(1), *load], stdout=subprocess.PIPE, text=True) as running:
            for minute in range(1, minutes + 1):
                time.sleep(60)
                print(f"minute {minute:3}: {resident(server.process.pid):4.0f} MB", flush=True)
            print(running.communicate()[0])


def starts(url: str) -> list[float]:
    """Return the seconds from the start of a process to its first response, several times."""
    taken = []
    for _ in range(STARTS):
        began = time.perf_counter()
        with served(*gateway(url), "/healthz"):
            taken.append(time.perf_counter() - began)
    return taken


def mix(everything: list[Workload], key: str) -> str:
    """Return a wrk script that sends the requests in turn."""
    requests = []
    for work in everything:
        bodies = [work.body]
        if work.body and work.changes:
            bodies.append(work.body.replace(f'"{work.changes[0]}"', f'"{work.changes[1]}"'))
        method = "POST" if work.body else "GET"
        requests += [
            f'{{"{method}", "{work.path}", {f"[==[{body}]==]" if body else "nil"}}}'
            for body in bodies
        ]
    return MIX.format(requests=", ".join(requests), key=key)


def resident(process: int) -> float:
    """Return the resident memory of a process, in megabytes."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    chosen, numbers = arguments(__doc__, minutes=60, rows=100_000)
    main(chosen, *numbers)
