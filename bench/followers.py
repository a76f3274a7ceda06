"""Subscribers that come, go, pause and come back for long: nothing lost, nothing twice, one order.

``python bench/followers.py [--seconds 3600] [--database postgres] [--followers 100] [--rate 60]``.
Another program creates, updates and deletes executions meanwhile. Every minute prints the gateway's
memory. Followers disconnect at random and resume by their cursor; one in ten pauses reading for
some seconds; new ones begin where another one is, or now. Each must get every event once, in the
order in which all others get them, and all events replayed must give the table.
"""

import argparse
import random
import re
import select
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack

from changes import guid_of
from databases import KINDS, Database, databases
from gateways import ROOT, make_key
from servers import gateway, pinned, served
from streams import TRANSPORTS, Stream, processor_time, raise_limit_of_files, resident

QUERY = """subscription ($after: String) {
  executionEvents(after: $after) { cursor type guid previousState execution { state } }
}"""
EVENT = re.compile(
    rb'"cursor":"([^"]+)","type":"([A-Z]+)","guid":"g-(\d+)","previousState":(?:null|"([A-Z]+)"),'
    rb'"execution":\{"state":"([A-Z]+)"\}'
)
CODE = re.compile(rb'"code":"([A-Z_]+)"')
ENDS = (b'"type":"complete"', b'"type":"error"', b"event: complete", b'"errors":')
CATCH_UP = 60
"""How long followers may take to catch up after the last change, in seconds."""
Change = tuple[bytes, int, bytes, bytes]
"""The type of an event, the execution's number, and its states before and after."""


class History:
    """All events in the order in which they were first seen."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.places: dict[tuple[bytes, int], int] = {}
        self.faults: list[str] = []

    def replayed(self) -> dict[str, str]:
        """Return the executions that are left after all events, and their states."""
        copy: dict[int, bytes] = {}
        for kind, number, before, after in self.changes:
            if copy.get(number, b"") != before and kind != b"DELETED":
                self.faults.append(f"{kind!r} of {number}: before it was {before!r}")
            if kind == b"DELETED":
                del copy[number]
            else:
                copy[number] = after
        return {guid_of(number): state.decode() for number, state in copy.items()}


class Follower:
    """A subscriber that resumes by its cursor.

    ``place`` is that of its last event, if known; nobody knows the places of ``unplaced`` ones yet.
    """

    def __init__(self, history: History, transport: str, *, is_slow: bool) -> None:
        self.is_slow = is_slow
        self.sleeps_until = 0.0
        self.place: int | None = None
        self._transport = transport
        self._stream: Stream | None = None
        self.cursor: str | None = None
        self.unplaced: list[Change] = []
        self._history = history

    @property
    def file(self) -> int:
        """The file of its connection."""
        assert self._stream is not None
        return self._stream.socket.fileno()

    def connect(self, url: str, key: str) -> None:
        """Subscribe, after the last event if there is one."""
        self._stream = Stream(url, key, self._transport, QUERY, after=self.cursor)
        if self.is_slow:
            self._stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def disconnect(self) -> None:
        """Vanish."""
        assert self._stream is not None
        self._stream.close()

    def begin_anew(self, other: "Follower | None") -> None:
        """Be a new one, from where another one is, or from now."""
        self.unplaced = list(other.unplaced) if other else []
        self.place, self.cursor = (other.place, other.cursor) if other else (None, None)

    def read(self) -> str | None:
        """Take what has come; returns why the stream has ended, if it has."""
        assert self._stream is not None
        data = self._stream.data + self._stream.read()
        rest = 0
        for found in EVENT.finditer(data):
            cursor, kind, number, before, after = found.groups()
            self.cursor = cursor.decode()
            self.unplaced.append((kind, int(number), before or b"", after))
            rest = found.end()
        self.settle()
        self._stream.data = data[rest:][-4096:]
        if self._stream.is_open and not any(end in self._stream.data for end in ENDS):
            return None
        code = CODE.search(self._stream.data)
        return code[1].decode() if code else "closed"

    def settle(self) -> None:
        """Find the places of events that nobody else had seen when they came."""
        history = self._history
        while self.unplaced:
            change = self.unplaced[0]
            known = history.places.get(change[:2])
            last = len(history.changes) - 1
            if known is None and (self.place == last or last < 0):
                history.changes.append(change)
                known = history.places[change[:2]] = last + 1
            if known is None:
                if self.place is not None:
                    history.faults.append(f"{change} came after {self.place} of {last}: a gap")
                    self.place = None
                return
            if self.place is not None and known != self.place + 1:
                history.faults.append(f"{change} is {known}, but came after {self.place}")
            self.place = known
            self.unplaced.pop(0)


class Crowd:
    """All followers of a gateway, read by one thread."""

    def __init__(self, url: str, key: str, followers: list[Follower], history: History) -> None:
        self.ended: Counter[str] = Counter()
        self._url = url
        self._key = key
        self._followers = followers
        self._history = history
        self._chance = random.Random(7)
        self._poll = select.epoll()
        self._by_file: dict[int, Follower] = {}
        for follower in followers:
            self._connect(follower)

    def read(self) -> None:
        """Take what has come, waiting for it for a moment; who was ended comes back."""
        for file, _ in self._poll.poll(0.05, 1000):
            follower = self._by_file[file]
            if why := follower.read():
                self._disconnect(follower, why)
                self._connect(follower)

    def change(self) -> None:
        """Let some pause and others go on, and perhaps one leave, or be replaced by a new one."""
        now = time.monotonic()
        for follower in self._followers:
            if follower.sleeps_until and now > follower.sleeps_until:
                self._wake(follower)
            elif follower.is_slow and not follower.sleeps_until and self._chance.random() < 0.01:
                follower.sleeps_until = now + self._chance.uniform(1, 60)
                self._poll.modify(follower.file, 0)
        one, other = self._chance.sample(self._followers, 2)
        if one.is_slow or self._chance.random() < 0.5:
            return
        self._disconnect(one, "left")
        if self._chance.random() < 0.5:
            one.begin_anew(other if self._chance.random() < 0.7 else None)
        self._connect(one)

    def wake(self) -> None:
        """Let nobody pause any more."""
        for follower in self._followers:
            self._wake(follower)

    def has_seen(self, expected: int) -> bool:
        """Whether there were so many events, and everybody has got the last one."""
        for follower in self._followers:
            follower.settle()
        count = len(self._history.changes)
        # One that began after the last change has seen nothing.
        return count >= expected and self.places() <= {None, count - 1}

    def places(self) -> set[int | None]:
        """Return where the followers are."""
        return {follower.place for follower in self._followers}

    def _connect(self, follower: Follower) -> None:
        follower.connect(self._url, self._key)
        self._by_file[follower.file] = follower
        self._poll.register(follower.file, select.EPOLLIN)

    def _disconnect(self, follower: Follower, why: str) -> None:
        self.ended[why] += 1
        self._poll.unregister(follower.file)
        del self._by_file[follower.file]
        follower.disconnect()

    def _wake(self, follower: Follower) -> None:
        if follower.sleeps_until:
            follower.sleeps_until = 0.0
            self._poll.modify(follower.file, select.EPOLLIN)


def main(asked: argparse.Namespace) -> None:
    """Follow, and print a line a minute and the verdict."""
    raise_limit_of_files()
    with databases(asked.database) as database_of, ExitStack() as stack:
        database: Database = database_of("followers")
        database.make()
        key = make_key(database.url, "read", "update")
        server = stack.enter_context(served(*gateway(database.url), "/healthz"))
        history = History()
        followers = [
            Follower(history, TRANSPORTS[number % 2], is_slow=number % 10 == 0)
            for number in range(asked.followers)
        ]
        crowd = Crowd(server.url, key, followers, history)
        time.sleep(1)
        command = [sys.executable, str(ROOT / "bench" / "churn.py"), database.url, server.url, key]
        with subprocess.Popen(
            [*pinned(1), *command, str(asked.rate)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as changing:
            follow(crowd, history, server.process.pid, asked.seconds)
            expected = int(changing.communicate()[0])
        crowd.wake()
        until = time.monotonic() + CATCH_UP
        while not crowd.has_seen(expected) and time.monotonic() < until:
            crowd.read()
        if not crowd.has_seen(expected):
            history.faults.append(f"{expected} changes; followers are at {crowd.places()}")
        compare(history, database)
        print(f"{len(history.changes)} events for {len(followers)} followers, ended:"
              f" {dict(crowd.ended)}; faults: {history.faults or 'none'}")  # fmt: skip
        sys.exit(bool(history.faults))


def follow(crowd: Crowd, history: History, process: int, seconds: float) -> None:
    """Follow for a while, and print a line a minute."""
    began = next_minute = next_turn = time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        crowd.read()
        if now >= next_turn:
            next_turn = now + 0.1
            crowd.change()
        if now >= next_minute:
            next_minute += 60
            print(
                f"minute {(now - began) / 60:3.0f}: {resident(process) / 1024:4.0f} MB,"
                f" {processor_time(process):6.1f} s of processor time,"
                f" {len(history.changes)} events, ended: {dict(crowd.ended)},"
                f" faults: {history.faults[:3]}",
                flush=True,
            )


def compare(history: History, database: Database) -> None:
    """Note a fault unless the events replayed give the table."""
    table = dict(database.select("SELECT guid, state FROM executions"))
    copy = history.replayed()
    if copy != table:
        history.faults.append(f"not the table: {sorted(copy.items() ^ table.items())[:5]}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=KINDS, default=KINDS[0])
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--followers", type=int, default=100)
    parser.add_argument("--rate", type=int, default=60)
    main(parser.parse_args())
