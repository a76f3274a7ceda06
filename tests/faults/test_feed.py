"""A feed misses nothing of what several programs write, whoever crashes meanwhile."""

import asyncio
import contextlib
import random
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import asyncpg
import pytest

from db.events.event import ExecutionEvent
from db.source import ExecutionRow
from tests.db.events.listening import Listener, guid_of, listening_at, until
from tests.faults.programs import Clients, graphql, program
from tests.faults.writes import DELETE, UPDATE, fill
from tests.gateway import migrate, run_sql
from tests.places import Place, PostgresServer, postgres_server

pytestmark = pytest.mark.anyio

COUNT = 200
EVENTS = 600
"""How many events there are at least."""
_AWAY = (
    OSError,
    sqlite3.OperationalError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_STATES = ("ERROR", "FINISHED", "INPROGRESS", "STOPPED")


class Engines:
    """Programs that write executions in every way, by SQL and through gateways."""

    def __init__(self, place: Place, urls: Callable[[], Sequence[str]]) -> None:
        self._place = place
        self._urls = urls
        self._chances = threading.local()

    def write(self, number: int) -> None:
        """Write once; the database or a gateway may be away."""
        chance = self._chances.__dict__.setdefault("chance", random.Random(number))
        guid, state = f"g-{chance.randrange(COUNT)}", chance.choice(_STATES)
        url = chance.choice([*self._urls(), None])
        if url is not None:
            if chance.random() < 0.2:
                graphql(url, DELETE, guids=[guid, f"g-{chance.randrange(COUNT)}"])
            else:
                graphql(url, UPDATE, guid=guid, state=state)
            return
        with contextlib.suppress(*_AWAY):
            if chance.random() < 0.6:
                self._place.run(
                    "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
                    " VALUES (?, 'flow', ?, ?, 1700000000000) ON CONFLICT (guid) DO NOTHING",
                    [(guid, f"s-{number}", state)],
                )
            else:
                self._place.run(
                    "UPDATE executions SET state = ?, session_id = ? WHERE guid IN (?, ?)",
                    [(state, f"s-{number}", guid, f"g-{chance.randrange(COUNT)}")],
                )


def _executions(place: Place) -> dict[str, ExecutionRow]:
    rows = run_sql(
        place,
        "SELECT id, guid, agentflow_id, NULL, session_id, state, created_on, updated_on,"
        " finished_on, finished_on - created_on FROM executions",
    )
    return {row[1]: ExecutionRow(*row) for row in rows}


def _assert_lead_to(
    events: Sequence[ExecutionEvent],
    before: dict[str, ExecutionRow],
    after: dict[str, ExecutionRow],
) -> None:
    """Each event continues where the one before left its execution, up to what the table has."""
    copy = dict(before)
    for event in events:
        guid = guid_of(event)
        assert event.before == copy.pop(guid, None), event
        if event.after is not None:
            copy[guid] = event.after
    assert copy == after


async def _hear_more(listener: Listener) -> None:
    heard = len(listener.events)
    await until(lambda: len(listener.events) > heard + 100)


async def _assert_hears_all(
    place: Place,
    urls: Callable[[], Sequence[str]],
    meanwhile: Callable[[Listener], Awaitable[object]],
) -> None:
    async with listening_at(place.url) as listener:
        before = _executions(place)
        await listener.feed.start()
        beginning = listener.feed.position
        engines = Engines(place, urls)
        clients = Clients(6, engines.write)
        try:
            await meanwhile(listener)
            await until(lambda: len(listener.events) > EVENTS)
        finally:
            await asyncio.to_thread(clients.stop)
        end = await listener.log.end()
        await until(lambda: listener.feed.position >= end)
        assert listener.lost == []
        events = listener.events
        assert events == await listener.log_after(beginning)
        _assert_lead_to(events, before, _executions(place))


async def test_what_several_programs_write_is_heard_once_and_in_order(place: Place) -> None:
    fill(place, COUNT)

    async def nothing(_listener: Listener) -> None:
        pass

    with program(place) as one, program(place) as other:
        await _assert_hears_all(place, lambda: (one.url, other.url), nothing)


async def test_gateways_that_are_killed_while_they_write_leave_no_gap(place: Place) -> None:
    fill(place, COUNT)
    urls: list[str] = []

    async def kill_again_and_again(listener: Listener) -> None:
        for _ in range(3):
            with program(place) as running:
                urls[:] = [running.url]
                await _hear_more(listener)
                running.kill()

    await _assert_hears_all(place, lambda: tuple(urls), kill_again_and_again)


@pytest.fixture(scope="module")
def own_server(server: PostgresServer) -> Iterator[PostgresServer]:  # noqa: ARG001 - only with it
    """A server that may be crashed, as long as it is started again."""
    with postgres_server(survives_crashes=True) as started:
        yield started


@pytest.mark.postgres
async def test_a_server_that_crashes_again_and_again_leaves_no_gap(
    own_server: PostgresServer,
) -> None:
    place = own_server.new(Path())
    await asyncio.to_thread(migrate, place)
    fill(place, COUNT)

    async def crash_again_and_again(listener: Listener) -> None:
        for _ in range(4):
            await _hear_more(listener)
            await asyncio.to_thread(own_server.crash)
            await asyncio.to_thread(own_server.restart)

    with program(place) as running:
        await _assert_hears_all(place, lambda: (running.url,), crash_again_and_again)
