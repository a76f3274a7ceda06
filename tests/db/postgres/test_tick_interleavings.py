"""Whatever transactions overlap, a copy that follows the events is the table at each tick."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.postgres.tick_sessions import in_order, sessions_to, tick
from tests.examples import examples
from tests.places import PostgresPlace

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

STATES = ("INPROGRESS", "FINISHED", "ERROR")
_WRITERS = 3
_COLUMNS = "agentflow_id", "session_id", "state", "created_on", "updated_on", "finished_on"
_OLD = tuple(f"old_{column}" for column in ("execution_id", *_COLUMNS))
_BEGINNINGS = [
    "BEGIN",
    "BEGIN",
    "BEGIN ISOLATION LEVEL REPEATABLE READ",
    "BEGIN ISOLATION LEVEL SERIALIZABLE",
]
_MANY = (
    "INSERT INTO executions (guid, agentflow_id, state, created_on)"
    " SELECT guid, 'flow-a', $2, 0 FROM unnest($1::text[]) AS guid ON CONFLICT (guid)"
)
_FIRST, _LAST = "($1::text[])[1]", "($1::text[])[cardinality($1)]"
_MOVE = (
    f"UPDATE executions SET guid = {_LAST}, state = $2 WHERE guid = {_FIRST}"
    f" AND NOT EXISTS (SELECT FROM executions WHERE guid = {_LAST})"
)
_REWRITE = (
    "WITH gone AS (DELETE FROM executions WHERE guid = ANY ($1) RETURNING *)"
    " INSERT INTO executions (guid, agentflow_id, state, created_on)"
    " SELECT guid, 'flow-b', $2, created_on FROM gone"
)
_WRITES = [
    f"{_MANY} DO NOTHING",
    f"{_MANY} DO UPDATE SET state = excluded.state",
    "UPDATE executions SET state = $2 WHERE guid = ANY ($1)",
    "UPDATE executions SET state = $2, session_id = 's' WHERE guid = ANY ($1)",
    "DELETE FROM executions WHERE guid = ANY ($1) AND state <> $2",
    _MOVE,
    _REWRITE,
]


class Step(NamedTuple):
    """Something that a connection does; ``guids`` are those that it may write."""

    writer: int
    statement: str
    guids: Sequence[str] = ()
    state: str = STATES[0]


def _step(chance: random.Random) -> Step:
    writer, action = chance.randrange(_WRITERS), chance.random()
    if action < 0.15:
        return Step(writer, "tick")
    if action < 0.35:
        return Step(writer, chance.choice(_BEGINNINGS))
    if action < 0.45:
        return Step(writer, chance.choice(["SAVEPOINT here", "ROLLBACK TO here"]))
    if action < 0.6:
        return Step(writer, chance.choice(["COMMIT", "COMMIT", "ROLLBACK"]))
    guids = chance.sample("abcde", chance.choice([1, 1, 2]))
    return Step(writer, chance.choice(_WRITES), guids, chance.choice(STATES))


class Writer:
    """A connection that skips what would have to wait for the transaction of another."""

    def __init__(self, connection: Any, owners: dict[str, "Writer"]) -> None:
        self._connection = connection
        self._owners = owners
        self._has_savepoint = False

    async def run(self, step: Step) -> None:
        is_open = self._connection.is_in_transaction()
        if step.statement in {"COMMIT", "ROLLBACK"}:
            await self.end(step.statement)
        elif step.statement in _BEGINNINGS:
            if not is_open:
                await self._connection.execute(step.statement)
        elif step.statement.endswith("here"):
            if is_open and (self._has_savepoint or step.statement.startswith("SAVEPOINT")):
                self._has_savepoint = True
                await self._connection.execute(step.statement)
        elif all(self._owners.get(guid, self) is self for guid in step.guids):
            if is_open:
                self._owners.update(dict.fromkeys(step.guids, self))
            try:
                await self._connection.execute(step.statement, step.guids, step.state)
            except (asyncpg.SerializationError, asyncpg.UniqueViolationError):
                await self.end("ROLLBACK")

    async def end(self, statement: str) -> None:
        if self._connection.is_in_transaction():
            try:
                await self._connection.execute(statement)
            except asyncpg.SerializationError:
                await self._connection.execute("ROLLBACK")
        self._has_savepoint = False
        for guid in [guid for guid, owner in self._owners.items() if owner is self]:
            del self._owners[guid]


class Follower:
    """A copy of the table, made of events alone, which reads those of a tick page by page."""

    def __init__(self, connection: Any, at: int, page: int) -> None:
        self._connection = connection
        self._tick = at
        self._page = page
        self.copy: dict[str, tuple[Any, ...]] = {}
        self.seen: list[int] = []

    async def follow(self) -> None:
        made = await tick(self._connection)
        assert made in {self._tick, self._tick + 1}
        if made == self._tick:
            return
        self._tick, last = made, 0
        while rows := await self._connection.fetch(
            "SELECT * FROM gateway_events_of($1, $2, $3)", made, last, self._page
        ):
            for row in rows:
                self._apply(row)
            last = rows[-1]["id"]

    def _apply(self, event: Any) -> None:
        self.seen.append(event["id"])
        guid = event["guid"]
        now = event["execution_id"], *(event[column] for column in _COLUMNS)
        before = self.copy.pop(guid, None)
        if event["type"] == "CREATED":
            assert before is None
        else:
            known = now if event["type"] == "DELETED" else tuple(event[column] for column in _OLD)
            assert known == before
        if event["type"] != "DELETED":
            assert now != before
            self.copy[guid] = now

    async def compare(self) -> None:
        rows = await self._connection.fetch(
            f"SELECT guid, id, {', '.join(_COLUMNS)} FROM executions"
        )
        assert self.copy == {row[0]: tuple(row)[1:] for row in rows}


@given(seed=st.integers(0, 2**32), count=st.integers(30, 150), page=st.integers(1, 5))
@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_a_copy_that_follows_is_the_table_at_each_tick(
    place: PostgresPlace, seed: int, count: int, page: int
) -> None:
    async with sessions_to(place.url) as sessions, asyncio.timeout(60):
        looking = await sessions.open()
        await looking.execute("TRUNCATE executions")
        start = await tick(looking)
        assert start is not None
        owners: dict[str, Writer] = {}
        writers = [Writer(await sessions.open(), owners) for _ in range(_WRITERS)]
        follower = Follower(looking, start, page)
        chance = random.Random(seed)
        for step in (_step(chance) for _ in range(count)):
            if step.statement == "tick":
                await follower.follow()
                await follower.compare()
            else:
                await writers[step.writer].run(step)
        for writer in writers:
            await writer.end("COMMIT")
        await follower.follow()
        await follower.compare()
        # Whoever reads later, and all at once, reads the same.
        events = [event["id"] for event in await in_order(looking)]
        assert events[len(events) - len(follower.seen) :] == follower.seen
