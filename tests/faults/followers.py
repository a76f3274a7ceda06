"""Clients that load a list and then follow its changes, and come back by their cursor."""

import contextlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import httpx

from db.events.cursors import decode_cursor
from db.events.position import Position
from tests import plain_http
from tests.faults.streams import GONE, MEANWHILE, TRANSPORTS, Ended, Result

MOST = 5_000
"""How many executions a list may have, which is read as one page."""
END = "the-end"
"""The guid of the execution that is created last; whoever sees it has seen everything."""
FIELDS = "guid databaseId agentflowId sessionId state createdOn updatedOn finishedOn"
LIST = f"""query ($filter: ExecutionFilter) {{
  eventCursor
  executions(filter: $filter, first: {MOST}) {{ nodes {{ {FIELDS} }} pageInfo {{ hasNextPage }} }}
}}"""
EVENTS = f"""subscription ($filter: ExecutionFilter, $after: String) {{
  executionEvents(filter: $filter, after: $after) {{
    cursor type matches guid previousState occurredOn execution {{ {FIELDS} }}
  }}
}}"""


class Row(NamedTuple):
    """An execution, with times in epoch milliseconds."""

    guid: str
    database_id: int
    agentflow_id: str
    session_id: str | None
    state: str
    created_on: int
    updated_on: int
    finished_on: int | None


COLUMNS = "guid, id, agentflow_id, session_id, state, created_on, updated_on, finished_on"
"""Those of a row, in SQL."""
Copy: TypeAlias = dict[str, Row]


class Change(NamedTuple):
    """An event."""

    position: Position
    type: str
    guid: str
    previous_state: str | None
    occurred_on: int
    row: Row


@dataclass(frozen=True)
class Interest:
    """A filter, and what it means."""

    filter: dict[str, Any] | None
    matches: Callable[[Row], bool]


EVERYTHING = Interest(None, lambda _: True)
SOME = Interest(
    {"agentflowId": {"in": ["flow-0", "flow-1"]}, "state": {"notIn": ["STOPPED", "ERROR"]}},
    lambda row: row.agentflow_id in {"flow-0", "flow-1"} and row.state not in {"STOPPED", "ERROR"},
)


class Follower:
    """A client with a copy of what it is interested in, and all the changes that it was told.

    ``loaded`` is the list that it began with.
    It leaves after a change with a likelihood of ``restless``, and comes back, through whichever
    gateway. A change that does not fit its copy is a failure.
    """

    def __init__(
        self, urls: list[str], transport: str, interest: Interest, epoch: str, restless: float
    ) -> None:
        self.interest = interest
        self.loaded: Copy = {}
        self.copy: Copy = {}
        self.changes: list[Change] = []
        self.is_loaded = threading.Event()
        self._urls = urls
        self._stream = TRANSPORTS[transport]
        self._epoch = epoch
        self._restless = restless
        self._chance = random.Random()
        self._cursor: str | None = None
        self._failures: list[BaseException] = []
        self._is_given_up = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def join(self, seconds: float = 120) -> None:
        """Wait until it has seen the end. Raises what went wrong."""
        self._thread.join(seconds)
        if self._failures:
            raise self._failures[0]
        assert not self._thread.is_alive(), f"it has seen {len(self.changes)} changes, not the end"

    def give_up(self) -> None:
        """End it soon, if it has not ended yet."""
        self._is_given_up = True

    def _run(self) -> None:
        try:
            while END not in self.copy and not self._is_given_up:
                with contextlib.suppress(*GONE, httpx.TransportError):
                    self._follow(self._chance.choice(self._urls))
                # No gateway may be there for a moment.
                time.sleep(0.02)
        except BaseException as error:  # noqa: BLE001 - told by whoever waits
            self._failures.append(error)
            self.is_loaded.set()

    def _follow(self, url: str) -> None:
        if self._cursor is None:
            asked = {"query": LIST, "variables": {"filter": self.interest.filter}}
            answer = plain_http.post(f"{url}/graphql", json=asked, timeout=60)
            if answer.status_code == 503:
                return
            data = answer.json()["data"]
            assert not data["executions"]["pageInfo"]["hasNextPage"]
            self.loaded = {row.guid: row for row in map(_row, data["executions"]["nodes"])}
            self.copy = dict(self.loaded)
            self._cursor = data["eventCursor"]
            self.is_loaded.set()
            if END in self.copy:
                return
        stream = self._stream(url, EVENTS, filter=self.interest.filter, after=self._cursor)
        try:
            with contextlib.closing(stream):  # type: ignore[type-var]
                for data in stream:
                    self._take(data["executionEvents"])
                    if END in self.copy or self._chance.random() < self._restless:
                        return
        except Ended as ended:
            if ended.code not in MEANWHILE:
                raise

    def _take(self, event: Result) -> None:
        """Change the copy; what is told must fit it."""
        position = decode_cursor(event["cursor"], self._epoch, "after").position
        row = _row(event["execution"])
        change = Change(
            position,
            event["type"],
            event["guid"],
            event["previousState"],
            _time(event["occurredOn"]),
            row,
        )
        assert row.guid == event["guid"]
        assert not self.changes or position > self.changes[-1].position, (change, self.changes[-1])
        known = self.copy.get(row.guid)
        if change.type == "DELETED":
            assert known == row, (change, known)
            assert not event["matches"]
        elif change.type == "UPDATED":
            assert known is None or known.state == change.previous_state, (change, known)
        else:
            assert known is None, (change, known)
            assert change.previous_state is None
        is_told_rightly = change.type == "DELETED" or event["matches"] == self.interest.matches(row)
        assert is_told_rightly, event
        if event["matches"]:
            self.copy[row.guid] = row
        else:
            # It was there before, or would not have been told.
            del self.copy[row.guid]
        self.changes.append(change)
        self._cursor = event["cursor"]


def _row(execution: Result) -> Row:
    return Row(
        execution["guid"],
        execution["databaseId"],
        execution["agentflowId"],
        execution["sessionId"],
        execution["state"],
        _time(execution["createdOn"]),
        _time(execution["updatedOn"]),
        execution["finishedOn"] and _time(execution["finishedOn"]),
    )


def _time(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
