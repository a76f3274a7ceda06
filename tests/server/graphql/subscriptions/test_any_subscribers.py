"""Whatever clients do, each gets exactly the events that concern it, once and in order."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.events.event import ExecutionEvent
from db.events.start import Start
from db.source import ExecutionRow
from tests.examples import examples
from tests.gateway import run_sql
from tests.places import Place
from tests.server.graphql.subscriptions.running import (
    Client,
    Subscriptions,
    subscriptions,
)
from tests.waiting import until

_STATES = ("INPROGRESS", "FINISHED", "ERROR")
_SESSIONS = ("s-0", "s-1")
_GUIDS = ("a", "b", "c")

Holds = Callable[[ExecutionRow], bool]
_FILTERS: list[tuple[dict[str, Any] | None, Holds]] = [
    (None, lambda _: True),
    ({"state": {"eq": "ERROR"}}, lambda row: row.state == "ERROR"),
    ({"sessionId": {"eq": "s-0"}}, lambda row: row.session_id == "s-0"),
    (
        {"guid": {"eq": "a"}, "state": {"notIn": ["FINISHED"]}},
        lambda row: row.guid == "a" and row.state != "FINISHED",
    ),
    ({"not": {"sessionId": {"eq": "s-1"}}}, lambda row: row.session_id != "s-1"),
    ({"or": []}, lambda _: False),
]
_QUERIES = (
    (
        "subscription ($filter: ExecutionFilter, $after: String)"
        " { executionEvents(filter: $filter, after: $after) { cursor guid type matches } }"
    ),
    (
        "subscription ($filter: ExecutionFilter, $after: String) { executionEvents(filter: $filter,"
        " after: $after) { matches type guid cursor execution { sessionId } } }"
    ),
)
_Told = tuple[str, str, bool]

_CHANGES = st.tuples(
    st.just("change"),
    st.sampled_from(("put", "put", "put", "move", "all", "delete")),
    st.sampled_from(_GUIDS),
    st.sampled_from(_STATES),
    st.sampled_from(_SESSIONS),
)
_CLIENTS = st.tuples(
    st.just("begin"),
    st.integers(0, len(_FILTERS) - 1),
    st.integers(0, len(_QUERIES) - 1),
    st.integers(0, 20),
    st.sampled_from((1, 2, 5, 1_000)),
)
_OTHERS = st.tuples(
    st.sampled_from(("read on", "leave", "come back", "wait")),
    st.integers(0, 20),
    st.sampled_from((1, 3, 1_000)),
)


class _Watching:
    """A client, and what is known of it besides what it got."""

    def __init__(self, number: int, query: int, begins_after: int) -> None:
        self.filter, self.holds = _FILTERS[number]
        self.query = _QUERIES[query]
        self.begins_after = begins_after
        """How many events there were before the first that it should get."""
        self.client = Client()
        self.told: list[_Told] = []

    async def begin(self, live: Subscriptions, room: float, after: str | None) -> None:
        self.client = Client(room)
        await live.begin(self.client, self.query, filter=self.filter, after=after)

    def collect(self) -> None:
        """Keep what the client got, before it comes back as another one."""
        self.told += [(e["guid"], e["type"], e["matches"]) for e in self.client.events]

    def expected(self, events: list[ExecutionEvent]) -> list[_Told]:
        found = []
        for event in events[self.begins_after :]:
            rows = [row for row in (event.before, event.after) if row is not None]
            if any(map(self.holds, rows)):
                matches = event.after is not None and self.holds(event.after)
                found.append((rows[0].guid, str(event.type), matches))
        return found


def _change(place: Place, what: str, guid: str, state: str, session: str) -> None:
    if what == "put":
        run_sql(
            place,
            "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
            " VALUES (?, 'flow', ?, ?, 1700000000000)"
            " ON CONFLICT (guid) DO UPDATE SET state = excluded.state",
            guid,
            session,
            state,
        )
    elif what == "move":
        run_sql(place, "UPDATE executions SET session_id = ? WHERE guid = ?", session, guid)
    elif what == "all":
        run_sql(place, "UPDATE executions SET state = ?", state)
    else:
        run_sql(place, "DELETE FROM executions WHERE guid = ?", guid)


async def _all_events(live: Subscriptions, begin: Any) -> list[ExecutionEvent]:
    await live.log.end()
    return await live.log.read(begin, 10_000)


async def _play(place: Place, steps: list[tuple[Any, ...]]) -> None:
    async with subscriptions(place, recent_bytes=6_000) as live:
        begin = await live.log.end()
        watching: list[_Watching] = []
        for step in steps:
            if step[0] == "change":
                _change(place, *step[1:])
            elif step[0] == "begin":
                events = await _all_events(live, begin)
                place_of_cursor = min(step[3], len(events))
                after = (
                    live.log.cursor(Start(events[place_of_cursor - 1].position), None)
                    if place_of_cursor
                    else None
                )
                known = place_of_cursor or len(events)
                joined = _Watching(step[1], step[2], known)
                await joined.begin(live, step[4], after)
                watching.append(joined)
            elif watching and step[0] == "wait":
                await asyncio.sleep(0.03)
            elif watching:
                await _meddle(live, watching, *step)
        events = await _all_events(live, begin)
        for each in watching:
            await _finish(live, each, events)


async def _meddle(
    live: Subscriptions, watching: list[_Watching], what: str, number: int, room: float
) -> None:
    chosen = watching[number % len(watching)]
    subscription = chosen.client.subscription
    assert subscription is not None
    if what == "leave":
        watching.remove(chosen)
        subscription.close()
    elif what == "read on":
        if chosen.client.ending is None and chosen.client.room <= 0:
            chosen.client.read_on(room)
    else:
        await _come_back(live, chosen, room)


async def _come_back(live: Subscriptions, chosen: _Watching, room: float) -> None:
    """Go away, and come back with the last cursor."""
    client = chosen.client
    assert client.subscription is not None
    if client.ending is None:
        after = client.subscription.cursor
        client.subscription.close()
    else:
        assert client.ending.code == "FELL_BEHIND"
        after = client.ending.cursor or ""
    chosen.collect()
    await chosen.begin(live, room, after)


async def _finish(live: Subscriptions, each: _Watching, events: list[ExecutionEvent]) -> None:
    await _come_back(live, each, float("inf"))
    expected = each.expected(events)
    await until(lambda: len(each.told) + len(each.client.messages) >= len(expected))
    each.collect()
    assert each.told == expected


@pytest.fixture(scope="module")
def any_place(new_place: Callable[[], Place]) -> Place:
    return new_place()


@given(
    steps=st.lists(
        st.one_of(_CHANGES, _CHANGES, _CHANGES, _CLIENTS, _OTHERS), min_size=10, max_size=60
    )
)
@settings(max_examples=examples(25), deadline=None)
def test_any_clients_get_what_concerns_them(any_place: Place, steps: list[tuple[Any, ...]]) -> None:
    run_sql(any_place, "DELETE FROM executions")
    asyncio.run(_play(any_place, steps))
