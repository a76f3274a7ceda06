"""Clients that write, and what must be there of their writes whatever happens meanwhile."""

import itertools
import threading
import time
from collections.abc import Callable

from tests import plain_http
from tests.faults.programs import graphql
from tests.gateway import run_sql
from tests.places import Place

BULK = 20
DELETE = "mutation ($guids: [ID!]!) { deleteExecutions(guids: $guids) { affected } }"
UPDATE = """mutation ($guid: ID!, $state: ExecutionState!) {
  updateExecution(guid: $guid, input: {state: $state}) { __typename }
}"""
TOTALS = """{
  all: executions { totalCount }
  stopped: executions(filter: {state: {eq: STOPPED}}) { totalCount }
}"""


def fill(place: Place, count: int) -> None:
    """Write executions that are in progress, spread over some days and agentflows."""
    place.run(
        "INSERT INTO executions (guid, agentflow_id, session_id, state, created_on)"
        " VALUES (?, ?, ?, 'INPROGRESS', ?)",
        [
            (f"g-{n}", f"flow-{n % 7}", f"s-{n % 50}", 1_700_000_000_000 + n * 60_000)
            for n in range(count)
        ],
    )


def change(url: str, guid: str, state: str) -> tuple[int, str]:
    """Set a state; the status, and the message of the error, which says nothing of the inside."""
    variables = {"guid": guid, "state": state}
    body = {"query": UPDATE, "variables": variables}
    answer = plain_http.post(f"{url}/graphql", json=body, timeout=60)
    if "errors" not in answer.json():
        return answer.status_code, ""
    [error] = answer.json()["errors"]
    assert error["extensions"] == {"code": "SERVICE_UNAVAILABLE"}
    assert "/" not in error["message"]
    return answer.status_code, error["message"]


class Writers:
    """Odd clients delete bulks and even ones stop executions, each of them once."""

    def __init__(self, url: Callable[[], str], count: int) -> None:
        self._url = url
        self._count = count
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self.deleted: dict[int, bool] = {}
        self.stopped: dict[int, bool] = {}

    def ask(self, client: int) -> None:
        """Write once, and note whether it was acknowledged."""
        with self._lock:
            number = next(self._numbers)
        if (number + 1) * BULK > self._count:
            time.sleep(0.05)
            return
        if client % 2:
            done = graphql(self._url(), DELETE, guids=_bulk(number))
            self.deleted[number] = done is not None
        else:
            done = graphql(self._url(), UPDATE, guid=_bulk(number)[0], state="STOPPED")
            self.stopped[number] = done is not None
        if done is None:
            # Not all executions are to be used up while nobody answers.
            time.sleep(0.02)

    def check(self, place: Place) -> None:
        """Every acknowledged write is there, and no bulk is half there."""
        states = dict(run_sql(place, "SELECT guid, state FROM executions"))
        for number, is_acknowledged in self.deleted.items():
            left = sum(guid in states for guid in _bulk(number))
            assert left == 0 if is_acknowledged else left in (0, BULK), number
        for number, is_acknowledged in self.stopped.items():
            allowed = ("STOPPED",) if is_acknowledged else ("STOPPED", "INPROGRESS")
            assert states[_bulk(number)[0]] in allowed, number

    @property
    def acknowledged(self) -> int:
        """How many writes were."""
        return sum(self.deleted.values()) + sum(self.stopped.values())


def assert_totals_are_true(url: str, place: Place) -> None:
    """What is counted is what there is."""
    [(every, stopped)] = run_sql(
        place, "SELECT count(*), count(*) FILTER (WHERE state = 'STOPPED') FROM executions"
    )
    data = graphql(url, TOTALS)
    assert data["all"]["totalCount"] == every
    assert data["stopped"]["totalCount"] == stopped


def _bulk(number: int) -> list[str]:
    return [f"g-{number * BULK + place}" for place in range(BULK)]
