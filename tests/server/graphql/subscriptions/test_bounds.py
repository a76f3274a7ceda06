"""What subscriptions take of memory, work and each other's time, however they read."""

import asyncio
import functools
from typing import Any

import pytest

from db.executions import Executions
from tests.gateway import run_sql
from tests.places import Place
from tests.server.graphql.subscriptions.running import (
    EVENTS,
    Client,
    create,
    has_read,
    subscriptions,
)
from tests.waiting import until

pytestmark = pytest.mark.anyio


async def test_who_falls_behind_is_told_so_and_can_resume(place: Place) -> None:
    async with subscriptions(place, recent_bytes=1) as live:
        slow = await live.begin(Client(room=1))
        fast = await live.begin()
        create(place, "g-0")
        await until(lambda: bool(slow.messages))
        for number in range(1, 4):
            create(place, f"g-{number}")
            await until(functools.partial(has_read, fast, number + 1))
        assert slow.ending is not None
        assert slow.ending.code == "FELL_BEHIND"
        again = await live.begin(after=slow.ending.cursor)
        await until(lambda: len(again.messages) >= 3)
        assert slow.events + again.events == fast.events


async def test_a_change_is_encoded_once_for_all_who_select_the_same(place: Place) -> None:
    async with subscriptions(place) as live:
        clients = [
            await live.begin(filter={"state": {"in": [state, "INPROGRESS"]}})
            for state in ("ERROR", "FINISHED", "STOPPED", "TIMEOUT")
        ]
        create(place, "a")
        await until(lambda: all(client.messages for client in clients))
        assert live.count("gateway_events_encoded") == 1
        assert len({id(client.messages[0].payload) for client in clients}) == 1


_NESTED = """subscription {
  executionEvents { guid execution { session { executions(first: 1) { totalCount } } } }
}"""


async def test_a_selection_that_takes_long_to_read_delays_nobody_else(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_read = asyncio.Event()
    pages = Executions.pages

    async def slow_pages(*arguments: Any, **options: Any) -> Any:
        await may_read.wait()
        return await pages(*arguments, **options)

    monkeypatch.setattr(Executions, "pages", slow_pages)
    async with subscriptions(place) as live:
        slow, fast = await live.begin(query=_NESTED), await live.begin()
        for number in range(3):
            create(place, f"g-{number}")
            await until(functools.partial(has_read, fast, number + 1))
        assert slow.messages == []
        may_read.set()
        await until(lambda: len(slow.messages) >= 3)
        assert [event["guid"] for event in slow.events] == ["g-0", "g-1", "g-2"]


async def test_a_client_that_stops_reading_is_not_sent_the_rest_of_a_large_batch(
    place: Place,
) -> None:
    large = " ".join(f"a{number}: execution {{ agentflowId }}" for number in range(8))
    query = f"subscription {{ executionEvents {{ {large} }} }}"
    async with subscriptions(place) as live:
        client = await live.begin(Client(room=1), query=query)
        values = ", ".join(
            f"('g-{number}', '{'x' * 10_000}', 'ERROR', 1700000000000)" for number in range(5)
        )
        run_sql(
            place, f"INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES {values}"
        )
        for read in range(1, 6):
            await until(functools.partial(has_read, client, read))
            assert len(client.messages) == read
            client.read_on(1)


async def test_events_whose_selection_is_dear_all_arrive(place: Place) -> None:
    query = """subscription {
      executionEvents { guid execution { agentflow { executions(first: 90) {
        nodes { guid state createdOn updatedOn finishedOn durationMs sessionId agentflowName } }
      } } }
    }"""
    async with subscriptions(place, max_page_size=1_000) as live:
        client = await live.begin(query=query)
        values = ", ".join(f"('g-{n}', 'flow', 'ERROR', 1700000000000)" for n in range(20))
        run_sql(
            place, f"INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES {values}"
        )
        await until(lambda: len(client.messages) >= 20)
        guids = [event["guid"] for event in client.events]
        assert len(guids) == len(set(guids)) == 20


async def test_long_filters_of_all_subscriptions_together_take_bounded_memory(
    place: Place,
) -> None:
    long = {"guid": {"in": [f"g-{number}" for number in range(300)]}}
    longer = {"guid": {"in": [f"h-{number}" for number in range(500)]}}
    async with subscriptions(place, max_filter_bytes=100_000) as live:
        first = await live.begin(filter=long)
        again = await live.begin(filter=long)
        [error] = await live.refused(EVENTS, filter=longer)
        assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        await live.begin(filter={"guid": {"eq": "g-1"}})
        for client in (first, again):
            assert client.subscription is not None
            client.subscription.close()
        await live.begin(filter=longer)


async def test_large_events_are_encoded_a_few_at_a_time(place: Place) -> None:
    large = " ".join(f"a{number}: execution {{ agentflowId }}" for number in range(28))
    query = f"subscription {{ executionEvents {{ guid {large} }} }}"
    async with subscriptions(place) as live:
        client = await live.begin(query=query)
        values = ", ".join(
            f"('g-{number}', '{'x' * 10_000}', 'ERROR', 1700000000000)" for number in range(30)
        )
        run_sql(
            place, f"INSERT INTO executions (guid, agentflow_id, state, created_on) VALUES {values}"
        )
        await until(lambda: len(client.messages) >= 30)
        assert [event["guid"] for event in client.events] == [f"g-{n}" for n in range(30)]
        assert live.count("gateway_events_encoded") < 40


async def test_subscriptions_that_resume_from_one_position_share_what_is_read(place: Place) -> None:
    async with subscriptions(place) as live:
        first = await live.begin()
        for number in range(4):
            create(place, f"g-{number}")
        await until(functools.partial(has_read, first, 4))
    async with subscriptions(place) as live:
        again = [await live.begin(after=first.events[0]["cursor"]) for _ in range(20)]
        await until(lambda: all(has_read(client, 3) for client in again))
        assert all(client.events == first.events[1:] for client in again)
        assert live.count("gateway_events_encoded") < 3 * len(again)
        create(place, "g-4")
        await until(lambda: all(has_read(client, 4) for client in again))
