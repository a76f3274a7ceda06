"""Who gets which events, of clients that read fast, slowly or from an earlier place."""

import asyncio
from collections.abc import Sequence

import pytest

from db.errors import EventsExpired
from db.events.event import ExecutionEvent
from server.graphql.subscriptions.sink import Ending, EventMessage
from tests.gateway import insert, run_sql
from tests.places import Place
from tests.sample import SAMPLE
from tests.server.graphql.subscriptions.running import (
    EVENTS,
    Client,
    create,
    delete,
    has_read,
    move,
    subscriptions,
)
from tests.waiting import until

pytestmark = pytest.mark.anyio


async def test_each_change_arrives_once_and_in_order(place: Place) -> None:
    async with subscriptions(place) as live:
        client = await live.begin()
        create(place, "a")
        move(place, "a", "FINISHED")
        create(place, "b", "ERROR")
        delete(place, "a")
        await until(lambda: len(client.messages) >= 4)
        assert [
            (event["type"], event["guid"], event["previousState"], event["execution"])
            for event in client.events
        ] == [
            ("CREATED", "a", None, {"guid": "a", "state": "INPROGRESS"}),
            ("UPDATED", "a", "INPROGRESS", {"guid": "a", "state": "FINISHED"}),
            ("CREATED", "b", None, {"guid": "b", "state": "ERROR"}),
            ("DELETED", "a", "FINISHED", {"guid": "a", "state": "FINISHED"}),
        ]


async def test_without_a_cursor_it_begins_now(place: Place) -> None:
    insert(place, SAMPLE)
    async with subscriptions(place) as live:
        client = await live.begin()
        create(place, "new")
        await until(lambda: bool(client.messages))
        assert [event["guid"] for event in client.events] == ["new"]


async def test_an_event_is_told_if_it_matched_before_or_matches_after(place: Place) -> None:
    async with subscriptions(place) as live:
        client = await live.begin(filter={"state": {"eq": "INPROGRESS"}})
        create(place, "other", "ERROR")
        create(place, "a")
        move(place, "a", "FINISHED")
        move(place, "a", "STOPPED")
        move(place, "a", "INPROGRESS")
        delete(place, "a")
        await until(lambda: len(client.messages) >= 4)
        assert [(event["type"], event["matches"]) for event in client.events] == [
            ("CREATED", True),
            ("UPDATED", False),
            ("UPDATED", True),
            ("DELETED", False),
        ]


async def test_after_a_cursor_comes_everything_since(place: Place) -> None:
    async with subscriptions(place) as live:
        first = await live.begin()
        for number in range(5):
            create(place, f"g-{number}")
        await until(lambda: len(first.messages) == 5)
    async with subscriptions(place) as live:
        create(place, "g-5")
        second = await live.begin(after=first.events[2]["cursor"])
        create(place, "g-6")
        await until(lambda: len(second.messages) >= 4)
        assert [event["guid"] for event in second.events] == ["g-3", "g-4", "g-5", "g-6"]
        assert second.events[:2] == first.events[3:]


async def test_the_cursor_of_a_list_begins_where_the_list_ends(place: Place) -> None:
    insert(place, SAMPLE)
    async with subscriptions(place) as live:
        cursor = live.log.cursor(await live.log.here(), None)
        client = await live.begin(after=cursor)
        create(place, "new")
        await until(lambda: bool(client.messages))
        assert [event["guid"] for event in client.events] == ["new"]


@pytest.mark.postgres
async def test_after_the_cursor_of_a_list_comes_what_the_feed_has_not_read_yet(
    place: Place,
) -> None:
    async with subscriptions(place) as live:
        first = await live.begin()
        pass_on, may_go_on = live.feed.on_events, asyncio.Event()

        async def pass_on_slowly(events: Sequence[ExecutionEvent]) -> None:
            await pass_on(events)
            await may_go_on.wait()

        live.feed.on_events = pass_on_slowly
        create(place, "before")
        await until(lambda: has_read(first, 1))
        cursor = live.log.cursor(await live.log.here(), None)
        create(place, "after")
        second = await live.begin(after=cursor)
        await until(lambda: has_read(second, 1))
        may_go_on.set()
        create(place, "last")
        await until(lambda: has_read(first, 3) and has_read(second, 2))
        assert [event["guid"] for event in first.events] == ["before", "after", "last"]
        assert [event["guid"] for event in second.events] == ["after", "last"]


async def test_a_client_that_pauses_misses_nothing(place: Place) -> None:
    async with subscriptions(place) as live:
        slow = await live.begin(Client(room=3))
        fast = await live.begin()
        for number in range(3):
            create(place, f"g-{number}")
        await until(lambda: len(slow.messages) == 3)
        for number in range(3, 10):
            create(place, f"g-{number}")
        await until(lambda: len(fast.messages) == 10)
        assert len(slow.messages) == 3
        slow.read_on()
        create(place, "g-10")
        await until(lambda: len(slow.messages) >= 11 and len(fast.messages) >= 11)
        assert slow.events == fast.events


async def test_the_cursor_of_a_subscription_is_that_of_what_was_just_written(place: Place) -> None:
    class Observer(Client):
        seen = ""

        def write(self, messages: Sequence[EventMessage]) -> bool:
            assert first.subscription is not None
            self.seen = first.subscription.cursor
            return super().write(messages)

    async with subscriptions(place) as live:
        first = await live.begin()
        observer = Observer()
        await live.begin(observer)
        create(place, "a")
        await until(lambda: bool(observer.messages))
        assert observer.seen == first.messages[0].cursor


class _Untellable(Client):
    """A client whose transport fails when it is told of the end."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def end(self, ending: Ending) -> None:
        super().end(ending)
        raise self.error


@pytest.mark.parametrize("error", [ConnectionResetError(), RuntimeError("a bug")], ids=repr)
async def test_when_events_are_lost_all_end_although_one_cannot_be_told(
    place: Place, error: Exception
) -> None:
    async with subscriptions(place) as live:
        clients = [await live.begin(each) for each in (_Untellable(error), Client())]
        live.feed.on_lost(EventsExpired())
        codes = [client.ending and client.ending.code for client in clients]
        assert codes == ["EVENTS_EXPIRED", "EVENTS_EXPIRED"]
        assert live.count("gateway_subscribers") == 0


async def test_who_selects_something_else_gets_it(place: Place) -> None:
    query = """subscription ($name: Boolean!) {
      change: executionEvents {
        ... on ExecutionEvent { what: type } ...Rest @include(if: $name)
      }
    }
    fragment Rest on ExecutionEvent { execution { session { executions { totalCount } } } }"""
    async with subscriptions(place) as live:
        short = await live.begin(query=query, name=False)
        long = await live.begin(query=query, name=True)
        create(place, "a")
        create(place, "b")
        await until(lambda: len(short.messages) == len(long.messages) == 2)
        assert short.messages[0].payload == b'{"data":{"change":{"what":"CREATED"}}}'
        assert long.messages[1].payload == (
            b'{"data":{"change":{"what":"CREATED",'
            b'"execution":{"session":{"executions":{"totalCount":2}}}}}}'
        )


async def test_a_client_that_left_gets_nothing_more_and_the_feed_rests(place: Place) -> None:
    async with subscriptions(place) as live:
        gone, here = await live.begin(), await live.begin()
        assert gone.subscription is not None
        gone.subscription.close()
        gone.subscription.close()
        create(place, "a")
        await until(lambda: bool(here.messages))
        assert gone.messages == []
        assert here.subscription is not None
        here.subscription.close()
        assert live.count("gateway_subscribers") == 0
        await until(lambda: not live.feed._has_begun.is_set())


async def test_a_cursor_that_is_none_is_refused_where_it_stands(place: Place) -> None:
    async with subscriptions(place) as live:
        [error] = await live.refused(EVENTS, after="no cursor")
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["path"] == ["executionEvents"]
        assert live.count("gateway_subscribers") == 0


async def test_a_cursor_that_the_log_does_not_reach_back_to_is_expired(place: Place) -> None:
    async with subscriptions(place) as live:
        first = await live.begin()
        for number in range(3):
            create(place, f"g-{number}")
        await until(lambda: len(first.messages) == 3)
        expired = first.events[0]["cursor"]
    run_sql(place, "UPDATE execution_events SET occurred_on = occurred_on - 1000")
    if place.url.startswith("postgres"):
        run_sql(place, "UPDATE event_ticks SET noted_on = noted_on - 1000")
    async with subscriptions(place) as live:
        [error] = await live.refused(EVENTS, after=expired)
        assert error["extensions"]["code"] == "EVENTS_EXPIRED"


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{ eventCursor }", {}, "BAD_USER_INPUT"),
        ("subscription { executionEvents { nothing } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", {}, "GRAPHQL_PARSE_FAILED"),
        (EVENTS, {"filter": {"state": {"eq": "GONE"}}}, "BAD_USER_INPUT"),
        (
            (
                "subscription { executionEvents { execution { agentflow {"
                " executions(first: 100) { nodes { a: guid b: guid c: guid d: guid e: guid f: guid"
                " g: guid h: guid i: guid j: guid } } } } } }"
            ),
            {},
            "OPERATION_TOO_COMPLEX",
        ),
        (EVENTS, {"filter": {"guid": {"in": ["g"] * 1001}}}, "BAD_USER_INPUT"),
        (
            "subscription ($now: Boolean!) { executionEvents @include(if: $now) { guid } }",
            {"now": False},
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ],
)
async def test_what_is_no_valid_subscription_is_refused(
    place: Place, query: str, variables: dict[str, object], code: str
) -> None:
    async with subscriptions(place) as live:
        errors = await live.refused(query, **variables)
        assert {error["extensions"]["code"] for error in errors} == {code}


async def test_many_changes_by_one_statement_all_arrive(place: Place) -> None:
    async with subscriptions(place) as live:
        client = await live.begin()
        run_sql(
            place,
            "INSERT INTO executions (guid, agentflow_id, state, created_on)"
            " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
            " SELECT 'g-' || i, 'flow-a', 'INPROGRESS', 1700000000000 FROM n",
        )
        run_sql(place, "UPDATE executions SET state = 'ERROR'")
        await until(lambda: len(client.messages) >= 6000)
        events = client.events
        assert len(events) == 6000
        assert {event["previousState"] for event in events[3000:]} == {"INPROGRESS"}
        assert len({event["cursor"] for event in events}) == 6000
