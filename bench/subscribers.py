"""Latency, processor time and memory of many subscriptions in one process.

``make bench`` runs it; ``python bench/subscribers.py [SECONDS] [ROUNDS] [--database postgres]``.
Another program changes executions at a steady rate, half of them by SQL and half through the
gateway; if there are two cores, servers (the database's too) run on one, and everything else on the
other.

Lists are counted by the second of the gateway's processor time, so that what else runs on the
machine does not matter. Latencies are from before the change, so its commit is included, until its
event was read. Each subscriber is checked to get as many events as it must. Set ``BENCH_ONLY`` to a
part of the names of the cases to run.
"""

import argparse
import mmap
import os
import re
import select
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from changes import guid_of
from databases import KINDS, Database, databases
from gateways import ROOT, make_key
from servers import Served, gateway, need_wrk, pinned, served, wrk
from sqlite_database import SQLiteDatabase
from streams import TRANSPORTS, Stream, processor_time, raise_limit_of_files, resident

FLOWS = 20
SESSIONS = 1000
SAMPLE = 10
"""One of so many subscribers has the latency of its events measured; the others are counted."""
SETTLE = 2.0
"""How long events may take to arrive after the last change, in seconds."""
MARK = re.compile(rb'"guid":"g-(\d{7})"')
MARK_SIZE = len(f'"guid":"{guid_of(0)}"')
QUERY = """subscription ($filter: ExecutionFilter) {
  executionEvents(filter: $filter) {
    cursor type matches previousState
    execution { guid state agentflowName sessionId updatedOn }
  }
}"""
NEWEST = '{"query": "{ executions(first: 50) { nodes { guid state agentflowName createdOn } } }"}'
COLUMNS = ("guid", "agentflow_id", "session_id", "state", "created_on")


@dataclass(frozen=True)
class Case:
    """Who subscribes to what: each subscriber gets one of so many events."""

    name: str
    one_of: int
    filter_of: Callable[[int], dict[str, Any] | None]

    def expected(self, subscriber: int, changes: range) -> int:
        """Return how many events a subscriber gets of the changes of some executions."""
        return sum(change % self.one_of == subscriber % self.one_of for change in changes)


CASES = (
    Case("all want everything", 1, lambda _: None),
    Case(
        "20 filters",
        FLOWS,
        lambda number: {"agentflowId": {"eq": f"flow-{number % FLOWS:05}"}},
    ),
    Case(
        "a session each",
        SESSIONS,
        lambda number: {"sessionId": {"eq": f"session-{number % SESSIONS}"}},
    ),
)


class Watchers:
    """Subscribers, each with a connection of its own; all of them are read by one thread."""

    def __init__(self, began_at: "memoryview[float]") -> None:
        self._began_at = began_at
        self._poll = select.epoll()
        self._streams: dict[int, Stream] = {}
        self._sampled: set[int] = set()
        self._stopped = threading.Event()
        self.counts: dict[int, int] = {}
        self.latencies: list[float] = []

    def add(self, stream: Stream) -> None:
        """Read a stream from now on."""
        place = stream.socket.fileno()
        if len(self._streams) % SAMPLE == 0:
            self._sampled.add(place)
        self._streams[place] = stream
        self.counts[place] = 0
        self._poll.register(place, select.EPOLLIN)

    def begin(self) -> None:
        """Forget what was counted and measured."""
        self.counts = dict.fromkeys(self._streams, 0)
        self.latencies = []

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read, in a thread, until the block ends."""
        self._stopped.clear()
        thread = threading.Thread(target=self._read)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    def close(self) -> None:
        """Vanish."""
        for stream in self._streams.values():
            stream.close()
        self._poll.close()

    @property
    def lost(self) -> int:
        """How many connections the gateway has closed."""
        return sum(not stream.is_open for stream in self._streams.values())

    def _read(self) -> None:
        while not self._stopped.is_set():
            for place, _ in self._poll.poll(0.1, 1000):
                stream = self._streams[place]
                received = stream.read()
                data = stream.data + received
                found = MARK.findall(data)
                if found:
                    now = time.monotonic()
                    self.counts[place] += len(found)
                    if place in self._sampled:
                        self.latencies += [now - self._began_at[int(number)] for number in found]
                # A mark may come in two parts, of which the first is no mark.
                stream.data = data[1 - MARK_SIZE :]
                if not stream.is_open:
                    self._poll.unregister(place)


class Changes:
    """The program that changes executions, each of them once."""

    def __init__(self, database: Database, url: str, key: str, times: Path) -> None:
        self._arguments = [database.url, url, key, str(times)]
        self._next = 0

    @contextmanager
    def running(self, count: int, rate: int) -> Iterator[range]:
        """Change that many executions, and yield which; the block waits for their end."""
        changed = range(self._next, self._next + count)
        self._next += count
        numbers = [str(number) for number in (changed.start, count, rate)]
        command = [sys.executable, str(ROOT / "bench" / "changes.py"), *self._arguments, *numbers]
        with subprocess.Popen([*pinned(1), *command]) as running:
            yield changed
            if running.wait():
                sys.exit("the changes failed")


@dataclass(frozen=True)
class Bench:
    """A gateway over a database of executions that are still to be changed."""

    served: Served
    key: str
    changes: Changes
    began_at: "memoryview[float]"
    rate: int
    seconds: int

    @property
    def process(self) -> int:
        """The gateway's process."""
        return self.served.process.pid

    def subscribe(self, count: int, transport: str, case: Case) -> Watchers:
        """Subscribe that many clients."""
        watchers = Watchers(self.began_at)
        for number in range(count):
            filter_ = case.filter_of(number)
            watchers.add(Stream(self.served.url, self.key, transport, QUERY, filter=filter_))
        time.sleep(1)
        return watchers

    def change(self, watchers: Watchers, case: Case) -> int:
        """Change executions for a while, and wait for the events; returns how many arrived.

        Exits if a subscriber got too many or too few.
        """
        watchers.begin()
        count = self.seconds * self.rate
        with watchers.reading(), self.changes.running(count, self.rate) as changed:
            pass
        with watchers.reading():
            time.sleep(SETTLE)
        got = list(watchers.counts.values())
        by_remainder = [case.expected(number, changed) for number in range(case.one_of)]
        expected = [by_remainder[number % case.one_of] for number in range(len(got))]
        if got != expected or watchers.lost:
            sys.exit(f"{sum(got)} of {sum(expected)} arrived; closed: {watchers.lost}")
        return sum(got)

    def lists(self) -> float:
        """Return how many lists of 50 are answered in a second of the gateway's processor time."""
        headers = {"authorization": f"Bearer {self.key}"}
        began = processor_time(self.process)
        rate = wrk(f"{self.served.url}/graphql", self.seconds, headers, NEWEST)
        return rate * self.seconds / (processor_time(self.process) - began)


def main(asked: argparse.Namespace) -> None:
    """Measure all cases over both transports, and print a line for each."""
    need_wrk()
    raise_limit_of_files()
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    only = os.environ.get("BENCH_ONLY", "")
    cases = [case for case in CASES if only in case.name]
    phases = 1 + 2 * (1 + 2 * asked.rounds) * len(cases)
    rows = asked.rate * asked.seconds * phases
    with databases(asked.database) as database_of, ExitStack() as stack:
        database = database_of("subscribers")
        fill(database, rows)
        key = make_key(database.url, "read", "update")
        times = stack.enter_context(tempfile.NamedTemporaryFile())
        times.truncate(8 * rows)
        began_at = memoryview(mmap.mmap(times.fileno(), 0)).cast("d")
        running = stack.enter_context(
            served(*gateway(database.url, **settings(asked.idle)), "/healthz")
        )
        changes = Changes(database, running.url, key, Path(times.name))
        bench = Bench(running, key, changes, began_at, asked.rate, asked.seconds)
        nobody = Watchers(began_at)
        began = processor_time(bench.process)
        bench.change(nobody, CASES[0])
        alone = processor_time(bench.process) - began
        print(f"{'case':30} {'events/s':>9} {'50 %':>6} {'99 %':>6} {'max':>6} "
              f"{'us each':>8} {'lists':>6} {'99 % then':>9} {'MB':>5}")  # fmt: skip
        for case in cases:
            for transport in asked.transport or TRANSPORTS:
                measure(bench, case, transport, asked, alone)
        if asked.idle and "idle" in (only or "idle"):
            for transport in asked.transport or TRANSPORTS:
                measure_idle(bench, asked.idle, transport)


def settings(most: int) -> dict[str, str]:
    """Return settings that allow so many subscribers."""
    names = ("MAX_CONNECTIONS", "MAX_SUBSCRIPTIONS", "MAX_SUBSCRIPTIONS_PER_KEY")
    return {f"GATEWAY_{name}": str(most + 2000) for name in names}


def measure(
    bench: Bench, case: Case, transport: str, asked: argparse.Namespace, alone: float
) -> None:
    """Print the line of a case; ``alone`` is the processor time of the changes by themselves."""
    watchers = bench.subscribe(asked.subscribers, transport, case)
    began = processor_time(bench.process)
    delivered = bench.change(watchers, case)
    taken = processor_time(bench.process) - began - alone
    calm = watchers.latencies
    ratios, busy = [], []
    for _ in range(asked.rounds):
        with watchers.reading():
            without = bench.lists()
        with ThreadPoolExecutor(1) as thread:
            listing = thread.submit(bench.lists)
            bench.change(watchers, case)
        busy += watchers.latencies
        ratios.append(listing.result() / without)
    figures = (
        f"{delivered / bench.seconds:9.0f}",
        f"{_ms(calm, 50):6.0f} {_ms(calm, 99):6.0f} {1000 * max(calm, default=0):6.0f}",
        f"{1e6 * taken / delivered:8.1f}",
        f"{statistics.median(ratios):6.2f} {_ms(busy, 99):9.0f}",
        f"{resident(bench.process) / 1024:5.0f}",
    )
    print(f"{f'{transport}: {case.name}':30}", *figures, flush=True)
    watchers.close()
    time.sleep(1)


def measure_idle(bench: Bench, count: int, transport: str) -> None:
    """Print the memory of subscribers that get nothing."""
    # What the first ones cost is not what each one costs.
    bench.subscribe(100, transport, CASES[2]).close()
    time.sleep(1)
    before = resident(bench.process)
    watchers = bench.subscribe(count, transport, CASES[2])
    with watchers.reading():
        time.sleep(SETTLE)
    each = (resident(bench.process) - before) / count
    began = processor_time(bench.process)
    with watchers.reading():
        time.sleep(bench.seconds)
    taken = (processor_time(bench.process) - began) / bench.seconds
    print(f"{count} idle, {transport}: {each:.1f} KB each (at most 10), {taken:.1%} of a core")
    watchers.close()
    time.sleep(1)


def fill(database: Any, rows: int) -> None:
    """Create the database with executions in progress."""
    database.make()
    values = [
        (
            guid_of(number),
            f"flow-{number % FLOWS:05}",
            f"session-{number % SESSIONS}",
            "INPROGRESS",
            1_700_000_000_000 + number,
        )
        for number in range(rows)
    ]
    if not isinstance(database, SQLiteDatabase):

        async def copy(connection: asyncpg.Connection) -> None:
            await connection.copy_records_to_table("executions", columns=COLUMNS, records=values)

        database.run(copy)
        return
    places = ", ".join("?" * len(COLUMNS))
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executemany(
            f"INSERT INTO executions ({', '.join(COLUMNS)}) VALUES ({places})", values
        )


def _ms(times: list[float], percent: int) -> float:
    if len(times) < 2:
        return float("nan")
    return 1000 * statistics.quantiles(times, n=100)[percent - 1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=KINDS, default=KINDS[0])
    parser.add_argument("seconds", nargs="?", type=int, default=10)
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--transport", choices=TRANSPORTS, action="append")
    main(parser.parse_args())
