"""Executions that come into another workspace, by whatever an engine writes.

Who sees the workspace that they leave is told what they were there, as of a deletion, and nothing
of what they become.
"""

from contextlib import ExitStack
from typing import Any

import pytest

from tests.gateway import bearer
from tests.server.graphql.subscriptions.event_source import EventSource, subscribed
from tests.workspaces.selections import asking
from tests.workspaces.worlds import OTHER, World, Worlds

_EVERYTHING = asking("executionEvents", kind="subscription", depth=3)
_NEW = {
    "agentflow_id": "flow-bravo",
    "session_id": "session-bravo",
    "state": "ERROR",
    "created_on": 1_700_000_000_000,
    "updated_on": 1_700_000_001_000,
    "workspace_id": OTHER,
    "error": "bravo failed anew",
}
_SET = ", ".join(f"{name} = ?" for name in _NEW)
_NAMES = ", ".join(("guid", *_NEW))
_MARKS = ", ".join("?" * (1 + len(_NEW)))
_INSERT = f"INTO executions ({_NAMES}) VALUES ({_MARKS})"
_UPSERT = f"{_INSERT} ON CONFLICT (guid) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in _NEW
)
_MOVES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "update": (f"UPDATE executions SET {_SET} WHERE guid = 'alpha-04'", tuple(_NEW.values())),
    "another guid": (
        f"UPDATE executions SET guid = ?, {_SET} WHERE guid = 'alpha-04'",
        ("bravo-anew", *_NEW.values()),
    ),
    "upsert": (f"INSERT {_UPSERT}", ("alpha-04", *_NEW.values())),
    "replace": (f"INSERT OR REPLACE {_INSERT}", ("alpha-04", *_NEW.values())),
}


def _stream(stack: ExitStack, world: World, key: str, **options: Any) -> EventSource:
    return stack.enter_context(
        subscribed(world.gateway, _EVERYTHING, headers=bearer(key), **options)
    )


def _told(stream: EventSource) -> Any:
    return {**stream.next().event, "occurredOn": None}


@pytest.mark.parametrize(
    "move",
    [pytest.param(move, marks=pytest.mark.sqlite if move == "replace" else ()) for move in _MOVES],
)
def test_one_that_moves_with_new_contents_is_deleted_here_and_created_there(
    worlds: Worlds, move: str
) -> None:
    beside, alone = worlds
    cursors = [world.post("{ eventCursor }").json()["data"]["eventCursor"] for world in worlds]
    with ExitStack() as stack:
        here, lone = (_stream(stack, world, world.own) for world in worlds)
        there = _stream(stack, beside, beside.other)
        statement, values = _MOVES[move]
        beside.gateway.sql(statement, *values)
        alone.gateway.sql("DELETE FROM executions WHERE guid = 'alpha-04'")
        for world in worlds:
            world.gateway.sql("UPDATE executions SET state = 'ERROR' WHERE guid = 'alpha-06'")
        left = _told(here)
        assert (left["type"], left["guid"]) == ("DELETED", "alpha-04")
        assert left == _told(lone)
        assert _told(here) == _told(lone)
        came = _told(there)
        assert (came["type"], came["execution"]["error"]) == ("CREATED", _NEW["error"])
        assert "alpha failed" not in str(came)
        assert "session-alpha" not in str(came)
    # Read from the log.
    with ExitStack() as stack:
        here, lone = (
            _stream(stack, world, world.own, last_id=cursor)
            for world, cursor in zip(worlds, cursors, strict=True)
        )
        assert [_told(here), _told(here)] == [_told(lone), _told(lone)]
