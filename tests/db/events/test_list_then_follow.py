"""Who loads a list with its cursor, and follows from there, has what the table has.

No change is missed and none comes that the list had already, whatever writers hold open.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import anyio
import asyncpg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.database import Database
from db.errors import EventsExpired
from db.events.log import EventLog
from db.events.old_events import OldEvents
from db.models import ExecutionState
from db.opening import open_database
from db.pacing import Pace
from tests.db.events.following import LIST, Follower, rows_by_guid
from tests.db.events.sessions import Session, session_of
from tests.examples import examples
from tests.gateway import run_sql
from tests.places import Place, SQLitePlace

GUIDS = [f"g-{number}" for number in range(6)]
STATES = [str(state) for state in ExecutionState]
INSERT = "INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES (?, 'flow', ?, 5)"
WRITES = {
    "insert": f"{INSERT} ON CONFLICT (guid) DO NOTHING",
    "upsert": f"{INSERT} ON CONFLICT (guid) DO UPDATE SET state = excluded.state",
    "update": "UPDATE executions SET state = ? WHERE guid = ?",
    "delete": "DELETE FROM executions WHERE guid = ?",
}
"""Writes by the number of their values: a guid and a state, or the other way around."""

_sessions = st.integers(0, 2)
_pages = st.sampled_from([1, 2, 3, 50])
_steps = st.one_of(
    st.tuples(
        st.just("write"),
        _sessions,
        st.sampled_from(sorted(WRITES)),
        st.sampled_from(GUIDS),
        st.sampled_from(STATES),
    ),
    st.tuples(st.sampled_from(["begin", "commit", "rollback"]), _sessions),
    st.tuples(st.sampled_from(["tick", "prune"])),
    st.tuples(st.just("list"), _pages),
    st.tuples(st.just("follow"), st.integers(0, 3)),
    st.tuples(st.just("page"), st.integers(0, 3)),
)
Step = tuple[Any, ...]


class Interleaving:
    """Writers with transactions of their own, and clients that follow what they write.

    A step that would have to wait for another writer is left out.
    """

    def __init__(self, database: Database, place: Place, sessions: Sequence[Session]) -> None:
        self._database = database
        self._place = place
        self._sessions = sessions
        self._log = EventLog(database)
        self._open: dict[int, set[str]] = {}
        self._behind: set[int] = set()
        self._prunes = 0
        self.followers: list[Follower] = []
        self.expired: set[int] = set()

    async def run(self, steps: Sequence[Step]) -> None:
        queue = list(steps)
        while queue:
            await self._take(queue.pop(0), queue)
        for number in list(self._open):
            await self._end(number, "COMMIT")

    async def _take(self, step: Step, following: list[Step]) -> None:
        match step:
            case ("write", number, kind, guid, state):
                await self._write(number, kind, guid, state)
            case ("begin", number) if self._may_begin(number):
                await self._sessions[number].run("BEGIN")
                self._open[number] = set()
            case ("commit" | "rollback" as end, number) if number in self._open:
                await self._end(number, end)
            case ("tick",):
                await self._log.end()
            case ("prune",) if not self._open or not isinstance(self._place, SQLitePlace):
                await self._prune()
            case ("list", page):
                await self._load(page, following)
            case ("follow", number) if number < len(self.followers):
                with self._may_expire(number):
                    await self.followers[number].follow(self._log)
                    self._behind.discard(number)
            case ("page", number) if number < len(self.followers):
                with self._may_expire(number):
                    await self.followers[number].follow_one_page(self._log)

    async def _load(self, page: int, following: list[Step]) -> None:
        """Load a list and its cursor, with the next steps between them."""

        async def between() -> None:
            for _ in range(2):
                if following and following[0][0] != "list":
                    await self._take(following.pop(0), following)

        prunes = self._prunes
        follower = await Follower.load(self._database, self._log, page, between)
        if self._prunes > prunes:
            self._behind.add(len(self.followers))
        self.followers.append(follower)

    async def _prune(self) -> None:
        """Delete events as if all of them were old."""
        await self._log.end()
        for number, follower in enumerate(self.followers):
            with self._may_expire(number):
                start = await self._log.start(follower.cursor, "after", None)
                if await self._log.read(start.position, 1):
                    self._behind.add(number)
        self._prunes += 1
        async for _ in OldEvents(self._database, -1, pace=Pace(pause=0.0)).delete():
            pass

    @contextlib.contextmanager
    def _may_expire(self, number: int) -> Iterator[None]:
        """Let a client give up if it was behind when the log was pruned, and never otherwise."""
        try:
            yield
        except EventsExpired:
            assert number in self._behind
            self.expired.add(number)

    def _may_begin(self, number: int) -> bool:
        # SQLite has one writer at a time.
        is_alone = not self._open or not isinstance(self._place, SQLitePlace)
        return is_alone and number not in self._open

    async def _write(self, number: int, kind: str, guid: str, state: str) -> None:
        others = [guids for other, guids in self._open.items() if other != number]
        if isinstance(self._place, SQLitePlace) and others:
            return
        if any(guid in guids for guids in others):
            return
        if number in self._open:
            self._open[number].add(guid)
        values = {"update": (state, guid), "delete": (guid,)}.get(kind, (guid, state))
        await self._sessions[number].run(WRITES[kind], *values)

    async def _end(self, number: int, how: str) -> None:
        await self._sessions[number].run(how)
        del self._open[number]

    async def check(self) -> None:
        """Let all clients follow to the end: they have the table."""
        table = rows_by_guid(run_sql(self._place, LIST))
        for number, follower in enumerate(self.followers):
            with self._may_expire(number):
                await follower.follow(self._log)
                assert follower.copy == table
                assert await follower.follow(self._log) == 0


@pytest.fixture(scope="module")
def shared(new_place: Callable[[], Place]) -> Place:
    return new_place()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=examples(200),
)
@example(
    # One that is open is in no tick, but the list has it.
    steps=[
        ("begin", 0),
        ("write", 0, "insert", "g-0", "ERROR"),
        ("write", 1, "insert", "g-1", "ERROR"),
        ("tick",),
        ("commit", 0),
        ("write", 1, "update", "g-0", "FINISHED"),
        ("list", 1),
        ("write", 1, "delete", "g-1", ""),
    ]
)
@example(
    # One that is open when the list is loaded, and has a lower number than others that it has.
    steps=[
        ("begin", 0),
        ("write", 0, "insert", "g-0", "ERROR"),
        ("write", 1, "insert", "g-1", "ERROR"),
        ("list", 1),
        ("commit", 0),
    ]
)
@given(steps=st.lists(_steps, max_size=30))
def test_a_list_and_the_events_after_its_cursor_make_the_table(
    shared: Place, steps: list[Step]
) -> None:
    async def run() -> None:
        database = open_database(shared.url)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            sessions = [await stack.enter_async_context(session_of(shared)) for _ in range(3)]
            interleaving = Interleaving(database, shared, sessions)
            await interleaving.run([("list", 2), *steps, ("list", 3)])
            await interleaving.check()

    anyio.run(run)


ROUNDS = 16


async def _write_at_random(session: Session, seed: int, until: asyncio.Event) -> None:
    """Write transactions of a few changes until an event; some are undone, some held open."""
    drawn = random.Random(seed)
    while not until.is_set():
        with contextlib.suppress(asyncpg.PostgresError):
            await session.run("BEGIN")
            for guid in sorted(drawn.sample(GUIDS, drawn.randint(1, 3))):
                kind, state = drawn.choice(sorted(WRITES)), drawn.choice(STATES)
                values = {"update": (state, guid), "delete": (guid,)}.get(kind, (guid, state))
                await session.run(WRITES[kind], *values)
                if drawn.random() < 0.1:
                    await asyncio.sleep(drawn.random() / 50)
        await session.run(drawn.choice(["COMMIT"] * 4 + ["ROLLBACK"]))
        await asyncio.sleep(0)


@pytest.mark.anyio
async def test_lists_that_are_loaded_while_many_write_are_followed_without_a_gap(
    database: Database, place: Place
) -> None:
    log = EventLog(database)
    enough = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(session_of(place)) for _ in range(5)]
        writing = [
            asyncio.create_task(_write_at_random(session, seed, enough))
            for seed, session in enumerate(sessions[:-1])
        ]
        followers = []
        for turn in range(ROUNDS):
            if turn % 4 == 0:
                await sessions[-1].run("BEGIN")
                await sessions[-1].run(WRITES["upsert"], f"held-{turn}", "ERROR")
            follower = await Follower.load(database, log, turn % 4 + 1, lambda: asyncio.sleep(0))
            followers.append(follower)
            await follower.follow(log)
            if turn % 4 == 2:
                await sessions[-1].run("COMMIT")
        enough.set()
        await asyncio.gather(*writing)
    table = rows_by_guid(run_sql(place, LIST))
    for follower in followers:
        await follower.follow(log)
        assert follower.copy == table
