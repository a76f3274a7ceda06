"""Subscriptions with a key that is bound to a workspace."""

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from db.source import ExecutionRow
from tests.gateway import bearer, insert
from tests.sample import START, as_kept
from tests.server.graphql.subscriptions.event_source import EventSource, forget_events, subscribed
from tests.server.graphql.subscriptions.watchers import Watcher
from tests.workspaces.selections import asking
from tests.workspaces.worlds import OTHER, OWN, World, Worlds

PLAIN = "subscription ($after: String) { executionEvents(after: $after) { cursor type guid } }"
EVERYTHING = asking("executionEvents", kind="subscription", depth=3)
NOW = "{ eventCursor }"


def _row(guid: str, id_: int, workspace: str | None) -> ExecutionRow:
    row = ExecutionRow(id_, guid, "flow-shared", None, "session-shared", "FINISHED", START, START)
    return as_kept(row._replace(finished_on=START, workspace_id=workspace))


def _write(worlds: Worlds) -> Iterator[tuple[str, str]]:
    """Change executions everywhere; in the lone world, only what concerns the workspace.

    Gives what those are told who see the workspace, after each change of it.
    """
    beside, alone = worlds
    insert(beside.gateway.place, [_row("bravo-new", 1001, OTHER), _row("nobody-new", 1002, None)])
    beside.gateway.sql(
        "UPDATE executions SET state = 'ERROR' WHERE guid IN ('bravo-00', 'nobody-00')"
    )
    for world in worlds:
        insert(world.gateway.place, [_row("alpha-new", 1003, OWN)])
    yield "CREATED", "alpha-new"
    beside.gateway.sql("DELETE FROM executions WHERE guid = 'bravo-02'")
    for world in worlds:
        world.gateway.sql("UPDATE executions SET state = 'ERROR' WHERE guid = 'alpha-00'")
    yield "UPDATED", "alpha-00"
    beside.gateway.sql("UPDATE executions SET workspace_id = ? WHERE guid = 'alpha-01'", OTHER)
    alone.gateway.sql("DELETE FROM executions WHERE guid = 'alpha-01'")
    yield "DELETED", "alpha-01"
    beside.gateway.sql("UPDATE executions SET workspace_id = ? WHERE guid = 'bravo-new'", OWN)
    insert(alone.gateway.place, [_row("bravo-new", 1001, OWN)])
    yield "CREATED", "bravo-new"
    beside.gateway.sql("UPDATE executions SET workspace_id = NULL WHERE guid = 'bravo-new'")
    alone.gateway.sql("DELETE FROM executions WHERE guid = 'bravo-new'")
    yield "DELETED", "bravo-new"
    for world in worlds:
        world.gateway.sql("DELETE FROM executions WHERE guid = 'alpha-new'")
    yield "DELETED", "alpha-new"


def _subscribed(
    world: World, query: str, key: str | None = None, **options: Any
) -> contextlib.AbstractContextManager[EventSource]:
    """A stream with the key of the workspace, or another one."""
    return subscribed(world.gateway, query, headers=bearer(key or world.own), **options)


def _now(world: World, key: str | None = None) -> str:
    cursor: str = world.post(NOW, key=key).json()["data"]["eventCursor"]
    return cursor


def _without_clock(event: Any) -> Any:
    """An event without the time at which it was written."""
    return {**event, "occurredOn": None}


def test_a_stream_tells_the_same_as_if_there_were_nothing_else(worlds: Worlds) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(_subscribed(world, EVERYTHING)) for world in worlds]
        for written in _write(worlds):
            beside, alone = (_without_clock(stream.next().event) for stream in streams)
            assert (beside["type"], beside["guid"]) == written
            assert beside == alone


def test_a_websocket_tells_the_same_as_if_there_were_nothing_else(worlds: Worlds) -> None:
    with ExitStack() as stack:
        watchers = [
            stack.enter_context(Watcher(world.gateway.url, key=world.own)) for world in worlds
        ]
        for watcher in watchers:
            watcher.subscribe("1", EVERYTHING)
            watcher.subscribe("2", asking("executions", depth=2))
        lists = [_result(watcher, "2") for watcher in watchers]
        assert lists[0] == lists[1]
        for written in _write(worlds):
            beside, alone = (_without_clock(watcher.event()) for watcher in watchers)
            assert (beside["type"], beside["guid"]) == written
            assert beside == alone


def _result(watcher: Watcher, name: str) -> Any:
    told = watcher.read()
    assert (told["type"], told["id"]) == ("next", name)
    assert watcher.read() == {"id": name, "type": "complete"}
    return told["payload"]


def test_what_came_after_a_cursor_is_told_of_the_workspace_alone(worlds: Worlds) -> None:
    cursors = [_now(world) for world in worlds]
    written = [*_write(worlds)]
    told = []
    for world, cursor in zip(worlds, cursors, strict=True):
        with _subscribed(world, PLAIN, after=cursor) as stream:
            told.append([(each["type"], each["guid"]) for each in stream.take(6)])
    # Read again, from pages that are kept.
    world, cursor = worlds.beside, cursors[0]
    for key, first in ((world.own, "alpha-new"), (world.other, "bravo-new")):
        with _subscribed(world, PLAIN, key, after=cursor) as stream:
            assert stream.next().event["guid"] == first
    assert told == [written, written]


@pytest.mark.parametrize("query", [PLAIN, EVERYTHING], ids=["events", "with what they lead to"])
def test_subscriptions_of_several_workspaces_each_see_their_own(worlds: Worlds, query: str) -> None:
    """They are the same but for their keys."""
    world = worlds.beside
    with ExitStack() as stack:
        own, other, all_ = (
            stack.enter_context(_subscribed(world, query, key))
            for key in (world.own, world.other, world.all)
        )
        guids = {"alpha-11": [own, all_], "bravo-11": [other, all_], "nobody-11": [all_]}
        for guid, streams in guids.items():
            world.gateway.sql("UPDATE executions SET state = 'ERROR' WHERE guid = ?", guid)
            told = [stream.next().event for stream in streams]
            assert {each["guid"] for each in told} == {guid}
            if query is EVERYTHING:
                counts = [
                    each["execution"]["agentflow"]["executions"]["totalCount"] for each in told
                ]
                assert counts == [6, 18] if len(counts) == 2 else [18]


def test_a_cursor_is_another_text_although_nothing_has_happened(worlds: Worlds) -> None:
    """So that one that differs tells nothing of other workspaces."""
    assert _now(worlds.alone) != _now(worlds.alone)
    assert len(_now(worlds.alone)) == len(_now(worlds.alone))


def test_an_event_has_one_cursor_for_everybody_in_a_workspace(worlds: Worlds) -> None:
    world = worlds.beside
    queries = (PLAIN, PLAIN.replace("type", "type matches"))
    with ExitStack() as stack:
        streams = [stack.enter_context(_subscribed(world, query)) for query in queries]
        world.gateway.sql("UPDATE executions SET state = 'STOPPED' WHERE guid = 'alpha-10'")
        assert len({stream.next().event["cursor"] for stream in streams}) == 1


def test_a_cursor_of_a_key_that_sees_everything_can_not_be_used(worlds: Worlds) -> None:
    """Anybody can make such a cursor up, to find out whether there is an event at a position."""
    world = worlds.beside
    cursor = _now(world, key=world.all)
    with _subscribed(world, PLAIN, after=cursor) as stream:
        assert stream.next().code == "EVENTS_EXPIRED"
    with _subscribed(world, PLAIN, last_id=cursor) as stream:
        assert stream.next().code == "EVENTS_EXPIRED"


def test_a_cursor_of_another_database_says_no_more_than_a_forged_one(worlds: Worlds) -> None:
    for world, other in zip(worlds, reversed([*worlds]), strict=True):
        with _subscribed(world, PLAIN, after=_now(other)) as stream:
            assert stream.next().code == "EVENTS_EXPIRED"
        with _subscribed(world, PLAIN, after=_now(other, key=other.all)) as stream:
            assert stream.next().code == "EVENTS_EXPIRED"


def test_a_cursor_of_a_workspace_serves_other_keys_too(worlds: Worlds) -> None:
    world = worlds.beside
    cursor = _now(world)
    world.gateway.sql("UPDATE executions SET state = 'STOPPED' WHERE guid = 'bravo-10'")
    for key in (world.other, world.all):
        with _subscribed(world, PLAIN, key, after=cursor) as stream:
            assert stream.next().event["guid"] == "bravo-10"


def test_events_that_are_no_longer_kept_are_said_to_be(worlds: Worlds) -> None:
    world = worlds.beside
    cursor = _now(world)
    for state in ("STOPPED", "ERROR"):
        world.gateway.sql("UPDATE executions SET state = ? WHERE guid = 'bravo-10'", state)
    forget_events(world.gateway.place)
    with _subscribed(world, PLAIN, after=cursor) as stream:
        assert stream.next().code == "EVENTS_EXPIRED"


def test_what_an_execution_has_in_another_workspace_is_not_told(worlds: Worlds) -> None:
    """Nor by events of the time when it was here."""
    world = worlds.beside
    cursor = _now(world)
    for change in ("state = 'STOPPED'", f"workspace_id = '{OTHER}'"):
        world.gateway.sql(f"UPDATE executions SET {change} WHERE guid = 'alpha-04'")
    world.gateway.sql(
        "UPDATE execution_data SET data = ? WHERE execution_id ="
        " (SELECT id FROM executions WHERE guid = 'alpha-04')",
        '[{"nodeId": "secret"}]',
    )
    query = """subscription ($after: String) { executionEvents(after: $after) {
      guid type execution { data dataProblem steps { nodeId } session { id } }
    } }"""
    with _subscribed(world, query, after=cursor) as stream:
        told = stream.take(2)
    assert [each["type"] for each in told] == ["UPDATED", "DELETED"]
    for each in told:
        assert each["execution"]["data"] is each["execution"]["dataProblem"] is None
        assert each["execution"]["steps"] == []


@pytest.mark.parametrize("workspace", [OTHER, None])
def test_a_subscription_ends_when_its_key_is_bound_to_something_else(
    worlds: Worlds, workspace: str | None
) -> None:
    world = worlds.beside
    with (
        _subscribed(world, PLAIN) as stream,
        Watcher(world.gateway.url, key=world.own) as watcher,
    ):
        watcher.subscribe("1", PLAIN)
        watcher.synchronize()
        try:
            world.gateway.sql(
                "UPDATE api_keys SET workspace_id = ? WHERE workspace_id = ?", workspace, OWN
            )
            assert stream.next().code == "FORBIDDEN"
            assert watcher.socket.read_close()[0] == 4403
        finally:
            world.gateway.sql("UPDATE api_keys SET workspace_id = ? WHERE id = 1", OWN)
