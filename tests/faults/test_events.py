"""Whoever loads a list and follows it has what the table has, whatever happens meanwhile.

Several programs write at random. Clients follow over both transports, through two gateways, one of
them with two workers; they leave, and come back by their cursor. Gateways and databases are killed.
"""

import contextlib
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.faults.engines import Engine, call, import_some, prune
from tests.faults.followers import (
    COLUMNS,
    END,
    EVERYTHING,
    MOST,
    SOME,
    Change,
    Copy,
    Follower,
    Interest,
    Row,
)
from tests.faults.programs import Clients, Program, is_ready, wait_until
from tests.gateway import migrate, run_sql
from tests.places import Place, Server, postgres_server

SETTINGS = {"max_page_size": str(MOST), "max_cost": "1000000"}
RESTLESS = 0.02
CRASHES = 4
LAST = (
    "INSERT INTO executions (guid, agentflow_id, state, created_on)"
    f" VALUES ('{END}', 'flow-0', 'INPROGRESS', 1)"
)


class World:
    """A database, its gateways, those who write and those who follow."""

    def __init__(self, place: Place, folder: Path, chance: Random) -> None:
        self.place = place
        self.chance = chance
        self._folder = folder
        self._programs: list[Program] = []
        self.urls: list[str] = []
        self.followers: list[Follower] = []
        [(self._epoch,)] = run_sql(place, "SELECT epoch FROM event_epochs")

    def start(self, *options: str) -> None:
        """Start one more gateway."""
        self._programs.append(Program(self.place.url, *options, **SETTINGS))
        self.urls.append(self._programs[-1].url)

    def kill(self, number: int, *options: str) -> None:
        """Kill a gateway, and start another in its place."""
        self._programs[number].kill()
        self._programs[number] = Program(self.place.url, *options, **SETTINGS)
        self.urls[number] = self._programs[number].url

    def follow(self, restless: float = RESTLESS) -> None:
        """Let clients follow, over each transport: everything, and what a filter matches."""
        for transport, interest in itertools.product(("websocket", "sse"), (EVERYTHING, SOME)):
            follower = Follower(self.urls, transport, interest, self._epoch, restless)
            self.followers.append(follower)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Let programs write, by SQL and through the gateways, until the block ends.

        Then waits until everybody has seen everything.
        """
        for follower in self.followers:
            follower.is_loaded.wait(60)
        engines = [Engine(self.place, self.chance.randrange(10**9)) for _ in range(2)]
        chances = [Random(self.chance.random()) for _ in range(3)]

        def write(number: int) -> None:
            if number < 2:
                engines[number].write()
            else:
                call(chances[number - 2].choice(self.urls), chances[number - 2])

        writers = Clients(5, write)
        try:
            yield
        finally:
            writers.stop()
        run_sql(self.place, LAST)
        for follower in self.followers:
            follower.join()

    def run_programs(self) -> None:
        """Import and prune."""
        import_some(self.place, self._folder, self.chance)
        prune(self.place)

    def count(self) -> int:
        """How many events there are."""
        [(count,)] = run_sql(self.place, "SELECT count(*) FROM execution_events")
        return int(count)

    def wait_for(self, more: int) -> None:
        """Wait until there are that many more events."""
        goal = self.count() + more
        wait_until(lambda: self.count() >= goal)

    def table(self) -> Copy:
        """What there is in the end."""
        return {
            row[0]: Row(*row) for row in run_sql(self.place, f"SELECT {COLUMNS} FROM executions")
        }

    def close(self) -> None:
        """Kill the gateways; followers who wait for something give up."""
        for follower in self.followers:
            follower.give_up()
        for program in self._programs:
            with contextlib.suppress(ProcessLookupError):
                program.kill()

    def check(self) -> None:
        """Each copy is the table, and each event was told once and in one order."""
        table = self.table()
        everything = self.followers[0].changes
        logged = run_sql(self.place, "SELECT id FROM execution_events ORDER BY id")
        assert sorted(map(_id, everything)) == [id_ for (id_,) in logged]
        for follower in self.followers:
            assert follower.copy == _matching(table, follower.interest)
            if follower.changes:
                _check_told(everything, follower)


def _check_told(everything: list[Change], follower: Follower) -> None:
    """A follower was told all that concerns it and that its list did not show, in one order."""
    told = {change.position for change in follower.changes}
    concerning = _concerning(everything, follower.interest)
    assert [change for change in concerning if change.position in told] == follower.changes
    shown = [change for change in concerning if change.position not in told]
    assert follower.loaded == _matching(_applied(shown), follower.interest)
    # A list may show some transactions of the tick that comes after it, and others not.
    first = follower.changes[0].position
    assert all(change.position.tick <= first.tick + 1 for change in shown)


def _concerning(everything: list[Change], interest: Interest) -> list[Change]:
    """The changes of executions that matched before or match after them."""
    concerning = []
    copy: Copy = {}
    for change in everything:
        before = copy.get(change.guid)
        _apply(change, copy)
        rows = (before, copy.get(change.guid))
        if any(row is not None and interest.matches(row) for row in rows):
            concerning.append(change)
    return concerning


def _applied(changes: list[Change]) -> Copy:
    copy: Copy = {}
    for change in changes:
        _apply(change, copy)
    return copy


def _apply(change: Change, copy: Copy) -> None:
    copy.pop(change.guid, None)
    if change.type != "DELETED":
        copy[change.guid] = change.row


def _matching(copy: Copy, interest: Interest) -> Copy:
    return {guid: row for guid, row in copy.items() if interest.matches(row)}


def _id(change: Change) -> int:
    """The id of an event in the table of events."""
    return change.position.number or change.position.tick


@contextlib.contextmanager
def _world(place: Place, folder: Path) -> Iterator[World]:
    seed = Random().randrange(2**32)
    # Shown when the test fails.
    print(f"The seed is {seed}")  # noqa: T201 - see above
    made = World(place, folder, Random(seed))
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(
    ("rounds", "events"), [(1, 150), pytest.param(3, 300, marks=pytest.mark.load)]
)
def test_what_followers_have_is_what_the_table_has(
    place: Place, tmp_path: Path, rounds: int, events: int
) -> None:
    with _world(place, tmp_path) as world:
        world.start()
        world.start("--workers", "2")
        # These see everything from the first event on.
        world.follow()
        with world.writing():
            for turn in range(rounds):
                world.wait_for(events)
                # These load a list while it changes.
                world.follow()
                programs = threading.Thread(target=world.run_programs)
                programs.start()
                killed = turn % 2
                world.kill(killed, *(("--workers", "2") if killed else ()))
                world.wait_for(events)
                programs.join()
        world.check()


@pytest.mark.load
@pytest.mark.postgres
def test_followers_outlast_crashes_of_the_database(server: Server, tmp_path: Path) -> None:
    del server  # it says that the test is about PostgreSQL; this one is to be crashed
    with postgres_server(survives_crashes=True) as own:
        place = own.new(tmp_path)
        migrate(place)
        with _world(place, tmp_path) as world:
            world.start()
            world.start("--workers", "2")
            world.follow()
            with world.writing():
                for _ in range(CRASHES):
                    world.wait_for(400)
                    own.crash()
                    own.restart()
                    wait_until(lambda: all(map(is_ready, world.urls)))
                    world.follow()
                world.wait_for(400)
            world.check()
