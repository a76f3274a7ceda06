"""Ticks put the events of transactions that overlap into one order.

An event comes in the first tick that is made after its transaction has been committed.
"""

import asyncio
import random
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.db.postgres.tick_sessions import (
    DELETE,
    INSERT,
    UPDATE,
    Sessions,
    guids,
    in_order,
    sessions_to,
    tick,
)
from tests.places import PostgresPlace
from tests.waiting import in_time

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


@pytest.fixture
async def sessions(place: PostgresPlace) -> AsyncIterator[Sessions]:
    async with sessions_to(place.url) as opened:
        yield opened


async def test_without_events_a_look_makes_no_tick(sessions: Sessions) -> None:
    looking = await sessions.open()
    assert [await tick(looking) for _ in range(3)] == [1, 1, 1]


async def test_a_look_that_makes_no_tick_writes_nothing(sessions: Sessions) -> None:
    looking = await sessions.open()
    async with looking.transaction():
        await tick(looking)
        assert await looking.fetchval("SELECT pg_current_xact_id_if_assigned()") is None


async def test_a_tick_has_the_events_since_the_one_before(sessions: Sessions) -> None:
    writing, looking = await sessions.open(), await sessions.open()
    await writing.execute(INSERT, "a")
    await writing.execute(INSERT, "b")
    assert await tick(looking) == 2
    await writing.execute(INSERT, "c")
    assert await tick(looking) == 3
    assert await tick(looking) == 3
    rows = await looking.fetch("SELECT guid FROM gateway_events_of(3, 0, 10)")
    assert [row["guid"] for row in rows] == ["c"]
    assert await guids(looking) == ["a", "b", "c"]


async def test_transactions_that_commit_in_the_other_order_come_as_they_commit(
    sessions: Sessions,
) -> None:
    first, second, looking = [await sessions.open() for _ in range(3)]
    await first.execute("BEGIN")
    await first.execute(INSERT, "first")
    await second.execute(INSERT, "second")
    assert await tick(looking) == 2
    await first.execute("COMMIT")
    assert await tick(looking) == 3
    assert await guids(looking) == ["second", "first"]


@pytest.mark.parametrize("ticks_between", [False, True])
async def test_an_older_transaction_that_changes_a_row_later_comes_later(
    sessions: Sessions, *, ticks_between: bool
) -> None:
    older, newer, looking = [await sessions.open() for _ in range(3)]
    await newer.execute(INSERT, "row")
    await tick(looking)
    await older.execute("BEGIN")
    await older.execute(INSERT, "of the older")
    await newer.execute(UPDATE, "row", "ERROR")
    if ticks_between:
        await tick(looking)
    await older.execute(UPDATE, "row", "STOPPED")
    await older.execute("COMMIT")
    await tick(looking)
    changes = [event for event in await in_order(looking) if event["type"] == "UPDATED"]
    assert [(event["old_state"], event["state"]) for event in changes] == [
        ("INPROGRESS", "ERROR"),
        ("ERROR", "STOPPED"),
    ]
    # The transactions' own numbers would give the other order.
    assert changes[0]["xid"] > changes[1]["xid"]


async def test_who_waited_for_a_row_comes_after_who_had_it(sessions: Sessions) -> None:
    first, second, looking = [await sessions.open() for _ in range(3)]
    await first.execute(INSERT, "row")
    await first.execute("BEGIN")
    await first.execute(UPDATE, "row", "ERROR")
    await second.execute("BEGIN")
    await second.execute(INSERT, "of the second")
    waiting = asyncio.create_task(second.execute(UPDATE, "row", "STOPPED"))
    blocked = "SELECT cardinality(pg_blocking_pids($1)) > 0"
    async with in_time("the second transaction does not wait"):
        while not await looking.fetchval(blocked, second.get_server_pid()):
            assert not waiting.done()
            await tick(looking)
    await first.execute(INSERT, "of the first")
    await first.execute("COMMIT")
    await waiting
    await tick(looking)
    await second.execute("COMMIT")
    await tick(looking)
    assert [(event["guid"], event["state"]) for event in await in_order(looking)] == [
        ("row", "INPROGRESS"),
        ("row", "ERROR"),
        ("of the first", "INPROGRESS"),
        ("of the second", "INPROGRESS"),
        ("row", "STOPPED"),
    ]


async def test_what_is_rolled_back_never_comes(sessions: Sessions) -> None:
    first, second, looking = [await sessions.open() for _ in range(3)]
    await first.execute("BEGIN")
    await first.execute(INSERT, "rolled back")
    await second.execute(INSERT, "kept")
    assert await tick(looking) == 2
    await first.execute("ROLLBACK")
    assert await tick(looking) == 2
    await second.execute(INSERT, "later")
    assert await tick(looking) == 3
    assert await guids(looking) == ["kept", "later"]


async def test_a_transaction_that_is_open_for_long_holds_up_nobody(sessions: Sessions) -> None:
    long, others, looking = [await sessions.open() for _ in range(3)]
    await long.execute("BEGIN")
    for number in range(5):
        await long.execute(INSERT, f"long-{number}")
        await others.execute(INSERT, f"other-{number}")
        assert await tick(looking) == number + 2
    assert await guids(looking) == [f"other-{number}" for number in range(5)]
    await long.execute("COMMIT")
    assert await tick(looking) == 7
    await others.execute(DELETE, "long-3")
    assert await tick(looking) == 8
    assert await guids(looking) == [
        *(f"other-{number}" for number in range(5)),
        *(f"long-{number}" for number in range(5)),
        "long-3",
    ]


async def test_savepoints_come_with_their_transaction(sessions: Sessions) -> None:
    writing, others, looking = [await sessions.open() for _ in range(3)]
    await writing.execute("BEGIN")
    await writing.execute("SAVEPOINT first")
    await writing.execute(INSERT, "released")
    await writing.execute("RELEASE first")
    await others.execute(INSERT, "other")
    assert await tick(looking) == 2
    await writing.execute("SAVEPOINT second")
    await writing.execute(INSERT, "taken back")
    await writing.execute("ROLLBACK TO second")
    await writing.execute(INSERT, "after it")
    assert await tick(looking) == 2
    await writing.execute("COMMIT")
    assert await tick(looking) == 3
    assert await guids(looking) == ["other", "released", "after it"]


async def test_more_savepoints_than_the_server_keeps_track_of_come_with_their_transaction(
    sessions: Sessions,
) -> None:
    writing, others, looking = [await sessions.open() for _ in range(3)]
    names = [f"g-{number:03}" for number in range(100)]
    await writing.execute("BEGIN")
    for name in names:
        # It keeps 64 that have written, as long as they are not taken back.
        await writing.execute("SAVEPOINT here")
        await writing.execute(INSERT, name)
    await others.execute(INSERT, "other")
    assert await tick(looking) == 2
    await others.execute(INSERT, "another")
    assert await tick(looking) == 3
    await writing.execute("COMMIT")
    assert await tick(looking) == 4
    assert await guids(looking) == ["other", "another", *names]


async def test_of_two_that_make_a_tick_at_once_one_is_told_to_look_again(
    sessions: Sessions,
) -> None:
    writing, one, another = [await sessions.open() for _ in range(3)]
    await writing.execute(INSERT, "a")
    async with asyncio.timeout(60), one.transaction():
        assert await tick(one) == 2
        assert await tick(another) is None
    assert await tick(another) == 2
    assert await guids(another) == ["a"]


async def test_many_that_look_while_many_write_agree_on_one_order(sessions: Sessions) -> None:
    writing = [await sessions.open() for _ in range(4)]
    looking = [await sessions.open() for _ in range(3)]
    is_writing = True

    async def write(number: int) -> None:
        for row in range(40):
            await writing[number].execute(INSERT, f"{number}-{row:02}")
            await writing[number].execute(UPDATE, f"{number}-{row:02}", "ERROR")

    async def look(number: int) -> None:
        while is_writing:
            await tick(looking[number])

    looks = asyncio.gather(*(look(number) for number in range(3)))
    await asyncio.gather(*(write(number) for number in range(4)))
    is_writing = False
    await looks
    assert await tick(looking[0])
    events = [(event["guid"], event["type"]) for event in await in_order(looking[0])]
    for number in range(4):
        own = [event for event in events if event[0].startswith(f"{number}-")]
        guids_of = [f"{number}-{row:02}" for row in range(40)]
        assert own == [(guid, kind) for guid in guids_of for kind in ("CREATED", "UPDATED")]
    assert len(events) == 320


async def test_a_tick_of_a_process_that_is_killed_is_made_by_another(sessions: Sessions) -> None:
    writing, killed, looking = [await sessions.open() for _ in range(3)]
    await writing.execute(INSERT, "a")
    await killed.execute("BEGIN")
    assert await tick(killed) == 2
    await writing.execute("SELECT pg_terminate_backend($1, 60000)", killed.get_server_pid())
    assert await tick(looking) == 2
    assert await guids(looking) == ["a"]


async def test_a_process_that_hangs_while_it_makes_a_tick_is_disconnected(
    sessions: Sessions,
) -> None:
    writing, hanging = await sessions.open(), await sessions.open()
    limit = "SELECT setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"
    await writing.execute(INSERT, "a")
    async with hanging.transaction():
        assert await hanging.fetchval(limit) == "0"
        assert await tick(hanging) == 2
        assert await hanging.fetchval(limit) == "10000"
    assert await hanging.fetchval(limit) == "0"


async def test_many_open_transactions_come_as_each_is_committed(sessions: Sessions) -> None:
    chance = random.Random(5)
    writing = {f"g-{number:02}": await sessions.open() for number in range(40)}
    looking = await sessions.open()
    for guid, connection in writing.items():
        await connection.execute("BEGIN")
        await connection.execute(INSERT, guid)
    expected = []
    order = chance.sample(list(writing), len(writing))
    while order:
        ended = sorted(order.pop() for _ in range(min(len(order), chance.randint(1, 5))))
        for guid in ended:
            await writing[guid].execute(chance.choice(["COMMIT", "COMMIT", "ROLLBACK"]))
        # Events of one tick are in the order in which they were written.
        rows = await looking.fetch("SELECT guid FROM executions WHERE guid = ANY ($1)", ended)
        expected += sorted(row["guid"] for row in rows)
        await tick(looking)
    assert await guids(looking) == expected


async def test_a_transaction_in_another_database_holds_up_nobody(
    sessions: Sessions, place: PostgresPlace
) -> None:
    elsewhere = await sessions.open(place.server.url_of("postgres"))
    writing, looking = await sessions.open(), await sessions.open()
    await elsewhere.execute("BEGIN")
    await elsewhere.execute("SELECT pg_current_xact_id()")
    for number in range(3):
        await writing.execute(INSERT, f"g-{number}")
        assert await tick(looking) == number + 2
    await elsewhere.execute("COMMIT")
    assert await tick(looking) == 4
    assert await guids(looking) == ["g-0", "g-1", "g-2"]


async def test_ids_are_given_one_by_one(sessions: Sessions) -> None:
    # A session that kept some for later would give a row's later change a smaller one.
    looking = await sessions.open()
    assert (
        await looking.fetchval(
            "SELECT seqcache FROM pg_sequence WHERE seqrelid ="
            " pg_get_serial_sequence('execution_events', 'id')::regclass"
        )
        == 1
    )


async def test_a_tick_in_a_snapshot_that_is_too_old_has_to_be_made_again(
    sessions: Sessions,
) -> None:
    writing, old, looking = [await sessions.open() for _ in range(3)]
    await old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await old.execute("SELECT count(*) FROM executions")
    await writing.execute(INSERT, "a")
    assert await tick(looking) == 2
    # It sees neither the event nor the tick.
    assert await tick(old) == 1
    await old.execute("ROLLBACK")
    await old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await writing.execute(INSERT, "b")
    await old.execute("SELECT count(*) FROM executions")
    await writing.execute(INSERT, "c")
    assert await tick(looking) == 3
    with pytest.raises(asyncpg.SerializationError):
        await tick(old)
    await old.execute("ROLLBACK")
    assert await tick(old) == 3
    assert await guids(looking) == ["a", "b", "c"]
