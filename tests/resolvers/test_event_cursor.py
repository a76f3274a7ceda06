"""The position of what an operation reads: subscriptions after it miss and repeat nothing."""

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from db.database import Database
from db.events.event import ExecutionEvent
from db.events.log import EventLog
from db.opening import open_database
from tests.gateway import Gateway, run_sql
from tests.places import Place

_INSERT = (
    "INSERT INTO executions (guid, agentflow_id, state, created_on)"
    " VALUES (?, 'flow-a', 'INPROGRESS', 1700000000000)"
)


@contextlib.contextmanager
def _busy(gateway: Gateway, numbers: Iterator[int]) -> Iterator[None]:
    """Let another program create an execution before every read of the gateway."""
    read = Database.read
    one_at_a_time = asyncio.Lock()

    async def read_later(self: Database, *arguments: Any, **options: Any) -> Any:
        async with one_at_a_time:
            run_sql(gateway.place, _INSERT, f"g-{next(numbers)}")
            return await read(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "read", read_later)
        yield


async def _events_after(place: Place, cursor: str) -> list[ExecutionEvent]:
    database = open_database(place.url)
    try:
        log = EventLog(database)
        start = await log.start(cursor, "after", None)
        await log.end()
        events = await log.read(start.position, 1_000)
        return [event for event in events if start.seen is None or not start.seen.has(event)]
    finally:
        await database.close()


@pytest.mark.parametrize(
    "query",
    [
        "{ eventCursor executions(first: 100) { totalCount nodes { guid } } }",
        "{ executions(first: 100) { totalCount nodes { guid } } eventCursor }",
        (
            "{ ...Cursor executions(first: 100) { totalCount nodes { guid } } }"
            " fragment Cursor on Query { now: eventCursor }"
        ),
        (
            "{ executionPage(limit: 100) { totalCount nodes: items { guid } } now: eventCursor"
            " stats: executionStats { totalCount } }"
        ),
    ],
)
def test_what_is_not_in_the_list_comes_after_its_cursor_and_nothing_else(
    gateway: Gateway, query: str
) -> None:
    numbers = itertools.count()
    for _ in range(3):
        with _busy(gateway, numbers):
            answer = gateway.graphql(query)
        cursor = answer.pop("eventCursor", None) or answer.pop("now")
        counts = {part["totalCount"] for part in answer.values()}
        [nodes] = [part["nodes"] for part in answer.values() if "nodes" in part]
        listed = {node["guid"] for node in nodes}
        later = [
            event.after.guid
            for event in asyncio.run(_events_after(gateway.place, cursor))
            if event.after is not None
        ]
        assert counts == {len(listed)}
        assert len(later) == len(set(later))
        assert listed.isdisjoint(later)
        assert later
        there = {guid for (guid,) in run_sql(gateway.place, "SELECT guid FROM executions")}
        assert listed | set(later) == there


def test_a_database_without_a_change_has_a_cursor_too(gateway: Gateway) -> None:
    cursor = gateway.graphql("{ eventCursor }")["eventCursor"]
    assert asyncio.run(_events_after(gateway.place, cursor)) == []
